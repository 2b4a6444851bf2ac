"""`steelyard import`, `steelyard export` and `steelyard callbacks` against a real server, and `callbacks listen` against real callbacks."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import re
import socket
from collections.abc import AsyncGenerator, AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from PIL import Image

from steelyard.callbacks.sign import new_secret
from steelyard.ctx import Actor, Ctx
from steelyard.errors import InvalidRequest
from steelyard.http.asgi import App
from steelyard.jobs.worker import drain
from steelyard.net.operator import Server, ServerFailed, server
from steelyard.ops import exporting, importing, ledger, listener, moving, uploading
from steelyard.ops.serving import Server as HttpServer
from tests.api.builders import image_task
from tests.conftest import Keys
from tests.worker.helpers import make_event, make_task


@pytest.fixture
async def url(app: App) -> AsyncGenerator[str]:
    """The application behind a real HTTP server on a free port."""
    config = uvicorn.Config(
        app, http="httptools", ws="none", lifespan="off", access_log=False, log_config=None
    )
    http = HttpServer(config)
    with socket.create_server(("127.0.0.1", 0)) as sock:
        task = asyncio.create_task(http.serve(sockets=[sock]))
        yield f"http://127.0.0.1:{sock.getsockname()[1]}"
        http.should_exit = True
        await task


@pytest.fixture
async def here(url: str, keys: Keys) -> AsyncGenerator[Server]:
    async with server(url, keys.live) as opened:
        yield opened


class Seen:
    """A progress bar's calls."""

    def __init__(self) -> None:
        self.calls: list[tuple[int, int]] = []

    def __call__(self, done: int, total: int) -> None:
        self.calls.append((done, total))


def write(path: Path, *bodies: Any) -> Path:
    path.write_text("".join(json.dumps(b) + "\n" for b in bodies))
    return path


async def _project(here: Server, **more: Any) -> None:
    await here.post("/v1/projects", {"name": "herd", "type": "imageannotation", **more})
    await here.post("/v1/batches", {"name": "week/1", "project": "herd"})


async def test_a_file_is_imported_once_however_often_it_is_sent(here: Server, tmp_path: Path) -> None:
    await _project(here)
    bodies = [image_task(unique_id=f"n{n}") for n in range(700)] + [{"bad": 1}]
    path, seen = write(tmp_path / "a.ndjson", *bodies), Seen()
    dry = await importing.from_file(
        here, path, {"project": "herd", "dry_run": "true"}, objects=False, name_lines=False, progress=seen
    )
    assert (dry.valid, dry.refused, dry.created) == (700, 1, 0)
    assert (await here.get("/v1/tasks"))["total"] == 0
    first = await importing.from_file(
        here, path, {"project": "herd"}, objects=False, name_lines=False, progress=seen
    )
    assert (first.created, first.refused) == (700, 1)
    assert first.refusals[0].startswith("line 701: ")
    assert seen.calls[-1] == (path.stat().st_size, path.stat().st_size)
    again = await importing.from_file(
        here, path, {"project": "herd"}, objects=False, name_lines=False, progress=seen
    )
    assert (again.created, again.existing) == (0, 700)


async def test_lines_without_a_name_can_be_given_one(here: Server, tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.ndjson", *[image_task(metadata={"n": n}, type="imageannotation") for n in range(5)]
    )
    for created in (5, 0):
        outcome = await importing.from_file(here, path, {}, objects=False, name_lines=True, progress=Seen())
        assert (outcome.created, outcome.existing) == (created, 5 - created)


@contextlib.asynccontextmanager
async def cutting(port: int, cuts: list[int]) -> AsyncIterator[str]:
    """A proxy that cuts each connection after so many bytes have gone up, as long as there are numbers in `cuts`; its address."""

    async def through(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        left = cuts.pop(0) if cuts else None
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", port)

        async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter, limit: int | None) -> None:
            while data := await source.read(16_384):
                sink.write(data)
                await sink.drain()
                if limit is not None and (limit := limit - len(data)) < 0:
                    raise ConnectionError
            sink.close()

        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(pump(reader, up_writer, left))
                group.create_task(pump(up_reader, writer, None))
        except* ConnectionError:
            pass
        finally:
            for sink in (writer, up_writer):
                sink.transport.abort()

    proxy = await asyncio.start_server(through, "127.0.0.1", 0)
    async with proxy:
        yield f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}"


async def test_an_import_goes_on_after_connections_that_break(url: str, keys: Keys, tmp_path: Path) -> None:
    """A proxy cuts the first connections in the middle; every line is a task once."""
    cuts = [150_000, 90_000, 400_000]
    path = write(
        tmp_path / "a.ndjson", *[image_task(unique_id=f"n{n}", type="imageannotation") for n in range(2000)]
    )
    async with cutting(int(url.rsplit(":", 1)[1]), cuts) as address, server(address, keys.live) as cut:
        outcome = await importing.send(
            cut,
            "/api/tasks/bulk",
            {},
            importing.lines_of(path),
            total=1,
            progress=Seen(),
            pause_s=0.01,
        )
        assert outcome.created + outcome.existing == 2000
        assert outcome.refused == 0
        assert not cuts, "no connection was cut"
    async with server(url, keys.live) as direct:
        assert (await direct.get("/v1/tasks"))["total"] == 2000


async def test_a_folder_becomes_tasks_with_the_projects_params(here: Server, tmp_path: Path) -> None:
    await _project(here, params={k: v for k, v in image_task().items() if k in ("instruction", "geometries")})
    (tmp_path / "sub").mkdir()
    for name in ("a.png", "sub/b, c.jpg", "note.txt"):
        picture = io.BytesIO()
        Image.new("RGB", (40, 30), (len(name), 0, 0)).save(picture, "PNG")
        (tmp_path / name).write_bytes(picture.getvalue())
    dry = await importing.from_folder(
        here, tmp_path, "herd", batch=None, extra={}, dry_run=True, progress=Seen()
    )
    assert dry.valid == 2
    for created in (2, 0):
        outcome = await importing.from_folder(
            here, tmp_path, "herd", batch="week/1", extra={"tags": ["photo"]}, dry_run=False, progress=Seen()
        )
        assert (outcome.created, outcome.existing) == (created, 2 - created), outcome
    docs = (await here.get("/v1/tasks"))["docs"]
    assert {d["unique_id"] for d in docs} == {"herd/a.png", "herd/sub/b, c.jpg"}
    assert all(d["params"]["attachment"].startswith("scaledata://") and d["tags"] == ["photo"] for d in docs)
    assert all(d["batch"] == "week/1" and "geometries" in d["params"] for d in docs)


async def test_everything_of_another_server_comes_over_and_the_counts_agree(
    url: str, keys: Keys, ctx: Ctx
) -> None:
    async with server(url, keys.test) as there, server(url, keys.other_test) as here:
        await _project(there, params={"instruction": "Base."})
        await there.post("/v1/projects", {"name": "r", "type": "imageannotation", "rapid": True})
        await there.post("/v1/batches", {"name": "rapid one", "project": "r"})
        await there.post("/v1/batches/week%2F1/setMetadata", {"a": 1})
        await there.post("/v1/batches/week%2F1/prioritize", {"priority": 20})
        for n in range(130):
            target: Any = ({"batch": "week/1"}, {"batch": "rapid one"}, {})[n % 3]
            await there.post("/v1/task/imageannotation", image_task(unique_id=f"u{n}", **target))
            if n == 60:
                await there.post("/v1/projects/herd/setParams", {"instruction": "Base, more exactly."})
                await there.post(
                    "/v1/projects/herd/setOntology", {"name": "kinds", "ontology": ["cow", "calf"]}
                )
        await there.post("/v1/batches/rapid%20one/finalize")
        said: list[str] = []
        dry, _ = await moving.move(
            there, here, unchecked=False, dry_run=True, say=said.append, progress=Seen()
        )
        assert "project herd" in said
        assert (await here.get("/v1/tasks"))["total"] == 0
        assert (dry.valid, dry.refused) == (130, 0), "their projects and batches would be made"
        outcome, differences = await moving.move(
            there, here, unchecked=False, dry_run=False, say=said.append, progress=Seen()
        )
        assert (outcome.created, outcome.refused) == (130, 0), outcome
        assert differences == []
        again, _ = await moving.move(
            there, here, unchecked=False, dry_run=False, say=said.append, progress=Seen()
        )
        assert (again.created, again.existing) == (0, 130)
        own = {"projectId", "is_test"}
        mine, theirs = [(await s.get("/v1/projects/herd")) for s in (here, there)]
        for project in (mine, theirs):
            for entry in (*project["param_history"], *project["ontologyHistory"]):
                del entry["created_at"]
        for key in ("param_history", "ontologyHistory"):
            assert mine[key] == theirs[key]
        assert [v["instruction"] for v in mine["param_history"]] == ["Base.", "Base, more exactly."]
        theirs = (await there.get("/v1/tasks"))["docs"]
        mine = (await here.get("/v1/tasks"))["docs"]
        assert [{k: v for k, v in t.items() if k not in own} for t in mine] == [
            {k: v for k, v in t.items() if k not in own} for t in theirs
        ]
        assert {t.get("project_param_version") for t in mine} == {0, 1, None}
        batch = await here.get("/v1/batches/week%2F1")
        assert (batch["metadata"], batch["priority"]) == ({"a": 1}, 20)
        await drain(ctx)
        assert (await here.get("/v1/batches/rapid%20one"))["status"] == "completed"
        await there.post("/v1/task/imageannotation", image_task(project="herd"))
        differences = await moving._differences(there, here, ["herd"])
        assert [d.what for d in differences] == ["all tasks", "herd, completed"]


async def test_files_that_the_other_server_keeps_come_over_with_its_tasks(
    url: str, keys: Keys, ctx: Ctx, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mask of two images, both uploaded there, one of them twice as large as what is sent at once."""
    ctx.public_url = url
    monkeypatch.setattr("steelyard.ops.copying._SMALL", 300)
    said: list[str] = []

    async def move(unchecked: bool = False) -> tuple[importing.Outcome, list[moving.Difference]]:
        return await moving.move(
            there, here, unchecked=unchecked, dry_run=False, say=said.append, progress=Seen()
        )

    async with server(url, keys.test) as there, server(url, keys.other_test) as here:
        await there.post("/v1/projects", {"name": "quay", "type": "segmentannotation"})
        pictures: dict[str, bytes] = {}
        theirs_at: dict[str, str] = {}
        for name, size in (("a", 40), ("b", 400)):
            picture = io.BytesIO()
            Image.effect_noise((size, size), 90).save(picture, "PNG")
            pictures[name] = picture.getvalue()
            fields = {"project_name": "quay", "reference_id": name, "metadata": '{"camera": 1}'}
            made = await there.upload("/v1/files/upload", f"{name}.png", pictures[name], fields)
            body = {"instruction": "Paint.", "labels": ["water"], "unique_id": name, "project": "quay"}
            theirs_at[name] = made["attachment_url"]
            await there.post("/v1/task/segmentannotation", {**body, "attachment": theirs_at[name]})
        lost = await there.upload("/v1/files/upload", "c.png", pictures["a"], {"reference_id": "lost"})
        await there.post(
            "/v1/task/segmentannotation", {**body, "attachment": lost["attachment_url"], "unique_id": "c"}
        )
        await ctx.db.execute("update file set state = 'failed' where id = $1", lost["id"])
        # A pre-label that lies there, and files that no task refers to: of one project, of two, of none.
        mask = io.BytesIO()
        Image.new("L", (40, 40), 1).save(mask, "PNG")
        pre = await there.upload("/v1/files/upload", "mask.png", mask.getvalue(), {})
        await there.post(
            "/v1/task/segmentannotation",
            {
                **body,
                "attachment": theirs_at["a"],
                "unique_id": "pre",
                "hypothesis": {
                    "labelMapping": {"water": {"index": 1}},
                    "annotations": {"combined": {"indexedImage": pre["attachment_url"]}},
                },
            },
        )
        await there.post("/v1/projects", {"name": "dock", "type": "segmentannotation"})
        for name, of in (("one", ["quay"]), ("two", ["quay", "dock"]), ("none", [None])):
            for project in of:
                fields = {"reference_id": f"stray {name}"} | ({"project_name": project} if project else {})
                await there.upload("/v1/files/upload", f"{name}.png", pictures["a"] + name.encode(), fields)
        assert (await here.get("/v1/tasks"))["total"] == 0

        async def tasks_of(at: Server) -> dict[str, Any]:
            page = await at.get("/v1/tasks", {"include_attachment_url": "true"})
            return {t["unique_id"]: t for t in page["docs"]}

        async def read(at: Server, address: str) -> bytes:
            return b"".join([piece async for piece in at.download(address)])

        outcome, differences = await move()
        assert (outcome.created, outcome.refused) == (3, 1), outcome
        assert "4 of 4 files that no task refers to are here" in said
        assert lost["attachment_url"] in outcome.refusals[0]
        assert {d.what for d in differences} == {"all tasks", "quay, completed", "files of tasks"}
        theirs, mine = await tasks_of(there), await tasks_of(here)
        assert set(mine) == {"a", "b", "pre"}
        own_mask = mine.pop("pre")["params"]["hypothesis"]["annotations"]["combined"]["indexedImage"]
        found = await here.get("/v1/files", {"attachment_url": own_mask, "include_attachment_url": "true"})
        assert own_mask != pre["attachment_url"]
        assert await read(here, found["docs"][0]["s3URL"]) == mask.getvalue()
        for name, of in (("one", ["quay"]), ("two", ["quay", "dock"]), ("none", [])):
            query = {"reference_id": f"stray {name}", "include_attachment_url": "true"}
            [stray] = (await here.get("/v1/files", query))["docs"]
            assert sorted(stray["project_names"]) == sorted(of)
            assert await read(here, stray["s3URL"]) == pictures["a"] + name.encode()
        for name, task in mine.items():
            assert task["params"]["attachment"] != theirs[name]["params"]["attachment"]
            assert await read(here, task["attachmentS3Downloads"][0]["s3URL"]) == pictures[name]
            answers = [links_in(t["response"]) for t in (task, theirs[name])]
            assert answers[0]
            assert not set(answers[0]) & set(answers[1])
            for own, other in zip(*answers, strict=True):
                assert await read(here, own) == await read(there, other)
        listed = (await here.get("/v1/files", {"project": "quay"}))["docs"]
        assert {(f["reference_id"], f["size"]) for f in listed} >= {(n, len(p)) for n, p in pictures.items()}
        assert {json.dumps(f["metadata"]) for f in listed if "metadata" in f} == {'{"camera": 1}'}
        files = await ctx.db.fetchval("select count(*) from file")
        again, _ = await move()
        assert (again.created, again.existing, again.refused) == (0, 3, 1)
        assert await ctx.db.fetchval("select count(*) from file") == files, "what was copied is found again"
        as_it_is, differences = await move(unchecked=True)
        assert (as_it_is.created, [d.what for d in differences]) == (1, ["files of tasks"])


def links_in(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value] if value.startswith("http") else []
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [found for one in inner for found in links_in(one)]


async def test_an_upload_goes_on_after_breaks_and_after_its_command_was_ended(
    here: Server, url: str, keys: Keys, tmp_path: Path
) -> None:
    content = os.urandom(3_000_000)
    path, port = tmp_path / "scan.las", int(url.rsplit(":", 1)[1])
    path.write_bytes(content)
    cuts = [700_000, 900_000]
    async with cutting(port, cuts) as address, server(address, keys.live) as cut:
        seen = Seen()
        made = await uploading.upload_file(cut, path, {"reference_id": "one"}, progress=seen, pause_s=0.01)
        assert not cuts, "no connection was cut"
        assert seen.calls[-1] == (len(content), len(content))
    [task_of_file] = (await here.get("/v1/files", {"reference_id": "one"}))["docs"]
    assert task_of_file["attachment_url"] == made["attachment_url"]
    assert task_of_file["size"] == len(content)
    path.write_bytes(content[::-1])
    async with cutting(port, [1_500_000]) as address, server(address, keys.live) as cut:
        running = asyncio.create_task(uploading.upload_file(cut, path, {}, progress=Seen(), pause_s=60))
        while not (under_way := (await here.get("/api/uploads"))["uploads"]) or not running.done():
            had = (await here.get(f"/api/uploads/{under_way[0]['id']}"))["offset"] if under_way else 0
            if had:
                running.cancel()
            await asyncio.wait([running], timeout=0.01)
    seen = Seen()
    made = await uploading.upload_file(here, path, {}, progress=seen)
    assert seen.calls[0][0] > 0, "it goes on where the first command was ended"
    assert made["id"] == under_way[0]["id"]
    assert (await here.get("/api/uploads"))["uploads"] == []


async def test_an_export_that_was_interrupted_is_gone_on_with(here: Server, tmp_path: Path) -> None:
    path = write(
        tmp_path / "a", *[image_task(type="imageannotation", metadata={"n": n}) for n in range(1500)]
    )
    await importing.from_file(here, path, {}, objects=False, name_lines=False, progress=Seen())
    whole, part = tmp_path / "whole.ndjson", tmp_path / "part.ndjson"
    assert await exporting.export(here, {}, whole, resume=False, progress=Seen()) == 1500
    content = whole.read_bytes()
    lines = content.splitlines(keepends=True)
    assert len(lines) == 1500
    for cut in (0, 10, len(lines[0]), len(content) // 2, len(content) - 3, len(content)):
        part.write_bytes(content[:cut])
        await exporting.export(here, {}, part, resume=True, progress=Seen())
        assert part.read_bytes() == content
    with pytest.raises(FileExistsError):
        await exporting.export(here, {}, part, resume=False, progress=Seen())
    with pytest.raises(ServerFailed, match="401"):
        async with server(here.base, "wrong") as stranger:
            await exporting.export(stranger, {}, tmp_path / "x", resume=False, progress=Seen())


async def test_going_on_with_an_export_finds_tasks_that_came_late_and_says_when_some_are_lacking(
    here: Server, tmp_path: Path, ctx: Ctx
) -> None:
    path = write(tmp_path / "a", *[image_task(type="imageannotation", metadata={"n": n}) for n in range(9)])
    await importing.from_file(here, path, {}, objects=False, name_lines=False, progress=Seen())
    ids = sorted(t["task_id"] for t in (await here.get("/v1/tasks"))["docs"])
    # two that were being written while the others were exported, as an export sees them
    late = f"update task set space_id = {{}} where id = any('{{{{{ids[3]},{ids[6]}}}}}')"
    other = await ctx.db.fetchval("select max(id) from space")
    space = await ctx.db.fetchval("select space_id from task where id = $1", ids[0])
    assert other != space
    target = tmp_path / "tasks.ndjson"

    def exported() -> list[str]:
        return [json.loads(line)["task_id"] for line in target.read_bytes().splitlines()]

    await ctx.db.execute(late.format(other))
    assert await exporting.export(here, {}, target, resume=False, progress=Seen()) == 7
    await ctx.db.execute(late.format(space))
    assert await exporting.export(here, {}, target, resume=True, progress=Seen()) == 2
    assert exported() == [i for i in ids if i not in (ids[3], ids[6])] + [ids[3], ids[6]]
    assert await exporting.export(here, {}, target, resume=True, progress=Seen()) == 0, (
        "whoever came late is known"
    )
    last = await here.post("/v1/task/imageannotation", image_task())
    assert await exporting.export(here, {}, target, resume=True, progress=Seen()) == 1
    assert sorted(exported()) == [*ids, last["task_id"]]
    older = json.loads(target.read_bytes().splitlines()[0])
    older |= {"task_id": "5" + older["task_id"][1:], "created_at": "2014-01-01T00:00:00.000Z"}
    await importing.from_file(
        here, write(tmp_path / "b", older), {}, objects=True, name_lines=False, progress=Seen()
    )
    with pytest.raises(exporting.Lacking, match="lacks 1 of 11 tasks"):
        await exporting.export(here, {}, target, resume=True, progress=Seen())
    with pytest.raises(InvalidRequest, match="no task"):
        await exporting.export(here, {}, path, resume=True, progress=Seen())


@contextlib.asynccontextmanager
async def listening(said: list[str], **options: Any) -> AsyncIterator[str]:
    stop = asyncio.Event()
    task = asyncio.create_task(
        listener.serve(
            "127.0.0.1", 0, say=said.append, stop=stop, **{"answer": 200, "brief": False, **options}
        )
    )
    while not said:
        await asyncio.sleep(0.01)
    found = re.search(r"http://\S+/", said[0])
    assert found is not None
    yield found[0]
    stop.set()
    await task


async def test_the_listener_prints_what_arrives_and_whether_it_is_genuine(
    ctx: Ctx, here: Server, live_actor: Actor
) -> None:
    settings = await here.get("/api/callback-settings")
    said: list[str] = []
    genuine = {"secret": settings["signing_secret"], "auth_key": settings["auth_key"]}
    async with listening(said, **genuine) as address:
        task = await make_task(ctx, live_actor.space_id)
        await make_event(
            ctx,
            live_actor.space_id,
            address + "cb",
            task_id=task,
            payload='{"task_id":"abc","status":"completed"}',
        )
        await drain(ctx)
    assert re.search(r"msg_\d+  /cb  abc completed  \d+ bytes  signature good  auth good", said[1])
    assert '"task_id": "abc"' in said[2]
    forged: list[str] = []
    async with listening(forged, secret=new_secret(), auth_key="x", answer=500, brief=True) as address:
        async with httpx.AsyncClient() as stranger:
            assert (await stranger.post(address, content=b"{")).status_code == 500
        await make_event(ctx, live_actor.space_id, address, payload="[]")
        await drain(ctx)
    assert "something that is not JSON  1 bytes  SIGNATURE BAD  AUTH BAD" in forged[1]
    assert "SIGNATURE BAD" in forged[2]
    assert len(forged) == 3


async def test_callbacks_are_listed_and_sent_again_by_number_by_filter_and_by_time(
    ctx: Ctx, url: str, keys: Keys, live_actor: Actor, capsys: pytest.CaptureFixture[str]
) -> None:
    days = ("2026-03-01", "2026-03-02", "2026-03-03")
    events = [
        await make_event(ctx, live_actor.space_id, f"http://127.0.0.1:9/{day}", job=False) for day in days
    ]
    for event, day in zip(events, days, strict=True):
        await ctx.db.execute(
            "update callback_event set state = 'failed', created_at = $2::text::timestamptz where id = $1",
            event,
            day + "T12:00:00Z",
        )
    at: Any = {"address": url, "key": keys.live}

    async def run(command: Any, *args: Any, **options: Any) -> str:
        """The command in a thread, for it has an event loop of its own; a worker meanwhile."""
        doing = asyncio.create_task(asyncio.to_thread(command, *args, **options, **at))
        while not doing.done():
            await asyncio.sleep(0.05)
            await ctx.db.execute(
                "update job set run_at = run_at + interval '1 hour' where kind = 'send_callback'"
            )
            await drain(ctx)
        await doing
        return capsys.readouterr().out

    async def again() -> dict[str, str]:
        return {
            r["target"][-10:]: r["state"]
            for r in await ctx.db.fetch("select target, state from callback_event")
        }

    assert await run(ledger.replay, str(events[0])) == "It is being sent again.\n"
    assert await again() == {days[0]: "pending", days[1]: "failed", days[2]: "failed"}
    between = {"after": datetime(2026, 3, 2), "before": datetime(2026, 3, 3)}
    said = await run(ledger.replay, dead=True, **between)
    assert said == "1 events are being sent again (done).\n"
    assert await again() == {days[0]: "pending", days[1]: "pending", days[2]: "failed"}
    listed = json.loads(await run(ledger.list_, dead=True, json=True))
    assert [e["id"] for e in listed] == [str(events[2])]
    shown = json.loads(await run(ledger.show_, str(events[2]), json=True))
    assert (shown["target"][-10:], shown["tried"]) == (days[2], [])
    await run(ledger.replay, target="http://127.0.0.1:9/2026-03-03", state="failed,delivered")
    assert set((await again()).values()) == {"pending"}
    with pytest.raises(InvalidRequest, match="Name an event"):
        ledger.replay(**at)

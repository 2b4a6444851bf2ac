"""`steelyard import`, `steelyard export` and `steelyard callbacks` against a real server, and `callbacks listen` against real callbacks."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from steelyard.ctx import Ctx
from steelyard.jobs.worker import drain
from steelyard.net.operator import Server, server
from steelyard.ops import importing, moving
from tests.api.builders import image_task
from tests.conftest import Keys


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

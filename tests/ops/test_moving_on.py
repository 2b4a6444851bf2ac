"""Uploads and exports that were interrupted are gone on with; `callbacks listen` and callbacks sent again, against a real server."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from steelyard.callbacks.sign import new_secret
from steelyard.ctx import Actor, Ctx
from steelyard.errors import InvalidRequest
from steelyard.jobs.worker import drain
from steelyard.net.operator import Server, ServerFailed, server
from steelyard.ops import exporting, importing, ledger, listener, uploading
from tests.api.builders import image_task
from tests.conftest import Keys
from tests.ops.test_moving import Seen, cutting, write
from tests.worker.helpers import make_event, make_task


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

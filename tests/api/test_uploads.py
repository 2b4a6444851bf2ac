"""Uploads in pieces by the tus protocol: they go on after a break, are checked, become files, and end."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os

import pytest
from msgspec import structs

from steelyard import files
from steelyard.errors import InvalidRequest
from steelyard.files.resumable import expire_uploads
from steelyard.jobs.specs import NoArgs
from steelyard.settings import Settings
from steelyard.storage import open_storage
from tests.api.crew import refused

TUS = {"Tus-Resumable": "1.0.0"}
PIECE = {**TUS, "Content-Type": "application/offset+octet-stream"}
CONTENT = os.urandom(300_000)


def metadata(**said: str) -> str:
    return ",".join(f"{k} {base64.b64encode(v.encode()).decode()}" for k, v in said.items())


async def begin(client, length=len(CONTENT), **said):
    headers = {**TUS, "Upload-Length": str(length), **({"Upload-Metadata": metadata(**said)} if said else {})}
    made = await client.post("/api/uploads", headers=headers)
    assert made.status_code == 201, made.text
    assert made.headers["Upload-Offset"] == "0"
    return made.headers["Location"].removeprefix("http://steelyard.test")


def send(client, where, content, offset, **headers):
    return client.patch(where, content=content, headers={**PIECE, "Upload-Offset": str(offset), **headers})


async def told(client, where):
    answer = await client.head(where, headers=TUS)
    assert answer.status_code == 200
    assert answer.headers["Tus-Resumable"] == "1.0.0"
    assert answer.headers["Cache-Control"] == "no-store"
    return int(answer.headers["Upload-Offset"]), int(answer.headers["Upload-Length"])


async def test_pieces_become_a_file_that_tasks_can_name(live, ctx):
    await live.post("/v1/projects", json={"type": "imageannotation", "name": "cows"})
    digest = hashlib.sha256(CONTENT).hexdigest()
    where = await begin(
        live, filename="cow.bin", filetype="application/x-cow", project_name="cows", sha256=digest
    )
    assert await told(live, where) == (0, 300_000)
    for at in range(0, 300_000, 100_000):
        sent = await send(live, where, CONTENT[at : at + 100_000], at)
        assert (sent.status_code, sent.headers["Upload-Offset"]) == (204, str(at + 100_000))
    assert await told(live, where) == (300_000, 300_000)
    shown = (await live.get(where)).json()
    [listed] = (await live.get("/v1/files", params={"project": "cows"})).json()["docs"]
    assert (listed["id"], listed["attachment_url"]) == (shown["file_id"], shown["attachment_url"])
    assert (listed["size"], listed["mime_type"], listed["display_name"]) == (
        300_000,
        "application/x-cow",
        "cow.bin",
    )
    assert await ctx.store.get(digest) == CONTENT
    assert not list(ctx.store._spool_dir.glob("*-*")), "nothing lies about"
    assert (await send(live, where, b"", 300_000)).status_code == 204, "the last piece again does no harm"
    assert await ctx.db.fetchval("select count(*) from file") == 1


async def test_a_break_leaves_what_came_and_the_client_goes_on_from_there(live, ctx, live_actor):
    where = await begin(live)

    async def breaking():
        yield CONTENT[:70_000]
        raise InvalidRequest("The client went away before the whole body arrived.")

    with pytest.raises(InvalidRequest):
        await files.append(ctx, live_actor, where.rpartition("/")[2], breaking(), offset=0, checksum=None)
    assert await told(live, where) == (70_000, 300_000)
    assert "70000" in refused(await send(live, where, CONTENT, 0), 409, "wrong-offset")["detail"]
    assert (await send(live, where, CONTENT[70_000:], 70_000)).status_code == 204
    assert await ctx.store.get(hashlib.sha256(CONTENT).hexdigest()) == CONTENT


@pytest.mark.parametrize("algorithm", ["sha256", "sha1", "md5"])
async def test_a_piece_with_the_wrong_checksum_is_taken_back(live, algorithm):
    where, piece = await begin(live), CONTENT[:100_000]
    right = base64.b64encode(hashlib.new(algorithm, piece).digest()).decode()
    damaged = await send(live, where, b"x" + piece[1:], 0, **{"Upload-Checksum": f"{algorithm} {right}"})
    refused(damaged, 460, "checksum-mismatch")
    assert (await told(live, where))[0] == 0
    assert (
        await send(live, where, piece, 0, **{"Upload-Checksum": f"{algorithm} {right}"})
    ).status_code == 204
    assert (await told(live, where))[0] == 100_000


async def test_a_whole_with_the_wrong_hash_becomes_no_file(live, ctx):
    where = await begin(live, sha256="0" * 64)
    refused(await send(live, where, CONTENT, 0), 460, "checksum-mismatch")
    assert (await live.get(where)).status_code == 404
    assert (
        await ctx.db.fetchval("select count(*) from file")
        == await ctx.db.fetchval("select count(*) from blob")
        == 0
    )
    assert not list(ctx.store._spool_dir.iterdir())


async def test_more_than_was_announced_is_refused_and_taken_back(live):
    where = await begin(live, 1000)
    refused(await send(live, where, b"x" * 1001, 0), 413, "too-large")
    assert await told(live, where) == (0, 1000)


async def test_two_writers_at_once_are_kept_apart(live, ctx, live_actor):
    where = await begin(live)
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow():
        yield CONTENT[:100]
        begun.set()
        await go_on.wait()
        yield CONTENT[100:]

    first = asyncio.create_task(
        files.append(ctx, live_actor, where.rpartition("/")[2], slow(), offset=0, checksum=None)
    )
    await begun.wait()
    refused(await send(live, where, CONTENT, 0), 423, "upload-busy")
    go_on.set()
    assert (await first).file_id is not None
    assert await ctx.store.get(hashlib.sha256(CONTENT).hexdigest()) == CONTENT


@pytest.mark.parametrize("stored", [False, True])
async def test_a_process_killed_after_the_last_byte_loses_nothing(live, ctx, live_actor, monkeypatch, stored):
    where = await begin(live)
    real = ctx.store.keep

    async def killed(spooled):
        if stored:
            await real(spooled)
        raise RuntimeError("killed")

    monkeypatch.setattr(ctx.store, "keep", killed)
    assert (await send(live, where, CONTENT, 0)).status_code == 500
    monkeypatch.undo()
    assert await told(live, where) == (300_000, 300_000)
    assert (await live.get(where)).json()["file_id"] is not None
    assert await ctx.store.get(hashlib.sha256(CONTENT).hexdigest()) == CONTENT


async def test_ended_and_expired_uploads_are_gone_with_what_came_of_them(live, ctx):
    ended, expired, kept = [await begin(live) for _ in range(3)]
    for where in (ended, expired, kept):
        await send(live, where, CONTENT[:1000], 0)
    assert (await live.delete(ended, headers=TUS)).status_code == 204
    await ctx.db.execute(
        "update upload set expires_at = steelyard.now() - interval '1 second' where id = $1",
        expired.rpartition("/")[2],
    )
    assert (await live.head(expired, headers=TUS)).status_code == 404
    await expire_uploads(ctx, NoArgs())
    for where in (ended, expired):
        assert (await send(live, where, CONTENT[1000:], 1000)).status_code == 404
    assert [p.name for p in ctx.store._spool_dir.iterdir()] == [f"upload-{kept.rpartition('/')[2]}"]
    assert (await live.delete(ended, headers=TUS)).status_code == 404


async def test_every_host_removes_the_pieces_of_uploads_that_another_hosts_worker_forgot(
    live, ctx, tmp_path, monkeypatch
):
    expired, kept, young = [await begin(live) for _ in range(3)]
    names = [f"upload-{where.rpartition('/')[2]}" for where in (expired, kept, young)]
    for where in (expired, kept, young):
        await send(live, where, CONTENT[:1000], 0)
    for name in names[:2]:
        os.utime(ctx.store._spool_dir / name, (0, 0))
    await ctx.db.execute(
        "update upload set expires_at = steelyard.now() - interval '1 second' where id <> $1",
        kept.rpartition("/")[2],
    )
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(ctx, "store", open_storage(Settings(data_dir=tmp_path / "other")))
        await expire_uploads(ctx, NoArgs())

    def left() -> set[str]:
        return {p.name for p in ctx.store._spool_dir.glob("upload-*")}

    assert left() == set(names)
    tidying = asyncio.create_task(files.tidy_host(ctx))  # as every server process does
    async with asyncio.timeout(10):
        while names[0] in left():
            await asyncio.sleep(0.01)
    tidying.cancel()
    assert left() == set(names[1:]), "of the young one the row may be on its way"


async def test_an_empty_file_is_whole_at_once(live):
    where = await begin(live, 0)
    assert (await live.get(where)).json()["file_id"] is not None


async def test_what_is_no_tus_request_is_refused(live, ctx):
    ctx.settings = structs.replace(ctx.settings, max_resumable_bytes=2000)
    old = await live.post("/api/uploads", headers={"Upload-Length": "5"})
    refused(old, 412, "tus-version")
    assert old.headers["Tus-Version"] == "1.0.0"
    refused(await live.post("/api/uploads", headers=TUS), 400, "invalid-request")
    refused(await live.post("/api/uploads", headers={**TUS, "Upload-Length": "-1"}), 400, "invalid-request")
    refused(await live.post("/api/uploads", headers={**TUS, "Upload-Length": "2001"}), 413, "too-large")
    bad = {**TUS, "Upload-Length": "5", "Upload-Metadata": "filename %%%"}
    refused(await live.post("/api/uploads", headers=bad), 400, "invalid-request")
    unknown = {**TUS, "Upload-Length": "5", "Upload-Metadata": metadata(project_name="nothing")}
    refused(await live.post("/api/uploads", headers=unknown), 404, "not-found")
    where = await begin(live, 5)
    refused(await live.patch(where, content=b"x", headers={**TUS, "Upload-Offset": "0"}), 415, "content-type")
    refused(await live.patch(where, content=b"x", headers=PIECE), 400, "invalid-request")
    refused(await send(live, where, b"x", 0, **{"Upload-Checksum": "crc32 AAAA"}), 400, "invalid-request")
    for path in ("/api/uploads/nothing", "/api/uploads/..%2f..%2fsecret-key"):
        assert (await send(live, path, b"x", 0)).status_code == 404


async def test_a_reference_id_that_is_taken_meanwhile_is_a_conflict_at_the_end(live):
    where = await begin(live, 5, reference_id="r")
    await live.post(
        "/v1/files/upload", files={"file": ("a", b"other", "text/plain")}, data={"reference_id": "r"}
    )
    refused(await send(live, where, b"12345", 0), 409, "conflict")


async def test_a_space_cannot_fill_the_disk_with_beginnings(live, monkeypatch):
    monkeypatch.setattr("steelyard.files.resumable.MOST_OPEN", 2)
    await begin(live)
    await begin(live)
    refused(await live.post("/api/uploads", headers={**TUS, "Upload-Length": "5"}), 429, "rate-limited")


async def test_clients_may_ask_what_is_spoken_here_before_they_sign_in(client_for, live):
    for path in ("/api/uploads", await begin(live)):
        told = await client_for(None).options(path)
        assert (told.status_code, told.content) == (204, b"")
        assert told.headers["Tus-Version"] == told.headers["Tus-Resumable"] == "1.0.0"
        assert told.headers["Tus-Extension"] == "creation,termination,checksum,expiration"
        assert told.headers["Tus-Checksum-Algorithm"] == "sha256,sha1,md5"
        assert int(told.headers["Tus-Max-Size"]) > 2**30


async def test_uploads_under_way_are_listed_until_they_are_whole_or_ended(live, other):
    digest = hashlib.sha256(CONTENT).hexdigest()
    first, second = await begin(live, filename="a.bin", sha256=digest), await begin(live, 5)
    listed = (await live.get("/api/uploads")).json()["uploads"]
    assert {(u["id"], u["length"], u["sha256"], u["display_name"]) for u in listed} == {
        (first.rpartition("/")[2], len(CONTENT), digest, "a.bin"),
        (second.rpartition("/")[2], 5, None, None),
    }
    assert (await other.get("/api/uploads")).json() == {"uploads": []}
    await send(live, first, CONTENT, 0)
    await live.delete(second, headers=TUS)
    assert (await live.get("/api/uploads")).json() == {"uploads": []}


async def test_a_host_that_has_not_the_pieces_says_who_has_and_that_they_are_lost_if_it_is_itself(live, ctx):
    where = await begin(live)
    await send(live, where, CONTENT[:1000], 0)
    partial = ctx.store.partial(where.rpartition("/")[2])
    elsewhere = partial.path.rename(partial.path.with_name("elsewhere"))
    for ours in (True, False):
        if not ours:
            await ctx.db.execute("update upload set host = 'hive-2'")
        for answer in (await live.get(where), await send(live, where, CONTENT[1000:], 1000)):
            if ours:
                refused(answer, 404, "not-found")
            else:
                assert "hive-2" in refused(answer, 503, "upload-elsewhere")["detail"]
    elsewhere.rename(partial.path)
    assert (await send(live, where, CONTENT[1000:], 1000)).status_code == 204, (
        "whatever the host is called now"
    )

"""Files: uploads, imports, lists, links to stored content (platform-api §16, §20)."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import struct
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from steelyard import users
from steelyard.files.jobs import import_file
from steelyard.files.model import ImportFile
from steelyard.files.types import type_of
from steelyard.jobs.specs import RetryLater
from steelyard.media.tokens import media_token, media_url
from steelyard.net import guard
from steelyard.storage.books import record_blob

MIB = 2**20


def png(shade=0):
    """A picture of one pixel."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    return (
        b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes([0, shade]))) + chunk(b"IEND", b"")
    )


def refused(response, status):
    assert response.status_code == status, response.text
    body = response.json()
    assert set(body) == {"status_code", "error"}
    assert body["status_code"] == status
    return body["error"]


async def project(client, name="cows"):
    made = await client.post("/v1/projects", json={"type": "imageannotation", "name": name})
    assert made.status_code == 200, made.text


async def upload(client, content=None, declared="image/png", **fields):
    content = png() if content is None else content
    return await client.post("/v1/files/upload", files={"file": ("a.png", content, declared)}, data=fields)


async def test_an_upload_as_the_sdk_does_it_gives_a_file_that_can_be_listed(live):
    await project(live)
    sent = await upload(live, project_name="cows", display_name="Bess", metadata='{"herd": 7, "x": [1.0]}')
    assert sent.status_code == 200, sent.text
    doc = sent.json()
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", doc["id"])
    assert re.fullmatch(rf"scaledata://\d+/{doc['id']}", doc["attachment_url"])
    assert (doc["mime_type"], doc["size"], doc["project_names"]) == ("image/png", len(png()), ["cows"])
    assert (doc["display_name"], doc["metadata"]) == ("Bess", {"herd": 7, "x": [1.0]})
    assert "reference_id" not in doc
    assert (await live.get("/v1/files?project=cows")).json() == {
        "docs": [doc],
        "total": 1,
        "limit": 100,
        "has_more": False,
    }


async def test_the_content_is_stored_under_its_hash(live, ctx):
    content = bytes(range(256)) * 5000
    doc = (await upload(live, content, "application/vnd.points")).json()
    assert doc["mime_type"] == "application/vnd.points"
    assert await ctx.store.get(hashlib.sha256(content).hexdigest()) == content


async def test_fields_may_come_after_the_file_and_pieces_may_be_cut_anywhere(live, ctx):
    content = b"\r\n--bound" * 999 + b"\r\n"
    body = (
        b'--bound\r\nContent-Disposition: form-data; name="file"; filename="x"\r\nContent-Type: text/plain\r\n\r\n'
        + content
        + b'\r\n--bound\r\nContent-Disposition: form-data; name="reference_id"\r\n\r\nr\xc3\xa9f\r\n--bound--\r\n'
    )

    content = b"-".join([b"\r\n--boun"] * 999)
    body = body.replace(b"\r\n--bound" * 999 + b"\r\n", content)

    async def pieces() -> AsyncIterator[bytes]:
        for i in range(0, len(body), 7):
            yield body[i : i + 7]

    sent = await live.post(
        "/v1/files/upload",
        content=pieces(),
        headers={"Content-Type": "multipart/form-data; boundary=bound"},
    )
    assert sent.status_code == 200, sent.text
    assert (sent.json()["reference_id"], sent.json()["size"]) == ("réf", len(content))
    assert await ctx.store.get(hashlib.sha256(content).hexdigest()) == content


async def _stream(size) -> AsyncIterator[bytes]:
    yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n'
    block = bytes(MIB)
    for _ in range(size // MIB):
        yield block
    yield bytes(size % MIB)
    yield b"\r\n--b--\r\n"


async def test_exactly_80_mib_are_taken_and_a_byte_more_is_a_400(live, ctx):
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    fits = await live.post("/v1/files/upload", content=_stream(80 * MIB), headers=headers)
    assert fits.status_code == 200, fits.text
    assert fits.json()["size"] == 80 * MIB
    refused(await live.post("/v1/files/upload", content=_stream(80 * MIB + 1), headers=headers), 400)
    refused(await live.post("/v1/files/upload", content=_stream(100 * MIB), headers=headers), 400)
    assert await ctx.db.fetchval("select count(*) from file") == 1
    assert not list((ctx.settings.data_dir / "files" / "tmp").glob("steelyard-*"))


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", "multipart/form-data; boundary=b"),
        (b"--b--\r\n", "multipart/form-data; boundary=b"),
        (b"no boundary at all", "multipart/form-data; boundary=b"),
        (b"{}", "application/json"),
        (b"", None),
        (b"--b\r\n", "multipart/form-data"),
        (
            b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nbreaks off',
            "multipart/form-data; boundary=b",
        ),
        (
            b'--b\r\nContent-Disposition: form-data; name="display_name"\r\n\r\nno file\r\n--b--\r\n',
            "multipart/form-data; boundary=b",
        ),
        (
            b'--b\r\nContent-Disposition: form-data; name="display_name"\r\n\r\n\xff\r\n--b--\r\n',
            "multipart/form-data; boundary=b",
        ),
        (
            b'--b\r\nContent-Disposition: form-data; name="display_name"\r\n\r\n'
            + b"x" * 70_000
            + b"\r\n--b--\r\n",
            "multipart/form-data; boundary=b",
        ),
        (
            b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\na\r\n' * 2 + b"--b--\r\n",
            "multipart/form-data; boundary=b",
        ),
        (b"--b\r\n" + b"X: " + b"y" * 10_000 + b"\r\n\r\n--b--\r\n", "multipart/form-data; boundary=b"),
    ],
)
async def test_a_body_that_is_no_upload_is_a_400_and_stores_nothing(live, ctx, body, content_type):
    headers = {} if content_type is None else {"Content-Type": content_type}
    refused(await live.post("/v1/files/upload", content=body, headers=headers), 400)
    assert await ctx.db.fetchval("select count(*) from file") == 0


@pytest.mark.parametrize(
    "metadata", ["[1]", "5", "{", '"x"', '{"a": "\\u0000"}', '{"a": 1e999999}', '{"a": "\\ud800"}']
)
async def test_metadata_that_is_no_json_object_is_a_400(live, metadata):
    refused(await upload(live, metadata=metadata), 400)


async def test_an_unknown_project_is_a_404_also_when_it_is_another_accounts(live, other):
    await project(other)
    refused(await upload(live, project_name="cows"), 404)
    refused(
        await live.post("/v1/files/import", json={"file_url": "https://x.org/a", "project_name": "cows"}), 404
    )


async def test_a_reference_id_is_taken_except_for_the_same_bytes_in_a_new_project(live, test, other):
    for client in (live, test, other):
        await project(client)
    await project(live, "sheep")
    first = (await upload(live, reference_id="r1", project_name="cows")).json()
    assert first["reference_id"] == "r1"
    refused(await upload(live, reference_id="r1"), 409)
    refused(await upload(live, reference_id="r1", project_name="cows"), 409)
    refused(await upload(live, png(9), reference_id="r1", project_name="sheep"), 409)
    again = await upload(live, reference_id="r1", project_name="sheep")
    assert again.status_code == 200, again.text
    assert (again.json()["id"], again.json()["project_names"]) == (first["id"], ["cows", "sheep"])
    refused(await upload(live, reference_id="r1", project_name="sheep"), 409)
    refused(
        await live.post("/v1/files/import", json={"file_url": "https://x.org/a", "reference_id": "r1"}), 409
    )
    for client in (test, other):
        assert (await upload(client, reference_id="r1", project_name="cows")).status_code == 200


async def test_racing_uploads_with_one_reference_id_make_one_file(live, ctx):
    answers = await asyncio.gather(*(upload(live, reference_id="r") for _ in range(6)))
    assert sorted(a.status_code for a in answers) == [200] + [409] * 5
    assert await ctx.db.fetchval("select count(*) from file") == 1


async def test_lists_page_newest_first_by_either_name_of_the_cursor(live):
    await project(live)
    ids = [(await upload(live, png(i), project_name="cows")).json()["id"] for i in range(5)]
    seen = []
    page = (await live.get("/v1/files?project=cows&limit=2")).json()
    assert (page["total"], page["has_more"], page["cursor"]) == (5, True, page["next_token"])
    seen += [f["id"] for f in page["docs"]]
    page = (
        await live.get("/v1/files", params={"project": "cows", "limit": 2, "cursor": page["cursor"]})
    ).json()
    seen += [f["id"] for f in page["docs"]]
    page = (
        await live.get("/v1/files", params={"project": "cows", "limit": 2, "next_token": page["cursor"]})
    ).json()
    seen += [f["id"] for f in page["docs"]]
    assert seen == ids[::-1]
    assert (page["has_more"], "cursor" in page, "next_token" in page) == (False, False, False)
    for bad in ("limit=0", "limit=101", "cursor=%21", "cursor=abc", "cursor=" + "A" * 500):
        refused(await live.get("/v1/files?project=cows&" + bad), 400)


async def test_lists_need_a_project_and_filter_by_equal_metadata(live, other):
    await project(live)
    await project(other)
    docs = {}
    for i, metadata in enumerate(
        (None, {"a": 1, "b": {"c": [1, 2]}}, {"a": 1.0}, {"a": "1"}, {"b": {"c": [1]}})
    ):
        fields = {} if metadata is None else {"metadata": json.dumps(metadata)}
        docs[i] = (await upload(live, png(i), project_name="cows", **fields)).json()["id"]

    async def found(client, metadata):
        params = {"project": "cows", "metadata": json.dumps(metadata)}
        page = (await client.get("/v1/files", params=params)).json()
        assert page["total"] == len(page["docs"])
        return sorted(k for k, v in docs.items() if v in [f["id"] for f in page["docs"]])

    assert await found(live, {}) == [0, 1, 2, 3, 4]
    assert await found(live, {"a": 1}) == [1, 2]
    assert await found(live, {"a": "1"}) == [3]
    assert await found(live, {"b": {"c": [1, 2]}, "a": 1}) == [1]
    assert await found(live, {"missing": None}) == []
    assert await found(other, {}) == []
    loose = (await upload(live, png(9))).json()
    assert [f["id"] for f in (await live.get("/v1/files?unassigned=true")).json()["docs"]] == [loose["id"]]
    asked = {"attachment_url": loose["attachment_url"], "include_attachment_url": "true"}
    [shown] = (await live.get("/v1/files", params=asked)).json()["docs"]
    opened = await live.get(shown.pop("s3URL").removeprefix("http://steelyard.test"))
    assert (shown, opened.content) == (loose, png(9))
    for nobody in (
        {**asked, "attachment_url": "scaledata://1/x"},
        {**asked, "attachment_url": "https://x.org/a"},
    ):
        assert (await live.get("/v1/files", params=nobody)).json()["docs"] == []
    assert (await other.get("/v1/files", params=asked)).json()["docs"] == []
    refused(await live.get("/v1/files"), 400)
    refused(await live.get("/v1/files?project="), 400)
    refused(await live.get("/v1/files", params={"project": "cows", "metadata": "[1]"}), 400)
    refused(await live.get("/v1/files", params={"project": "cows", "metadata": '{"a":1e999999}'}), 400)
    assert (await live.get("/v1/files?project=nothing")).json()["docs"] == []


@asynccontextmanager
async def receiver(answers):
    """A real HTTP server on loopback that gives one (status, content type, body) after the other; the last one for ever."""

    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        status, kind, body = answers.pop(0) if len(answers) > 1 else answers[0]
        writer.write(
            f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
            "Connection: close\r\n\r\n".encode()
            + body
        )
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


@pytest.fixture
async def fetching(ctx):
    """The worker's client is closed after the test."""
    yield
    await guard.close(ctx)


async def _args(ctx):
    stored = await ctx.db.fetchval("select args from job where kind = 'import_file'")
    return ImportFile(**json.loads(stored))


async def test_an_import_answers_at_once_and_a_job_fetches_the_file(live, ctx, fetching):
    await project(live)
    async with receiver([(503, "text/plain", b""), (200, "application/octet-stream", png(3))]) as base:
        body = {"file_url": base + "/a", "project_name": "cows", "metadata": {"k": [1]}, "colour": "ignored"}
        sent = await live.post("/v1/files/import", json=body)
        assert sent.status_code == 200, sent.text
        doc = sent.json()
        assert (doc["size"], doc["mime_type"], doc["metadata"]) == (None, None, {"k": [1]})
        args = await _args(ctx)
        with pytest.raises(RetryLater) as later:
            await import_file(ctx, args)
        assert later.value.args_next == ImportFile(args.space_id, args.file_id, 1)
        await import_file(ctx, later.value.args_next)
        await import_file(ctx, args)
    listed = (await live.get("/v1/files?project=cows")).json()["docs"][0]
    assert (listed["id"], listed["size"], listed["mime_type"]) == (doc["id"], len(png(3)), "image/png")
    assert await ctx.store.get(hashlib.sha256(png(3)).hexdigest()) == png(3)


async def test_an_import_that_cannot_succeed_ends_as_failed_with_the_status(live, ctx, fetching):
    async with receiver([(404, "text/plain", b"")]) as base:
        await live.post("/v1/files/import", json={"file_url": base})
        await import_file(ctx, await _args(ctx))
    row = await ctx.db.fetchrow("select state, failure_status from file")
    assert tuple(row) == ("failed", 404)


async def test_an_import_does_not_reach_into_private_networks(live, ctx, fetching):
    await live.post("/v1/files/import", json={"file_url": "http://10.0.0.1/secret"})
    await import_file(ctx, await _args(ctx))
    row = await ctx.db.fetchrow("select state, failure_status from file")
    assert tuple(row) == ("failed", 403)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"file_url": None},
        {"file_url": ""},
        {"file_url": 5},
        {"file_url": "not a url"},
        {"file_url": "ftp://example.org/a"},
        {"file_url": "file:///etc/passwd"},
        {"file_url": "http://"},
        {"file_url": "http://[::1"},
        {"file_url": "http://example.org:99999/"},
        {"file_url": "http://example.org/a b"},
        {"file_url": "https://example.org/" + "a" * 5000},
        {"file_url": "https://example.org/a", "metadata": []},
        {"file_url": "https://example.org/a", "reference_id": "r" * 1025},
    ],
)
async def test_an_import_of_something_else_is_a_400(live, ctx, body):
    refused(await live.post("/v1/files/import", json=body), 400)
    assert await ctx.db.fetchval("select count(*) from file") == 0


async def test_an_import_with_an_idempotency_key_is_replayed(live, ctx):
    body, headers = {"file_url": "https://example.org/a"}, {"Idempotency-Key": "k"}
    first = await live.post("/v1/files/import", json=body, headers=headers)
    assert (await live.post("/v1/files/import", json=body, headers=headers)).content == first.content
    assert await ctx.db.fetchval("select count(*) from file") == 1


def test_the_type_comes_from_the_content_and_active_types_are_never_believed():
    assert type_of(png(), "text/html") == "image/png"
    assert type_of(b"<script>", "image/png") == "text/html"
    assert type_of(b"\x00\x01", "image/png") == "application/octet-stream"
    assert type_of(b"\x00\x01", "application/xhtml+xml") == "application/octet-stream"
    assert type_of(b"\x00\x01", "application/x-pcd") == "application/x-pcd"
    assert type_of(b"", "") == "application/octet-stream"


async def _stored(ctx, content, mime="image/png"):
    blob = await ctx.store.put(content)
    await record_blob(ctx.db, blob, mime)
    return blob.sha256


async def test_a_media_link_needs_no_key_and_serves_whole_parts_and_head(client_for, ctx):
    public = client_for(None)
    content = png() + bytes(range(256)) * 2000
    sha256 = await _stored(ctx, content)
    link = media_url(ctx, 1, sha256, "image/png", 60)
    whole = await public.get(link)
    assert (whole.status_code, whole.content) == (200, content)
    assert whole.headers["content-type"] == "image/png"
    assert whole.headers["etag"] == f'"{sha256}"'
    assert whole.headers["accept-ranges"] == "bytes"
    assert whole.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in whole.headers["content-security-policy"]
    size = len(content)
    for asked, first, last in (
        ("bytes=0-9", 0, 9),
        ("bytes=10-", 10, size - 1),
        ("bytes=-5", size - 5, size - 1),
        (f"bytes={size - 1}-{size + 100}", size - 1, size - 1),
        (f"bytes=-{size * 2}", 0, size - 1),
        ("bytes=300000-400000", 300000, 400000),
    ):
        part = await public.get(link, headers={"Range": asked})
        assert (part.status_code, part.content) == (206, content[first : last + 1]), asked
        assert part.headers["content-range"] == f"bytes {first}-{last}/{size}"
        assert part.headers["content-length"] == str(last - first + 1)
    for ignored in ("bytes=0-1,5-6", "lines=1-2", "bytes=9-3", "bytes=-", "nonsense"):
        assert (await public.get(link, headers={"Range": ignored})).content == content
    for beyond in (f"bytes={size}-", "bytes=-0"):
        refusal = await public.get(link, headers={"Range": beyond})
        assert (refusal.status_code, refusal.headers["content-range"]) == (416, f"bytes */{size}")
    stale = await public.get(link, headers={"Range": "bytes=0-9", "If-Range": '"other"'})
    assert stale.status_code == 200
    head = await public.head(link)
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(size))
    assert (await public.get(link, headers={"If-None-Match": f'W/"x", "{sha256}"'})).status_code == 304


async def test_what_a_browser_would_run_is_sent_as_a_download_of_unknown_bytes(client_for, ctx):
    page = b"<html><script>alert(1)</script></html>"
    for mime in ("text/html", "image/svg+xml", "application/xhtml+xml", "text/javascript"):
        sha256 = await _stored(ctx, page, mime)
        sent = await client_for(None).get(media_url(ctx, 1, sha256, mime, 60))
        assert sent.headers["content-type"] == "application/octet-stream"
        assert sent.headers["content-disposition"].startswith("attachment")


async def test_forged_damaged_and_late_media_links_are_404(client_for, ctx):
    public = client_for(None)
    sha256 = await _stored(ctx, png())
    token = media_token(ctx, 1, sha256, "image/png", 60)
    flipped = token[:-1] + ("A" if token[-1] != "A" else "B")
    for bad in ("x", flipped, token[:-4], "%00", "a" * 2000, media_token(ctx, 1, "0" * 64, "image/png", 60)):
        refused(await public.get("/media/" + bad), 404)
    assert (await public.get("/media/" + token)).status_code == 200
    ctx.clock.offset = timedelta(seconds=61)
    refused(await public.get("/media/" + token), 404)


async def test_result_files_open_by_token_without_a_key_and_by_id_with_a_key_of_the_space(
    client_for, live, test, other, ctx, live_actor
):
    sha256 = await _stored(ctx, png())
    await ctx.db.execute(
        "insert into result_file (space_id, task_id, id, token, name, sha256, content_type, created_at) "
        "values ($1, $2, 'a-uuid', 'secret-token', 'mask.png', $3, 'image/png', steelyard.now())",
        live_actor.space_id,
        "65f0c0ffee5eed0000000001",
        sha256,
    )
    public = client_for(None)
    by_token = await public.get("/results/secret-token")
    assert (by_token.content, by_token.headers["content-type"]) == (png(), "image/png")
    refused(await public.get("/results/other"), 404)
    refused(await public.get("/results/%00"), 404)
    path = "/v1/task/65f0c0ffee5eed0000000001/response_url/a-uuid"
    assert (await live.get(path)).content == png()
    refused(await public.get(path), 401)
    for stranger in (test, other):
        refused(await stranger.get(path), 404)
    refused(await live.get("/v1/task/65f0c0ffee5eed0000000002/response_url/a-uuid"), 404)
    refused(await live.get("/v1/task/x/response_url/%00"), 404)


async def test_a_link_in_leased_work_opens_for_its_holder_alone(
    live, other, test, client_for, ctx, live_actor
):
    blob = await ctx.store.put(png())
    token = media_token(
        ctx, live_actor.space_id, blob.sha256, "image/png", 60, member_id=live_actor.member_id
    )
    for path in (f"/media/{token}", f"/media/{token}/derived/thumbnail.jpg"):
        assert (await client_for(None).get(path)).status_code == 404
        assert (await other.get(path)).status_code == 404
        assert (await client_for("live_" + "0" * 32).get(path)).status_code == 404
    assert (await live.get(f"/media/{token}")).content == png()
    assert (await test.get(f"/media/{token}")).status_code == 200, "the same member in another mode"
    forged = media_token(ctx, live_actor.space_id, blob.sha256, "image/png", 60)
    assert len(forged) < len(token), "the member is part of what is signed"


async def test_a_link_in_leased_work_ends_with_the_session(ctx, client_for, live, live_actor, monkeypatch):
    monkeypatch.setattr("steelyard.http.auth._TTL_S", -1.0)
    person = await users.create_member(ctx, "main", "eva@main.example", "labeler", "correct horse battery")
    blob = await ctx.store.put(png())
    token = media_token(ctx, live_actor.space_id, blob.sha256, "image/png", 60, member_id=person.id)
    browser = client_for(None)
    answer = await browser.post(
        "/api/login", json={"email": "eva@main.example", "password": "correct horse battery"}
    )
    assert (await browser.get(f"/media/{token}")).content == png()
    assert (await live.get(f"/media/{token}")).status_code == 404, "also not for the account's admin"
    await browser.post("/api/logout", headers={"X-CSRF-Token": answer.json()["csrf_token"]})
    assert (await browser.get(f"/media/{token}")).status_code == 404

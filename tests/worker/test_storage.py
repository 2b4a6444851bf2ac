"""Storage by content, on the local folder and on an object store; signed addresses; content types."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tracemalloc
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from obstore.store import S3Store
from yarl import URL

from steelyard.ctx import Ctx
from steelyard.errors import NotFound, TooLarge, Unavailable
from steelyard.media.sniff import media_headers, refusal, sniff
from steelyard.media.tokens import MediaToken, media_token, media_url, read_token
from steelyard.settings import Settings
from steelyard.storage import Storage, key_of, open_storage
from steelyard.storage.books import record_blob

from .conftest import S3


@pytest.fixture(params=["file", "memory", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Storage:
    url = {"file": None, "memory": "memory:///", "s3": "s3://kept/files"}[request.param]
    if request.param == "s3":
        server: S3 = request.getfixturevalue("s3")
        server.bucket("kept")
        server.set_environment(monkeypatch)
    return open_storage(Settings(data_dir=tmp_path, storage_url=url))


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def test_content_comes_back_by_its_hash(store: Storage) -> None:
    content = os.urandom(700_000)
    blob = await store.put(content)
    assert blob.sha256 == hashlib.sha256(content).hexdigest()
    assert blob.size_bytes == await store.head(blob.sha256) == len(content)
    assert await store.get(blob.sha256) == content
    assert await store.get_range(blob.sha256, 10, 20) == content[10:30]
    assert await store.get_range(blob.sha256, len(content) - 5, 100) == content[-5:]
    assert await store.get_range(blob.sha256, len(content), 1) == b""
    assert b"".join([c async for c in store.stream(blob.sha256)]) == content
    assert (
        b"".join([c async for c in store.stream(blob.sha256, 300_000, 300_000)]) == content[300_000:600_000]
    )
    assert await store.put(content) == blob, "the same content again is the same object"


async def test_a_file_of_several_parts_is_whole(store: Storage) -> None:
    content = os.urandom(1 << 20) * 20 + b"end"
    blob = await store.put_stream(pieces(content[: 9 << 20], content[9 << 20 :]))
    assert (await store.get(blob.sha256) == content, await store.head(blob.sha256)) == (True, len(content))
    assert await store.get_range(blob.sha256, (16 << 20) - 5, 10) == content[(16 << 20) - 5 : (16 << 20) + 5]


async def test_an_empty_file_can_be_stored(store: Storage) -> None:
    blob = await store.put(b"")
    assert (await store.get(blob.sha256), blob.size_bytes) == (b"", 0)


async def test_an_absent_object_is_not_found_and_deleting_it_is_fine(store: Storage) -> None:
    absent = "0" * 64
    assert not await store.exists(absent)
    with pytest.raises(NotFound):
        await store.get(absent)
    with pytest.raises(NotFound):
        await store.get_range(absent, 0, 1)
    await store.delete(absent)
    blob = await store.put(b"a")
    await store.delete(blob.sha256)
    assert not await store.exists(blob.sha256)
    await store.check()


async def test_a_stream_over_the_limit_leaves_nothing(tmp_path: Path) -> None:
    store = open_storage(Settings(data_dir=tmp_path))
    with pytest.raises(TooLarge):
        await store.put_stream(pieces(b"a" * 60, b"b" * 60), max_bytes=100)
    assert [p for p in (tmp_path / "files").rglob("*") if p.is_file()] == []
    assert (await store.put_stream(pieces(b"a" * 60, b"b" * 40), max_bytes=100)).size_bytes == 100


async def test_a_stream_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    store = open_storage(Settings(data_dir=tmp_path))

    async def breaking() -> AsyncIterator[bytes]:
        yield b"a" * 100
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await store.put_stream(breaking())
    assert [p for p in (tmp_path / "files").rglob("*") if p.is_file()] == []


async def test_large_streams_take_constant_memory(tmp_path: Path) -> None:
    store = open_storage(Settings(data_dir=tmp_path))
    piece = os.urandom(1 << 20)
    tracemalloc.start()
    blob = await store.put_stream(pieces(*([piece] * 64)))
    total = 0
    async for chunk in store.stream(blob.sha256):
        total += len(chunk)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert total == blob.size_bytes == 64 << 20
    assert peak < 8 << 20


async def test_a_local_object_is_flushed_with_its_folders_before_it_is_acknowledged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_storage(Settings(data_dir=tmp_path))
    flushed: list[str] = []
    real = os.fsync

    def watch(fd: int) -> None:
        flushed.append(str(Path(f"/proc/self/fd/{fd}").readlink()))
        real(fd)

    monkeypatch.setattr(os, "fsync", watch)
    blob = await store.put(b"precious")
    folder = tmp_path / "files" / key_of(blob.sha256)
    assert flushed[0].startswith(str(tmp_path / "files" / "tmp"))
    assert str(folder.parent) in flushed
    assert str(folder.parent.parent) in flushed


@pytest.mark.parametrize("key", ["", "../../etc/passwd", "A" * 64, "0" * 63, "g" * 64])
async def test_only_hashes_are_keys(store: Storage, key: str) -> None:
    with pytest.raises(ValueError, match="SHA-256"):
        await store.get(key)


async def test_a_blobs_row_keeps_its_first_type(ctx: Ctx) -> None:
    blob = await ctx.store.put(b"a")
    await record_blob(ctx.db, blob, "image/png")
    await record_blob(ctx.db, blob, "text/plain")
    assert await ctx.db.fetchval("select mime_type from blob where sha256 = $1", blob.sha256) == "image/png"


def test_a_token_opens_what_it_was_made_for_until_its_time_is_over(ctx: Ctx) -> None:
    sha256 = hashlib.sha256(b"a").hexdigest()
    token = media_token(ctx, 7, sha256, "image/png", 60)
    assert read_token(ctx, token) == MediaToken(7, sha256, "image/png")
    assert media_url(ctx, 7, sha256, "image/png", 60).startswith("http://steelyard.test/media/")
    ctx.clock.offset += timedelta(seconds=62)  # pyright: ignore[reportAttributeAccessIssue]
    assert read_token(ctx, token) is None


def test_no_changed_token_opens_anything(ctx: Ctx) -> None:
    token = media_token(ctx, 7, hashlib.sha256(b"a").hexdigest(), "image/png", 60)
    for i in range(len(token)):
        for c in "AQg_":
            if token[i] != c:
                forged = token[:i] + c + token[i + 1 :]
                found = read_token(ctx, forged)
                # the last character carries unused bits: what decodes to the very same bytes is the same token
                assert found is None or i == len(token) - 1
    for junk in ("", "a", "é" * 40, "=" * 50, "\0", "A" * 5000, token + token, token[:-4]):
        assert read_token(ctx, junk) is None
    ctx.secret_key = b"z" * 32
    assert read_token(ctx, token) is None


SAMPLES = {
    "image/png": b"\x89PNG\r\n\x1a\n0000",
    "image/jpeg": b"\xff\xd8\xff\xe0",
    "image/gif": b"GIF89a",
    "image/bmp": b"BM\x10\0\0\0\0\0\0\0\x36\0\0\0",
    "image/tiff": b"II*\0\x08",
    "image/webp": b"RIFF\0\0\0\0WEBPVP8 ",
    "audio/wav": b"RIFF\0\0\0\0WAVEfmt ",
    "audio/mpeg": b"ID3\x03\0",
    "audio/flac": b"fLaC\0",
    "video/mp4": b"\0\0\0\x18ftypisom\0\0",
    "video/quicktime": b"\0\0\0\x14ftypqt  ",
    "video/webm": b"\x1a\x45\xdf\xa3\x01\0webm",
    "application/pdf": b"%PDF-1.7",
    "text/html": b"\n <!DOCTYPE HTML><html>",
    "image/svg+xml": b"<svg xmlns='http://www.w3.org/2000/svg'>",
    "application/json": b'{"a": 1}',
    "text/plain": "BMW und Mühe".encode(),
    "application/octet-stream": b"\x01\x02\x03\0",
}


@pytest.mark.parametrize(("mime", "head"), SAMPLES.items())
def test_content_is_known_by_its_first_bytes(mime: str, head: bytes) -> None:
    assert sniff(head, "image/png") == mime


def test_text_cut_in_the_middle_of_a_character_is_still_text() -> None:
    assert sniff(("a" * 4095 + "é").encode()[:4096]) == "text/plain"


def test_each_kind_of_media_takes_its_own_content_and_refuses_others() -> None:
    assert refusal("image", "image/png") is None
    assert refusal("any", "application/octet-stream") is None
    assert refusal("lidar", "application/json") is None
    for media, mime in (
        ("image", "image/svg+xml"),
        ("image", "image/webp"),
        ("video", "image/png"),
        ("pdf", "text/html"),
    ):
        assert mime in (refusal(media, mime) or ""), media  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    "mime",
    ["text/html", "image/svg+xml", "application/xml", "application/xhtml+xml", "x/y", "text/javascript"],
)
def test_what_a_browser_would_run_is_served_as_a_download_only(mime: str) -> None:
    headers = media_headers(mime, 'a"\r\nSet-Cookie: x.html')
    assert headers["Content-Type"] == "application/octet-stream"
    assert headers["Content-Disposition"] == 'attachment; filename="aSet-Cookiex.html"'
    assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("mime", ["image/png", "video/mp4", "application/pdf", "text/plain"])
def test_known_media_are_shown_inline_in_a_sandbox(mime: str) -> None:
    headers = media_headers(mime)
    assert headers["Content-Type"].startswith(mime)
    assert "Content-Disposition" not in headers
    assert "sandbox" in headers["Content-Security-Policy"]


async def test_a_disk_that_cannot_be_written_is_unavailable_and_no_crash(tmp_path: Path) -> None:
    store = open_storage(Settings(data_dir=tmp_path))
    (tmp_path / "files" / "tmp").rmdir()
    with pytest.raises(Unavailable):
        await store.put(b"a")


async def test_the_stores_own_links_open_without_us_and_folders_have_none(store: Storage) -> None:
    one, two = [await store.put(os.urandom(n)) for n in (2000, 3000)]
    links = await store.signed_urls([one.sha256, two.sha256, one.sha256], 60)
    if not isinstance(store._store, S3Store):
        assert links == {}
        return
    assert set(links) == {one.sha256, two.sha256}
    async with aiohttp.ClientSession() as http:
        for blob in (one, two):
            async with http.get(URL(links[blob.sha256], encoded=True)) as answer:
                assert (answer.status, await answer.read()) == (200, await store.get(blob.sha256))
    assert "X-Amz-Expires=60" in links[one.sha256]
    assert "X-Amz-Signature=" in links[one.sha256]
    assert os.environ["AWS_SECRET_ACCESS_KEY"] not in links[one.sha256]


@pytest.mark.parametrize(
    ("url", "environ", "word"),
    [
        ("gs://kept", {}, "X-Goog-Signature="),
        ("az://kept", {"AZURE_STORAGE_ACCOUNT_NAME": "acme", "AZURE_STORAGE_ACCOUNT_KEY": "a2V5"}, "sig="),
    ],
)
async def test_google_and_azure_sign_links_too(
    url: str, environ: dict[str, str], word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if url.startswith("gs"):
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        account = {"private_key": key.decode(), "private_key_id": "k", "client_email": "a@x.example"}
        (tmp_path / "gcs.json").write_text(
            json.dumps({**account, "gcs_base_url": "https://storage.googleapis.com"})
        )
        environ = {"GOOGLE_SERVICE_ACCOUNT": str(tmp_path / "gcs.json")}
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    store = open_storage(Settings(data_dir=tmp_path, storage_url=url))
    [link] = (await store.signed_urls(["ab" * 32], 60)).values()
    assert link.startswith("https://")
    assert word in link


async def test_a_file_that_has_nowhere_to_go_is_the_disks_fault_whichever_way_it_fails(
    tmp_path: Path,
) -> None:
    store = open_storage(Settings(data_dir=tmp_path))
    for break_it in (lambda: None, lambda: (tmp_path / "files").write_text("a file where the folder was")):
        shutil.rmtree(tmp_path / "files", ignore_errors=True)
        break_it()
        with pytest.raises(Unavailable, match="cannot be written"):
            async with store.spool(pieces(b"x")):
                pass

"""Files that mean harm: their task errs for exactly that attachment, or they are stored and served as nothing that runs. The worker lives on
and its memory stays bounded."""

from __future__ import annotations

import ast
import asyncio
import gzip
import io
import json
import os
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from msgspec import structs

from steelyard.cpu import CpuPool, FileFatal, look_into
from steelyard.ctx import Ctx
from steelyard.media.images import inspect_image
from steelyard.media.sniff import media_headers, sniff
from steelyard.media.tokens import media_url
from tests.conftest import MEMORY_BYTES

from .helpers import make_space, make_task, rows, serving
from .in_pool import length_or_death, never_end, take
from .test_derived import browsing, derived_prepare, video
from .test_prepare import Site, picture

SCRIPT = b"<script>alert(document.domain)</script>"


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, rows_of_zeros: int, *, bits: int = 8, extra: bytes = b"") -> bytes:
    """A PNG that says it has these many pixels and holds `rows_of_zeros` rows of grey zeros."""
    line = (width * bits + 7) // 8 + 1
    squeeze = zlib.compressobj(9)
    packed = [squeeze.compress(b"\0" * line) for _ in range(rows_of_zeros)]
    body = b"".join(packed) + squeeze.flush()
    head = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + extra + png_chunk(b"IDAT", body) + png_chunk(b"IEND", b"")


def gif(width: int, height: int) -> bytes:
    return b"GIF89a" + struct.pack("<HH", width, height) + b"\x00\x00\x00" + b"\x3b"


def bmp(width: int, height: int) -> bytes:
    return b"BM" + struct.pack("<IIIIiiHHIIiiII", 54, 0, 54, 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)


def jpeg_of(width: int, height: int) -> bytes:
    """A small JPEG whose head says that it is large."""
    content = bytearray(picture("JPEG", (64, 64)))
    at = content.index(b"\xff\xc0")
    struct.pack_into(">HH", content, at + 5, height, width)
    return bytes(content)


def tiff(width: int, height: int) -> bytes:
    tags = [
        (256, 4, width),
        (257, 4, height),
        (258, 3, 8),
        (259, 3, 1),
        (262, 3, 1),
        (273, 4, 8),
        (277, 3, 1),
        (278, 4, height),
        (279, 4, 1),
    ]
    body = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    return b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(tags)) + body + b"\0\0\0\0"


HOSTILE: dict[str, tuple[bytes, str]] = {
    "a header of 100000 × 100000 pixels, PNG": (png(100_000, 100_000, 1), "at most 10000"),
    "a header of 65000 × 65000 pixels, JPEG": (jpeg_of(65_000, 65_000), "at most 10000"),
    "a header of 65000 × 65000 pixels, GIF": (gif(65_000, 65_000), "at most 10000|damaged"),
    "a header of 100000 × 100000 pixels, BMP": (bmp(100_000, 100_000), "at most 10000|damaged"),
    "a header of 100000 × 100000 pixels, TIFF": (tiff(100_000, 100_000), "at most 10000"),
    "a header of 9999 × 9999 pixels and nothing behind it": (png(9999, 9999, 3), "damaged"),
    "a JPEG that breaks off": (picture("JPEG", (900, 700))[:-2000], "damaged"),
    "a PNG that breaks off": (picture("PNG", (900, 700))[:-30], "damaged"),
    "a text chunk that swells to a gigabyte": (
        png(4, 4, 4, extra=png_chunk(b"zTXt", b"k\0\0" + zlib.compress(b"\0" * 300_000_000, 1))),
        "damaged",
    ),
    "HTML called a picture": (b"<!doctype html>" + SCRIPT, "text/html"),
    "SVG with a script": (
        b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        "image/svg",
    ),
    "a ZIP called a picture": (b"PK\x03\x04" + b"\0" * 100, "application/zip"),
    "a gzip called a picture": (gzip.compress(b"\0" * 1_000_000), "application/gzip"),
    "a PDF called a picture": (b"%PDF-1.7\n" + SCRIPT, "application/pdf"),
    "an ELF program called a picture": (b"\x7fELF" + b"\0" * 60, "octet-stream"),
    "nothing at all": (b"", "octet-stream"),
}


@pytest.fixture
def pools() -> Generator[tuple[CpuPool, CpuPool]]:
    """Pools of the test's own, for what is looked into here may break them."""
    own = CpuPool(2, MEMORY_BYTES), CpuPool(1, MEMORY_BYTES)
    yield own
    for pool in own:
        pool.shutdown(wait=True, cancel_futures=True)


async def test_every_hostile_picture_errs_alone_and_the_good_one_beside_it_does_not(ctx: Ctx) -> None:
    space = await make_space(ctx)
    names = list(HOSTILE)
    pages = {str(n): HOSTILE[name][0] for n, name in enumerate(names)}
    before = _memory()
    async with serving(Site(good=picture(), **pages)) as site:
        urls = [f"{site}/good", *(f"{site}/{n}" for n in range(len(names)))]
        params = {
            "attachments": [{"type": "image", "content": url} for url in urls],
            "fields": [{"type": "text", "field_id": "a", "title": "A"}],
        }
        task = await make_task(ctx, space, params=json.dumps(params), type="textcollection")
        await derived_prepare(ctx, space, task)
        [row] = await rows(ctx, "select stage, response::text from task where id = $1", task)
        alone = await make_task(
            ctx,
            space,
            type="textcollection",
            params=json.dumps({**params, "attachments": params["attachments"][:1]}),
        )
        await derived_prepare(ctx, space, alone)
    assert row["stage"] == "error"
    told = {item["url"]: item for item in json.loads(row["response"])["attachments"]}
    assert set(told) == set(urls[1:]), "all that are hostile and none else"
    for n, name in enumerate(names):
        item = told[urls[n + 1]]
        assert item["statusCode"] == 200, name
        assert any(word in item["message"] for word in HOSTILE[name][1].split("|")), (name, item["message"])
    [row] = await rows(ctx, "select stage from task where id = $1", alone)
    assert row["stage"] == "queued", "the worker lives on"
    assert _memory() - before < 150 * 2**20


def _memory() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


async def test_a_gzip_bomb_on_the_way_ends_at_the_size_limit(ctx: Ctx) -> None:
    ctx.settings = structs.replace(ctx.settings, max_attachment_bytes=5_000_000)
    bomb = gzip.compress(b"\0" * 200_000_000, 1)

    async def site(request: web.Request) -> web.Response:
        return web.Response(body=bomb, headers={"Content-Encoding": "gzip"})

    space, before = await make_space(ctx), _memory()
    async with serving(site) as url:
        task = await make_task(ctx, space, params=_image(f"{url}/a"))
        await derived_prepare(ctx, space, task)
    [row] = await rows(ctx, "select stage, response::text from task where id = $1", task)
    assert "larger than 5000000" in json.loads(row["response"])["attachments"][0]["message"]
    assert _memory() - before < 60 * 2**20
    assert list(ctx.store._spool_dir.iterdir()) == [], "nothing half-written stays"


def _image(url: str) -> str:
    return json.dumps({"attachment": url, "geometries": {"box": {"objects_to_annotate": ["cow"]}}})


def _polyglots() -> dict[str, tuple[bytes, str]]:
    archive = io.BytesIO(picture("GIF"))
    archive.seek(0, 2)
    with zipfile.ZipFile(archive, "a") as packed:
        packed.writestr("../../evil.sh", "rm -rf /")
    return {
        "GIF and JavaScript": (picture("GIF") + b"/*" + SCRIPT + b"*/=1;alert(1)", "image/gif"),
        "GIF and HTML": (picture("GIF") + b"<html>" + SCRIPT, "image/gif"),
        "GIF and ZIP with a path out of its folder": (archive.getvalue(), "image/gif"),
        "JPEG and PHP": (picture("JPEG") + b"<?php system($_GET[0]); ?>", "image/jpeg"),
    }


async def test_polyglots_are_served_as_the_picture_they_are_and_nothing_else(ctx: Ctx) -> None:
    space = await make_space(ctx)
    found = _polyglots()
    async with serving(Site(**{str(n): content for n, (content, _) in enumerate(found.values())})) as site:
        for n, (name, (content, mime)) in enumerate(found.items()):
            task = await make_task(ctx, space, params=_image(f"{site}/{n}"))
            await derived_prepare(ctx, space, task)
            [row] = await rows(ctx, "select stage from task where id = $1", task)
            [kept] = await rows(ctx, "select sha256, mime_type from attachment where task_id = $1", task)
            assert (row["stage"], kept["mime_type"]) == ("queued", mime), name
            async with browsing(ctx) as browser:
                got = await browser.get(media_url(ctx, space, kept["sha256"], mime, 60))
            assert got.content == content
            assert got.headers["content-type"] == mime
            assert got.headers["x-content-type-options"] == "nosniff"
            assert "sandbox" in got.headers["content-security-policy"]
            assert "script-src" not in got.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("content", "declared"),
    [
        (b'<svg onload="alert(1)"/>', "image/png"),
        (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script/></svg>', "image/svg+xml"),
        (b"<html>" + SCRIPT, "text/plain"),
        (b"\xef\xbb\xbf  <!DOCTYPE html>" + SCRIPT, "image/jpeg"),
        (b"<?xml version='1.0'?><x:html xmlns:x='http://www.w3.org/1999/xhtml'/>", "application/xml"),
    ],
)
def test_what_a_browser_would_run_is_never_inline_whatever_it_was_declared_as(
    content: bytes, declared: str
) -> None:
    headers = media_headers(sniff(content, declared), "../../x\r\nSet-Cookie: a=b.svg")
    assert headers["Content-Type"] == "application/octet-stream"
    assert headers["Content-Disposition"].startswith("attachment")
    assert "\n" not in headers["Content-Disposition"]
    assert "/" not in headers["Content-Disposition"]


def test_archives_of_strangers_are_unpacked_nowhere() -> None:
    """No path inside a ZIP or TAR can lead out of a folder where none is ever unpacked: only restoring one's own backup opens a TAR."""
    root = Path(__file__).parents[2] / "src" / "steelyard"
    openers: set[str] = set()
    for path in root.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if any(n.split(".")[0] in ("zipfile", "tarfile", "py7zr", "rarfile", "patoolib") for n in names):
                openers.add(path.relative_to(root).as_posix())
            if isinstance(node, ast.Attribute) and node.attr == "unpack_archive":
                openers.add(path.relative_to(root).as_posix())
    assert openers <= {"ops/backup.py"}, openers


def _videos(tmp_path: Path) -> dict[str, bytes]:
    import av
    import numpy as np

    def encoded(name: str, codec: str, options: dict[str, str]) -> bytes:
        path = tmp_path / name
        with av.open(str(path), "w", options=options) as container:
            stream = container.add_stream(codec, rate=25)
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
            for n in range(100):
                noise = np.random.default_rng(n).integers(0, 255, (48, 64, 3), dtype=np.uint8)
                frame = av.VideoFrame.from_ndarray(noise, format="rgb24")
                frame.pts = n
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        return path.read_bytes()

    fast = encoded("fast.mp4", "libx264", {"movflags": "faststart"})
    cluster = encoded("a.mkv", "libx264", {})
    secret = tmp_path / "secret.mp4"
    secret.write_bytes(fast)
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile://{secret}\n#EXT-X-ENDLIST\n".encode()
    return {
        "good": fast,
        "good-mkv": cluster,
        "index first, then cut": fast[: len(fast) // 2],
        "matroska cut": cluster[: len(cluster) // 2],
        "index last, cut": video(tmp_path / "v.mp4", frames=30)[:-800],
        "an ID3 tag before a playlist of local files": b"ID3\x04\0\0\0\0\0\0" + playlist,
        "a playlist": playlist,
    }


async def test_videos_that_break_off_or_point_elsewhere_err_and_whole_ones_do_not(
    ctx: Ctx, tmp_path: Path
) -> None:
    space, found = await make_space(ctx), _videos(tmp_path)
    outcome: dict[str, Any] = {}
    async with serving(Site(**{str(n): content for n, content in enumerate(found.values())})) as site:
        for n, name in enumerate(found):
            media = "audio" if "ID3" in name else "video"
            params = {"attachment": f"{site}/{n}", "attachment_type": media, "categories": ["a", "b"]}
            task = await make_task(ctx, space, params=json.dumps(params), type="categorization")
            await derived_prepare(ctx, space, task)
            [outcome[name]] = await rows(ctx, "select stage, response::text from task where id = $1", task)
    assert [name for name, row in outcome.items() if row["stage"] == "queued"] == ["good", "good-mkv"]
    for name in ("index first, then cut", "matroska cut"):
        assert "breaks off" in outcome[name]["response"], name
    assert "cannot be decoded" in outcome["an ID3 tag before a playlist of local files"]["response"]


async def test_a_file_that_ends_its_process_is_blamed_and_the_others_under_way_are_not(ctx: Ctx) -> None:
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / str(n) for n in range(5)]
        for n, path in enumerate(paths):
            path.write_bytes(b"deadly" if n == 3 else b"x" * n)
        outcome = await asyncio.gather(
            *(look_into(ctx, length_or_death, str(p)) for p in paths), return_exceptions=True
        )
    assert isinstance(outcome[3], FileFatal)
    assert [n for n in outcome if not isinstance(n, FileFatal)] == [0, 1, 2, 4]


async def test_what_takes_too_long_is_ended_and_what_takes_too_much_memory_fails(ctx: Ctx) -> None:
    ctx.settings = structs.replace(ctx.settings, processing_timeout_seconds=1)
    with pytest.raises(FileFatal, match="more time or memory"):
        await look_into(ctx, never_end, "")
    small = CpuPool(1, 512 * 2**20)
    try:
        with pytest.raises(MemoryError):
            await asyncio.get_running_loop().run_in_executor(small, take, 1)
        assert await asyncio.get_running_loop().run_in_executor(small, take, 0) == 0
    finally:
        small.shutdown()


def test_a_picture_of_a_hundred_million_pixels_is_read_in_little_memory(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(10_000, 10_000, 10_000, bits=1))
    before = _memory()
    facts = inspect_image(str(tmp_path / "a.png"))
    assert (facts.problem, facts.width, facts.height) == (None, 10_000, 10_000)
    assert _memory() - before < 120 * 2**20


def test_a_picture_of_more_than_a_billion_pixels_is_refused_whatever_its_sides_may_be(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(40_000, 40_000, 1))
    assert "at most 1000000000 in all" in (inspect_image(str(tmp_path / "a.png"), 65_500).problem or "")

"""Files by content: every object's key is its SHA-256 (`ab/cd/<sha256>`), so equal files are kept once and never change.

The only package that imports obstore. A local folder by default, any of its object stores by URL. What `put` has acknowledged
survives a power cut: local files and their folders are flushed, object stores promise it themselves.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast
from urllib.parse import unquote, urlsplit

import obstore
from msgspec import Struct
from obstore.exceptions import BaseError
from obstore.store import LocalStore, MemoryStore, ObjectStore, from_url

from steelyard.errors import NotFound, TooLarge, Unavailable
from steelyard.settings import Settings
from steelyard.storage.cloud import CloudStores
from steelyard.storage.disk import disk
from steelyard.storage.metrics import counted
from steelyard.storage.partial import Partial

if TYPE_CHECKING:
    from obstore.store import AzureStore, ClientConfig, GCSStore, RetryConfig, S3Store

# Short, for whoever waits has rounds of its own: jobs are put off, requests are answered with 503.
_CLIENT: ClientConfig = {
    "allow_http": True,  # where the operator's endpoint says http
    "connect_timeout": timedelta(seconds=5),
    "timeout": timedelta(seconds=60),
}
_RETRY: RetryConfig = {
    "max_retries": 3,
    "retry_timeout": timedelta(seconds=20),
    "backoff": {"init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=2), "base": 2},
}
_PART_BYTES, _PARTS_AT_ONCE = 8 * 2**20, 3
_HEAD_BYTES = 4096
_CHUNK = 256 * 1024


class Blob(Struct, frozen=True):
    """A stored object: its key and its length."""

    sha256: str
    size_bytes: int


class Spooled(Struct, frozen=True):
    """A file received in full and not yet stored: look at it (`path`, first bytes in `head`), then `Storage.keep` it or leave it."""

    path: Path
    sha256: str
    size_bytes: int
    head: bytes


def key_of(sha256: str) -> str:
    """The object's key; `sha256` is 64 lowercase hex digits."""
    if len(sha256) != 64 or not all(c in "0123456789abcdef" for c in sha256):
        raise ValueError("not a SHA-256 in hex")
    return f"{sha256[:2]}/{sha256[2:4]}/{sha256}"


class Storage:
    """One store. Methods raise NotFound for an absent object and Unavailable when the store does not answer."""

    def __init__(
        self, store: ObjectStore, root: Path | None, spool_dir: Path, cloud: CloudStores | None = None
    ):
        self._store, self._root = store, root
        self.cloud = cloud or CloudStores(())
        self._spool_dir = spool_dir

    # -- writing

    async def put(self, content: bytes) -> Blob:
        """Stores bytes."""

        async def once() -> AsyncIterator[bytes]:
            yield content

        return await self.put_stream(once())

    async def put_stream(self, chunks: AsyncIterable[bytes], *, max_bytes: int | None = None) -> Blob:
        """Stores a stream in constant memory, hashing on the way. Raises TooLarge beyond `max_bytes`; nothing is stored then."""
        async with self.spool(chunks, max_bytes=max_bytes) as spooled:
            return await self.keep(spooled)

    @asynccontextmanager
    async def spool(
        self, chunks: AsyncIterable[bytes], *, max_bytes: int | None = None
    ) -> AsyncGenerator[Spooled]:
        """Receives a stream into a local file that is gone at the end of the block unless it was kept."""
        path = self._spool_dir / f"steelyard-{secrets.token_hex(12)}"
        digest, size, head = hashlib.sha256(), 0, b""
        try:
            with disk():
                file = await asyncio.to_thread(path.open, "xb")
            try:
                async for chunk in chunks:
                    size += len(chunk)
                    if max_bytes is not None and size > max_bytes:
                        raise TooLarge(f"The file is larger than {max_bytes} bytes.")
                    if len(head) < _HEAD_BYTES:
                        head += chunk[: _HEAD_BYTES - len(head)]
                    with disk():
                        if len(chunk) > _CHUNK:
                            await asyncio.to_thread(_write, file, digest, chunk)
                        else:
                            _write(file, digest, chunk)
            finally:
                with disk():
                    await asyncio.to_thread(file.close)
            yield Spooled(path, digest.hexdigest(), size, head)
        finally:
            with suppress(OSError):  # gone already, or the disk fails: then that is told, not this
                path.unlink()

    @asynccontextmanager
    async def scratch(self) -> AsyncGenerator[Path]:
        """A path where another process may write a file for `digested` and `keep`; gone at the end of the block unless it was kept."""
        path = self._spool_dir / f"steelyard-{secrets.token_hex(12)}"
        try:
            yield path
        finally:
            with suppress(OSError):  # gone already, or the disk fails: then that is told, not this
                path.unlink()

    def partial(self, upload_id: str) -> Partial:
        """The file of an upload that comes in pieces; `upload_id`: hex digits and dashes."""
        return Partial(self._spool_dir / f"upload-{upload_id}")

    def partials(self, older_than_s: float) -> list[str]:
        """Ids of the uploads whose pieces lie on this host and have not grown for so many seconds."""
        found: list[str] = []
        for path in self._spool_dir.glob("upload-*"):
            with suppress(OSError):
                if path.stat().st_mtime < time.time() - older_than_s:
                    found.append(path.name.removeprefix("upload-"))
        return found

    async def digested(self, path: Path) -> Spooled:
        """A file in the spool folder, gone through and ready for `keep`."""
        with disk():
            sha256, size, head = await asyncio.to_thread(_digest, path)
        return Spooled(path, sha256, size, head)

    async def keep(self, spooled: Spooled) -> Blob:
        """Stores a spooled file; when this returns it is durable. The spool file is used up."""
        blob, key = Blob(spooled.sha256, spooled.size_bytes), key_of(spooled.sha256)
        if self._root is not None:
            with disk():
                await asyncio.to_thread(_publish, spooled.path, self._root, key)
        elif await self.head(spooled.sha256) != blob.size_bytes:
            with _translated():
                await obstore.put_async(
                    self._store, key, spooled.path, chunk_size=_PART_BYTES, max_concurrency=_PARTS_AT_ONCE
                )
        counted().written.inc(blob.size_bytes)
        return blob

    # -- reading

    async def get(self, sha256: str) -> bytes:
        """The whole object, in memory."""
        with _translated():
            result = await obstore.get_async(self._store, key_of(sha256))
            content = bytes(await result.bytes_async())
        counted().read.inc(len(content))
        return content

    async def get_range(self, sha256: str, start: int, length: int) -> bytes:
        """`length` bytes from `start`; fewer at the object's end, none past it."""
        size = await self.head(sha256)
        if size is None:
            raise NotFound("File not found.")
        length = min(length, size - start)
        if length <= 0:
            return b""
        with _translated():
            found = await obstore.get_range_async(self._store, key_of(sha256), start=start, length=length)
        counted().read.inc(length)
        return bytes(found)

    async def stream(self, sha256: str, start: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        """The object, or a part of it, in pieces of 256 KiB; constant memory."""
        size = await self.head(sha256)
        if size is None:
            raise NotFound("File not found.")
        end = size if length is None else min(size, start + length)
        while start < end:
            piece = min(_CHUNK, end - start)
            with _translated():
                found = await obstore.get_range_async(self._store, key_of(sha256), start=start, length=piece)
            counted().read.inc(piece)
            yield bytes(found)
            start += piece

    async def head(self, sha256: str) -> int | None:
        """The object's size in bytes, None if there is none."""
        try:
            meta = await obstore.head_async(self._store, key_of(sha256))
        except FileNotFoundError:
            return None
        except BaseError as e:
            raise _unavailable() from e
        return meta["size"]

    async def exists(self, sha256: str) -> bool:
        """Whether the object is there."""
        return await self.head(sha256) is not None

    async def delete(self, sha256: str) -> None:
        """Removes the object; removing an absent one is fine."""
        try:
            await obstore.delete_async(self._store, key_of(sha256))
        except FileNotFoundError:
            return
        except BaseError as e:
            raise _unavailable() from e

    @asynccontextmanager
    async def as_file(self, sha256: str) -> AsyncGenerator[Path]:
        """The object as a local file for the length of a block, for decoders in the process pool: its own, not to be touched, or a copy."""
        if self._root is not None:
            path = self._root / key_of(sha256)
            if not await asyncio.to_thread(path.exists):
                raise NotFound("File not found.")
            yield path
            return
        async with self.spool(self.stream(sha256)) as copy:
            yield copy.path

    async def signed_urls(self, sha256s: Collection[str], lifetime_s: float) -> dict[str, str]:
        """The store's own links by hash, good for `lifetime_s` seconds; empty where the store signs none (local folders)."""
        if self._root is not None or isinstance(self._store, MemoryStore) or not sha256s:
            return {}
        wanted = sorted(set(sha256s))
        store = cast("S3Store | GCSStore | AzureStore", self._store)
        with _translated():
            links = await obstore.sign_async(
                store, "GET", [key_of(s) for s in wanted], timedelta(seconds=lifetime_s)
            )
        return dict(zip(wanted, links, strict=True))

    async def check(self) -> None:
        """Raises Unavailable when the store does not answer (for /readyz)."""
        if self._root is not None and not await asyncio.to_thread(os.access, self._root, os.W_OK):
            raise Unavailable("The file store's folder cannot be written.")
        await self.head("0" * 64)


def _digest(path: Path) -> tuple[str, int, bytes]:
    digest, size, head = hashlib.sha256(), 0, b""
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            head = head or chunk[:_HEAD_BYTES]
            size += len(chunk)
            digest.update(chunk)
    return digest.hexdigest(), size, head


def _write(file: IO[bytes], digest: hashlib._Hash, chunk: bytes) -> None:
    digest.update(chunk)
    file.write(chunk)


def _publish(spool: Path, root: Path, key: str) -> None:
    """Renames a flushed spool file to its key. Renaming over an equal file is harmless; its folders are flushed all the same,
    for another process may have renamed and not flushed yet."""
    target = root / key
    _flush(spool)
    folder = target.parent
    made = not folder.is_dir()
    folder.mkdir(parents=True, exist_ok=True)
    spool.replace(target)
    _flush(folder)
    if made:
        _flush(folder.parent)
        _flush(root)


def _flush(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _unavailable() -> Unavailable:
    counted().failures.inc()
    return Unavailable("The file store cannot be reached right now.", headers={"Retry-After": "1"})


class _translated:
    """Store exceptions → the error family."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, e: BaseException | None, trace: object) -> None:
        if isinstance(e, FileNotFoundError):
            raise NotFound("File not found.") from e
        if isinstance(e, BaseError):
            raise _unavailable() from e


def open_storage(settings: Settings) -> Storage:
    """The store that the settings name. Makes the local folder; does not contact remote stores."""
    url, cloud = settings.storage, CloudStores(settings.cloud)
    parts = urlsplit(url)
    if parts.scheme == "file":
        root = Path(unquote(parts.path))
        spool = root / "tmp"  # on the store's own disk, so that keeping a file is a rename
    else:
        root, spool = None, settings.data_dir / "spool"
    spool.mkdir(parents=True, exist_ok=True)
    _sweep(spool)
    if root is not None:
        root.chmod(0o700)
        return Storage(LocalStore(root), root, spool, cloud)
    spool.chmod(0o700)
    if parts.scheme == "memory":
        return Storage(from_url(url), None, spool, cloud)
    return Storage(from_url(url, client_options=_CLIENT, retry_config=_RETRY), None, spool, cloud)


def _sweep(spool: Path) -> None:
    """Removes what killed processes left behind more than a day ago. Pieces of uploads have a tidier of their own (files/resumable.py)."""
    for path in spool.glob("steelyard-*"):
        with suppress(OSError):
            if path.stat().st_mtime < time.time() - 86_400:
                path.unlink()

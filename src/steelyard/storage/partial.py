"""Files that come in pieces: on the host's disk until they are whole, where any process of this host goes on with them."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import IO

from steelyard.errors import SteelyardError, TooLarge
from steelyard.storage.disk import disk

_INLINE_BYTES = 256 * 1024


class PartialBusy(SteelyardError):
    """Another request is writing to this upload."""

    status, code = 423, "upload-busy"


class ChecksumMismatch(SteelyardError):
    """What came is not what the client meant to send."""

    status, code = 460, "checksum-mismatch"


class Partial:
    """A file that is coming. Its length is how much of it has come."""

    def __init__(self, path: Path):
        self.path = path

    def make(self) -> None:
        """Makes it, empty."""
        with disk():
            self.path.open("xb").close()

    def size(self) -> int | None:
        """Bytes that have come; None when there is no such file on this host."""
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return None

    def remove(self) -> None:
        """Removes it; an absent one is fine."""
        with suppress(FileNotFoundError):
            self.path.unlink()

    @asynccontextmanager
    async def held(self) -> AsyncGenerator[IO[bytes]]:
        """The file for one writer. Raises PartialBusy, FileNotFoundError."""
        file = self.path.open("r+b")
        try:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise PartialBusy(
                    "Another request is writing to this upload; ask for its offset and go on."
                ) from None
            yield file
        finally:
            with disk():
                await asyncio.to_thread(file.close)

    async def append(
        self,
        file: IO[bytes],
        chunks: AsyncIterable[bytes],
        *,
        at: int,
        limit: int,
        checksum: tuple[str, bytes] | None,
    ) -> int:
        """Writes a stream from `at`, which is the file's length, in constant memory; the new length.

        What came before a client went away stays, unless there is a `checksum` (algorithm, digest) that it does not have. Raises TooLarge
        beyond `limit`, ChecksumMismatch; the file is then as before.
        """
        digest = None if checksum is None else hashlib.new(checksum[0], usedforsecurity=False)
        file.seek(at)
        end, whole = at, False
        try:
            async for chunk in chunks:
                end += len(chunk)
                if end > limit:
                    raise TooLarge(f"The upload was announced with {limit} bytes; more came.")
                if digest is not None:
                    digest.update(chunk)
                with disk():
                    if len(chunk) > _INLINE_BYTES:
                        await asyncio.to_thread(file.write, chunk)
                    else:
                        file.write(chunk)
            if digest is not None and checksum is not None and digest.digest() != checksum[1]:
                raise ChecksumMismatch(
                    "The bytes that came do not have the checksum that was given; send them again."
                )
            whole = True
        except TooLarge:
            raise
        except ChecksumMismatch:
            raise
        except BaseException:
            whole = digest is None
            raise
        finally:
            with disk():
                await asyncio.to_thread(_settle, file, None if whole else at)
        return end


def _settle(file: IO[bytes], length: int | None) -> None:
    file.flush()
    if length is not None:
        file.truncate(length)
    os.fsync(file.fileno())

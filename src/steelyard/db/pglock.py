"""Locks on files of the data folder. The kernel drops them with the process, however it ends."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path

from msgspec import Struct


class Holder(Struct, frozen=True):
    """Who holds a lock; pid 0 when it is not known."""

    pid: int
    purpose: str


class FolderLock:
    """An advisory lock (flock) on one file, whose content says who holds it."""

    def __init__(self, path: Path, purpose: str) -> None:
        self.path = path
        self._purpose = purpose
        self._descriptor: int | None = None

    @property
    def held(self) -> bool:
        """Whether we hold it."""
        return self._descriptor is not None

    def try_take(self) -> Holder | None:
        """Take it for ourselves alone. None: it is ours; else who has it."""
        descriptor = self._lock(fcntl.LOCK_EX)
        if descriptor is None:
            return self._read()
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps({"pid": os.getpid(), "purpose": self._purpose}).encode(), 0)
        self._descriptor = descriptor
        return None

    def try_take_shared(self) -> bool:
        """Take it together with others who take it so."""
        self._descriptor = self._lock(fcntl.LOCK_SH)
        return self._descriptor is not None

    def holder(self) -> Holder | None:
        """Who holds it alone at this moment, without taking it."""
        descriptor = self._lock(fcntl.LOCK_SH)
        if descriptor is None:
            return self._read()
        os.close(descriptor)
        return None

    def release(self) -> None:
        """Give it back; the file stays, for removing it would let two processes lock two files of one name."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _lock(self, kind: int) -> int | None:
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return descriptor

    def _read(self) -> Holder:
        try:
            content = json.loads(self.path.read_text())
            return Holder(int(content["pid"]), str(content["purpose"]))
        except (OSError, ValueError, KeyError, TypeError):
            return Holder(0, "command")

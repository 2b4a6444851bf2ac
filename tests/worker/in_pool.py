"""What tests run in the process pool; apart, for a process that starts imports as little as can be."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path


def length_or_death(path: str) -> int:
    if Path(path).read_bytes() == b"deadly":
        os.kill(os.getpid(), signal.SIGKILL)
    return len(Path(path).read_bytes())


def never_end(path: str) -> None:
    while True:
        time.sleep(1)


def take(gigabytes: int) -> int:
    return len(bytearray(gigabytes * 2**30))

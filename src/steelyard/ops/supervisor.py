"""Child processes: started, started again when they end by themselves, and drained together.

Each has a session of its own, so that Ctrl-C in a terminal reaches only us and we decide the order of things; and the
kernel sends each SIGTERM when we are gone in whatever way, so that none is left alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence

from steelyard.db.pgprocess import die_with_parent

Say = Callable[[str], None]
_STEADY_S = 30.0  # a child that lived this long starts again without a pause


class ChildFailed(Exception):
    """A child ended again and again before the installation was ready."""


class Child:
    """One child process and its successors."""

    def __init__(
        self, name: str, arguments: Sequence[str], env: Mapping[str, str], keep: Sequence[int] = ()
    ) -> None:
        self.name = name
        self._arguments = [sys.executable, "-m", "steelyard", *arguments]
        self._env = {**os.environ, **env}
        self._keep = tuple(keep)
        self._process: subprocess.Popen[bytes] | None = None
        self.starts = 0

    @property
    def pid(self) -> int | None:
        """Process id of the one that runs now."""
        return self._process.pid if self._process is not None else None

    def start(self) -> None:
        """Start it (again)."""
        parent = os.getpid()

        def prepare() -> None:
            die_with_parent(parent, signal.SIGTERM)

        self.starts += 1
        self._process = subprocess.Popen(  # noqa: S603  # ourselves
            [*self._arguments, "--parent", str(parent)],
            env=self._env,
            stdin=subprocess.DEVNULL,
            pass_fds=self._keep,
            start_new_session=True,
            preexec_fn=prepare,
        )

    def ended(self) -> int | None:
        """Its exit code, negative for a signal; None while it runs."""
        return self._process.poll() if self._process is not None else 0

    def signal(self, number: int) -> None:
        """Send it a signal unless it ended."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)


class Supervisor:
    """Several children. `start()`, `run(stop)` until told, `drain()`."""

    def __init__(self, children: Sequence[Child], say: Say, drain_s: float) -> None:
        self.children = list(children)
        self._say = say
        self._drain_s = drain_s
        self._ready = False

    def start(self) -> None:
        """Start all."""
        for child in self.children:
            child.start()

    def ready(self) -> None:
        """From now on a child that ends is started again however often; before, the third end is a failure."""
        self._ready = True

    async def keep(self) -> None:
        """Start again what ends, pausing longer each time. Runs until cancelled; raises `ChildFailed` before `ready()`."""
        async with asyncio.TaskGroup() as group:
            for child in self.children:
                group.create_task(self._keep(child))

    async def _keep(self, child: Child) -> None:
        pause_s = 0.1
        while True:
            began = time.monotonic()
            while (code := child.ended()) is None:  # noqa: ASYNC110  # nor does a child
                await asyncio.sleep(0.05)
            if not self._ready and child.starts >= 3:
                raise ChildFailed(
                    f"The {child.name} process ends as soon as it starts ({_how(code)}); see the lines above."
                )
            if time.monotonic() - began > _STEADY_S:
                pause_s = 0.1
            self._say(f"The {child.name} process ended ({_how(code)}); starting it again")
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, 10)
            child.start()

    async def drain(self, hurry: asyncio.Event) -> None:
        """Ask all to finish what they have begun and wait; kill what takes longer than allowed, or when `hurry` is set."""
        for child in self.children:
            child.signal(signal.SIGTERM)
        deadline = time.monotonic() + self._drain_s + 5
        while running := [child for child in self.children if child.ended() is None]:
            if hurry.is_set() or time.monotonic() > deadline:
                for child in running:
                    self._say(f"The {child.name} process did not finish in time; ending it")
                    child.signal(signal.SIGKILL)
            await asyncio.sleep(0.02)


def _how(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"

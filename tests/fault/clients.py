"""Contributors in a process of their own, to be killed: `python -m tests.fault.clients ADDRESS SEED NOTES < keys`.

Each has a key and a mood of its own. What a contributor was told is noted in NOTES, a line of JSON each, written before the next request.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
from typing import Any

import aiohttp

_BOX = {"type": "box", "label": "Big Cow", "left": 0, "top": 0, "width": 40, "height": 30, "uuid": "u"}
_ANSWER = {"response": {"annotations": [_BOX]}}
_PATIENCE_S = 4.5
"""Longer than the test lets a lease live."""


class Contributor:
    """Claims and works until the process ends."""

    def __init__(self, session: aiohttp.ClientSession, key: str, number: int, notes: int, seed: int):
        self._session, self._notes, self.number = session, notes, number
        self._headers = {"Authorization": f"Bearer {key}"}
        self._dice = random.Random(seed * 1000 + number)

    def _note(self, what: str, **more: Any) -> None:
        line = json.dumps({"who": self.number, "what": what, **more}) + "\n"
        os.write(self._notes, line.encode())  # one write: a killed process leaves whole lines

    async def _ask(self, method: str, path: str, body: Any) -> tuple[int, dict[str, Any]]:
        """An answer; asks again while the server is away or busy, as clients do."""
        while True:
            try:
                async with self._session.request(method, path, json=body, headers=self._headers) as answer:
                    said = await answer.json()
                    if answer.status not in (429, 502, 503):
                        return answer.status, said
            except (aiohttp.ClientError, TimeoutError, ValueError):
                pass
            await asyncio.sleep(self._dice.uniform(0.05, 0.3))

    async def run(self) -> None:
        while True:
            status, lease = await self._ask("POST", "/api/work/claim", {})
            if status == 409:  # as many leases as one may hold, left behind by a process that was killed
                await asyncio.sleep(1)
                continue
            assert status == 200, lease
            if lease["slot"] is None:
                await asyncio.sleep(self._dice.uniform(0.4, 1.2))
                continue
            await self._work(lease)

    async def _work(self, lease: dict[str, Any]) -> None:
        path, slot, task = f"/api/work/{lease['lease_token']}", lease["slot"]["id"], lease["task"]["task_id"]
        fate = self._dice.random()
        if lease["stage"] == "review":
            body: dict[str, Any] = {"verdict": "accept"}
            if fate < 0.15 and lease["review"]["version"] < 3:
                body = {"verdict": "send_back", "comments": [{"text": "again"}]}
            status, said = await self._ask("POST", f"{path}/review", body)
            self._note("reviewed" if status == 200 else "late", slot=slot, task=task, status=status)
            assert status in (200, 409), said
        elif fate < 0.12:  # lets the lease run out, and comes back all the same
            base = (lease["draft"] or {}).get("revision", 0)
            status, said = await self._ask(
                "PUT", f"{path}/draft", {"base_revision": base, "body": {"kept": True}}
            )
            assert status in (200, 409), said
            drafted = status == 200
            await asyncio.sleep(_PATIENCE_S)
            status, said = await self._ask("POST", f"{path}/submit", _ANSWER)
            if status == 409:
                assert said["code"] == "lease-lost", said
                self._note("late", slot=slot, task=task, status=status, drafted=drafted)
            else:
                assert status == 200, said
                self._note("submitted", slot=slot, task=task, status=status)
        elif fate < 0.2:  # nothing more is heard
            self._note("vanished", slot=slot, task=task)
        elif fate < 0.28:
            verb, body = self._dice.choice([("release", {}), ("skip", {"reason": "too blurred"})])
            status, said = await self._ask("POST", f"{path}/{verb}", body)
            assert status in (200, 409), said
            self._note(verb, slot=slot, task=task, status=status)
        else:
            await asyncio.sleep(self._dice.uniform(0.1, 0.6))
            await self._ask("POST", f"{path}/heartbeat", {"active_seconds": 3})
            told = await asyncio.gather(*(self._ask("POST", f"{path}/submit", _ANSWER) for _ in range(2)))
            for status, said in told:
                assert status in (200, 409), said
            taken = any(status == 200 for status, _ in told)
            self._note("submitted" if taken else "late", slot=slot, task=task, status=200 if taken else 409)


async def main(address: str, seed: int, notes: str) -> None:
    keys: dict[str, str] = json.load(sys.stdin)
    written = os.open(notes, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    connector = aiohttp.TCPConnector(limit=0)
    timeout = aiohttp.ClientTimeout(total=20)
    async with aiohttp.ClientSession(address, connector=connector, timeout=timeout) as session:
        await asyncio.gather(
            *(Contributor(session, key, int(n), written, seed).run() for n, key in keys.items())
        )


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3]))

"""`steelyard demo`: three photographs from upload to audit on a server that runs, told step by step.

It speaks to the server as any customer and contributor would, over HTTP, and may be run again: what is there already is used.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncGenerator, Callable
from typing import Any
from urllib.parse import quote, urlsplit

import aiohttp
from aiohttp import web

from steelyard.db.datadir import DatabaseError
from steelyard.db.embedded import running_dsn
from steelyard.db.pool import Database
from steelyard.demo_project import photos
from steelyard.errors import SteelyardError
from steelyard.ops import queries
from steelyard.settings import Settings

PROJECT = "Demo: photographs"
BATCH = "Demo: three photographs"
WAIT_S = 20.0
Say = Callable[[str], None]


class DemoFailed(SteelyardError):
    """The demonstration cannot go on; the message says why and what to do."""

    code = "demo-failed"


async def run(settings: Settings, address: str, key: str, *, say: Say, wait_s: float = WAIT_S) -> None:
    """Tells the whole story to `say`. Raises `DemoFailed`.

    `address` and `key`, a live API key, name the server and the account. `settings` lead to the server's database, if it is
    on this machine, which knows why a callback did not come. `wait_s`: how long the worker may take for each step, in seconds.
    """
    base = address.rstrip("/")
    auth = aiohttp.BasicAuth(key, "")
    async with aiohttp.ClientSession(base + "/", auth=auth) as http, _refusals(settings) as refused:
        await _Demo(Server(http, base), say, refused, wait_s).tell()


class Server:
    """Requests to the server as its customers send them."""

    def __init__(self, http: aiohttp.ClientSession, base: str) -> None:
        self.base = base
        self._http = http

    async def ask(self, method: str, path: str, json: Any = None, data: Any = None) -> tuple[int, Any]:
        """Status and body of the answer. Raises `DemoFailed` when there is none, or one that nothing here can mend."""
        try:
            async with self._http.request(method, path, json=json, data=data) as answer:
                body = await answer.json(content_type=None)
                status = answer.status
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise DemoFailed(
                f"No Steelyard answers at {self.base} ({error}). Start it with `steelyard up`, or name another with --address."
            ) from None
        if status == 401:
            raise DemoFailed(f"{self.base} does not know this API key; give one of its live keys with --key.")
        if status in (402, 403) or status >= 500:
            raise DemoFailed(f"{method} {path} was refused: {_reason(body)}")
        return status, body

    async def get(self, path: str) -> Any:
        """The body of an answer that must be a success."""
        return await self.must("GET", path)

    async def must(self, method: str, path: str, json: Any = None) -> Any:
        """The same for any method."""
        status, body = await self.ask(method, path, json)
        if status != 200:
            raise DemoFailed(f"{method} {path} was refused: {_reason(body)}")
        return body


class _Demo:
    """One telling. `refused` says whether the server has refused to send a callback since we began."""

    def __init__(self, server: Server, say: Say, refused: _Refusals, wait_s: float) -> None:
        self.server = server
        self.say = say
        self.refused = refused
        self.wait_s = wait_s
        self.photos = photos()
        self.boxes: dict[str, list[dict[str, Any]]] = json.loads((self.photos / "boxes.json").read_text())
        self.callbacks: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.receiver = ""

    async def tell(self) -> None:
        """All of it. Raises `DemoFailed`."""
        earlier = await self._tasks()
        await self._until_ready()
        async with self._receive(earlier):
            self.say(f"1. Waiting for callbacks at {self.receiver}")
            await self._project()
            batch = await self._batch()
            tasks = earlier if len(earlier) == len(self.boxes) else await self._create()
            if batch["status"] == "staging":
                batch = await self.server.must("POST", f"v1/batches/{quote(BATCH, safe='')}/finalize")
                self.say(
                    f"5. Finalized the batch: it is {batch['status']}, its tasks are offered to contributors"
                )
            else:
                self.say(f"5. The batch was finalized before: it is {batch['status']}")
            await self._finish(tasks)

    async def _until_ready(self) -> None:
        """A worker that has just been started reports within seconds."""
        until = asyncio.get_running_loop().time() + self.wait_s
        while True:
            try:
                await self.server.must("GET", "readyz")
                return
            except DemoFailed:
                if asyncio.get_running_loop().time() > until:
                    raise
            await asyncio.sleep(0.2)

    async def _tasks(self) -> dict[str, Any]:
        """Those of the demo's tasks that exist, by photograph."""
        ids = "&".join("unique_id=" + quote(_unique_id(name), safe="") for name in self.boxes)
        page = await self.server.get(f"v1/tasks?{ids}")
        found = {task["unique_id"]: task for task in page["docs"]}
        return {name: found[_unique_id(name)] for name in self.boxes if _unique_id(name) in found}

    async def _project(self) -> None:
        labels = sorted({box["label"] for boxes in self.boxes.values() for box in boxes})
        params = {
            "instruction": "Draw a tight box around each object.",
            "geometries": {"box": {"objects_to_annotate": labels, "min_width": 5, "min_height": 5}},
        }
        status, body = await self.server.ask(
            "POST",
            "v1/projects",
            {"name": PROJECT, "type": "imageannotation", "rapid": True, "params": params},
        )
        if status not in (200, 409):
            raise DemoFailed(f"The project could not be created: {_reason(body)}")
        self.say(
            f"2. {'Created' if status == 200 else 'Found'} the project “{PROJECT}”: boxes for {', '.join(labels)}"
        )

    async def _batch(self) -> dict[str, Any]:
        status, body = await self.server.ask(
            "POST", "v1/batches", {"name": BATCH, "project": PROJECT, "callback": self.receiver}
        )
        if status not in (200, 409):
            raise DemoFailed(f"The batch could not be created: {_reason(body)}")
        batch = await self.server.get(f"v1/batches/{quote(BATCH, safe='')}")
        self.say(f"3. {'Created' if status == 200 else 'Found'} the batch “{BATCH}”: it is {batch['status']}")
        return batch

    async def _create(self) -> dict[str, Any]:
        for name in self.boxes:
            body = {
                "batch": BATCH,
                "attachment": await self._upload(name),
                "attachment_type": "image",
                "callback_url": self.receiver,
                "unique_id": _unique_id(name),
                "metadata": {"file": name},
            }
            status, made = await self.server.ask("POST", "v1/task/imageannotation", body)
            if status not in (200, 409):
                raise DemoFailed(f"The task of {name} could not be created: {_reason(made)}")
            self.say(
                f"4. Uploaded {name} and {'created a task of it' if status == 200 else 'found its task'}"
            )
        return await self._tasks()

    async def _upload(self, name: str) -> str:
        """Stores a photograph, once; its `scaledata://` address."""
        form = aiohttp.FormData()
        content = (self.photos / name).read_bytes()
        form.add_field("file", content, filename=name, content_type="image/jpeg")
        form.add_field("project_name", PROJECT)
        form.add_field("reference_id", _unique_id(name))
        status, file = await self.server.ask("POST", "v1/files/upload", data=form)
        if status == 409:
            page = await self.server.get(f"v1/files?project={quote(PROJECT, safe='')}")
            for known in page["docs"]:
                if known.get("reference_id") == _unique_id(name):
                    return known["attachment_url"]
        if status != 200:
            raise DemoFailed(f"{name} could not be uploaded: {_reason(file)}")
        return file["attachment_url"]

    async def _finish(self, tasks: dict[str, Any]) -> None:
        """One task worked, its callback received, its result read and audited; of a task worked before, the callback again."""
        pending = [name for name, task in tasks.items() if task["status"] == "pending"]
        name = await self._work(tasks, pending) if pending else None
        if name is None:
            name = next((n for n, task in tasks.items() if task["status"] == "completed"), None)
            if name is None:
                raise DemoFailed("No task of the demo is pending or completed; look at them on the server.")
            path = f"v1/task/{tasks[name]['task_id']}/send_callback"
            await self.server.must("POST", path)
            self.say(f"6. Nothing is left to do: asked for the callback of {name} once more")
        task_id = tasks[name]["task_id"]
        callback = await self._callback(task_id)
        self.say(f"7. The callback for task {task_id} came: it is {callback['status']}")
        task = await self.server.get(f"v1/task/{task_id}")
        found = [
            f"{box['label']} at ({box['left']:g}, {box['top']:g})" for box in task["response"]["annotations"]
        ]
        self.say(f"8. The result, fetched: {'; '.join(found)}")
        audit = {"accepted": True, "comments": "Tight boxes, all objects found."}
        await self.server.must("POST", f"v1/task/{task_id}/audit", audit)
        audited = await self._callback(task_id)
        verdict = audited["task"]["customer_review_status"]
        self.say(f"9. Audited: the review status is {verdict}, and a second callback said so")
        left = await self.server.get(f"v1/batches/{quote(BATCH, safe='')}/status")
        self.say(
            f"The batch counts {left['completed']} completed and {left['pending']} pending tasks. The API describes itself at "
            f"{self.server.base}/docs"
        )

    async def _work(self, tasks: dict[str, Any], pending: list[str]) -> str | None:
        """Does the first pending task that is offered; its photograph. None when others hold them all."""
        until = asyncio.get_running_loop().time() + self.wait_s
        while asyncio.get_running_loop().time() < until:
            for name in pending:
                claim = {"task_id": tasks[name]["task_id"]}
                held = await self.server.must("POST", "api/work/claim", claim)
                if held["lease_token"]:
                    boxes = [{"type": "box", **box} for box in self.boxes[name]]
                    submission = {"response": {"annotations": boxes}, "active_seconds": 30}
                    await self.server.must("POST", f"api/work/{held['lease_token']}/submit", submission)
                    self.say(
                        f"6. Claimed the task of {name} and submitted {len(boxes)} boxes, as a contributor would"
                    )
                    return name
            await asyncio.sleep(0.2)
        self.say("   (None of the pending tasks is offered to us: others may be working on them.)")
        return None

    async def _callback(self, task_id: str) -> dict[str, Any]:
        """The next callback for a task. Raises `DemoFailed` as soon as it is known that none will come."""
        until = asyncio.get_running_loop().time() + self.wait_s
        while asyncio.get_running_loop().time() < until:
            try:
                async with asyncio.timeout(0.5):
                    callback = await self.callbacks.get()
            except TimeoutError:
                if await self.refused():
                    raise DemoFailed(
                        f"The server refuses to send callbacks to {self.receiver}, a private address. Start it with "
                        "STEELYARD_ALLOW_NETWORKS=127.0.0.0/8 (or this machine's network) and run the demo again."
                    ) from None
                continue
            if callback.get("task_id") == task_id:
                return callback
        raise DemoFailed(
            f"No callback came to {self.receiver} within {self.wait_s:.0f} seconds. Private addresses are refused unless the "
            "server is started with STEELYARD_ALLOW_NETWORKS=127.0.0.0/8 (or this machine's network); `steelyard doctor` "
            "tells what hinders callbacks."
        )

    @contextlib.asynccontextmanager
    async def _receive(self, earlier: dict[str, Any]) -> AsyncGenerator[None]:
        """Takes callbacks until the block ends, where an earlier run took them if it can: its tasks still point there."""

        async def take(request: web.Request) -> web.Response:
            self.callbacks.put_nowait(await request.json())
            return web.Response()

        known = next(
            (urlsplit(task["callback_url"]) for task in earlier.values() if task.get("callback_url")), None
        )
        host = _own_address(self.server.base) if known is None else known.hostname or ""
        port = 0 if known is None else known.port or 80
        application = web.Application()
        application.router.add_post("/callback", take)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        try:
            try:
                await web.TCPSite(runner, host, port).start()
            except OSError as error:
                raise DemoFailed(
                    f"Callbacks of the demo's tasks go to {host}:{port}, which cannot be listened on ({error.strerror}). Stop "
                    "the program that uses this port, or another demo."
                ) from None
            self.receiver = f"http://{host}:{runner.addresses[0][1]}/callback"
            yield
        finally:
            await runner.cleanup()


class _Refusals:
    """Callbacks that the server did not send because of their address, from its database where we can read it."""

    def __init__(self, db: Database | None) -> None:
        self._db = db
        self._before = 0

    async def _count(self) -> int:
        return 0 if self._db is None else (await queries.blocked_callbacks(self._db)).events

    async def begin(self) -> None:
        self._before = await self._count()

    async def __call__(self) -> bool:
        """Whether one was refused since `begin`."""
        return await self._count() > self._before


@contextlib.asynccontextmanager
async def _refusals(settings: Settings) -> AsyncGenerator[_Refusals]:
    db = None
    with contextlib.suppress(DatabaseError, SteelyardError, OSError):
        dsn = settings.database_url or await running_dsn(settings.data_dir)
        if dsn is not None:
            db = await Database.open(dsn, size=1)
    try:
        refusals = _Refusals(db)
        await refusals.begin()
        yield refusals
    finally:
        if db is not None:
            await db.close()


def _own_address(server: str) -> str:
    """The address of this machine that the server can reach: the one from which we reach the server."""
    parts = urlsplit(server)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        with socket.create_connection((parts.hostname or "", port), timeout=10) as connection:
            return connection.getsockname()[0]
    except OSError as error:
        raise DemoFailed(f"No Steelyard answers at {server} ({error.strerror}).") from None


def _unique_id(name: str) -> str:
    return f"steelyard-demo/{name}"


def _reason(body: Any) -> str:
    """What an error's body says, in either surface's form."""
    if isinstance(body, dict):
        for key in ("error", "detail", "title"):
            if body.get(key):
                return str(body[key])
    return str(body)

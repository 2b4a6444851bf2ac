"""Creation without a task of the event loop: over a real connection, whatever is sent, it gives what the ordinary way gives."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from steelyard.ctx import Ctx
from steelyard.errors import Unavailable
from steelyard.http import auth
from steelyard.http.asgi import App
from steelyard.http.protocol import Exchange, Protocol
from steelyard.http.route import Router
from steelyard.http.surface import all_routes
from steelyard.ops.serving import Server
from steelyard.tasks import batcher, create, targets
from tests.api.builders import image_task
from tests.conftest import Keys

FIXTURES = Path(__file__).parents[2] / "fixtures" / "task-types"
TASK = "/v1/task/imageannotation"
_VARYING = re.compile(rb'"(task_id|created_at|updated_at|uuid|key|date)":"[^"]*"')


class Ordinary:
    """An application that answers nothing at once."""

    def __init__(self, app: App):
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)


class Counting(Ordinary):
    """One that counts what it answers at once."""

    at_once = 0

    def begin(self, exchange: Exchange) -> bool:
        begun = self.app.begin(exchange)
        self.at_once += begun
        return begun


@asynccontextmanager
async def _serving(app: Any) -> AsyncGenerator[int]:
    config = uvicorn.Config(
        app, http=Protocol, ws="none", lifespan="off", access_log=False, log_config=None, proxy_headers=False
    )
    server = Server(config)
    with socket.create_server(("127.0.0.1", 0)) as sock:
        running = asyncio.create_task(server.serve(sockets=[sock]))
        try:
            yield sock.getsockname()[1]
        finally:
            server.should_exit = True
            await running


def _auth(key: str) -> str:
    return "Basic " + base64.b64encode(f"{key}:".encode()).decode()


class Both:
    """One application by both ways."""

    def __init__(self, counting: Counting, ports: tuple[int, int], key: str):
        self.counting, self.ports = counting, ports
        self._clients = [
            httpx.AsyncClient(
                base_url=f"http://127.0.0.1:{port}", headers={"authorization": _auth(key)}, timeout=30
            )
            for port in ports
        ]
        self.quick, self.ordinary = self._clients

    async def close(self) -> None:
        for client in self._clients:
            await client.aclose()

    async def alike(self, path: str, content: bytes, headers: dict[str, str] | None = None) -> httpx.Response:
        """The answer that both ways give; `@WAY@` in the content stands for a name of each way's own."""
        said: list[tuple[Any, ...]] = []
        answer = httpx.Response(500)
        for number, client in enumerate(self._clients):
            sent = content.replace(b"@WAY@", b"%d" % number)
            answer = await client.post(
                path, content=sent, headers={"content-type": "application/json", **(headers or {})}
            )
            body = _VARYING.sub(b"", answer.content).replace(b"way-%d" % number, b"way")
            fixed = {k: v for k, v in answer.headers.items() if k not in ("date", "content-length")}
            said.append((answer.status_code, fixed, body))
        assert said[0] == said[1], (path, content[:2000])
        return answer


@pytest.fixture
async def both(app: App, keys: Keys, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Both]:
    for module, name in ((auth, "_TTL_S"), (create, "_SPACE_TTL_S"), (targets, "_BATCH_TTL_S")):
        monkeypatch.setattr(module, name, 60.0)  # what is known stays known, on the slowest machine
    counting = Counting(app)
    async with _serving(counting) as quick, _serving(Ordinary(app)) as ordinary:
        ways = Both(counting, (quick, ordinary), keys.live)
        try:
            first = json.dumps(image_task(unique_id="way-@WAY@")).encode()
            await ways.alike(TASK, first)  # key and space are known now
            yield ways
        finally:
            await ways.close()


def _cases(kind: str) -> list[tuple[str, bytes]]:
    paths = sorted(FIXTURES.glob(f"*/{kind}/*.json"))
    return [(p.parts[-3], json.dumps(json.loads(p.read_text())["params"]).encode()) for p in paths]


async def test_every_example_of_every_type_is_answered_alike(both: Both) -> None:
    right = wrong = 0
    for name, params in _cases("valid"):
        right += (await both.alike(f"/v1/task/{name}", params)).status_code == 200
    took = both.counting.at_once
    assert took > 0.6 * right > 48
    for name, params in _cases("invalid"):
        answer = await both.alike(f"/v1/task/{name}", params)
        wrong += answer.status_code != 200
    assert wrong > 500
    assert both.counting.at_once <= took + 20, "what is wrong is told by the ordinary way"


@pytest.mark.parametrize(
    "more",
    [
        {"unique_id": "way-@WAY@", "tags": ["a", "b"], "metadata": {"a": "\u00e9"}, "priority": 20},
        {"callback_url": "https://example.com/x", "urgency": "day", "clear_unique_id_on_error": True},
        {"callback_url": None, "unique_id": None, "tags": None, "project": None},
        {"callback_url": ""},
        {"project": "p"},
        {"project": "p", "project_version": -1},
        {"project": "p", "batch": "b"},
        {"batch": "b"},
    ],
)
async def test_what_is_right_is_created_alike(both: Both, more: dict[str, Any]) -> None:
    for path, body in (
        ("/v1/projects", {"name": "p", "type": "imageannotation", "params": {"instruction": "All."}}),
        ("/v1/batches", {"name": "b", "project": "p"}),
    ):
        assert (await both.ordinary.post(path, json=body)).status_code == 200
    for _ in range(2):  # the project is looked up by the first
        made = await both.alike(
            TASK, json.dumps(image_task(**more)).replace('way-@WAY@"', f'way-@WAY@-{_}"').encode()
        )
        assert made.status_code == 200, made.text
        read = await both.ordinary.get(f"/v1/task/{made.json()['task_id']}")
        assert read.content == made.content
    before = both.counting.at_once
    await both.alike(TASK, json.dumps(image_task(**{**more, "unique_id": None})).encode())
    assert both.counting.at_once == before + 1


async def test_what_is_wrong_is_refused_alike(both: Both, keys: Keys) -> None:
    for path, body in (
        ("/v1/projects", {"name": "other type", "type": "categorization"}),
        ("/v1/projects", {"name": "rapid", "type": "imageannotation", "rapid": True}),
    ):
        assert (await both.ordinary.post(path, json=body)).status_code == 200
    await both.ordinary.post(TASK, json=image_task(unique_id="held"))
    bodies: list[Any] = [
        image_task(unique_id="held"),
        *(image_task(project=name) for name in ("nothing", "other type", "rapid", 7)),
        image_task(batch="nothing"),
        image_task(project_version="x"),
        image_task(tags=7),
        image_task(metadata=[]),
        image_task(priority=99),
        image_task(callback_url="no address"),
        image_task(instruction=7),
        {},
        [],
        7,
    ]
    for body in bodies:
        for _ in range(2):
            answer = await both.alike(TASK, json.dumps(body).encode())
            assert answer.status_code >= 400, body
    for content in (b"", b"{", b"\xff", b'{"a":"\\u0000"}', b"[" * 100_000, b'{"a":' * 5000):
        assert (await both.alike(TASK, content)).status_code == 400
    assert (await both.alike("/v1/task/nothing", b"{}")).status_code == 404
    good = json.dumps(image_task()).encode()
    for key, status in (
        (keys.labeler_live, 403),
        ("live_nobody", 401),
        (keys.manager_live, 200),
    ):
        for _ in range(2):
            answer = await both.alike(TASK, good, {"authorization": _auth(key)})
            assert answer.status_code == status, key


async def test_a_form_and_a_key_are_taken_alike(both: Both) -> None:
    form = "instruction=Draw.&attachment=https%3A%2F%2Fexample.com%2Fa.png&geometries[box][objects_to_annotate][]=car"
    kind = {"content-type": "application/x-www-form-urlencoded"}
    assert (await both.alike(TASK, form.encode(), kind)).status_code == 200
    body = json.dumps(image_task()).encode()
    first = await both.quick.post(TASK, content=body, headers={"idempotency-key": "k"})
    again = await both.quick.post(TASK, content=body, headers={"idempotency-key": "k"})
    assert first.status_code == 200 and again.content == first.content


async def test_a_project_that_moved_on_is_looked_at_anew(both: Both) -> None:
    made = await both.ordinary.post("/v1/projects", json={"name": "p", "type": "imageannotation"})
    assert made.status_code == 200, made.text
    for number in range(3):
        assert (await both.quick.post(TASK, json=image_task(project="p"))).status_code == 200
        params = {"params": {"annotation_attributes": {f"a{number}": {"type": "number"}}}}
        changed = await both.ordinary.post("/v1/projects/p/setParams", json=params["params"])
        assert changed.status_code == 200, changed.text
    task = (await both.quick.post(TASK, json=image_task(project="p"))).json()
    assert task["project_param_version"] == 3
    assert "a2" in task["params"]["annotation_attributes"]


def test_paths_are_known_however_many_others_were_asked_for_before() -> None:
    router = Router(all_routes())
    for number in range(5000):
        assert router.find(b"/v1/task/%024x" % number, "GET")[0] is not None
        assert router.find(b"/v1/task/some type %d" % number, "POST")[0] is not None
    assert router.known(TASK.encode(), "POST") is None
    route, path, _ = router.find(TASK.encode(), "POST")
    assert router.known(TASK.encode(), "POST") == (route, path) == (route, ("imageannotation",))
    assert router.find(b"/v1/task/%024x" % 4999, "GET") == router.find(b"/v1/task/%024x" % 4999, "GET")


async def test_a_batch_that_changed_is_looked_at_anew(both: Both, ctx: Ctx) -> None:
    async def post(path: str, body: Any, status: int = 200) -> Any:
        answer = await both.quick.post(path, json=body)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def made(batch: str, status: int = 200) -> Any:
        return await post(TASK, image_task(batch=batch), status)

    await post("/v1/projects", {"name": "p", "type": "imageannotation"})
    await post("/v1/batches", {"name": "b", "project": "p"})
    assert [(await made("b"))["priority"] for _ in range(2)] == [10, 10]
    await post("/v1/batches/b/prioritize", {"priority": 30})
    before = both.counting.at_once
    assert [(await made("b"))["priority"] for _ in range(2)] == [30, 30]
    assert both.counting.at_once == before + 2, "the first was refused and asked again"
    await post("/v1/batches/b/finalize", {})
    await ctx.db.execute("update task set status = 'canceled', stage = 'canceled' where status = 'pending'")
    await ctx.db.execute(
        "update batch set status = 'completed', completed_at = steelyard.now() where name = 'b'"
    )
    await made("b")
    assert await ctx.db.fetchval("select status from batch where name = 'b'") == "in_progress", "opened again"
    await ctx.db.execute("update batch set status = 'cancelled', completed_at = null where name = 'b'")
    assert "is cancelled" in (await made("b", 400))["error"]

    await post("/v1/projects", {"name": "rapid", "type": "imageannotation", "rapid": True})
    await post("/v1/batches", {"name": "r", "project": "rapid"})
    before = both.counting.at_once
    assert [(await made("r"))["batch"] for _ in range(3)] == ["r"] * 3
    assert both.counting.at_once == before + 2
    await post("/v1/batches/r/finalize", {})
    assert "takes no more tasks" in (await made("r", 400))["error"]


async def test_an_archived_project_takes_tasks_once_it_is_back(both: Both) -> None:
    assert (await both.quick.post("/v1/projects", json={"name": "p", "type": "imageannotation"})).is_success
    assert (await both.quick.post(TASK, json=image_task(project="p"))).is_success
    for verb, status in (("archive", 400), ("unarchive", 200), ("archive", 400), ("unarchive", 200)):
        assert (await both.quick.post(f"/api/projects/p/{verb}")).status_code == 200
        for _ in range(2):
            await both.alike(TASK, json.dumps(image_task(project="p")).encode())
            assert (await both.quick.post(TASK, json=image_task(project="p"))).status_code == status


def _request(key: str, body: bytes, *more: str) -> bytes:
    head = [
        f"POST {TASK} HTTP/1.1",
        "Host: x",
        f"Authorization: {_auth(key)}",
        f"Content-Length: {len(body)}",
        *more,
    ]
    return "\r\n".join([*head, "", ""]).encode() + body


async def _talk(port: int, *parts: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for part in parts:
        writer.write(part)
        await asyncio.sleep(0.02)
    said = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return said


async def test_requests_in_parts_at_once_and_at_the_end_of_a_connection_are_answered(
    both: Both, keys: Keys
) -> None:
    port = both.ports[0]
    whole = [_request(keys.live, json.dumps(image_task(unique_id=f"u{n}")).encode()) for n in range(4)]
    last = _request(keys.live, json.dumps(image_task(unique_id="last")).encode(), "Connection: close")
    cut = len(whole[0]) - 40
    said = await _talk(port, whole[0][:30], whole[0][30:cut], whole[0][cut:], b"".join(whole[1:]), last)
    names = re.findall(rb'"unique_id":"(\w+)"', said)
    assert names == [b"u0", b"u1", b"u2", b"u3", b"last"]
    assert said.count(b"HTTP/1.1 200 OK\r\n") == 5
    assert said.count(b"connection: close") == 1


async def test_a_client_that_leaves_takes_nobody_with_it(both: Both, ctx: Ctx, keys: Keys) -> None:
    async def leave(number: int) -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", both.ports[0])
        writer.write(_request(keys.live, json.dumps(image_task(unique_id=f"left{number}")).encode()))
        await writer.drain()
        writer.transport.abort()

    async def stay(number: int) -> int:
        return (await both.quick.post(TASK, json=image_task(unique_id=f"stayed{number}"))).status_code

    answers = await asyncio.gather(*(f(n) for n in range(20) for f in (leave, stay)))
    assert [a for a in answers if a is not None] == [200] * 20
    stayed = await ctx.db.fetchval("select count(*) from task where unique_id like 'stayed%'")
    assert stayed == 20


async def test_an_insert_that_fails_is_told_in_the_wires_words(
    both: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unavailable(*_: Any, **__: Any) -> set[str]:
        raise Unavailable("The database is not available.")

    async def broken(*_: Any, **__: Any) -> set[str]:
        raise ZeroDivisionError("a secret")

    body = json.dumps(image_task()).encode()
    before = both.counting.at_once
    monkeypatch.setattr(batcher, "insert_tasks", unavailable)
    assert (await both.alike(TASK, body)).status_code == 503
    monkeypatch.setattr(batcher, "insert_tasks", broken)
    answers = [await client.post(TASK, content=body) for client in (both.quick, both.ordinary)]
    assert [a.status_code for a in answers] == [500, 500]
    assert all("secret" not in a.text and "request id" in a.text for a in answers)
    assert both.counting.at_once == before + 2

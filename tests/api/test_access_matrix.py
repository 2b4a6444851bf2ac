"""The access matrix: every route × everybody who may call, by real requests, deny by default.

`RULES` says in words of its own, not the code's, what may be reached; a route that no rule covers fails the test, and so does one that
lets in anybody whom its rule does not name. Each route is called once by each caller, with addresses that nobody has and an empty body: what
matters is whether it gets past the door (anything but 401 and 403). Whose objects are reached beyond the door is the second and third test.
"""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from steelyard import tasks, users
from steelyard.ctx import Actor, Ctx, Scope
from steelyard.http.route import Route
from steelyard.http.surface import all_routes
from tests.api.builders import image_task
from tests.conftest import ClientFor, Keys

PASSWORD = "correct horse battery"
ADMIN, MANAGER, REVIEWER = "admin@localhost.localdomain", "manager@main.example", "reviewer@main.example"
LABELER, IDLE = "labeler@main.example", "idle@main.example"

ANY_METHOD = "GET POST PUT DELETE"
RULES: list[tuple[str, str, str]] = [
    # (methods, pattern of the path, who): the first that fits counts
    ("GET", r"/(healthz|readyz|metrics|openapi\.json|docs)?", "everybody"),
    ("GET", r"/(login|work|review|console|invite|reset|setup)(/\{path\})?", "everybody"),
    ("GET", r"/assets/\{path\}", "everybody"),
    ("GET", r"/(media|results)/\{token\}(/.*)?", "everybody"),
    ("GET POST", r"/api/(login|setup|oidc.*|links/\{token\}|password/forgot)", "everybody"),
    ("GET POST PUT", r"/api/(session|logout|password|me/keys)", "members"),
    ("POST PUT", r"/v1/(teams|studio)/.+", "leads"),
    ("GET", r"/v1/task/\{task_id\}/response_url/\{file_id\}", "members"),
    (ANY_METHOD, r"/v1/.+", "staff"),
    ("POST", r"/api/tasks/bulk", "staff"),
    ("OPTIONS", r"/api/uploads(/\{upload_id\})?", "everybody"),
    ("GET POST PATCH DELETE", r"/api/uploads(/.*)?", "staff"),
    (ANY_METHOD, r"/api/(settings|callback-settings|audit-log|health|keys)(/.*)?", "keepers"),
    ("GET POST", r"/api/work/(leases|escalated|stranded)(/.*)?", "leads"),
    (ANY_METHOD, r"/api/work(/.*)?", "workers"),
    ("GET", r"/api/figures/me", "workers"),
    ("GET", r"/api/projects/\{name\}/instructions", "workers"),
    ("POST", r"/api/projects/\{name\}/instructions/read", "workers"),
    ("GET POST PUT DELETE", r"/api/(audits|batches|tasks|export|callbacks|figures|figures\.csv|bulk-changes|demo|members|quality|transfers|projects)(/.*)?", "leads"),
]  # fmt: skip

CALLERS = (
    "anonymous", "other account", "labeler without lease", "labeler with lease", "reviewer", "manager", "admin", "test key", "live key",
    "scope data", "scope read", "scope work", "model", "labeler's browser", "manager's browser", "manager's browser, forged", "disabled",
)  # fmt: skip
NOBODY = {"anonymous", "disabled"}
LEADS = {"other account", "manager", "admin", "test key", "live key", "manager's browser"}
STAFF = LEADS | {"reviewer"}
LABELERS = {"labeler without lease", "labeler with lease", "labeler's browser"}
MEMBERS = STAFF | LABELERS | {"scope data", "scope read", "scope work", "model"}
MAY: dict[str, tuple[set[str], set[str]]] = {
    # who → (callers that may read, callers that may change)
    "everybody": (set(CALLERS), set(CALLERS)),
    "members": (MEMBERS, MEMBERS - {"scope read"}),
    "workers": (STAFF | LABELERS | {"scope work", "model"}, STAFF | LABELERS | {"scope work", "model"}),
    "staff": (STAFF | {"scope data", "scope read"}, STAFF | {"scope data"}),
    "leads": (LEADS | {"scope read"}, LEADS),
    "keepers": (LEADS, LEADS),
}
READS_ONLY = "manager's browser, forged"
"""A page of another site in a manager's browser: it can make requests but not know the token; what it reads the browser keeps from it."""


def rule_of(route: Route) -> str:
    """Who may call a route by RULES; none: nobody, and the test fails."""
    for methods, pattern, who in RULES:
        if route.method in methods.split() and re.fullmatch(pattern, route.path):
            return who
    pytest.fail(f"{route.method} {route.path} has no rule in the access matrix")


def allowed(route: Route, caller: str) -> bool:
    """What the table expects."""
    reads, changes = MAY[rule_of(route)]
    if caller == READS_ONLY and rule_of(route) != "everybody":
        return route.method == "GET" and "manager's browser" in reads
    return caller in (reads if route.method == "GET" else changes)


def test_every_route_has_a_rule_and_every_rule_a_route() -> None:
    fits = dict.fromkeys(RULES, 0)
    for route in all_routes():
        rule_of(route)
        rule = next(r for r in RULES if route.method in r[0].split() and re.fullmatch(r[1], route.path))
        fits[rule] += 1
    assert not [rule for rule, n in fits.items() if n == 0], "rules without a route"


@pytest.fixture
async def task_id(ctx: Ctx, live: httpx.AsyncClient, live_actor: Actor) -> str:
    """A task that waits for labelers, of a project that two of them are assigned to."""
    await live.post("/v1/projects", json={"name": "cows", "type": "imageannotation"})
    await users.create_member(ctx, "main", REVIEWER, "member", PASSWORD)
    await users.create_member(ctx, "main", IDLE, "labeler", PASSWORD)
    await live.post(
        "/v1/studio/assignments/add",
        json={"emails": [LABELER, IDLE, REVIEWER, MANAGER], "projects": ["cows"]},
    )
    made = await live.post("/v1/task/imageannotation", json=image_task(project="cows"))
    async with ctx.db.tx() as tx:
        assert await tasks.queue_task(ctx, tx, live_actor.space_id, made.json()["task_id"])
    return made.json()["task_id"]


@pytest.fixture
async def callers(
    ctx: Ctx, client_for: ClientFor, keys: Keys, live: httpx.AsyncClient, task_id: str
) -> dict[str, httpx.AsyncClient]:
    """Everybody of the matrix."""

    async def key(email: str, scope: Scope = "full") -> httpx.AsyncClient:
        return client_for((await users.create_key(ctx, "main", "live", member_email=email, scope=scope)).key)

    async def browser(email: str, forged: bool = False) -> httpx.AsyncClient:
        client = client_for(None)
        answer = await client.post("/api/login", json={"email": email, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        if not forged:
            client.headers["X-CSRF-Token"] = answer.json()["csrf_token"]
        return client

    gone = await users.create_member(ctx, "main", "gone@main.example", "manager", PASSWORD)
    disabled = await key("gone@main.example")
    await ctx.db.execute("update member set role = 'disabled' where id = $1", gone.id)
    model = (await live.post("/api/members/models", json={"name": "Detector"})).json()["key"]["key"]
    made = {
        "anonymous": client_for(None),
        "other account": client_for(keys.other_live),
        "labeler without lease": await key(IDLE),
        "labeler with lease": client_for(keys.labeler_live),
        "reviewer": await key(REVIEWER),
        "manager": client_for(keys.manager_live),
        "admin": await key(ADMIN),
        "test key": client_for(keys.test),
        "live key": client_for(keys.live),
        "scope data": await key(ADMIN, "data"),
        "scope read": await key(ADMIN, "read"),
        "scope work": await key(ADMIN, "work"),
        "model": client_for(model),
        "labeler's browser": await browser(LABELER),
        "manager's browser": await browser(MANAGER),
        "manager's browser, forged": await browser(MANAGER, forged=True),
        "disabled": disabled,
    }
    assert tuple(made) == CALLERS
    return made


async def _call(client: httpx.AsyncClient, route: Route, path: str) -> int:
    body: dict[str, Any] = {}
    if route.method != "GET":
        body = {"content": b"{}", "headers": {"Content-Type": "application/json"}}
    return (await client.request(route.method, path, **body)).status_code


async def test_each_route_lets_in_exactly_whom_its_rule_names(callers: dict[str, httpx.AsyncClient]) -> None:
    wrong: list[str] = []
    # what ends a session or a key comes last
    for route in sorted(all_routes(), key=lambda r: r.path == "/api/logout"):
        path = re.sub(r"\{\w+\}", "0123456789ab", route.path)
        for caller, client in callers.items():
            status = await _call(client, route, path)
            denied = status in (401, 403)
            if rule_of(route) == "everybody":
                denied = denied and route.path not in ("/api/login", "/api/setup")
            if denied is allowed(route, caller):
                wrong.append(f"{route.method} {route.path} by {caller}: {status}")
            elif denied and (status == 401) != (caller in NOBODY):
                wrong.append(
                    f"{route.method} {route.path} by {caller}: {status} instead of the other refusal"
                )
            elif status >= 500 and route.path not in ("/readyz",):
                wrong.append(f"{route.method} {route.path} by {caller}: {status}")
    assert not wrong, "\n".join(wrong)


async def test_a_lease_opens_its_work_to_its_holder_alone(
    callers: dict[str, httpx.AsyncClient], task_id: str
) -> None:
    holder = callers["labeler with lease"]
    held = (await holder.post("/api/work/claim", json={})).json()
    assert held["task"]["task_id"] == task_id
    token = held["lease_token"]
    routes = [r for r in all_routes() if "{lease_token}" in r.path]
    assert len(routes) >= 8
    bodies: dict[str, Any] = {
        "draft": {"base_revision": 0, "body": {"stolen": 1}},
        "submit": {"response": {"annotations": []}},
        "review": {"verdict": "accept"},
        "skip": {"reason": "stolen"},
    }
    for caller, client in callers.items():
        if caller in ("labeler with lease", "labeler's browser"):  # one person, two doors
            continue
        for route in routes:
            path = route.path.replace("{lease_token}", token)
            last = path.rsplit("/", 1)[-1]
            more = {} if route.method == "GET" else {"json": bodies.get(last, {})}
            answer = await client.request(route.method, path, **more)
            assert answer.status_code in (400, 401, 403, 404, 409), (caller, path, answer.status_code)
            assert task_id not in answer.text, (caller, path)
    mine = await holder.get(f"/api/work/{token}")
    assert mine.status_code == 200
    assert mine.json()["draft"] is None
    assert mine.json()["slot"] == held["slot"]
    assert (await callers["labeler's browser"].get(f"/api/work/{token}")).status_code == 200
    done = await holder.post(f"/api/work/{token}/release")
    assert done.status_code == 200


@pytest.mark.parametrize("stranger", ["other account", "test key"])
async def test_no_object_of_another_space_is_reached_through_any_open_door(
    callers: dict[str, httpx.AsyncClient], live: httpx.AsyncClient, task_id: str, stranger: str, ctx: Ctx
) -> None:
    """Complements test_isolation, whose probes are written by hand: here every route with a parameter is filled with what is really there."""
    await live.post("/v1/batches", json={"name": "herd", "project": "cows"})
    member = (await live.get("/api/members", params={"search": LABELER})).json()["items"][0]["id"]
    slot = await ctx.db.fetchval("select id from slot where task_id = $1", task_id)
    key = (await live.post("/api/keys", json={"name": "mine"})).json()["id"]
    real = {
        "task_id": task_id,
        "name": "cows",
        "project": "cows",
        "batch": "herd",
        "member_id": member,
        "id": member,
        "slot_id": slot,
        "key_id": key,
    }
    people = ("/api/members", "/api/keys")  # of the account, not of one of its modes
    client = callers[stranger]
    for route in all_routes():
        names = re.findall(r"\{(\w+)\}", route.path)
        if (
            not names
            or not set(names) <= set(real)
            or (stranger == "test key" and route.path.startswith(people))
        ):
            continue
        values = {**real, "name": "herd"} if route.path.startswith("/v1/batches") else real
        path = re.sub(r"\{(\w+)\}", lambda m, v=values: str(v[m[1]]), route.path)
        status = await _call(client, route, path)
        assert status in (400, 402, 404, 409), (route.method, route.path, status)

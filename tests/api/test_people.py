"""Members, links for passwords, keys with scopes, settings, the audit log, the first admin."""

from __future__ import annotations

import asyncio
import hashlib
import re
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest
from aiosmtpd.controller import Controller

from steelyard import people, tasks, users
from steelyard.ctx import Actor, Ctx
from steelyard.jobs.worker import drain
from tests.api.builders import image_task
from tests.conftest import ClientFor, Keys

PASSWORD = "correct horse battery"
MANAGER, LABELER = "manager@main.example", "labeler@main.example"


@pytest.fixture
def manager(client_for: ClientFor, keys: Keys) -> httpx.AsyncClient:
    return client_for(keys.manager_live)


@pytest.fixture
def forget(ctx: Ctx) -> Callable[[], None]:
    """Makes the next request look every key up again."""
    return lambda: ctx.state.get("auth", {}).clear()


async def the(client: httpx.AsyncClient, email: str) -> dict[str, Any]:
    page = (await client.get("/api/members", params={"search": email})).json()
    (found,) = page["items"]
    return found


def token_of(url: str) -> str:
    return url.rsplit("/", 1)[1]


async def test_members_are_listed_by_pages_and_found_by_role_and_part_of_a_name(live) -> None:
    everybody = (await live.get("/api/members")).json()
    assert everybody["total"] == 3
    assert everybody["next_token"] is None
    assert [m["role"] for m in everybody["items"]] == ["admin", "manager", "labeler"]
    seen: list[str] = []
    token = None
    while True:
        page = (
            await live.get("/api/members", params={"limit": 2, **({"next_token": token} if token else {})})
        ).json()
        seen += [m["id"] for m in page["items"]]
        token = page["next_token"]
        if token is None:
            break
    assert seen == [m["id"] for m in everybody["items"]]
    assert [
        m["email"] for m in (await live.get("/api/members", params={"role": "labeler"})).json()["items"]
    ] == [LABELER]
    assert (await live.get("/api/members", params={"next_token": "x"})).status_code == 400
    one = everybody["items"][0]
    assert (await live.get(f"/api/members/{one['id']}")).json()["email"] == one["email"]
    assert (await live.get("/api/members/000000000000000000000000")).status_code == 404


async def test_an_invitation_is_accepted_once_by_its_link(live, client_for: ClientFor, ctx: Ctx) -> None:
    made = await live.post(
        "/api/members/invite", json={"emails": ["New@x.example", MANAGER], "role": "member"}
    )
    assert made.status_code == 200, made.text
    (link,) = made.json()["items"]
    assert (link["email"], link["mailed"]) == ("New@x.example", False)
    assert link["url"].startswith("http://steelyard.test/invite/")
    token = token_of(link["url"])
    stranger = client_for(None)
    shown = (await stranger.get(f"/api/links/{token}")).json()
    assert (shown["purpose"], shown["email"], shown["role"], shown["account"]) == (
        "invite",
        "New@x.example",
        "member",
        "main",
    )
    assert (await stranger.post(f"/api/links/{token}", json={"password": "short"})).status_code == 400
    answers = await asyncio.gather(
        *(
            client_for(None).post(
                f"/api/links/{token}", json={"password": f"{PASSWORD} {i}", "first_name": "Ada"}
            )
            for i in range(3)
        )
    )
    assert sorted(a.status_code for a in answers) == [200, 404, 404]
    (joined,) = [a for a in answers if a.status_code == 200]
    assert joined.json()["member"]["first_name"] == "Ada"
    assert "HttpOnly" in joined.headers["set-cookie"]
    assert (await stranger.get(f"/api/links/{token}")).status_code == 404
    assert (await the(live, "new@x.example"))["invited"] is False
    rows = await ctx.db.fetch("select l::text as all_of_it from member_link l")
    assert not [r for r in rows if token in r["all_of_it"]]
    again = await live.post("/api/members/invite", json={"emails": ["new@x.example"], "role": "labeler"})
    assert again.json()["items"] == []
    assert (await the(live, "new@x.example"))["role"] == "member"


async def test_links_end_by_time_by_a_newer_password_and_with_the_membership(
    live, client_for, ctx: Ctx
) -> None:
    member = await the(live, LABELER)

    async def link() -> str:
        answer = await live.post(f"/api/members/{member['id']}/reset_link")
        assert answer.status_code == 200, answer.text
        return token_of(answer.json()["url"])

    stranger = client_for(None)
    one, two = await link(), await link()
    assert (
        await stranger.post(f"/api/links/{one}", json={"password": "another password"})
    ).status_code == 200
    assert (await stranger.get(f"/api/links/{two}")).status_code == 404
    late = await link()
    await ctx.db.execute("update member_link set expires_at = steelyard.now()")
    assert (
        await stranger.post(f"/api/links/{late}", json={"password": "another password"})
    ).status_code == 404
    last = await link()
    await live.post(f"/api/members/{member['id']}/disable")
    assert (await stranger.get(f"/api/links/{last}")).status_code == 404
    assert (await live.post(f"/api/members/{member['id']}/reset_link")).status_code == 400


async def test_forms_of_other_sites_cannot_use_a_link(live, client_for) -> None:
    member = await the(live, LABELER)
    token = token_of((await live.post(f"/api/members/{member['id']}/reset_link")).json()["url"])
    sent = await client_for(None).post(
        f"/api/links/{token}",
        content=b'{"password":"planted password"}',
        headers={"Content-Type": "text/plain"},
    )
    assert sent.status_code == 400
    assert (await client_for(None).get(f"/api/links/{token}")).status_code == 200


async def test_a_manager_gains_no_rights(live, manager, ctx: Ctx) -> None:
    admin, peer = await the(live, "admin@"), await the(live, MANAGER)
    await live.post("/api/members/invite", json={"emails": ["second@x.example"], "role": "manager"})
    second = await the(live, "second@x.example")
    for path, body in (
        (f"/api/members/{admin['id']}/role", {"role": "labeler"}),
        (f"/api/members/{peer['id']}/role", {"role": "member"}),  # their own
    ):
        assert (await manager.put(path, json=body)).status_code == 403, path
    for path in (
        f"/api/members/{admin['id']}/disable",
        f"/api/members/{peer['id']}/disable",
        f"/api/members/{admin['id']}/reset_link",
        f"/api/members/{second['id']}/reset_link",
    ):
        assert (await manager.post(path)).status_code == 403, path
    for who in (admin, second):
        refused = await manager.post("/api/keys", json={"member_id": who["id"]})
        assert refused.status_code == 403, refused.text
    labeler = await the(live, LABELER)
    assert (
        await manager.put(f"/api/members/{labeler['id']}/role", json={"role": "admin"})
    ).status_code == 400
    assert (
        await manager.post("/api/members/invite", json={"emails": ["a@b.example"], "role": "admin"})
    ).status_code == 400
    admins_key = next(k for k in (await live.get("/api/keys")).json()["items"] if k["role"] == "admin")
    assert (await manager.delete(f"/api/keys/{admins_key['id']}")).status_code == 403
    assert (await live.put(f"/api/members/{admin['id']}/role", json={"role": "labeler"})).status_code == 403
    assert await ctx.db.fetchval("select count(*) from member where role = 'admin' and account_id = 1") == 1
    assert (await manager.put(f"/api/members/{labeler['id']}/role", json={"role": "member"})).json()[
        "role"
    ] == "member"


async def test_disabling_ends_sessions_and_keys_and_frees_work_at_once(
    live, manager, client_for: ClientFor, keys: Keys, ctx: Ctx, live_actor: Actor, forget
) -> None:
    await live.post("/v1/projects", json={"name": "cows", "type": "imageannotation"})
    await live.post("/v1/studio/assignments/add", json={"emails": [LABELER], "projects": ["cows"]})
    made = await live.post("/v1/task/imageannotation", json=image_task(project="cows"))
    task_id = made.json()["task_id"]
    async with ctx.db.tx() as tx:
        assert await tasks.queue_task(ctx, tx, live_actor.space_id, task_id)
    labeler = client_for(keys.labeler_live)
    held = (await labeler.post("/api/work/claim", json={})).json()
    assert held["task"]["task_id"] == task_id
    browser = client_for(None)
    assert (
        await browser.post("/api/login", json={"email": LABELER, "password": PASSWORD})
    ).status_code == 200
    member = await the(live, LABELER)
    assert member["open_leases"] == 1
    gone = await manager.post(f"/api/members/{member['id']}/disable")
    assert (gone.json()["role"], gone.json()["former_role"], gone.json()["open_leases"]) == (
        "disabled",
        "labeler",
        0,
    )
    forget()
    assert (await browser.get("/api/session")).status_code == 401
    assert (await labeler.get("/api/work")).status_code == 401
    assert (
        await browser.post("/api/login", json={"email": LABELER, "password": PASSWORD})
    ).status_code == 401
    taken = (await manager.post("/api/work/claim", json={})).json()
    assert taken["task"]["task_id"] == task_id
    back = await manager.post(f"/api/members/{member['id']}/enable")
    assert back.json()["role"] == "labeler"
    assert (await labeler.get("/api/work")).status_code == 401, "revoked keys stay revoked"
    assert (
        await browser.post("/api/login", json={"email": LABELER, "password": PASSWORD})
    ).status_code == 200


async def test_a_password_is_changed_by_who_knows_it_and_other_browsers_are_signed_out(client_for) -> None:
    one, two = client_for(None), client_for(None)
    for client in (one, two):
        answer = await client.post("/api/login", json={"email": MANAGER, "password": PASSWORD})
        client.headers["X-CSRF-Token"] = answer.json()["csrf_token"]
    wrong = await one.put("/api/password", json={"old": "not it at all", "new": "a better password"})
    assert wrong.status_code == 403
    assert (await one.put("/api/password", json={"old": PASSWORD, "new": "short"})).status_code == 400
    assert (
        await one.put("/api/password", json={"old": PASSWORD, "new": "a better password"})
    ).status_code == 200
    assert (await one.get("/api/session")).status_code == 200
    assert (await two.get("/api/session")).status_code == 401
    assert (await two.post("/api/login", json={"email": MANAGER, "password": PASSWORD})).status_code == 401


async def test_guessing_the_present_password_is_throttled(client_for) -> None:
    client = client_for(None)
    answer = await client.post("/api/login", json={"email": MANAGER, "password": PASSWORD})
    client.headers["X-CSRF-Token"] = answer.json()["csrf_token"]
    codes = [
        (
            await client.put("/api/password", json={"old": f"guess number {i}", "new": "a better password"})
        ).status_code
        for i in range(11)
    ]
    assert codes == [403] * 10 + [429]


async def test_a_password_is_not_changed_by_a_key(live) -> None:
    assert (
        await live.put("/api/password", json={"old": PASSWORD, "new": "a better password"})
    ).status_code == 403


@pytest.mark.parametrize(
    ("scope", "allowed", "refused"),
    [
        ("full", ["GET /v1/tasks", "POST /v1/projects", "GET /api/keys", "GET /api/work"], []),
        ("data", ["GET /v1/tasks", "POST /v1/projects", "GET /api/session"], ["GET /api/keys", "GET /api/work", "POST /v1/teams/invite", "GET /api/members", "GET /api/settings"]),
        ("read", ["GET /v1/tasks", "GET /v1/projects", "GET /api/members"], ["POST /v1/projects", "GET /api/keys", "GET /api/settings", "GET /api/audit-log", "POST /api/work/claim"]),
        ("work", ["GET /api/work", "POST /api/work/claim"], ["GET /v1/tasks", "POST /v1/projects", "GET /api/members", "GET /api/keys"]),
    ],
)  # fmt: skip
async def test_a_key_reaches_as_far_as_its_scope(live, client_for, scope, allowed, refused) -> None:
    made = await live.post("/api/keys", json={"name": "a pipeline", "scope": scope})
    assert made.status_code == 200, made.text
    client = client_for(made.json()["key"])
    bodies = {"/v1/projects": {"name": "p", "type": "imageannotation"}, "/api/work/claim": {}}
    for line, expected in [(line, 200) for line in allowed] + [(line, 403) for line in refused]:
        method, path = line.split()
        answer = await client.request(method, path, json=bodies.get(path, {"emails": ["a@b.example"], "team_role": "labeler"}) if method == "POST" else None)  # fmt: skip
        assert answer.status_code == expected, (scope, line, answer.text)
    assert (await client.get("/api/session")).status_code == 200


async def test_keys_are_named_listed_by_their_hint_and_revoked(live, client_for, forget, other) -> None:
    later = (datetime.now(UTC) + timedelta(days=30)).isoformat()
    made = (
        await live.post(
            "/api/keys", json={"name": "nightly", "mode": "test", "scope": "read", "expires_at": later}
        )
    ).json()
    client = client_for(made["key"])
    assert (await client.get("/v1/tasks")).status_code == 200
    listed = next(k for k in (await live.get("/api/keys")).json()["items"] if k["id"] == made["id"])
    assert (listed["name"], listed["mode"], listed["scope"]) == ("nightly", "test", "read")
    assert made["key"] not in str(listed)
    assert listed["last_used_at"] is not None
    assert (await other.delete(f"/api/keys/{made['id']}")).status_code == 404
    assert (await live.delete(f"/api/keys/{made['id']}")).status_code == 200
    forget()
    assert (await client.get("/v1/tasks")).status_code == 401
    assert made["id"] not in [k["id"] for k in (await live.get("/api/keys")).json()["items"]]
    assert made["id"] in [
        k["id"] for k in (await live.get("/api/keys", params={"revoked": "true"})).json()["items"]
    ]
    for bad in (
        {"expires_at": "yesterday"},
        {"expires_at": "2020-01-01T00:00:00Z"},
        {"scope": "all"},
        {"name": "a\nb"},
    ):
        assert (await live.post("/api/keys", json=bad)).status_code == 400, bad


async def test_a_model_contributor_works_by_its_key_and_does_nothing_else(live, client_for, ctx: Ctx) -> None:
    made = await live.post("/api/members/models", json={"name": "Cow detector v2"})
    assert made.status_code == 200, made.text
    member, key = made.json()["member"], made.json()["key"]
    assert (member["kind"], member["role"], key["scope"]) == ("model", "labeler", "work")
    client = client_for(key["key"])
    assert (await client.post("/api/work/claim", json={})).status_code == 200
    assert (await client.get("/v1/tasks")).status_code == 403
    assert (await live.post(f"/api/members/{member['id']}/reset_link")).status_code == 400
    assert (
        await live.post("/api/keys", json={"member_id": member["id"], "scope": "full"})
    ).status_code == 400
    second = await live.post("/api/keys", json={"member_id": member["id"], "scope": "work"})
    assert second.status_code == 200
    assert (await live.put(f"/api/members/{member['id']}/role", json={"role": "manager"})).status_code == 400
    assert (await live.post("/api/members/models", json={"name": "Cow detector v2"})).status_code == 409


async def test_settings_are_of_the_mode_that_asks(live, test, client_for, keys) -> None:
    before = (await live.get("/api/settings")).json()
    assert before == {"mode": "live", "secure_result_urls": False}
    changed = (await live.put("/api/settings", json={"secure_result_urls": True})).json()
    assert changed == {"mode": "live", "secure_result_urls": True}
    assert (await test.get("/api/settings")).json() == {"mode": "test", "secure_result_urls": False}
    assert (await client_for(keys.labeler_live).get("/api/settings")).status_code == 403


async def test_the_audit_log_is_paged_filtered_and_cannot_be_changed(live, ctx: Ctx, other) -> None:
    for i in range(5):
        await live.post("/api/keys", json={"name": f"key {i}"})
    await live.post("/api/members/invite", json={"emails": ["a@b.example"], "role": "labeler"})
    seen: list[dict[str, Any]] = []
    token: str | None = None
    while True:
        page = (
            await live.get("/api/audit-log", params={"limit": 2, **({"next_token": token} if token else {})})
        ).json()
        seen += page["items"]
        token = page["next_token"]
        if token is None:
            break
    assert (
        len({e["id"] for e in seen})
        == len(seen)
        == await ctx.db.fetchval("select count(*) from audit_log where account_id = 1")
    )
    assert [e["at"] for e in seen] == sorted((e["at"] for e in seen), reverse=True)
    created = (
        await live.get(
            "/api/audit-log", params={"action": "key.created", "actor": "admin@localhost.localdomain"}
        )
    ).json()
    assert [e["detail"]["name"] for e in created["items"]] == [f"key {i}" for i in (4, 3, 2, 1, 0)]
    assert (await live.get("/api/audit-log", params={"action": "members"})).json()["items"][0][
        "action"
    ] == "members.invited"
    assert (await live.get("/api/audit-log", params={"next_token": "1-x"})).status_code == 400
    assert "a@b.example" not in (await other.get("/api/audit-log")).text
    for sql in ("update audit_log set actor = 'nobody'", "delete from audit_log"):
        with pytest.raises(asyncpg.RaiseError, match="append-only"):
            await ctx.db.execute(sql)


async def test_health_tells_of_every_part_and_retries_own_jobs_only(
    live, other, ctx: Ctx, live_actor: Actor
) -> None:
    insert = "insert into job (kind, args, attempts, last_error, failed_at) values ('settle_batch', $1, 12, 'no luck', steelyard.now()) returning id"
    mine = await ctx.db.fetchval(insert, f'{{"space_id":{live_actor.space_id},"batch_id":"x"}}')
    await ctx.db.fetchval(insert, '{"space_id":999999,"batch_id":"x"}')
    health = (await live.get("/api/health")).json()
    assert health["database"]["version"].startswith("18")
    assert (health["worker"], health["ok"], health["storage_problem"], health["mail"]) == (
        False,
        False,
        None,
        False,
    )
    assert health["jobs"]["failed"] == 2
    assert [j["id"] for j in health["failed_jobs"]] == [mine]
    assert (await other.post(f"/api/health/jobs/{mine}/retry")).status_code == 404
    assert (await live.post(f"/api/health/jobs/{mine}/retry")).status_code == 200
    assert (await live.post(f"/api/health/jobs/{mine}/retry")).status_code == 404
    assert (await live.post("/api/health/jobs/x/retry")).status_code == 404


@pytest.fixture
async def empty(ctx: Ctx) -> Ctx:
    """An installation without any account."""
    await ctx.db.execute("truncate account restart identity cascade")
    return ctx


async def test_the_first_admin_needs_the_token_of_the_console(empty: Ctx, client_for: ClientFor) -> None:
    stranger = client_for(None)
    assert (await stranger.get("/api/setup")).json() == {"needs_setup": True}
    body = {"email": "me@home.example", "password": PASSWORD, "account": "Home", "first_name": "Me"}
    assert (await stranger.post("/api/setup", json={**body, "token": ""})).status_code == 403
    old = await people.new_setup_token(empty)
    token = await people.new_setup_token(empty)
    assert (await stranger.post("/api/setup", json={**body, "token": old})).status_code == 403
    answers = await asyncio.gather(
        *(client_for(None).post("/api/setup", json={**body, "token": token}) for _ in range(3))
    )
    assert sorted(a.status_code for a in answers) == [200, 409, 409]
    (made,) = [a.json() for a in answers if a.status_code == 200]
    assert made["session"]["member"]["role"] == "admin"
    assert (await client_for(made["live_key"]).get("/v1/tasks")).status_code == 200
    assert (await stranger.get("/api/setup")).json() == {"needs_setup": False}
    assert (await stranger.post("/api/setup", json={**body, "token": token})).status_code == 409
    assert (
        await stranger.post("/api/login", json={"email": "me@home.example", "password": PASSWORD})
    ).status_code == 200


async def test_an_installation_that_is_set_up_takes_no_second_admin(client_for, ctx: Ctx) -> None:
    token = await people.new_setup_token(ctx)
    body = {"token": token, "email": "evil@x.example", "password": PASSWORD}
    assert (await client_for(None).post("/api/setup", json=body)).status_code == 409


class _Inbox:
    def __init__(self) -> None:
        self.mails: list[Any] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.mails.append(envelope)
        return "250 OK"


async def test_invitations_and_forgotten_passwords_are_mailed(ctx: Ctx, live, client_for) -> None:
    import msgspec

    inbox = _Inbox()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(inbox, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        ctx.settings = msgspec.structs.replace(ctx.settings, smtp_url=f"smtp://127.0.0.1:{port}")
        (link,) = (
            await live.post("/api/members/invite", json={"emails": ["new@x.example"], "role": "labeler"})
        ).json()["items"]
        assert link["mailed"] is True
        assert token_of(link["url"]) not in str(await ctx.db.fetch("select args::text from job"))
        await live.post("/v1/teams/invite", json={"emails": ["sdk@x.example"], "team_role": "labeler"})
        stranger = client_for(None)
        for email in (MANAGER, "nobody@x.example"):
            assert (await stranger.post("/api/password/forgot", json={"email": email})).status_code == 200
        await drain(ctx)
        to = {tuple(m.rcpt_tos): m.content.decode() for m in inbox.mails}
        assert set(to) == {("new@x.example",), ("sdk@x.example",), (MANAGER,)}
        for address, purpose in (
            ("new@x.example", "invite"),
            ("sdk@x.example", "invite"),
            (MANAGER, "reset"),
        ):
            text = to[(address,)].replace("=\r\n", "").replace("=3D", "=")
            (token,) = re.findall(rf"http://steelyard\.test/{purpose}/([\w-]+)", text)
            assert (await stranger.get(f"/api/links/{token}")).json()["email"] == address
    finally:
        controller.stop()


async def test_without_a_mail_server_a_forgotten_password_is_for_the_admin(client_for) -> None:
    assert (await client_for(None).post("/api/password/forgot", json={"email": MANAGER})).status_code == 402


async def test_secrets_of_links_are_long_and_kept_as_hashes(live, ctx: Ctx) -> None:
    (link,) = (
        await live.post("/api/members/invite", json={"emails": ["n@x.example"], "role": "labeler"})
    ).json()["items"]
    token = token_of(link["url"])
    assert len(token) >= 43
    held = await ctx.db.fetchval("select token_sha256 from member_link")
    assert held == hashlib.sha256(token.encode()).digest()
    assert users.within("full", "settings", safe=False)

"""Accounts, members, API keys, passwords, sessions."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from datetime import UTC, datetime, timedelta

import pytest

from steelyard import users
from steelyard.errors import Conflict, InvalidRequest, NotFound, RateLimited, Unauthorized
from steelyard.http.surface import all_routes
from steelyard.users import throttle

PASSWORD = "correct horse battery"
MANAGER = "manager@main.example"


def digest(key):
    return hashlib.sha256(key.encode()).digest()


@pytest.fixture
def forget(ctx):
    """Makes the next request look every key up again."""

    def act():
        ctx.state.get("auth", {}).clear()

    return act


async def test_a_new_account_has_a_live_and_a_test_space_with_keys_of_their_own(ctx):
    account = await users.create_account(ctx, "farm")
    rows = await ctx.db.fetch("select mode, callback_auth_key from space where account_id = $1", account.id)
    assert {r["mode"] for r in rows} == {"live", "test"}
    assert len({r["callback_auth_key"] for r in rows}) == 2
    assert account in await users.list_accounts(ctx)


async def test_account_names_are_unique_and_printable(ctx):
    with pytest.raises(Conflict):
        await users.create_account(ctx, "main")
    for name in ("", "  ", "x" * 101, "a\nb", "a\x00b"):
        with pytest.raises(InvalidRequest):
            await users.create_account(ctx, name)


async def test_bootstrap_does_nothing_once_an_account_exists(ctx):
    assert await users.bootstrap(ctx) is None


async def test_of_many_processes_that_start_on_an_empty_database_one_sets_it_up(ctx):
    await ctx.db.execute("truncate account restart identity cascade")
    results = await asyncio.gather(*(users.bootstrap(ctx) for _ in range(4)))
    (first,) = [r for r in results if r is not None]
    assert [a.name for a in await users.list_accounts(ctx)] == ["main"]
    assert (await users.verify_login(ctx, first.email, first.password)).role == "admin"
    for key, mode in ((first.live_key, "live"), (first.test_key, "test")):
        actor = await users.actor_by_key(ctx, digest(key))
        assert actor is not None
        assert actor.mode == mode
        assert key.startswith(mode + "_")
        assert len(key) == 5 + 32


async def test_a_key_is_stored_as_a_hash_and_listed_by_its_hint(ctx):
    made = await users.create_key(ctx, "main", "live")
    (row,) = await ctx.db.fetch("select k::text as all_of_it from api_key k where id = $1", made.id)
    assert made.key not in row["all_of_it"]
    listed = {k.id: k for k in await users.list_keys(ctx, "main")}
    assert listed[made.id].hint == made.hint
    assert made.key.startswith(made.hint.split("…")[0])
    assert made.key.endswith(made.hint.split("…")[1])


async def test_a_key_acts_as_its_member_in_its_space(ctx):
    made = await users.create_key(ctx, "main", "test", member_email="MANAGER@main.example")
    actor = await users.actor_by_key(ctx, digest(made.key))
    assert actor is not None
    assert (actor.email, actor.role, actor.mode, actor.by) == (MANAGER, "manager", "test", "key")


async def test_unknown_revoked_and_expired_keys_have_no_actor(ctx):
    assert await users.actor_by_key(ctx, digest("live_" + "0" * 32)) is None
    revoked = await users.create_key(ctx, "main", "live")
    await users.revoke_key(ctx, "main", revoked.id)
    await users.revoke_key(ctx, "main", revoked.id)
    assert await users.actor_by_key(ctx, digest(revoked.key)) is None
    expired = await users.create_key(
        ctx, "main", "live", expires_at=datetime.now(UTC) + timedelta(milliseconds=300)
    )
    assert await users.actor_by_key(ctx, digest(expired.key)) is not None
    await asyncio.sleep(0.35)
    assert await users.actor_by_key(ctx, digest(expired.key)) is None


async def test_keys_of_disabled_members_stop_working(ctx, client_for, forget):
    made = await users.create_key(ctx, "main", "live", member_email=MANAGER)
    client = client_for(made.key)
    assert (await client.get("/v1/teams")).status_code == 200
    await ctx.db.execute("update member set role = 'disabled' where email = $1", MANAGER)
    forget()
    assert (await client.get("/v1/teams")).status_code == 401
    with pytest.raises(InvalidRequest):
        await users.create_key(ctx, "main", "live", member_email=MANAGER)


async def test_keys_cannot_be_made_for_strangers_the_past_or_a_labelers_test_mode(ctx):
    with pytest.raises(NotFound):
        await users.create_key(ctx, "nobody", "live")
    with pytest.raises(NotFound):
        await users.create_key(ctx, "main", "live", member_email="boss@other.example")
    with pytest.raises(InvalidRequest):
        await users.create_key(ctx, "main", "live", expires_at=datetime(2020, 1, 1, tzinfo=UTC))
    with pytest.raises(InvalidRequest):
        await users.create_key(ctx, "main", "test", member_email="labeler@main.example")


async def test_an_account_cannot_revoke_anothers_key(ctx):
    (key, *_) = await users.list_keys(ctx, "main")
    with pytest.raises(NotFound):
        await users.revoke_key(ctx, "other", key.id)
    assert {k.id: k.revoked_at for k in await users.list_keys(ctx, "main")}[key.id] is None


async def test_the_last_use_of_a_key_is_noted_at_most_once_a_minute(ctx):
    made = await users.create_key(ctx, "main", "live")

    async def last():
        return await ctx.db.fetchval("select last_used_at from api_key where id = $1", made.id)

    assert await last() is None
    await users.actor_by_key(ctx, digest(made.key))
    first = await last()
    assert first is not None
    await users.actor_by_key(ctx, digest(made.key))
    assert await last() == first
    await ctx.db.execute("update api_key set last_used_at = last_used_at - interval '2 minutes'")
    await users.actor_by_key(ctx, digest(made.key))
    assert await last() >= first


async def test_addresses_are_unique_in_an_account_ignoring_case_and_free_in_another(ctx):
    with pytest.raises(Conflict):
        await users.create_member(ctx, "main", "Manager@MAIN.example", "member")
    assert (await users.create_member(ctx, "other", MANAGER, "member")).email == MANAGER


async def test_there_is_exactly_one_admin(ctx):
    with pytest.raises(Conflict, match="admin"):
        await users.create_member(ctx, "main", "second@main.example", "admin")


@pytest.mark.parametrize(
    "address",
    [
        "",
        "a",
        "a@",
        "@b.c",
        "a@b",
        "a b@c.d",
        "a@b..c",
        ".a@b.c",
        "a.@b.c",
        "a@b.c\n",
        "a\x00@b.c",
        "a@b@c.d",
        "a<b@c.d",
        "x" * 65 + "@b.c",
        "a@" + "b." * 130 + "c",
    ],
)
async def test_malformed_addresses_are_refused(ctx, address):
    if address.strip() != address:
        assert users.check_email(address) == address.strip()
        return
    with pytest.raises(InvalidRequest):
        users.check_email(address)


async def test_the_right_password_signs_in_and_the_wrong_one_does_not(ctx):
    assert (await users.verify_login(ctx, "Manager@Main.Example", PASSWORD)).email == MANAGER
    for email, password in (
        (MANAGER, PASSWORD + "!"),
        ("nobody@main.example", PASSWORD),
        (MANAGER, ""),
        ("", ""),
    ):
        with pytest.raises(Unauthorized):
            await users.verify_login(ctx, email, password)


async def test_one_address_in_two_accounts_signs_into_the_one_whose_password_it_is(ctx):
    await users.create_member(ctx, "other", MANAGER, "member", "another password")
    mine = await users.verify_login(ctx, MANAGER, PASSWORD)
    theirs = await users.verify_login(ctx, MANAGER, "another password")
    assert mine.account_id != theirs.account_id
    with pytest.raises(Unauthorized):
        await users.verify_login(ctx, MANAGER, PASSWORD, "other")


async def test_short_long_and_unencodable_passwords_are_refused(ctx):
    for password in ("short", "x" * 1025, "\ud800" * 9):
        with pytest.raises(InvalidRequest):
            await users.set_password(ctx, "main", MANAGER, password)


async def test_a_new_password_ends_every_session(ctx):
    member = await users.verify_login(ctx, MANAGER, PASSWORD)
    session = await users.start_session(ctx, member.id)
    assert await users.actor_by_session(ctx, digest(session.token)) is not None
    await users.set_password(ctx, "main", MANAGER, "an even better one")
    assert await users.actor_by_session(ctx, digest(session.token)) is None
    assert (await users.verify_login(ctx, MANAGER, "an even better one")).id == member.id


async def test_guessing_is_throttled_per_address_and_for_that_address_only(ctx):
    for _ in range(throttle.PER_PAIR):
        throttle.begin(ctx, MANAGER, "192.0.2.1")
    with pytest.raises(RateLimited) as refused:
        await users.verify_login(ctx, MANAGER, PASSWORD, address="192.0.2.1")
    assert 0 < int(refused.value.headers["Retry-After"]) <= throttle.WINDOW_S
    assert (await users.verify_login(ctx, MANAGER, PASSWORD, address="192.0.2.2")).email == MANAGER


async def test_success_forgets_earlier_failures(ctx):
    for _ in range(throttle.PER_PAIR - 1):
        throttle.begin(ctx, MANAGER, "192.0.2.1")
    await users.verify_login(ctx, MANAGER, PASSWORD, address="192.0.2.1")
    throttle.begin(ctx, MANAGER, "192.0.2.1")


async def test_guesses_sent_all_at_once_are_limited_too(client_for):
    client = client_for(None)
    answers = await asyncio.gather(
        *(sign_in(client, password=f"guess {i}") for i in range(throttle.PER_PAIR + 5))
    )
    assert sorted(a.status_code for a in answers) == [401] * throttle.PER_PAIR + [429] * 5
    refused = next(a for a in answers if a.status_code == 429)
    assert int(refused.headers["retry-after"]) > 0
    assert refused.json()["code"] == "rate-limited"


async def test_many_successes_are_never_throttled(ctx):
    for _ in range(3 * throttle.PER_ADDRESS):
        throttle.begin(ctx, MANAGER, "192.0.2.1")
        throttle.succeeded(ctx, MANAGER, "192.0.2.1")


async def test_old_failures_do_not_count():
    held = throttle.Failures()
    for at in range(10):
        held.add("k", float(at))
    assert held.wait_s("k", 10, 20.0) == pytest.approx(throttle.WINDOW_S - 20.0)
    assert held.wait_s("k", 10, throttle.WINDOW_S + 0.5) == 0.0
    assert held.wait_s("k", 10, 2 * throttle.WINDOW_S + 10) == 0.0


async def sign_in(client, email=MANAGER, password=PASSWORD, **more):
    return await client.post("/api/login", json={"email": email, "password": password, **more})


async def test_signing_in_sets_a_cookie_that_scripts_cannot_read(client_for):
    answer = await sign_in(client_for(None))
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["member"]["email"] == MANAGER
    assert (body["member"]["role"], body["member"]["account"], body["mode"]) == ("manager", "main", "live")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie
    assert answer.headers["cache-control"] == "no-store"
    assert body["csrf_token"] not in cookie


async def test_over_https_the_cookie_is_secure(client_for, ctx):
    ctx.public_url = "https://label.example.org"
    assert "; Secure" in (await sign_in(client_for(None))).headers["set-cookie"]


async def test_a_session_needs_its_csrf_token_for_every_unsafe_request(client_for):
    client = client_for(None)
    token = (await sign_in(client)).json()["csrf_token"]
    assert (await client.get("/api/session")).json()["csrf_token"] == token
    assert (await client.post("/api/work/claim")).status_code == 403
    wrong = await client.post("/api/work/claim", headers={"X-CSRF-Token": "x" + token})
    assert wrong.status_code == 403
    assert (await client.post("/api/work/claim", headers={"X-CSRF-Token": token})).status_code == 200


async def test_signing_out_ends_the_session_on_the_server_too(client_for):
    client = client_for(None)
    token = (await sign_in(client)).json()["csrf_token"]
    cookie = client.cookies["steelyard_session"]
    assert (await client.post("/api/logout", headers={"X-CSRF-Token": token})).status_code == 200
    again = client_for(None)
    again.cookies.set("steelyard_session", cookie)
    answer = await again.get("/api/session")
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"


async def test_sessions_end_by_time_and_with_the_members_rights(client_for, ctx):
    client = client_for(None)
    await sign_in(client)
    await ctx.db.execute("update member set role = 'disabled' where email = $1", MANAGER)
    assert (await client.get("/api/session")).status_code == 401
    await ctx.db.execute("update member set role = 'labeler' where email = $1", MANAGER)
    assert (await client.get("/api/session")).json()["member"]["role"] == "labeler"
    await ctx.db.execute("update session set expires_at = steelyard.now()")
    assert (await client.get("/api/session")).status_code == 401


async def test_a_key_sees_who_it_is_without_a_csrf_token(live, keys, client_for):
    body = (await live.get("/api/session")).json()
    assert body["csrf_token"] is None
    assert body["member"]["role"] == "admin"
    bearer = client_for(None)
    answer = await bearer.get("/api/session", headers={"Authorization": f"Bearer {keys.labeler_live}"})
    assert answer.json()["member"]["role"] == "labeler"


async def test_forms_of_other_sites_cannot_sign_anybody_in(client_for):
    client = client_for(None)
    fields = {"email": MANAGER, "password": PASSWORD}
    assert (await client.post("/api/login", data=fields)).status_code == 400
    as_text = await client.post(
        "/api/login",
        content=b'{"email":"manager@main.example","password":"correct horse battery"}',
        headers={"Content-Type": "text/plain"},
    )
    assert as_text.status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b'{"email":1,"password":2}',
        b'{"email":"a@b.c"}',
        b'{"email":null,"password":"x"}',
        b'"x"',
    ],
)
async def test_a_malformed_login_is_told_so(client_for, body):
    answer = await client_for(None).post(
        "/api/login", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 400
    assert answer.json()["code"] == "invalid-request"


async def test_absurd_credentials_are_wrong_and_nothing_worse(client_for):
    client = client_for(None)
    for email in ("\U0001f600@b.c", "a" * 254, "' or 1=1 --"):
        assert (await sign_in(client, email, "x\U0001f600" * 20, account="none")).status_code == 401
    long = await sign_in(client, MANAGER, "x" * 1025)
    assert long.status_code == 400


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Basic",
        "Basic !!!",
        "Basic " + base64.b64encode(b"\xff\xfe:").decode(),
        "Bearer ",
        "live_x",
        "Digest x",
    ],
)
async def test_malformed_credentials_are_401(client_for, header):
    for path in ("/v1/teams", "/api/session"):
        assert (await client_for(None).get(path, headers={"Authorization": header})).status_code == 401


async def test_every_routes_access_is_a_row_of_the_policy():
    for route in all_routes():
        if route.access.act is not None:
            assert route.access.roles == users.POLICY[route.access.act], route.path
    assert all("disabled" not in roles for roles in users.POLICY.values())
    assert users.may("labeler", "work")
    assert not users.may("labeler", "data")


async def test_administrative_acts_are_in_the_audit_log(ctx):
    made = await users.create_key(ctx, "main", "live", by="root")
    await users.revoke_key(ctx, "main", made.id, by="root")
    rows = await ctx.db.fetch("select action, detail from audit_log where actor = 'root' order by at")
    assert [r["action"] for r in rows] == ["key.created", "key.revoked"]
    assert all(made.key not in r["detail"] for r in rows)


async def test_an_open_invitation_is_accepted_by_a_password_from_the_operator(ctx, live, client_for):
    await live.post("/v1/teams/invite", json={"emails": ["new@x.example"], "team_role": "manager"})
    with pytest.raises(Unauthorized):
        await users.verify_login(ctx, "new@x.example", "")
    with pytest.raises(Conflict):
        await users.create_member(ctx, "main", "new@x.example", "labeler", PASSWORD)
    await users.set_password(ctx, "main", "NEW@x.example", PASSWORD)
    assert (await sign_in(client_for(None), "new@x.example")).json()["member"]["role"] == "manager"
    with pytest.raises(NotFound):
        await users.set_password(ctx, "other", "new@x.example", PASSWORD)

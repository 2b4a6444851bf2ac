"""Signing in by an identity provider, against one that speaks over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import msgspec
import pytest

from steelyard.ctx import Ctx
from steelyard.http.api.oidc import own_path
from tests.api.oidc_provider import CLIENT_ID, CLIENT_SECRET, Provider
from tests.conftest import ClientFor

MANAGER, LABELER = "manager@main.example", "labeler@main.example"


@pytest.fixture
async def provider(ctx: Ctx) -> AsyncGenerator[Provider]:
    """A provider that runs, and to which the server under test leads."""
    made = Provider()
    await made.start()
    made.user = {
        "sub": "u-1",
        "email": MANAGER,
        "email_verified": True,
        "given_name": "Mia",
        "family_name": "Nager",
    }
    ctx.settings = msgspec.structs.replace(
        ctx.settings,
        oidc_issuer=made.issuer,
        oidc_client_id=CLIENT_ID,
        oidc_client_secret=CLIENT_SECRET,
        oidc_allowed_domains=("farm.example",),
    )
    yield made
    await made.stop()


async def to_provider(client: httpx.AsyncClient, **query: str) -> str:
    """Starts a sign-in and lets the provider answer: the address that it sends the browser back to."""
    begun = await client.get("/api/oidc/login", params=query)
    assert begun.status_code == 302, begun.text
    async with httpx.AsyncClient() as outside:
        answer = await outside.get(begun.headers["location"])
    assert answer.status_code == 302, answer.text
    return answer.headers["location"]


async def sign_in(client: httpx.AsyncClient, **query: str) -> httpx.Response:
    return await client.get(await to_provider(client, **query))


def refused(answer: httpx.Response, code: str) -> None:
    assert answer.status_code == 302
    assert answer.headers["location"] == f"/login?error={code}"
    assert "steelyard_session=" not in answer.headers["set-cookie"]


async def test_a_member_is_found_by_the_verified_address_and_remembered(
    provider, client_for: ClientFor, ctx: Ctx
) -> None:
    client = client_for(None)
    assert (await client.get("/api/oidc")).json() == {"enabled": True, "name": "single sign-on"}
    answer = await sign_in(client, return_to="/console/projects?x=1")
    assert answer.headers["location"] == "/console/projects?x=1"
    who = (await client.get("/api/session")).json()
    assert (who["member"]["email"], who["member"]["role"], who["member"]["first_name"]) == (
        MANAGER,
        "manager",
        "Mia",
    )
    provider.user = {"sub": "u-1", "email": "renamed@main.example", "email_verified": False}
    later = client_for(None)
    await sign_in(later)
    assert (await later.get("/api/session")).json()["member"]["email"] == MANAGER
    acts = await ctx.db.fetch("select action from audit_log where action = 'member.linked'")
    assert len(acts) == 1


async def test_the_address_may_come_from_the_user_information(provider, client_for) -> None:
    provider.in_userinfo = True
    client = client_for(None)
    await sign_in(client)
    assert (await client.get("/api/session")).json()["member"]["email"] == MANAGER


async def test_people_of_allowed_domains_join_as_labelers_others_do_not(
    provider, client_for, ctx: Ctx
) -> None:
    provider.user = {"sub": "u-2", "email": "new@farm.example", "email_verified": True}
    client = client_for(None)
    await sign_in(client)
    assert (await client.get("/api/session")).json()["member"]["role"] == "labeler"
    for user in (
        {"sub": "u-3", "email": "new@evil.example", "email_verified": True},
        {"sub": "u-4", "email": "new@farm.example.evil.example", "email_verified": True},
        {"sub": "u-5", "email": "another@farm.example", "email_verified": False},
        {"sub": "u-6", "email": "another@farm.example"},
        {"sub": "u-7"},
        {"sub": "u-8", "email": MANAGER, "email_verified": False},
    ):
        provider.user = user
        refused(await sign_in(client_for(None)), "not-invited")
    assert (
        await ctx.db.fetchval(
            "select count(*) from member where email like '%another%' or email like '%evil%'"
        )
        == 0
    )


async def test_an_invitation_is_accepted_by_signing_in_while_it_is_open(
    provider, client_for, live, ctx: Ctx
) -> None:
    await live.post(
        "/v1/teams/invite", json={"emails": ["in@vited.example", "late@vited.example"], "team_role": "member"}
    )
    await ctx.db.execute("update member set invited_until = steelyard.now() where email like 'late@%'")
    provider.user = {"sub": "u-2", "email": "In@vited.example", "email_verified": True}
    client = client_for(None)
    await sign_in(client)
    assert (await client.get("/api/session")).json()["member"]["role"] == "member"
    assert await ctx.db.fetchval("select invited_until from member where email = 'in@vited.example'") is None
    provider.user = {"sub": "u-3", "email": "late@vited.example", "email_verified": True}
    refused(await sign_in(client_for(None)), "not-invited")


async def test_disabled_members_stay_out_linked_or_not(provider, client_for, ctx: Ctx) -> None:
    await sign_in(client_for(None))
    await ctx.db.execute("update member set role = 'disabled', former_role = role where email = $1", MANAGER)
    refused(await sign_in(client_for(None)), "not-invited")
    await ctx.db.execute(
        "update member set role = 'disabled', email = 'gone@farm.example' where email = $1", LABELER
    )
    provider.user = {"sub": "u-9", "email": "gone@farm.example", "email_verified": True}
    refused(await sign_in(client_for(None)), "not-invited")


@pytest.mark.parametrize(
    "change",
    [
        {"nonce": "another"},
        {"aud": "somebody-else"},
        {"aud": ["somebody-else", CLIENT_ID], "azp": "somebody-else"},
        {"iss": "https://evil.example"},
        {"exp": 1_700_000_000},  # long past, and the name of the test the same in every process
    ],
    ids=str,
)
async def test_a_token_that_is_not_for_this_sign_in_is_not_believed(
    provider, client_for, change: dict[str, Any]
) -> None:
    provider.change = change
    client = client_for(None)
    refused(await sign_in(client), "token")
    assert (await client.get("/api/session")).status_code == 401


async def test_a_forged_signature_is_not_believed_and_new_keys_are(provider, client_for) -> None:
    await sign_in(client_for(None))
    provider.rotate()
    client = client_for(None)
    assert (await sign_in(client)).headers["location"] == "/"
    provider.forge = True
    refused(await sign_in(client_for(None)), "token")


async def test_the_answer_of_another_browsers_sign_in_is_refused(provider, client_for) -> None:
    attacker, victim = client_for(None), client_for(None)
    planted = await to_provider(attacker)
    refused(await victim.get(planted), "state")  # no sign-in begun here
    await to_provider(victim)
    refused(await victim.get(planted), "state")  # another one begun
    assert provider.token_requests == 0


async def test_an_answer_is_used_once_and_in_time(provider, client_for, ctx: Ctx) -> None:
    client = client_for(None)
    back = await to_provider(client)
    held = client.cookies["steelyard_oidc"]
    assert (await client.get(back)).headers["location"] == "/"
    client.cookies.set("steelyard_oidc", held, path="/api/oidc")
    refused(await client.get(back), "provider")  # the code has been used
    from datetime import timedelta

    slow = client_for(None)
    back = await to_provider(slow)
    ctx.clock.offset = timedelta(minutes=11)  # pyright: ignore[reportAttributeAccessIssue]
    refused(await slow.get(back), "state")


async def test_a_refusal_at_the_provider_leads_back_to_the_login_page(provider, client_for) -> None:
    client = client_for(None)
    back = await to_provider(client)
    state = parse_qs(urlsplit(back).query)["state"][0]
    refused(
        await client.get("/api/oidc/callback", params={"error": "access_denied", "state": state}), "denied"
    )


async def test_a_provider_that_is_away_is_no_crash(provider, client_for) -> None:
    await provider.stop()
    refused(await client_for(None).get("/api/oidc/login"), "provider")


@pytest.mark.parametrize(
    "path",
    ["https://evil.example", "//evil.example", "/\\evil.example", "/\t/evil.example", "evil", "javascript:alert(1)", "/a\r\nSet-Cookie: x=1", "/ä", ""],
)  # fmt: skip
async def test_nobody_is_sent_to_another_site_afterwards(provider, client_for, path: str) -> None:
    assert own_path(path) == "/"
    assert (await sign_in(client_for(None), return_to=path)).headers["location"] == "/"


async def test_signing_in_gives_a_session_of_its_own(provider, client_for) -> None:
    client = client_for(None)
    client.cookies.set("steelyard_session", "planted")
    answer = await sign_in(client)
    cookies = answer.headers.get_list("set-cookie")
    fresh = next(c for c in cookies if c.startswith("steelyard_session="))
    assert "planted" not in fresh
    assert "HttpOnly" in fresh
    assert "SameSite=Lax" in fresh


async def test_without_a_provider_there_is_nothing_to_sign_in_by(client_for) -> None:
    client = client_for(None)
    assert (await client.get("/api/oidc")).json()["enabled"] is False
    assert (await client.get("/api/oidc/login")).status_code == 402

"""Teams: listing, inviting, roles (platform-api §21)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from steelyard import users


def refused(response, status):
    assert response.status_code == status, response.text
    body = response.json()
    assert set(body) == {"status_code", "error"}
    assert body["status_code"] == status
    return body["error"]


def by_email(response):
    assert response.status_code == 200, response.text
    return {mate["email"]: mate for mate in response.json()}


async def invite(client, *emails, role="member"):
    return await client.post("/v1/teams/invite", json={"emails": list(emails), "team_role": role})


async def set_role(client, *emails, role="member"):
    return await client.post("/v1/teams/set_role", json={"emails": list(emails), "team_role": role})


async def test_a_team_is_a_bare_array_that_holds_at_least_the_admin(live, other):
    mates = (await live.get("/v1/teams")).json()
    assert [m["role"] for m in mates].count("admin") == 1
    assert mates[0] == {
        "email": mates[0]["email"],
        "role": "admin",
        "isStudioLabeler": False,
        "disableRapidEmails": False,
    }
    assert [m["email"] for m in (await other.get("/v1/teams")).json()] == ["boss@other.example"]


async def test_teams_are_of_the_account_not_of_the_mode(live, test):
    await invite(live, "new@x.example")
    assert (await test.get("/v1/teams")).json() == (await live.get("/v1/teams")).json()


async def test_known_names_and_companies_are_shown(ctx, live):
    await users.create_member(ctx, "main", "ann@x.example", "labeler", first_name="Ann", last_name="Lee")
    await ctx.db.execute("update member set company = 'Farm' where email = 'ann@x.example'")
    mate = by_email(await live.get("/v1/teams"))["ann@x.example"]
    assert mate == {
        "email": "ann@x.example",
        "role": "labeler",
        "company": "Farm",
        "firstName": "Ann",
        "lastName": "Lee",
        "isStudioLabeler": True,
        "disableRapidEmails": False,
    }


async def test_invited_people_appear_at_once_with_an_invitation_of_a_day(live):
    before = len((await live.get("/v1/teams")).json())
    mates = by_email(await invite(live, "a@x.example", "b@x.example", role="labeler"))
    assert len(mates) == before + 2
    mate = mates["a@x.example"]
    assert mate["role"] == "labeler"
    left = datetime.fromisoformat(mate["expiry"]) - datetime.now(UTC)
    assert timedelta(hours=23, minutes=59) < left <= timedelta(hours=24)
    assert by_email(await live.get("/v1/teams")) == mates


async def test_inviting_a_teammate_again_changes_nothing(live):
    await invite(live, "a@x.example", role="labeler")
    before = by_email(await live.get("/v1/teams"))
    after = by_email(await invite(live, "A@X.example", "manager@main.example", "a@x.example", role="member"))
    assert after == before


async def test_one_address_twice_in_a_request_is_one_teammate(live):
    mates = (await invite(live, "a@x.example", "A@x.example", "a@x.example")).json()
    assert [m["email"] for m in mates if m["email"].lower() == "a@x.example"] == ["a@x.example"]


async def test_a_lapsed_invitation_is_shown_without_expiry_and_can_be_renewed(ctx, live):
    await invite(live, "a@x.example", role="labeler")
    await ctx.db.execute(
        "update member set invited_until = steelyard.now() - interval '1 s' where invited_until is not null"
    )
    assert "expiry" not in by_email(await live.get("/v1/teams"))["a@x.example"]
    renewed = by_email(await invite(live, "a@x.example", role="member"))["a@x.example"]
    assert renewed["role"] == "member"
    assert "expiry" in renewed


async def test_a_password_accepts_the_invitation(ctx, live):
    await invite(live, "a@x.example")
    await users.set_password(ctx, "main", "a@x.example", "a password of mine")
    assert "expiry" not in by_email(await live.get("/v1/teams"))["a@x.example"]


async def test_the_role_of_an_invited_person_can_be_changed(live):
    await invite(live, "a@x.example")
    mate = by_email(await set_role(live, "A@x.example", role="manager"))["a@x.example"]
    assert mate["role"] == "manager"
    assert "expiry" in mate


async def test_a_disabled_teammate_comes_back_by_a_role(ctx, live):
    await ctx.db.execute("update member set role = 'disabled' where email = 'labeler@main.example'")
    assert by_email(await live.get("/v1/teams"))["labeler@main.example"]["role"] == "disabled"
    assert by_email(await set_role(live, "labeler@main.example"))["labeler@main.example"]["role"] == "member"


async def test_the_admin_keeps_the_role_and_nobody_else_changes_with_it(live):
    before = by_email(await live.get("/v1/teams"))
    admin = next(m["email"] for m in before.values() if m["role"] == "admin")
    refused(await set_role(live, "labeler@main.example", admin, role="manager"), 400)
    refused(await set_role(live, "labeler@main.example", "stranger@x.example", role="manager"), 400)
    refused(await set_role(live, "boss@other.example"), 400)
    assert by_email(await live.get("/v1/teams")) == before


@pytest.mark.parametrize("path", ["/v1/teams/invite", "/v1/teams/set_role"])
@pytest.mark.parametrize(
    "body",
    [
        {},
        {"emails": ["manager@main.example"]},
        {"team_role": "member"},
        {"emails": [], "team_role": "member"},
        {"emails": None, "team_role": "member"},
        {"emails": ["manager@main.example"], "team_role": "admin"},
        {"emails": ["manager@main.example"], "team_role": "disabled"},
        {"emails": ["manager@main.example"], "team_role": "Member"},
        {"emails": ["manager@main.example"], "team_role": 5},
        {"emails": ["no address"], "team_role": "member"},
        {"emails": ["ok@x.example", "bad@"], "team_role": "member"},
        {"emails": [1], "team_role": "member"},
        {"emails": {"a": 1}, "team_role": "member"},
        {"emails": ["a\u0000@x.example"], "team_role": "member"},
        [],
    ],
)
async def test_bad_team_changes_are_refused_and_nothing_changes(live, path, body):
    before = (await live.get("/v1/teams")).json()
    refused(await live.post(path, json=body), 400)
    assert (await live.get("/v1/teams")).json() == before


async def test_the_query_counts_when_there_is_no_body_and_role_is_an_alias(live):
    mates = by_email(
        await live.post(
            "/v1/teams/invite?emails=a@x.example,b@x.example&emails=c@x.example&team_role=labeler"
        )
    )
    assert {mates[e]["role"] for e in ("a@x.example", "b@x.example", "c@x.example")} == {"labeler"}
    mates = by_email(
        await live.post("/v1/teams/set_role", json={"emails": ["a@x.example"], "role": "member"})
    )
    assert mates["a@x.example"]["role"] == "member"
    form = await live.post("/v1/teams/set_role", data={"emails": ["b@x.example"], "team_role": "manager"})
    assert by_email(form)["b@x.example"]["role"] == "manager"


async def test_managers_may_change_the_team_and_members_and_labelers_may_not(ctx, keys, client_for):
    manager = client_for(keys.manager_live)
    assert (await invite(manager, "a@x.example")).status_code == 200
    labeler = client_for(keys.labeler_live)
    refused(await labeler.get("/v1/teams"), 403)
    refused(await invite(labeler, "b@x.example"), 403)
    await users.set_password(ctx, "main", "a@x.example", "a password of mine")
    member = client_for((await users.create_key(ctx, "main", "live", member_email="a@x.example")).key)
    assert "b@x.example" not in by_email(await member.get("/v1/teams"))
    refused(await invite(member, "b@x.example"), 403)
    refused(await set_role(member, "a@x.example", role="manager"), 403)


async def test_a_repeated_invitation_with_one_idempotency_key_gets_the_first_answer(live):
    body = {"emails": ["a@x.example"], "team_role": "member"}
    headers = {"Idempotency-Key": "k1"}
    first = await live.post("/v1/teams/invite", json=body, headers=headers)
    await invite(live, "b@x.example")
    again = await live.post("/v1/teams/invite", json=body, headers=headers)
    assert first.content == again.content
    other_body = {**body, "team_role": "labeler"}
    refused(await live.post("/v1/teams/invite", json=other_body, headers=headers), 409)


async def test_invitations_and_roles_are_in_the_audit_log(ctx, live):
    await invite(live, "a@x.example")
    await set_role(live, "a@x.example", role="manager")
    rows = await ctx.db.fetch("select action from audit_log where action like 'members.%' order by at")
    assert [r["action"] for r in rows] == ["members.invited", "members.role_set"]

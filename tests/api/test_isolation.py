"""Walks every route: nobody gets in without a key, and nothing of one space can be seen, named, counted or changed from another.

The world below is built in one account's live mode. `PROBES` says for every route how to reach into it; each probe is sent from another
account and from the owner's own test mode, once with the world's real ids and names and once with ones that nobody has. The two answers
must be the same, must tell nothing of the world, and must leave every row of it as it was.
"""

from __future__ import annotations

import json
import re

import httpx
import msgspec
import pytest

from steelyard import users
from steelyard.ctx import Actor, Ctx
from steelyard.http.route import Route
from steelyard.http.surface import all_routes
from tests.api.builders import image_task
from tests.api.isolation import Sent, World
from tests.api.isolation_probes import CAPABILITY, LOGIN, PROBES, PUBLIC_WITHOUT_DATA
from tests.api.isolation_world import LABELER, MANAGER, build_world, ok
from tests.conftest import ClientFor, Keys

ROUTES = {(r.method, r.path): r for r in all_routes()}


def _nowhere(world: World) -> World:
    """The same shapes, belonging to nobody."""

    def other(value: str) -> str:
        if re.fullmatch("[0-9a-f]{24}", value):
            return value[:16] + "f" * 8
        return value.replace("zq", "zx").replace("main.example", "nowhere.example")

    values = {f: other(v) for f, v in msgspec.structs.asdict(world).items()}
    values["lease"] = re.sub("-.*", "-" + "x" * 24, world.lease)
    values["event"] = values["key"] = "9" * 12
    values["upload"] = world.upload[:-6] + "ffffff"
    values["page_token"] = world.page_token  # a position in time; it has no owner
    return World(**values)


async def _rows(ctx: Ctx, space_id: int, account_id: int) -> dict[str, list[str]]:
    """Every row of a space and every row about its account's people, as text."""
    found: dict[str, list[str]] = {}
    columns = await ctx.db.fetch(
        "select c.relname as t, a.attname as c from pg_class c join pg_attribute a on a.attrelid = c.oid"
        " where c.relnamespace = 'steelyard'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition"
        " and a.attname in ('space_id', 'account_id')"
    )
    for row in columns:
        owner = space_id if row["c"] == "space_id" else account_id
        got = await ctx.db.fetch(f"select t::text as r from {row['t']} t where t.{row['c']} = $1", owner)
        found[f"{row['t']}.{row['c']}"] = sorted(r["r"] for r in got)
    jobs = await ctx.db.fetch(
        "select args::text as r from job where args::text like $1", f'%"space_id" : {space_id}%'
    )
    found["job"] = sorted(r["r"] for r in jobs)
    return found


async def _call(client: httpx.AsyncClient, method: str, sent: Sent) -> httpx.Response:
    if sent.form is not None:
        files = {"file": ("a.txt", b"text of a stranger", "text/plain")}
        return await client.request(method, sent.path, params=sent.query, files=files, data=sent.form)
    return await client.request(method, sent.path, params=sent.query, json=sent.body, headers=sent.headers)


def _unnamed(text: str, world: World) -> str:
    """An answer with the names that the request itself used taken out."""
    for value in sorted(msgspec.structs.asdict(world).values(), key=len, reverse=True):
        for spelling in (value, json.dumps(value)[1:-1]):
            text = text.replace(spelling, "…")
    return text


def _tells(text: str, world: World, sent: Sent) -> list[str]:
    """What an answer tells of the world beyond what the request itself said."""
    said = json.dumps([sent.path, sent.query, sent.body, sent.form], ensure_ascii=False) + _spelled(sent)
    values = [*msgspec.structs.asdict(world).values(), MANAGER, "zq instruction", "zq task", '"zq":"meta"']
    return [v for v in values if v in text and v not in said]


def _spelled(sent: Sent) -> str:
    from urllib.parse import unquote

    return unquote(sent.path)


def test_every_route_has_a_probe_and_every_probe_a_route() -> None:
    assert set(PROBES) == set(ROUTES)
    public = {at for at, r in ROUTES.items() if not r.access.roles}
    assert {at for at, p in PROBES.items() if p in (PUBLIC_WITHOUT_DATA, CAPABILITY, LOGIN)} == public


def _filled(route: Route) -> str:
    return re.sub(r"\{\w+\}", "x", route.path)


async def test_no_route_but_the_public_ones_answers_without_a_key(client_for: ClientFor, keys: Keys) -> None:
    strangers = [
        (client_for(None), {}),
        (client_for("live_00000000000000000000000000000000"), {}),
        (client_for(None), {"authorization": keys.live}),
        (client_for(None), {"authorization": "Bearer "}),
        (client_for(None), {"authorization": "Basic !!!"}),
        (client_for(None), {"authorization": "Digest x"}),
        (client_for(None), {"cookie": "steelyard_session=x"}),
    ]
    for (method, _), route in ROUTES.items():
        for client, headers in strangers:
            answer = await client.request(method, _filled(route), headers=headers, content=b"{not json")
            if not route.access.roles:
                assert answer.status_code not in (401, 403) or route.path == "/api/login"
                continue
            assert answer.status_code == 401, (method, route.path, headers, answer.text)
            if route.surface == "v1":
                assert set(answer.json()) == {"status_code", "error"}
                offered = answer.headers.get("www-authenticate", "")
                assert offered.startswith("Basic") is ("cookie" not in headers)
            else:
                assert answer.headers["content-type"] == "application/problem+json"


async def test_unknown_routes_are_told_only_to_those_with_a_key(
    client_for: ClientFor, live: httpx.AsyncClient
) -> None:
    stranger = client_for(None)
    for path in (
        "/v1",
        "/v1/",
        "/v1/nothing",
        "/v1/nucleus/datasets",
        "/v1/task",
        "/v2/task",
        "/v1/projects/a/b/c",
    ):
        assert (await stranger.get(path)).status_code == 401, path
        found = await live.get(path)
        assert found.json() == {"status_code": found.status_code, "error": found.json()["error"]}
        assert found.status_code == 404, path
    for method, path in (("DELETE", "/v1/tasks"), ("PATCH", "/v1/projects"), ("POST", "/v1/teams")):
        assert (await stranger.request(method, path)).status_code == 401
        refused = await live.request(method, path)
        assert refused.status_code == 405
        assert refused.json()["status_code"] == 405


async def test_a_wrong_method_is_405_and_names_the_right_ones(live: httpx.AsyncClient) -> None:
    for path in {_filled(route) for route in ROUTES.values()}:
        methods = {
            method
            for method, pattern in ROUTES
            if re.fullmatch(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(pattern)), path)
        }
        for method in {"GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"} - methods:
            answer = await live.request(method, path)
            assert answer.status_code == 405, (method, path, answer.text)
            assert set(answer.headers["allow"].split(", ")) == methods, (method, path)


@pytest.mark.parametrize("stranger", ["other_live", "other_test", "test"])
async def test_nothing_of_one_space_is_seen_named_counted_or_changed_from_another(
    ctx: Ctx, client_for: ClientFor, keys: Keys, live_actor: Actor, stranger: str
) -> None:
    live = client_for(keys.live)
    world = await build_world(ctx, live, client_for(keys.labeler_live), live_actor)
    nowhere = _nowhere(world)
    outside = client_for(getattr(keys, stranger))
    same_account = stranger == "test"
    if same_account:
        nowhere = msgspec.structs.replace(nowhere, assignee=world.assignee)
    before = await _rows(ctx, live_actor.space_id, live_actor.account_id)
    assert len(before["task.space_id"]) == 5
    assert len(before["dependent.space_id"]) == 1
    wrong: list[str] = []
    pairs = [
        (method, real, fake)
        for (method, _), probe in PROBES.items()
        if not isinstance(probe, str)
        for real, fake in zip(probe(world), probe(nowhere), strict=True)
    ]
    pairs.sort(key=lambda p: p[1].status_only)  # creations last: until then nothing of these names is theirs
    for method, real, fake in pairs:
        if not (real.account_wide and same_account):
            answers = [await _call(outside, method, fake), await _call(outside, method, real)]
            where = f"{method} {real.path} {real.query} {real.body}"
            told = _tells(answers[1].text, world, real)
            if same_account:  # people belong to both modes of their account
                told = [t for t in told if t not in (LABELER, MANAGER)]
            if told:
                wrong.append(f"{where}: tells {told}: {answers[1].text[:300]}")
            if [a.status_code for a in answers] != [answers[0].status_code] * 2:
                wrong.append(f"{where}: {[(a.status_code, a.text[:200]) for a in answers]}")
            elif answers[1].status_code not in real.expect:
                wrong.append(f"{where}: {answers[1].status_code} {answers[1].text[:200]}")
            elif not real.status_only and _unnamed(answers[0].text, nowhere) != _unnamed(
                answers[1].text, world
            ):
                wrong.append(f"{where}: {answers[0].text[:300]} / {answers[1].text[:300]}")
    assert not wrong, "\n".join(wrong)
    after = await _rows(ctx, live_actor.space_id, live_actor.account_id)
    for table, rows in before.items():
        if same_account and table in ("audit_log.account_id", "member.account_id"):
            assert set(rows) <= set(after[table])
            continue
        assert after[table] == rows, table


@pytest.mark.parametrize("stranger", ["other_live", "test"])
async def test_names_taken_in_one_space_are_free_in_another(
    client_for: ClientFor, keys: Keys, stranger: str
) -> None:
    for key in (keys.live, getattr(keys, stranger)):
        client = client_for(key)
        headers = {"Idempotency-Key": "one"}
        project = {"name": "herd", "type": "imageannotation", "studio": True}
        ok(await client.post("/v1/projects", json=project, headers=headers))
        ok(await client.post("/v1/batches", json={"name": "first", "project": "herd"}))
        body = image_task(unique_id="cow", batch="first")
        ok(await client.post("/v1/task/imageannotation", json=body, headers={"Idempotency-Key": "two"}))
        page = ok(await client.get("/v1/tasks", params={"unique_id": "cow"}))
        assert page["total"] == 1
        ok(
            await client.post(
                "/v1/files/import",
                json={"file_url": "http://x.example/a.png", "project_name": "herd", "reference_id": "r"},
            )
        )
        assert (await client.post("/v1/projects", json=project)).status_code == 409


async def test_the_labelers_work_is_of_the_live_mode_of_their_account(
    ctx: Ctx, client_for: ClientFor, keys: Keys, live_actor: Actor
) -> None:
    """A task of another account can not be claimed even by somebody with the same address there."""
    live = client_for(keys.live)
    await build_world(ctx, live, client_for(keys.labeler_live), live_actor)
    await users.create_member(ctx, "other", LABELER, "labeler", "correct horse battery")
    twin = (await users.create_key(ctx, "other", "live", member_email=LABELER)).key
    answer = ok(await client_for(twin).post("/api/work/claim", json={}))
    assert answer["slot"] is None
    mine = ok(await client_for(keys.labeler_live).post("/api/work/claim", json={}))
    assert mine["slot"] is not None


async def test_a_login_tells_nothing_about_who_exists(client_for: ClientFor) -> None:
    stranger = client_for(None)
    answers = [
        await stranger.post("/api/login", json={"email": email, "password": "wrong", **more})
        for email, more in (
            (LABELER, {}),
            ("nobody@main.example", {}),
            (LABELER, {"account": "other"}),
            (LABELER, {"account": "nowhere"}),
        )
    ]
    assert {(a.status_code, a.content) for a in answers} == {(401, answers[0].content)}

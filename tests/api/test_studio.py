"""Studio: assignments, groups, batches and their order (platform-api §22), and the walk of the official client's studio script."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from steelyard import users

MANAGER, LABELER = "manager@main.example", "labeler@main.example"


def refused(response, status):
    assert response.status_code == status, response.text
    body = response.json()
    assert set(body) == {"status_code", "error"}
    assert body["status_code"] == status
    return body["error"]


def ok(response):
    assert response.status_code == 200, response.text
    return response.json()


async def make_project(client, name="herd", **more):
    return ok(
        await client.post(
            "/v1/projects", json={"type": "imageannotation", "name": name, "studio": True, **more}
        )
    )


async def make_batch(client, name, project="herd", **more):
    return ok(await client.post("/v1/batches", json={"project": project, "name": name, **more}))


async def assign(client, emails, projects, how="add"):
    return await client.post(f"/v1/studio/assignments/{how}", json={"emails": emails, "projects": projects})


def groups_of(project):
    return f"/v1/studio/projects/{quote(project, safe='')}/groups"


@pytest.fixture
async def herd(live):
    """A studio project with the manager and the labeler assigned."""
    await make_project(live)
    ok(await assign(live, [MANAGER, LABELER], ["herd"]))
    return live


async def test_active_teammates_are_listed_even_without_assignments(live):
    mapping = ok(await live.get("/v1/studio/assignments"))
    assert mapping[MANAGER] == mapping[LABELER] == []
    assert len(mapping) == 3


async def test_assigning_twice_and_removing_what_is_not_there_are_harmless(live):
    await make_project(live, "b")
    await make_project(live, "a")
    for _ in range(2):
        mapping = ok(await assign(live, [LABELER.upper(), LABELER], ["b", "a"]))
        assert mapping[LABELER] == ["a", "b"]
        assert mapping[MANAGER] == []
    for _ in range(2):
        assert ok(await assign(live, [LABELER, MANAGER], ["a"], "remove"))[LABELER] == ["b"]
    assert ok(await live.get("/v1/studio/assignments"))[LABELER] == ["b"]


async def test_invited_people_are_listed_once_they_have_an_assignment(live):
    await make_project(live)
    await live.post("/v1/teams/invite", json={"emails": ["new@x.example"], "team_role": "labeler"})
    assert "new@x.example" not in ok(await live.get("/v1/studio/assignments"))
    assert ok(await assign(live, ["new@x.example"], ["herd"]))["new@x.example"] == ["herd"]


async def test_disabled_people_without_assignments_are_left_out(ctx, live):
    await ctx.db.execute("update member set role = 'disabled' where email = $1", LABELER)
    assert LABELER not in ok(await live.get("/v1/studio/assignments"))


@pytest.mark.parametrize("how", ["add", "remove"])
@pytest.mark.parametrize(
    "body",
    [
        {},
        {"emails": [LABELER]},
        {"projects": ["herd"]},
        {"emails": [LABELER, "stranger@x.example"], "projects": ["herd"]},
        {"emails": [LABELER, "boss@other.example"], "projects": ["herd"]},
        {"emails": [LABELER], "projects": ["herd", "unknown"]},
        {"emails": LABELER, "projects": ["herd"]},
        {"emails": [1], "projects": ["herd"]},
        {"emails": [LABELER], "projects": [["herd"]]},
        [],
    ],
)
async def test_unknown_and_malformed_assignments_change_nothing(live, how, body):
    await make_project(live)
    ok(await assign(live, [MANAGER], ["herd"]))
    before = ok(await live.get("/v1/studio/assignments"))
    refused(await live.post(f"/v1/studio/assignments/{how}", json=body), 400)
    assert ok(await live.get("/v1/studio/assignments")) == before


async def test_assignments_of_one_mode_and_account_are_not_seen_in_another(live, test, other):
    await make_project(live)
    ok(await assign(live, [LABELER], ["herd"]))
    assert ok(await test.get("/v1/studio/assignments"))[LABELER] == []
    assert LABELER not in ok(await other.get("/v1/studio/assignments"))
    refused(await assign(test, [LABELER], ["herd"]), 400)
    refused(await other.get(groups_of("herd")), 404)


async def test_only_leads_change_studio_and_members_may_look(ctx, live, keys, client_for):
    await make_project(live)
    await users.create_member(ctx, "main", "ann@x.example", "member")
    member = client_for((await users.create_key(ctx, "main", "live", member_email="ann@x.example")).key)
    assert ok(await member.get("/v1/studio/batches")) == []
    refused(await assign(member, [LABELER], ["herd"]), 403)
    refused(await member.post(groups_of("herd"), json={"emails": [], "name": "g"}), 403)
    refused(await member.post("/v1/studio/batches/reset_priorities"), 403)
    labeler = client_for(keys.labeler_live)
    refused(await labeler.get("/v1/studio/assignments"), 403)
    refused(await client_for(None).get("/v1/studio/assignments"), 401)


async def test_a_group_holds_assigned_people_and_each_person_is_a_group_too(herd):
    made = ok(await herd.post(groups_of("herd"), json={"emails": [LABELER, MANAGER.upper()], "name": "barn"}))
    assert (made["name"], made["numWorkers"], made["isSingleton"]) == ("barn", 2, False)
    assert {w["email"] for w in made["workers"]} == {LABELER, MANAGER}
    listed = ok(await herd.get(groups_of("herd")))
    assert listed[0] == made
    assert [(g["name"], g["numWorkers"], g["isSingleton"]) for g in listed[1:]] == [
        (MANAGER, 1, True),
        (LABELER, 1, True),
    ]
    ids = {w["email"]: w["id"] for w in made["workers"]}
    assert all(g["workers"] == [{"id": ids[g["name"]], "email": g["name"]}] for g in listed[1:])


async def test_groups_are_refused_for_the_unassigned_the_unknown_and_taken_names(herd):
    await make_project(herd, "other herd")
    ok(await herd.post(groups_of("herd"), json={"emails": [], "name": "barn"}))
    refused(await herd.post(groups_of("herd"), json={"emails": [LABELER], "name": "barn"}), 409)
    refused(await herd.post(groups_of("herd"), json={"emails": [], "name": LABELER}), 409)
    refused(await herd.post(groups_of("other herd"), json={"emails": [LABELER], "name": "barn"}), 400)
    refused(await herd.post(groups_of("herd"), json={"emails": ["x@y.example"], "name": "new"}), 400)
    for body in ({}, {"emails": []}, {"name": "x"}, {"emails": [], "name": ""}, {"emails": [], "name": " "}):
        refused(await herd.post(groups_of("herd"), json=body), 400)
    ok(await herd.post(groups_of("other herd"), json={"emails": [], "name": "barn"}))
    assert [g["name"] for g in ok(await herd.get(groups_of("herd")))] == ["barn", MANAGER, LABELER]


async def test_names_with_slashes_spaces_and_percent_signs_work_in_paths(live):
    name = "50% of/the herd & more?"
    await make_project(live, name)
    ok(await assign(live, [LABELER], [name]))
    ok(await live.post(groups_of(name), json={"emails": [LABELER], "name": "a/b c"}))
    path = f"{groups_of(name)}/{quote('a/b c', safe='')}"
    assert ok(await live.put(path, json={"remove_emails": [LABELER]}))["numWorkers"] == 0


async def test_group_changes_add_and_remove_and_repeating_them_is_harmless(herd):
    ok(await herd.post(groups_of("herd"), json={"emails": [LABELER], "name": "barn"}))
    path = groups_of("herd") + "/barn"
    for _ in range(2):
        changed = ok(await herd.put(path, json={"add_emails": [MANAGER], "remove_emails": [LABELER]}))
        assert [w["email"] for w in changed["workers"]] == [MANAGER]
    assert ok(await herd.put(path, json={})) == changed
    assert ok(await herd.put(path, json={"add_emails": [], "remove_emails": None})) == changed
    assert ok(await herd.put(path, content=b"")) == changed


async def test_group_changes_are_all_or_nothing(live, herd):
    ok(await herd.post(groups_of("herd"), json={"emails": [LABELER], "name": "barn"}))
    await live.post("/v1/teams/invite", json={"emails": ["new@x.example"], "team_role": "labeler"})
    path = groups_of("herd") + "/barn"
    refused(await herd.put(path, json={"add_emails": [MANAGER, "new@x.example"]}), 400)
    refused(
        await herd.put(path, json={"add_emails": [MANAGER], "remove_emails": ["stranger@x.example"]}), 400
    )
    refused(await herd.put(path, json={"add_emails": MANAGER}), 400)
    refused(await herd.put(groups_of("herd") + "/unknown", json={}), 404)
    refused(await herd.put(groups_of("herd") + "/" + quote(LABELER), json={}), 404)
    for method in ("GET", "POST"):
        body = {"emails": [], "name": "g"}
        refused(await herd.request(method, groups_of("unknown"), json=body), 404)
    refused(await herd.put(groups_of("unknown") + "/barn", json={}), 404)
    assert [w["email"] for w in ok(await herd.get(groups_of("herd")))[0]["workers"]] == [LABELER]


async def test_losing_the_assignment_loses_the_place_in_the_groups(herd):
    ok(await herd.post(groups_of("herd"), json={"emails": [LABELER, MANAGER], "name": "barn"}))
    ok(await assign(herd, [LABELER], ["herd"], "remove"))
    listed = ok(await herd.get(groups_of("herd")))
    assert [(g["name"], g["numWorkers"]) for g in listed] == [("barn", 1), (MANAGER, 1)]


async def test_studio_batches_are_the_unfinished_ones_of_studio_projects_oldest_first(ctx, herd):
    await make_project(herd, "plain", studio=False)
    await make_batch(herd, "elsewhere", "plain")
    for name in ("one", "two", "done", "gone", "paused"):
        await make_batch(herd, name)
    await ctx.db.execute(
        "update batch set status = 'completed', completed_at = steelyard.now() where name = 'done'"
    )
    await ctx.db.execute("update batch set status = 'cancelled' where name = 'gone'")
    await ctx.db.execute("update batch set status = 'paused' where name = 'paused'")
    listed = ok(await herd.get("/v1/studio/batches"))
    assert [b["name"] for b in listed] == ["one", "two", "paused"]
    assert listed[0] == {
        "id": listed[0]["id"],
        "name": "one",
        "projectId": listed[0]["projectId"],
        "projectName": "herd",
        "batchType": "Production",
        "total": 0,
        "completed": 0,
        "groups": [],
    }


async def test_task_counts_come_from_the_exact_counters(ctx, herd, live_actor):
    batch = await make_batch(herd, "one")
    batch_id = (await ctx.db.fetchval("select id from batch where name = 'one'")) or batch["id"]
    for status, shard, n in (("pending", 1, 5), ("pending", 2, -2), ("completed", 1, 4), ("canceled", 0, 1)):
        await ctx.db.execute(
            "insert into task_count values ($1, 'b', $2, 'imageannotation', $3, $4, $5)",
            live_actor.space_id,
            batch_id,
            status,
            shard,
            n,
        )
    (listed,) = ok(await herd.get("/v1/studio/batches"))
    assert (listed["total"], listed["completed"]) == (8, 4)


async def test_the_groups_of_a_batch_are_set_not_added(herd):
    await make_batch(herd, "one")
    ok(await herd.post(groups_of("herd"), json={"emails": [LABELER], "name": "barn"}))
    first = ok(await herd.put("/v1/studio/batches/one", json={"groups": ["barn", MANAGER, "barn"]}))
    assert first["groups"] == ["barn", MANAGER]
    assert ok(await herd.get("/v1/studio/batches")) == [first]
    assert ok(await herd.put("/v1/studio/batches/one", json={"groups": [LABELER.upper()]}))["groups"] == [
        LABELER
    ]
    assert ok(await herd.put("/v1/studio/batches/one", json={"groups": []}))["groups"] == []


async def test_batch_groups_are_refused_for_unknown_batches_and_groups(herd):
    await make_project(herd, "second")
    await make_project(herd, "plain", studio=False)
    await make_batch(herd, "one")
    await make_batch(herd, "elsewhere", "plain")
    ok(await herd.post(groups_of("second"), json={"emails": [], "name": "theirs"}))
    before = ok(await herd.put("/v1/studio/batches/one", json={"groups": [MANAGER]}))
    for groups in (["unknown"], [MANAGER, "theirs"], ["boss@other.example"], "barn", [1], None):
        refused(await herd.put("/v1/studio/batches/one", json={"groups": groups}), 400)
    refused(await herd.put("/v1/studio/batches/one", json={}), 400)
    refused(await herd.put("/v1/studio/batches/unknown", json={"groups": []}), 404)
    refused(await herd.put("/v1/studio/batches/elsewhere", json={"groups": []}), 404)
    assert ok(await herd.get("/v1/studio/batches")) == [before]


def named(*names):
    return {"batches": [{"name": name} for name in names]}


async def test_the_order_is_set_as_listed_and_reset_to_calibration_first_then_oldest(ctx, herd):
    for name in ("one", "two", "three"):
        await make_batch(herd, name)
    await ctx.db.execute("update batch set calibration_batch = true where name = 'three'")
    assert [b["name"] for b in ok(await herd.get("/v1/studio/batches"))] == ["three", "one", "two"]
    ordered = ok(await herd.post("/v1/studio/batches/set_priorities", json=named("two", "three", "one")))
    assert [(b["name"], b["studioPriority"]) for b in ordered] == [("two", 1), ("three", 2), ("one", 3)]
    assert ok(await herd.get("/v1/studio/batches")) == ordered
    await make_batch(herd, "four")
    assert [b["name"] for b in ok(await herd.get("/v1/studio/batches"))] == ["two", "three", "one", "four"]
    default = ok(await herd.post("/v1/studio/batches/reset_priorities"))
    assert [b["name"] for b in default] == ["three", "one", "two", "four"]
    assert default[0]["batchType"] == "Calibration"
    assert all("studioPriority" not in b for b in default)


async def test_another_clients_name_for_the_list_is_understood(herd):
    await make_batch(herd, "one")
    body = {"groups": [{"name": "one"}]}
    assert len(ok(await herd.post("/v1/studio/batches/set_priorities", json=body))) == 1


@pytest.mark.parametrize(
    "body",
    [
        named("one"),
        named("one", "two", "three"),
        named("one", "two", "two"),
        named("one", "one"),
        named(),
        {},
        {"batches": ["one", "two"]},
        {"batches": [{"name": 1}, {"name": "two"}]},
        {"batches": [{}, {}]},
    ],
)
async def test_an_order_must_name_every_pending_batch_once(herd, body):
    await make_batch(herd, "one")
    await make_batch(herd, "two")
    ok(await herd.post("/v1/studio/batches/set_priorities", json=named("two", "one")))
    refused(await herd.post("/v1/studio/batches/set_priorities", json=body), 400)
    assert [b["name"] for b in ok(await herd.get("/v1/studio/batches"))] == ["two", "one"]


async def test_batches_may_bear_the_names_of_the_routes(herd):
    for name in ("set_priorities", "reset_priorities"):
        await make_batch(herd, name)
        assert ok(await herd.put(f"/v1/studio/batches/{name}", json={"groups": []}))["name"] == name
    ok(await herd.post("/v1/studio/batches/set_priorities", json=named("reset_priorities", "set_priorities")))


async def test_the_walk_of_the_official_clients_studio_script(live):
    await make_project(live)
    for name in ("first", "second"):
        await make_batch(live, name)
    ok(await live.get("/v1/teams"))
    new = "ann+studio@x.example"
    mates = ok(await live.post("/v1/teams/invite", json={"emails": [new], "team_role": "member"}))
    assert new in [m["email"] for m in mates]
    mates = ok(await live.post("/v1/teams/set_role", json={"emails": [new], "team_role": "manager"}))
    assert {m["email"]: m["role"] for m in mates}[new] == "manager"
    ok(await live.get("/v1/studio/assignments"))
    assert ok(await assign(live, [new], ["herd"]))[new] == ["herd"]
    assert new not in ok(await assign(live, [new], ["herd"], "remove"))
    ok(await assign(live, [new], ["herd"]))
    group = ok(await live.post(groups_of("herd"), json={"emails": [new], "name": "walkers"}))
    assert group in ok(await live.get(groups_of("herd")))
    path = groups_of("herd") + "/walkers"
    assert ok(await live.put(path, json={"add_emails": [], "remove_emails": [new]}))["numWorkers"] == 0
    assert ok(await live.put(path, json={"add_emails": [new], "remove_emails": []}))["numWorkers"] == 1
    names = [b["name"] for b in ok(await live.get("/v1/studio/batches"))]
    assert ok(await live.put(f"/v1/studio/batches/{names[0]}", json={"groups": ["walkers"]}))["groups"] == [
        "walkers"
    ]
    ordered = ok(await live.post("/v1/studio/batches/set_priorities", json=named(*names)))
    assert [b["name"] for b in ordered] == names
    ok(await live.post("/v1/studio/batches/reset_priorities"))

"""Bad input of every kind: the contract's error, never a server fault, and not one row of any table changed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.builders import image_task
from tests.api.target import JSON, NESTED, NESTED_OBJECT, TASK, WITH_BODY, Target
from tests.conftest import Keys


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"}",
        b"{]",
        b"nothing",
        b"{'a': 1}",
        b'{"a": 1,}',
        b'{"a": 1} {"b": 2}',
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": 01}',
        b'{"a": "\x01"}',
        b'{"a": "\\x"}',
        b'{"a": "\\ud800"}',
        b"\xff\xfe{\x00}\x00",
        b'{"a": "\xff"}',
        b'{"a": "\xed\xa0\x80"}',
        b'{"a": "\x00"}',
        b'{"a": "\\u0000"}',
        b'{"\\u0000": 1}',
        b'"text"',
        b"5",
        b"true",
        NESTED.encode(),
        NESTED_OBJECT.encode(),
        b'{"a":' + NESTED.encode() + b"}",
        b'{"a":' + NESTED_OBJECT.encode(),
    ],
    ids=lambda c: repr(c[:24]),
)
async def test_what_is_no_storable_json_is_refused_everywhere(target: Target, content: bytes) -> None:
    for method, path in WITH_BODY:
        if content == b'"text"' and path.endswith("/tags"):
            continue
        for headers in (JSON, {}, {"content-type": "text/plain"}):
            await target.refuses(400, method, path, content, headers)
    await target.unchanged()


async def test_a_body_of_the_wrong_kind_is_refused(target: Target) -> None:
    for method, path in WITH_BODY:
        if not path.endswith("/tags"):
            for wrong in ([], [1], b'"text"', 5, True, [{}]):
                assert "JSON object" in await target.refuses(400, method, path, wrong)
    for wrong in (5, True, {"tags": 5}, [1], [None], [""], ["a"] * 3 + [["b"]], list("abcdef")):
        for method in ("PUT", "POST"):
            await target.refuses(400, method, "/v1/task/{task}/tags", wrong)
    await target.unchanged()


WRONG: list[tuple[str, str, dict[str, Any]]] = [
    *(
        ("POST", TASK, image_task(**{name: value}))
        for name, values in {
            "project": [5, [], {}, True],
            "batch": [5, [], {}],
            "instruction": [5, [], {}],
            "callback_url": [
                5,
                [],
                "ftp://x",
                "nothing",
                "http://",
                "javascript:alert(1)",
                "mailto:a@example.org",
                "http://x y",
                "a" * 3000,
            ],
            "metadata": [5, [], "x", {"a": "x" * 11_000}],
            "unique_id": [5, [], {}, "", "x" * 1025, "u\u0000"],
            "clear_unique_id_on_error": ["perhaps", [], 7],
            "tags": [5, {}, [5], [""], [" "], [None], list("abcdef"), ["x" * 1025]],
            "priority": [9, 31, 10**30, -(10**30), 1.5, "high", [], {}, 1e308, True],
            "project_version": [-2, 2**31, 10**30, "one", 1.5, [], {}],
            "project_param_version": [-2, 2**63, "one"],
            "urgency": ["never", 5, []],
            "attachment": [5, [], {}],
            "attachment_type": ["smell", 5, []],
            "geometries": [5, [], {}, {"box": 5}, {"pyramid": {}}, {"box": {"objects_to_annotate": 10**40}}],
        }.items()
        for value in values
    ),
    *(
        ("POST", "/v1/projects", {"name": "q", "type": "imageannotation", **more})
        for more in (
            {"name": 5},
            {"name": ""},
            {"name": "   "},
            {"name": "x" * 256},
            {"name": None},
            {"type": "smell"},
            {"type": 5},
            {"params": 5},
            {"params": []},
            {"rapid": "perhaps"},
            {"rapid": True, "studio": True},
            {"pipeline": "none"},
            {"consensus_attempts": 0},
            {"consensus_attempts": 10**30},
            {"datasetId": 5},
        )
    ),
    *(
        ("POST", "/v1/batches", {"name": "c", "project": "p", **more})
        for more in (
            {"name": 5},
            {"name": ""},
            {"name": "x" * 256},
            {"project": None},
            {"project": 5},
            {"callback": "ftp://x"},
            {"callback": 5},
            {"calibration_batch": True},
            {"metadata": 5},
            {"metadata": []},
        )
    ),
    *(("POST", "/v1/batches/b/prioritize", {"priority": p}) for p in (9, 31, 10**30, "x", None, 10.5, [])),
    *(("POST", "/v1/task/{task}/unique_id", {"unique_id": u}) for u in ("", 5, None, [], "x" * 1025)),
    *(
        ("POST", "/v1/task/{task}/audit", b)
        for b in ({}, {"accepted": "yes"}, {"accepted": 1}, {"accepted": None})
    ),
    ("POST", "/v1/task/{task}/audit", {"accepted": True}),
    ("POST", "/v1/task/{task}/setMetadata", {"a": "x" * 11_000}),
    ("POST", "/v1/projects/p/setParams", {"patch": "perhaps"}),
    ("POST", "/v1/projects/p/setOntology", {"ontology": 5}),
    ("POST", "/v1/projects/p/setOntology", {"ontology": [5]}),
    ("POST", "/v1/files/import", {"file_url": "ftp://x"}),
    ("POST", "/v1/files/import", {"file_url": 5}),
    ("POST", "/v1/files/upload", {}),
    ("POST", "/v1/teams/invite", {"emails": ["nobody"], "team_role": "labeler"}),
    ("POST", "/v1/teams/invite", {"emails": ["a@b.example"], "team_role": "emperor"}),
    ("POST", "/v1/teams/invite", {"emails": [5], "team_role": "labeler"}),
    ("POST", "/v1/studio/assignments/add", {"emails": 5, "projects": []}),
    ("PUT", "/v1/audits", {"task_id": 5}),
]


async def test_wrong_types_and_values_are_refused(target: Target) -> None:
    taken: list[Any] = []
    for method, path, body in WRONG:
        try:
            await target.refuses(400, method, path, body)
        except AssertionError as e:
            odd = {k: v for k, v in body.items() if image_task().get(k) != v}
            taken.append(f"{method} {path} {odd}: {e.args[0][-200:]}")
    assert not taken, "\n".join(taken)
    await target.unchanged()


ODD_NAMES = [
    "0" * 24,
    "x",
    "g" * 24,
    "6" * 23,
    "6" * 25,
    "%00",
    "a%00b",
    "%ff",
    "%C3%28",
    "%ED%A0%80",
    "%",
    "%zz",
    "%2F..%2F..%2Fetc",
    "%F0%9F%98%80",
    "'; drop table task; --",
    "x" * 5000,
]


@pytest.mark.parametrize("name", ODD_NAMES, ids=lambda n: n[:20])
async def test_unknown_ids_and_names_of_any_shape_are_not_found(target: Target, name: str) -> None:
    message = "Task with that ID not found."
    assert await target.refuses(404, "GET", f"/v1/task/{name}") == message
    assert await target.refuses(404, "POST", f"/v1/task/{name}/cancel") == message
    assert await target.refuses(404, "POST", f"/v1/task/{name}/setMetadata", {"a": 1}) == message
    assert await target.refuses(404, "POST", f"/v1/task/{name}/unique_id", {"unique_id": "n"}) == message
    assert await target.refuses(404, "DELETE", f"/v1/task/{name}/unique_id") == message
    assert await target.refuses(404, "PUT", f"/v1/task/{name}/tags", ["a"]) == message
    assert await target.refuses(404, "POST", f"/v1/task/{name}/audit", {"accepted": True}) == message
    assert await target.refuses(404, "POST", f"/v1/task/{name}/send_callback") == message
    await target.refuses(404, "GET", f"/v1/task/{name}/response_url/{name}")
    await target.refuses(404, "POST", f"/v1/task/{name}", image_task())
    for path in (
        "/v1/projects/{}",
        "/v1/projects/{}/taskTemplates",
        "/v1/batches/{}",
        "/v1/batches/{}/status",
    ):
        await target.refuses(404, "GET", path.format(name))
    await target.refuses(404, "POST", f"/v1/projects/{name}/setParams", {"a": 1})
    await target.refuses(404, "POST", f"/v1/batches/{name}/finalize")
    await target.refuses(404, "GET", f"/v1/studio/projects/{name}/groups")
    await target.refuses(404, "GET", f"/api/work/{name}")
    await target.refuses(404, "GET", f"/media/{name}")
    await target.refuses(404, "GET", f"/results/{name}")
    await target.unchanged()


async def test_ids_of_the_other_mode_and_account_are_not_found(
    target: Target, client_for: Any, keys: Keys
) -> None:
    await target.refuses(404, "GET", f"/v1/task/{target.done}")
    await target.refuses(404, "POST", f"/v1/task/{target.done}/audit", {"accepted": True})
    for stranger in (keys.test, keys.other_live):
        target.client = client_for(stranger)
        await target.refuses(404, "GET", "/v1/task/{task}")
        await target.refuses(404, "POST", "/v1/task/{task}/cancel")
        await target.refuses(404, "POST", TASK, image_task(project="p"))
        await target.refuses(404, "POST", TASK, image_task(batch="b"))
        await target.refuses(404, "POST", "/v1/batches", {"name": "x", "project": "p"})
    await target.unchanged()

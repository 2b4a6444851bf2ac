"""Our own description of the API: valid, complete, readable without a network, and true under random requests."""

from __future__ import annotations

import base64
import itertools
import os
import re
import secrets
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncGenerator, Generator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import asyncpg
import httpx
import hypothesis
import jsonschema_rs
import msgspec
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from schemathesis.specs.openapi.definitions import OPENAPI_31

from steelyard.http import web
from steelyard.http.openapi import build
from steelyard.http.surface import all_routes
from steelyard.settings import Settings
from steelyard.task_types import TASK_TYPES
from tests.api.builders import image_task
from tests.conftest import Keys, Template

SEED = int(os.environ.get("STEELYARD_TEST_SEED", "20260607"))
EXAMPLES = int(os.environ.get("STEELYARD_TEST_EXAMPLES", "26"))
"""Requests for each operation and mode: more than 50 an operation."""
ROUTES = tuple(all_routes())
DOCUMENT = build(ROUTES)
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
OPERATIONS = {result.ok().label: result.ok() for result in SCHEMA.get_all_operations()}
CHECKS = [not_a_server_error, status_code_conformance, response_schema_conformance, content_type_conformance]


@schemathesis.serializer("application/x-ndjson")
def _lines(context: Any, value: Any) -> bytes:
    return value.encode("utf-8", "replace") if isinstance(value, str) else msgspec.json.encode(value)


def test_the_document_is_valid_openapi_3_1() -> None:
    jsonschema_rs.validator_for(OPENAPI_31).validate(msgspec.json.decode(msgspec.json.encode(DOCUMENT)))
    for name, schema in DOCUMENT["components"]["schemas"].items():
        jsonschema_rs.meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema})
        assert re.fullmatch(r"[A-Za-z0-9._-]+", name)
    text = msgspec.json.encode(DOCUMENT).decode()
    for name in re.findall(r'"#/components/schemas/([^"]+)"', text):
        assert name in DOCUMENT["components"]["schemas"], name
    ids = [op["operationId"] for item in DOCUMENT["paths"].values() for op in item.values()]
    assert len(ids) == len(set(ids))


def test_every_route_is_documented() -> None:
    described = {(m.upper(), p) for p, item in DOCUMENT["paths"].items() for m in item}
    served = {(r.method, r.path) for r in ROUTES if not r.hidden}
    create = ("POST", "/v1/task/{type}")
    # signing in, accepting an invitation, setting up: whom these let in is the access matrix' to say
    anybodys = {(r.method, r.path) for r in ROUTES if r.access.act is None}
    assert described == (served - {create}) | {("POST", f"/v1/task/{name}") for name in TASK_TYPES}
    assert [r for r in ROUTES if r.hidden] == web.routes.all, "only the pages of the application are no API"
    for (method, path), operation in (
        ((m, p), op) for p, item in DOCUMENT["paths"].items() for m, op in item.items()
    ):
        where = f"{method} {path}"
        assert operation["summary"] and "\n" not in operation["summary"], where
        names = [p["name"] for p in operation.get("parameters", []) if p["in"] == "path"]
        assert names == re.findall(r"\{(\w+)\}", path), where
        success = [c for c in operation["responses"] if c < "400"]
        assert len(success) == 1, where
        for code, response in operation["responses"].items():
            if code >= "400":
                kind = "application/problem+json" if path.startswith("/api") else "application/json"
                assert list(response["content"]) == [kind], where
        if path.startswith(("/v1", "/api")) and (method.upper(), path) not in anybodys:
            assert operation["security"], where
            assert {"401", "403"} <= set(operation["responses"]), where


async def test_the_page_for_people_needs_nothing_from_elsewhere(live: httpx.AsyncClient) -> None:
    answer = await live.get("/docs")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    page = answer.text
    links = re.findall(r"""(?:src|href|action)\s*=\s*["']?([^"'\s>]*)""", page)
    assert links
    assert not [link for link in links if not link.startswith("#") and link != "/openapi.json"]
    assert not re.search(r"<script|<iframe|<img|<link|@import|url\(", page)
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    for item in DOCUMENT["paths"].values():
        for operation in item.values():
            assert operation["summary"].replace("'", "&#x27;") in page
    served = (await live.get("/openapi.json")).json()
    assert served["servers"] == [{"url": "http://steelyard.test"}]
    assert set(served["paths"]) == set(DOCUMENT["paths"])


class Served:
    """A server process on a database of its own, with one of everything in both modes."""

    def __init__(self, url: str, keys: Keys, log: Path):
        self.url, self.keys, self.log = url, keys, log
        self.known: dict[str, dict[str, list[str]]] = {}

    def errors(self) -> str:
        """The last of what the server logged as a fault."""
        return "\n".join(line for line in self.log.read_text().splitlines() if "request failed" in line)[
            -6000:
        ]


def _wait_until_up(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while True:
        assert process.poll() is None, log.read_text()
        try:
            if requests.get(url + "/healthz", timeout=5).status_code == 200:
                return
        except (requests.ConnectionError, requests.Timeout):
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)


@pytest.fixture(scope="module")
async def fuzz_dsn(template: Template) -> AsyncGenerator[str]:
    name = f"t_{secrets.token_hex(6)}"
    admin = await asyncpg.connect(template.dsn)
    await admin.execute(f"create database {name} template {template.name}")
    head, _, query = template.dsn.partition("?")
    dsn = head.rsplit("/", 1)[0] + "/" + name + (f"?{query}" if query else "")
    own = await asyncpg.connect(dsn)
    await own.execute(  # /readyz asks for one
        "insert into steelyard.process (id, kind, started_at, seen_at) values ('w', 'worker', now(), now() + interval '1 day')"
    )
    await own.close()
    yield dsn
    await admin.execute(f"drop database {name} with (force)")
    await admin.close()


@pytest.fixture(scope="module")
def served(fuzz_dsn: str, template: Template, tmp_path_factory: pytest.TempPathFactory) -> Generator[Served]:
    folder = tmp_path_factory.mktemp("served")
    log = folder / "server.log"
    with socket.create_server(("127.0.0.1", 0), backlog=512) as sock, log.open("wb") as out:
        port = sock.getsockname()[1]
        settings = Settings(
            data_dir=folder,
            database_url=fuzz_dsn,
            db_pool_size=4,
            port=port,
            log_format="json",
            drain_seconds=5,
        )
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "steelyard",
                "serve",
                "--listen-fd",
                str(sock.fileno()),
                "--parent",
                str(os.getpid()),
            ],
            env={**os.environ, **settings.to_env()},
            pass_fds=[sock.fileno()],
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_until_up(url, process, log)
            found = Served(url, template.keys, log)
            for mode in ("live", "test"):
                found.known[mode] = _furnish(url, getattr(template.keys, mode))
            yield found
        finally:
            process.terminate()
            try:
                process.wait(20)
            finally:
                process.kill()
                process.wait()


def _furnish(url: str, key: str) -> dict[str, list[str]]:
    """Objects of every kind, and their ids and names by the names of path parameters."""
    session = requests.Session()
    session.auth = (key, "")

    def post(path: str, body: Any, method: str = "POST") -> Any:
        answer = session.request(method, url + path, json=body, timeout=120)
        assert answer.status_code == 200, answer.text
        return answer.json()

    for kind in ("standard", "rapid", "studio"):
        post("/v1/projects", {"name": kind, "type": "imageannotation", kind: True})
        post("/v1/batches", {"name": f"{kind} batch", "project": kind})
    email = "labeler@main.example"
    post("/v1/studio/assignments/add", {"emails": [email], "projects": ["studio"]})
    group = post("/v1/studio/projects/studio/groups", {"emails": [email], "name": "group"})
    done = [post("/v1/task/imageannotation", image_task(project="standard"))["task_id"] for _ in range(3)]
    return {
        "task_id": done,
        "file_id": done,
        "/batches": ["standard batch", "rapid batch", "studio batch"],
        "/projects": ["standard", "rapid", "studio"],
        "project": ["studio"],
        "batch": ["studio batch"],
        "group": [group["name"], group["id"]],
        "type": list(TASK_TYPES),
        "email": [email],
    }


_CREATE: dict[str, dict[str, Any]] = {
    "imageannotation": image_task(),
    "segmentannotation": {"attachment": "http://i.example/a.png", "labels": ["sky", "sea"]},
    "categorization": {
        "attachment_type": "website",
        "attachment": "http://x.example",
        "categories": ["a", "b"],
    },
    "namedentityrecognition": {"text": "Some text to label", "labels": [{"name": "A", "description": "x"}]},
    "textcollection": {
        "attachments": [{"type": "website", "content": "http://x.example/"}],
        "fields": [{"type": "text", "field_id": "title", "title": "Title"}],
    },
}
_BOX = {"type": "box", "label": "Big Cow", "left": 5, "top": 6, "width": 40, "height": 30}
_QUALITY = image_task(project="rapid", expected_response={"annotations": [_BOX]})
_NUMBERS = itertools.count()


def _valid(path: str) -> Any:
    """A body that succeeds, over which a few random values are laid; None where random ones do well enough."""
    fresh = f"fuzz {next(_NUMBERS)}"
    kind = path.removeprefix("/v1/task/")
    if kind in _CREATE:
        return {"instruction": "Do it.", **_CREATE[kind]}
    bodies = {
        "/v1/projects": {"name": fresh, "type": "textcollection"},
        "/v1/batches": {"name": fresh, "project": "standard"},
        "/v1/files/import": {"file_url": "http://x.example/a.png"},
        "/v1/teams/invite": {"emails": [fresh.replace(" ", "") + "@x.example"], "team_role": "labeler"},
        "/v1/teams/set_role": {"emails": ["labeler@main.example"], "team_role": "labeler"},
        "/v1/evaluation_tasks/{type}": _QUALITY,
        "/v1/training_tasks/{type}": _QUALITY,
        "/v1/audits": {"task_id": "", "audit_result": "accepted", "response_url": "http://x.example/r"},
        "/v1/studio/batches/set_priorities": {"batches": [{"name": "studio batch"}]},
        "/v1/studio/projects/{project}/groups": {"emails": ["labeler@main.example"], "name": fresh},
        "/v1/studio/projects/{project}/groups/{group}": {"add_emails": ["labeler@main.example"]},
        "/v1/studio/batches/{batch}": {"groups": ["group"]},
        "/v1/projects/{name}/setOntology": {"ontology": ["a", {"choice": "b"}]},
    }
    return bodies.get(path)


def _aim(case: schemathesis.Case, known: dict[str, list[str]], pick: int) -> None:
    """Puts names and ids of real objects where a random text would never hit one."""
    path = case.operation.path
    names = {**known, "name": known["/batches" if "/batches" in path else "/projects"]}
    if pick % 3 and case.headers:
        case.headers.pop("Idempotency-Key", None)
    valid = _valid(path)
    if isinstance(valid, dict) and isinstance(case.body, dict) and pick % 4:
        random = sorted(case.body.items(), key=lambda item: str(item[0]))
        kept = random[pick % (len(random) + 1) :][: pick % 4 - 1]
        case.body = {**valid, **dict(kept)}
        if "{type}" in path:
            names["type"] = ["imageannotation"]
    for name in case.path_parameters or {}:
        if name in names:
            case.path_parameters[name] = quote(names[name][pick % len(names[name])], safe="")
    for fields in (case.query, case.body):
        if isinstance(fields, dict):
            for field in ("project", "batch", "task_id"):
                if field in fields and (pick % 2 or not fields[field]) and path != "/v1/batches":
                    fields[field] = names[field][pick % len(names[field])]
            if "emails" in fields:
                fields["emails"] = names["email"]


def _strategy(operation: Any) -> st.SearchStrategy[schemathesis.Case]:
    """Mostly valid requests, some that break the schema."""
    positive = operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
    if not operation.body and not operation.query and not operation.path_parameters:
        return positive
    negative = operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)
    return st.one_of(positive, positive, negative)


@pytest.mark.parametrize("mode", ["live", "test"])
@pytest.mark.parametrize("label", sorted(OPERATIONS))
def test_answers_to_random_requests_are_as_documented(served: Served, label: str, mode: str) -> None:
    operation = OPERATIONS[label]
    token = base64.b64encode(f"{getattr(served.keys, mode)}:".encode()).decode()
    session = requests.Session()
    codes = Counter[int]()

    @hypothesis.seed(SEED + (mode == "test"))
    @hypothesis.settings(
        max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @hypothesis.given(case=_strategy(operation), aim=st.integers(0, 999))
    def run(case: schemathesis.Case, aim: int) -> None:
        if aim:
            _aim(case, served.known[mode], aim)
        answer = case.call(
            base_url=served.url, session=session, headers={"Authorization": f"Basic {token}"}, timeout=60
        )
        codes[answer.status_code] += 1
        case.validate_response(answer, checks=CHECKS)

    try:
        run()
    except BaseException as e:
        e.add_note(f"seed {SEED}\n{served.errors()}")
        raise
    finally:
        session.close()
    print(f"{label}, {mode}: {dict(codes)}, seed {SEED}")
    assert codes.total() >= EXAMPLES

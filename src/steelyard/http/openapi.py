"""Routes × msgspec's schemas × the task types → one OpenAPI 3.1 document, and a page of it that needs no outside network.

`POST /v1/task/{type}` is described once for each installed type, with that type's parameters beside the platform's.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import msgspec

from steelyard import __version__
from steelyard.http.docs_page import render_page
from steelyard.http.route import Route
from steelyard.http.wire import Problem, WireError
from steelyard.task_types import TASK_TYPES

_PARAM = re.compile(r"\{(\w+)\}")
_REASON = {
    200: "Success",
    201: "Created",
    202: "Begun; go on asking",
    204: "Nothing",
    302: "Look there",
    400: "A parameter is missing or wrong, or the object's state does not allow the call",
    401: "No valid API key",
    402: "Known, but not enabled on this server",
    403: "The caller's role does not allow it",
    404: "No such object",
    405: "Wrong method",
    409: "Already in use",
    412: "Another version of the protocol",
    413: "Too large",
    415: "Wrong type of content",
    423: "Busy",
    429: "Too many requests; retry later",
    460: "Checksum mismatch",
    503: "Not available right now; retry later",
}

PLATFORM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "project": {"type": ["string", "null"], "description": "Name of the task's project."},
        "batch": {
            "type": ["string", "null"],
            "description": "Name of the task's batch; implies its project.",
        },
        "instruction": {"type": ["string", "null"], "description": "Markdown shown to contributors."},
        "callback_url": {
            "type": ["string", "null"],
            "description": "http(s) URL or e-mail address to be told the outcome.",
        },
        "metadata": {"type": ["object", "null"], "description": "Free key/values, at most 10 KB."},
        "unique_id": {
            "type": ["string", "null"],
            "maxLength": 1024,
            "description": "Your own id; a second use is refused with 409.",
        },
        "clear_unique_id_on_error": {
            "type": ["boolean", "null"],
            "description": "Free the unique_id if the task ends in error.",
        },
        "tags": {"type": ["array", "null"], "items": {"type": "string", "minLength": 1}, "maxItems": 5},
        "priority": {
            "type": ["integer", "null"],
            "minimum": 10,
            "maximum": 30,
            "description": "Higher is sooner.",
        },
        "project_version": {
            "type": ["integer", "null"],
            "minimum": -1,
            "description": "Version of the project's params; -1: none.",
        },
        "urgency": {"type": ["string", "null"], "enum": ["standard", "day", "week", "immediate", None]},
    },
}


def _types(routes: tuple[Route, ...]) -> list[Any]:
    kinds: list[Any] = [WireError, Problem]
    for route in routes:
        body = route.body_schema or route.body
        kinds += [
            k for k in (route.query, None if body == "stream" else body, route.response) if k is not None
        ]
    for task_type in TASK_TYPES.values():
        kinds += [task_type.params, task_type.response]
    distinct: list[Any] = []
    for kind in kinds:
        if not isinstance(kind, dict) and kind not in distinct:
            distinct.append(kind)
    return distinct


def build(routes: tuple[Route, ...]) -> dict[str, Any]:
    """The document without `servers`, as builtins."""
    kinds = _types(routes)
    schemas, components = msgspec.json.schema_components(
        kinds, ref_template="#/components/schemas/{name}", schema_hook=_hook
    )
    schema_of = {repr(kind): schema for kind, schema in zip(kinds, schemas, strict=True)}

    def schema(kind: Any) -> Any:
        return kind if isinstance(kind, dict) else schema_of[repr(kind)]

    paths: dict[str, Any] = {}
    for route in routes:
        if route.hidden:
            continue
        if route.path == "/v1/task/{type}":
            for name, task_type in TASK_TYPES.items():
                body = {"allOf": [PLATFORM_SCHEMA, _loose(schema(task_type.params), components)]}
                operation = _operation(route, schema, body)
                operation["operationId"] = f"create_{name}"
                operation["summary"] = f"Create a task: {task_type.title}"
                operation["description"] = task_type.description
                operation["parameters"] = [_idempotency_header()]
                answered = {"type": "object", "properties": {"response": schema(task_type.response)}}
                operation["responses"]["200"]["content"]["application/json"]["schema"] = {
                    "allOf": [schema(route.response), answered]
                }
                paths.setdefault(f"/v1/task/{name}", {})["post"] = operation
            continue
        body = route.body_schema or route.body
        body = None if body is None else schema(body) if body != "stream" else {}
        paths.setdefault(_named(route.path), {})[route.method.lower()] = _operation(route, schema, body)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Steelyard",
            "version": __version__,
            "description": "Scale-compatible labeling API (/v1) and the workbench's own API (/api).",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "basic": {
                    "type": "http",
                    "scheme": "basic",
                    "description": "User name: the API key. Password: empty.",
                },
                "bearer": {"type": "http", "scheme": "bearer", "description": "The API key."},
                "session": {"type": "apiKey", "in": "cookie", "name": "steelyard_session"},
            },
        },
    }


def _hook(kind: Any) -> dict[str, Any]:
    return {}


def _named(path: str) -> str:
    return path


def _loose(schema: dict[str, Any], components: dict[str, Any]) -> dict[str, Any]:
    """A type's params without the list of required ones: a project may supply any of them (platform-api §8.3)."""
    name = schema.get("$ref", "").rsplit("/", 1)[-1]
    if name not in components:
        return schema
    return {k: v for k, v in components[name].items() if k != "required"}


def _idempotency_header() -> dict[str, Any]:
    return {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
        "description": "The first answer to a key is kept for 24 hours and given again to a matching repeat.",
    }


def _operation(route: Route, schema: Any, body: Any) -> dict[str, Any]:
    error_type = "application/problem+json" if route.surface == "api" else "application/json"
    error_schema = schema(Problem) if route.surface == "api" else schema(WireError)
    content: dict[str, Any] = {}
    if route.response is not None:
        content = {"content": {route.content_type: {"schema": schema(route.response)}}}
    elif route.content_type != "application/json":
        content = {"content": {route.content_type: {"schema": {"type": "string"}}}}
    responses: dict[str, Any] = {str(route.status): {"description": _REASON[route.status], **content}}
    codes = set(route.errors)
    if route.access.roles:
        codes |= {401, 403, 429, 503}
    if route.query is not None or route.body is not None:
        codes.add(400)
    if route.body is not None:
        codes.add(413)
    if route.idempotent:
        codes.add(409)
    for code in sorted(codes):
        responses[str(code)] = {
            "description": _REASON[code],
            "content": {error_type: {"schema": error_schema}},
        }
    doc = (route.handler.__doc__ or "").strip()
    operation: dict[str, Any] = {
        "operationId": _operation_id(route),
        "tags": [route.tag],
        "summary": route.summary,
        "responses": responses,
    }
    if "\n" in doc:
        operation["description"] = " ".join(doc.split("\n", 1)[1].split())
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in _PARAM.findall(route.path)
    ]
    if route.query is not None:
        parameters += _query_parameters(route.query)
    if route.idempotent:
        parameters.append(_idempotency_header())
    if parameters:
        operation["parameters"] = parameters
    if body is not None and route.body != "stream":
        operation["requestBody"] = {"content": {"application/json": {"schema": body}}}
    elif route.body == "stream" and body is not None:
        kind = "application/x-ndjson" if body.get("type") == "string" else "multipart/form-data"
        operation["requestBody"] = {"content": {kind: {"schema": body or {"type": "object"}}}}
    if route.access.roles:
        operation["security"] = [
            {"basic": []},
            {"bearer": []},
            {"session": []},
        ]
    return operation


def _operation_id(route: Route) -> str:
    name = route.handler.__name__.strip("_")
    return name if not route.path.endswith("-callback") else f"{name}_dashed"


def _query_parameters(struct: type[msgspec.Struct]) -> list[dict[str, Any]]:
    full = msgspec.json.schema(struct)
    properties = full["$defs"][struct.__name__]["properties"]
    out: list[dict[str, Any]] = []
    for name, described in properties.items():
        options = [o for o in described.get("anyOf", [described]) if o.get("type") != "null"]
        schema = {k: v for k, v in options[0].items() if k not in ("default", "description")}
        if schema.get("format") == "date-time":
            schema = {"type": "string", "examples": ["2021-04-25T03:14:15-07:00"]}
        out.append(
            {
                "name": name,
                "in": "query",
                "required": name in full["$defs"][struct.__name__].get("required", []),
                "schema": schema,
                **(
                    {"description": d}
                    if (d := described.get("description") or options[0].get("description"))
                    else {}
                ),
            }
        )
    return out


@cache
def _document(routes: tuple[int, ...]) -> dict[str, Any]:
    return build(_remembered[routes])


_remembered: dict[tuple[int, ...], tuple[Route, ...]] = {}


def _cached(routes: list[Route]) -> dict[str, Any]:
    mark = tuple(id(r) for r in routes)
    _remembered[mark] = tuple(routes)
    return _document(mark)


def document(routes: list[Route], public_url: str) -> bytes:
    """The OpenAPI document as JSON."""
    return msgspec.json.encode({**_cached(routes), "servers": [{"url": public_url}]})


def docs_page(routes: list[Route], public_url: str) -> bytes:
    """A readable page of every operation."""
    return render_page(_cached(routes), public_url)

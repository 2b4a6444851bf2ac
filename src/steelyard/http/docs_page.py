"""The OpenAPI document as a page for people: plain HTML, no script, nothing from outside."""

from __future__ import annotations

import html
from typing import Any

_FIRST: tuple[str, ...] = (
    "Tasks",
    "Projects",
    "Batches",
    "Files",
    "Teams",
    "Studio",
    "Quality",
    "Audits",
    "Work",
    "Session",
    "Media",
    "System",
)


def render_page(doc: dict[str, Any], public_url: str) -> bytes:
    """`doc`: the OpenAPI document as builtins. Every operation with its parameters, body and answers, by tag."""
    by_tag: dict[str, list[str]] = {}
    for path, operations in doc["paths"].items():
        for method, op in operations.items():
            by_tag.setdefault(op["tags"][0], []).append(_operation(path, method, op, doc))
    tags: list[str] = [t for t in _FIRST if t in by_tag] + sorted(set(by_tag) - set(_FIRST))
    nav = "".join(
        f'<a href="#{html.escape(t)}">{html.escape(t)}<span>{len(by_tag[t])}</span></a>' for t in tags
    )
    body = "".join(
        f'<section><h2 id="{html.escape(t)}">{html.escape(t)}</h2>{"".join(by_tag[t])}</section>'
        for t in tags
    )
    page = _PAGE.replace("@nav", nav).replace("@body", body).replace("@url", html.escape(public_url))
    return page.replace("@version", html.escape(doc["info"]["version"])).encode()


def _operation(path: str, method: str, op: dict[str, Any], doc: dict[str, Any]) -> str:
    rows = "".join(
        _row(
            p["name"],
            p["in"],
            p["schema"],
            p.get("description", ""),
            required=bool(p.get("required")),
            doc=doc,
        )
        for p in op.get("parameters", [])
    )
    for content in op.get("requestBody", {}).get("content", {}).values():
        rows += _members(content["schema"], doc, "body")
    table = f"<table><thead><tr><th>name<th>in<th>type<th>meaning</thead>{rows}</table>" if rows else ""
    answers = "".join(
        f"<li><b>{html.escape(code)}</b> {html.escape(answer['description'])}{_shape(answer)}</li>"
        for code, answer in op["responses"].items()
    )
    more = f"<p>{html.escape(op['description'])}</p>" if op.get("description") else ""
    return (
        f'<details id="{html.escape(op["operationId"])}"><summary><b class="{method}">{method.upper()}</b>'
        f"<code>{html.escape(path)}</code><span>{html.escape(op['summary'])}</span></summary>"
        f'<div class="more">{more}{table}<ul>{answers}</ul></div></details>'
    )


def _shape(answer: dict[str, Any]) -> str:
    kinds = {_kind(c["schema"]) for c in answer.get("content", {}).values()}
    return f" → <code>{html.escape(', '.join(sorted(kinds)))}</code>" if kinds else ""


def _members(schema: dict[str, Any], doc: dict[str, Any], where: str) -> str:
    if "allOf" in schema:
        return "".join(_members(part, doc, where) for part in schema["allOf"])
    if "$ref" in schema:
        schema = doc["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
    required = schema.get("required", [])
    return "".join(
        _row(name, where, p, _description(p), required=name in required, doc=doc)
        for name, p in schema.get("properties", {}).items()
    )


def _row(
    name: str, where: str, schema: dict[str, Any], description: str, *, required: bool, doc: dict[str, Any]
) -> str:
    star = ' <abbr title="required">*</abbr>' if required else ""
    return (
        f"<tr><td><code>{html.escape(name)}</code>{star}</td><td>{where}</td><td>{html.escape(_kind(schema))}</td>"
        f"<td>{html.escape(description)}</td></tr>"
    )


def _description(schema: dict[str, Any]) -> str:
    found = schema.get("description")
    if found is None:
        found = next((s["description"] for s in schema.get("anyOf", []) if "description" in s), "")
    return str(found)


def _kind(schema: dict[str, Any]) -> str:
    if "allOf" in schema:
        return _kind(schema["allOf"][0])
    if "anyOf" in schema:
        kinds: list[str] = [k for s in schema["anyOf"] if (k := _kind(s)) != "null"]
        return " or ".join(dict.fromkeys(kinds))
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[-1]
    if "enum" in schema:
        return " | ".join(str(v) for v in schema["enum"] if v is not None)
    kind = schema.get("type", "any")
    if kind == "array":
        return f"array of {_kind(schema.get('items', {}))}"
    if isinstance(kind, list):
        return " or ".join(str(k) for k in kind if k != "null")
    low, high = schema.get("minimum"), schema.get("maximum")
    return f"{kind} {low}–{high}" if low is not None and high is not None else str(kind)


_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Steelyard API</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>
:root{color-scheme:light dark;--line:light-dark(#dde3ea,#2c333b);--soft:light-dark(#f5f7fa,#171b20);--dim:light-dark(#556270,#9aa7b4);
--link:light-dark(#0b5cad,#6db3f2)}
*{box-sizing:border-box}body{font:15px/1.55 system-ui,sans-serif;margin:0;display:grid;grid-template-columns:13rem minmax(0,1fr)}
nav{position:sticky;top:0;height:100vh;overflow:auto;padding:1.5rem 1rem;border-right:1px solid var(--line);background:var(--soft)}
nav strong{display:block;font-size:1.15rem;margin-bottom:1rem}nav a{display:flex;justify-content:space-between;padding:.3rem .5rem;border-radius:.3rem;
color:inherit;text-decoration:none}nav a:hover,nav a:focus-visible{background:var(--line)}nav span{color:var(--dim)}
main{padding:1.5rem 2.5rem 5rem;max-width:68rem}h1{margin:.2rem 0 .5rem}h2{margin:2.5rem 0 .5rem;scroll-margin-top:1rem}a{color:var(--link)}
pre{background:var(--soft);border:1px solid var(--line);border-radius:.4rem;padding:.8rem 1rem;overflow:auto}
details{border-bottom:1px solid var(--line)}summary{cursor:pointer;padding:.45rem .3rem;display:grid;grid-template-columns:4.5rem minmax(14rem,27rem) 1fr;gap:.5rem}
summary:hover{background:var(--soft)}summary span{color:var(--dim)}summary code{overflow-wrap:anywhere}.more{padding:0 .3rem 1rem 5rem}
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.3rem .9rem .3rem 0;vertical-align:top;border-top:1px solid var(--line)}
th{color:var(--dim);font-weight:500}ul{padding-left:1.1rem}abbr{color:#c2410c;text-decoration:none}
.get{color:light-dark(#0f7a4a,#4cc38a)}.post{color:light-dark(#0b5cad,#6db3f2)}.put{color:light-dark(#9a5b00,#e0a552)}.delete{color:light-dark(#b3261e,#f2837b)}
@media(max-width:48rem){body{display:block}nav{position:static;height:auto;border:0}main{padding:1rem}summary{display:block}.more{padding-left:.3rem}}
</style></head><body><nav aria-label="Parts of the API"><strong>Steelyard</strong>@nav</nav><main><h1>Steelyard API</h1>
<p>Version @version at <code>@url</code>. What begins with <code>/v1</code> speaks Scale's API; <code>/api</code> is the workbench's own.
Authenticate with HTTP Basic (the API key as user name, no password) or as a Bearer token. Machines read <a href="/openapi.json">openapi.json</a>.</p>
<pre>client = scaleapi.ScaleClient("live_…", api_instance_url="@url/v1")</pre>
<pre>curl -u live_…: @url/v1/tasks</pre>@body</main></body></html>"""

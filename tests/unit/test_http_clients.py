"""Only few modules may speak HTTP to others: the guarded client, and those whose addresses the operator has named."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2] / "src" / "steelyard"
MAY = {"net/guard.py", "net/posting.py", "net/operator.py", "net/oidc.py", "demo.py", "client.py"}
"""`net/oidc.py` asks the identity provider in the settings; `demo.py` the server that it demonstrates; `client.py` runs in the programs of
contributors and not in the server."""
CONNECTS = {
    "ops/up.py",
    "db/pgrelay.py",
    "demo.py",
    "net/guard.py",
    "net/posting.py",
    "ops/listening.py",
    "ops/serving.py",
    "ops/supervisor.py",
}
"""`ops/up.py` asks the server that it has started itself how it is, `demo.py` the one that it was given; `db/pgrelay.py` goes to the operator's
database; `net/posting.py` is `guard`'s; those after it only listen."""
ONLY = {"obstore": ("storage/",), "aiosmtplib": ("net/mail.py",), "asyncpg": ("db/", "ops/")}
"""Other clients, and where alone they may be: their addresses are the operator's."""
CLIENTS = (
    "aioftp",
    "ftplib",
    "fsspec",
    "gcsfs",
    "grpc",
    "imaplib",
    "nntplib",
    "poplib",
    "s3fs",
    "smart_open",
    "smtplib",
    "telnetlib",
    "websocket",
    "websockets",
    "xmlrpc.client",
    "httpx",
    "requests",
    "urllib3",
    "urllib.request",
    "http.client",
    "pycurl",
    "niquests",
    "tornado",
    "botocore",
    "boto3",
)


def uses(source: str) -> list[str]:
    """What a module imports that can send requests."""
    found: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [a.name for a in node.names if a.name == "aiohttp" or a.name.startswith("aiohttp.")]
            names = [a.name for a in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            module = node.module or ""
            if module.split(".")[0] == "aiohttp" and module != "aiohttp.web":
                found += [f"aiohttp.{a.name}" for a in node.names if a.name != "web"]
            names = [module, *(f"{module}.{a.name}" for a in node.names)]
        else:
            continue
        found += [n for n in names if any(n == c or n.startswith(c + ".") for c in CLIENTS)]
    return found


@pytest.mark.parametrize(
    "source",
    [
        "import httpx",
        "import urllib.request",
        "from urllib import request",
        "import requests.sessions as s",
        "from http import client",
        "def f():\n    from aiohttp import ClientSession",
        "import aiohttp",
        "from aiohttp import web, ClientSession",
        "from aiohttp.client import ClientSession",
    ],
)
def test_a_client_is_recognized(source: str) -> None:
    assert uses(source)


def test_serving_is_no_client() -> None:
    assert not uses("from aiohttp import web\nfrom urllib.parse import quote\nfrom http import HTTPStatus")


def test_no_other_module_has_an_http_client() -> None:
    seen = 0
    for path in sorted(ROOT.rglob("*.py")):
        seen += 1
        name = path.relative_to(ROOT).as_posix()
        if name not in MAY:
            assert not uses(path.read_text(encoding="utf-8")), name
    assert seen > 200


CONNECTING = {
    "open_connection",
    "open_unix_connection",
    "create_connection",
    "create_datagram_endpoint",
    "sock_connect",
    "connect_ex",
    "sendto",
}


def calls(source: str) -> list[tuple[str, ast.Call]]:
    """Every call of a dotted name, with the name."""
    return [
        (ast.unparse(node.func), node)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name)
    ]


def connecting(source: str) -> list[str]:
    """Calls by which a module opens connections itself."""
    return [
        name
        for name, _ in calls(source)
        if name.rsplit(".", 1)[-1] in CONNECTING or name in ("socket.socket", "socket", "socket.socketpair")
    ]


def unsafe_decoders(source: str) -> list[str]:
    """Calls of decoders that could be talked into opening addresses, or other files than the one they were given."""
    bad: list[str] = []
    for name, call in calls(source):
        given = {k.arg: ast.unparse(k.value) for k in call.keywords}
        if name == "av.open":
            options = given.get("options", "")
            if "'protocol_whitelist': 'file'" not in options or "'format_whitelist'" not in options:
                bad.append(name)
        if name == "rasterio.open" and "driver" not in given:
            bad.append(name)
        if (
            name in ("Image.open", "PIL.Image.open")
            and "formats" not in given
            and "BytesIO" not in ast.unparse(call)
        ):
            bad.append(name)
    return bad


@pytest.mark.parametrize(
    "source",
    [
        "import asyncio\nasync def f():\n    await asyncio.open_connection('h', 1)",
        "import socket\nsocket.create_connection(('h', 1))",
        "import socket\ns = socket.socket()",
        "from socket import socket\ns = socket()",
        "async def f(loop):\n    await loop.create_connection(int, 'h', 1)",
    ],
)
def test_a_raw_connection_is_recognized(source: str) -> None:
    assert connecting(source)


@pytest.mark.parametrize(
    "source",
    [
        "av.open(url)",
        "av.open(path, options={'protocol_whitelist': 'file,http'})",
        "av.open(path, options={'protocol_whitelist': 'file'})",
        "rasterio.open(path)",
        "Image.open(path)",
    ],
)
def test_a_decoder_that_might_open_something_else_is_recognized(source: str) -> None:
    assert unsafe_decoders(source)


def test_connections_are_opened_and_other_clients_used_only_where_the_operator_says_where_to() -> None:
    for path in sorted(ROOT.rglob("*.py")):
        name, source = path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")
        if name not in CONNECTS:
            assert not connecting(source), name
        assert not unsafe_decoders(source), name
        for node in ast.walk(ast.parse(source)):
            modules = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            modules += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for module in {m.split(".")[0] for m in modules} & ONLY.keys():
                assert name.startswith(ONLY[module]), (name, module)

"""Only few modules may speak HTTP to others: the guarded client, and those whose addresses the operator has named."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2] / "src" / "steelyard"
MAY = {"net/guard.py", "net/operator.py", "net/oidc.py", "demo.py", "client.py"}
"""`net/oidc.py` asks the identity provider in the settings; `demo.py` the server that it demonstrates; `client.py` runs in the programs of
contributors and not in the server."""
CLIENTS = (
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

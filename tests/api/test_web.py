"""The application's files: what is served where, with which headers, and that nothing outside of the bundle is reached."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import httpx
import pytest

from steelyard.http import web

SCRIPT = b"console.log('a script that is long enough to be worth packing');\n" * 40


@pytest.fixture
def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A built bundle of two files, beside a file that is none of its own."""
    base = tmp_path / "bundle"
    (base / "assets" / "fonts").mkdir(parents=True)
    (base / "index.html").write_text("<!doctype html><title>Steelyard</title>")
    (base / "assets" / "index-abc.js").write_bytes(SCRIPT)
    (base / "assets" / "fonts" / "a.woff2").write_bytes(b"font")
    (base / "manifest.json").write_text("{}")
    (tmp_path / "secret-file").write_text("secret")
    monkeypatch.setattr(web, "BUNDLE", base)
    return base


@pytest.fixture
def browser(client_for) -> httpx.AsyncClient:
    return client_for(None)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/login",
        "/console",
        "/console/",
        "/console/projects/a%2Fb/tasks",
        "/work",
        "/invite/abc",
        "/setup",
    ],
)
async def test_every_address_of_the_application_is_its_one_page(bundle, browser, path) -> None:
    answer = await browser.get(path)
    assert answer.status_code == 200
    assert "<title>Steelyard</title>" in answer.text
    assert answer.headers["cache-control"] == "no-cache"
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "unsafe-eval" not in policy
    assert "frame-ancestors 'none'" in policy
    again = await browser.get(path, headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304


@pytest.mark.parametrize("path", ["/nothing", "/consoles", "/index.html", "/manifest.json", "/secret-file"])
async def test_other_addresses_are_not_found(bundle, browser, path) -> None:
    assert (await browser.get(path)).status_code == 404


@pytest.mark.parametrize("path", ["/nothing", "/Console/projects", "/index.html", "/tasks/42"])
async def test_a_browser_gets_the_application_at_an_address_that_is_none(bundle, browser, path) -> None:
    page = (await browser.get("/")).headers["etag"]
    opening = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "If-None-Match": page}
    answer = await browser.get(path, headers=opening)
    assert (answer.status_code, answer.headers["cache-control"]) == (404, "no-store")
    assert "<title>Steelyard</title>" in answer.text
    assert "script-src 'self';" in answer.headers["content-security-policy"]
    program = await browser.get(path, headers={"Accept": "*/*"})
    assert (program.status_code, program.headers["content-type"]) == (404, "application/json")
    assert (await browser.post(path, headers=opening)).headers["content-type"] == "application/json"


@pytest.mark.parametrize("path", ["/api/nothing", "/v1/nothing", "/assets/nothing.js"])
async def test_addresses_for_programs_answer_browsers_as_they_answer_programs(bundle, browser, path) -> None:
    answer, program = [await browser.get(path, headers={"Accept": kind}) for kind in ("text/html", "*/*")]
    assert answer.status_code == program.status_code in (401, 404)
    assert "json" in answer.headers["content-type"]
    assert answer.content == program.content


async def test_files_are_kept_by_browsers_and_sent_compressed(bundle, browser) -> None:
    answer = await browser.get("/assets/index-abc.js", headers={"Accept-Encoding": "gzip, br"})
    assert answer.content == SCRIPT
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert "immutable" in answer.headers["cache-control"]
    plain = await browser.get("/assets/index-abc.js", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.content == SCRIPT
    font = await browser.get("/assets/fonts/a.woff2")
    assert (font.content, font.headers["content-type"]) == (b"font", "font/woff2")


@pytest.mark.parametrize(
    "name",
    [
        "..%2Fmanifest.json",
        "../manifest.json",
        "..%2F..%2Fsecret-file",
        "%2Fetc%2Fpasswd",
        "nope.js",
        "fonts",
        "%00",
    ],
)
async def test_nothing_outside_of_the_assets_is_reached(bundle, browser, name) -> None:
    answer = await browser.get(f"/assets/{name}")
    assert answer.status_code == 404


async def test_a_bundle_that_is_built_anew_is_served_anew(bundle, browser) -> None:
    import os

    before = (await browser.get("/")).text
    page = bundle / "index.html"
    page.write_text("<!doctype html><title>Newer</title>")
    os.utime(page, ns=(1, 1))
    assert (await browser.get("/")).text != before


def test_a_wheel_holds_the_application(tmp_path) -> None:
    """The wheel is built as `pip wheel .` builds it, by the project's own build backend."""
    build = f"from hatchling.build import build_wheel; print(build_wheel({str(tmp_path)!r}))"
    root = Path(web.__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", build], cwd=root, capture_output=True, text=True, check=True)
    with zipfile.ZipFile(tmp_path / done.stdout.split()[-1]) as wheel:
        packed = {name for name in wheel.namelist() if name.startswith("steelyard/web_bundle/")}
        page = wheel.read("steelyard/web_bundle/index.html").decode()
    built = [path for path in web.BUNDLE.rglob("*") if path.is_file()]
    assert {f"steelyard/web_bundle/{path.relative_to(web.BUNDLE).as_posix()}" for path in built} <= packed
    scripts = re.findall(r'(?:src|href)="/(assets/[^"]+)"', page)
    assert len(scripts) > 1
    assert {f"steelyard/web_bundle/{name}" for name in scripts} <= packed


async def test_without_a_bundle_the_page_says_what_to_do(browser, monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(web, "BUNDLE", tmp_path / "none")
    answer = await browser.get("/")
    assert answer.status_code == 200
    assert "make web" in answer.text

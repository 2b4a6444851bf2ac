"""The application's files: what is served where, with which headers, and that nothing outside of the bundle is reached."""

from __future__ import annotations

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


async def test_without_a_bundle_the_page_says_what_to_do(browser, monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(web, "BUNDLE", tmp_path / "none")
    answer = await browser.get("/")
    assert answer.status_code == 200
    assert "make web" in answer.text

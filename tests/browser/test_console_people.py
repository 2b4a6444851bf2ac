"""People come in: an empty installation is set up in the browser, people are invited, forget their passwords, sign in by an identity provider.

On a server of its own, whose database has no account and which knows a provider.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import asyncpg
import pytest
from playwright.sync_api import Browser, Page, expect

from steelyard.app import setup_token
from tests.api.oidc_provider import CLIENT_ID, CLIENT_SECRET, Provider
from tests.browser.conftest import MANAGER, PASSWORD, OpenPage, axe
from tests.conftest import Template
from tests.sdk.conftest import Server, cloned_database, running

ADMIN = "ada@farm.example"
NEW_PASSWORD = "battery staple correct"


class Aside:
    """An event loop in a thread of its own: as long as Playwright is there, its own counts as running in this one."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    def run(self, doing: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(doing, self.loop).result(60)

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


@pytest.fixture(scope="module")
def aside() -> Generator[Aside]:
    made = Aside()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def provider(aside: Aside) -> Generator[Provider]:
    made = Provider()
    aside.run(made.start())
    yield made
    aside.run(made.stop())


@pytest.fixture(scope="module")
def empty(
    browser: Browser,
    aside: Aside,
    provider: Provider,
    template: Template,
    tmp_path_factory: pytest.TempPathFactory,
) -> Generator[Server]:
    """A server on a database without any account."""
    clone = cloned_database(template, "setup")
    dsn = aside.run(clone.__aenter__())
    aside.run(clear(dsn))
    with running(
        dsn,
        template.keys,
        tmp_path_factory.mktemp("setup"),
        oidc_issuer=provider.issuer,
        oidc_client_id=CLIENT_ID,
        oidc_client_secret=CLIENT_SECRET,
        oidc_name="Farm ID",
    ) as up:
        yield up
    aside.run(clone.__aexit__(None, None, None))


async def clear(dsn: str) -> None:
    """Takes every account away."""
    connection = await asyncpg.connect(dsn)
    await connection.execute("truncate steelyard.account restart identity cascade")
    await connection.close()


def token_of(server: Server) -> str | None:
    """A setup token of a server without an account."""
    dsn = server.settings.database_url
    assert dsn is not None
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, setup_token(server.settings, dsn)).result()


def opened(browser: Browser, server: Server, path: str) -> Page:
    """A page of a fresh profile."""
    context = browser.new_context(
        base_url=server.url, viewport={"width": 1440, "height": 900}, locale="en-US"
    )
    context.set_default_timeout(20_000)
    page = context.new_page()
    page.goto(path)
    return page


def test_an_empty_installation_is_set_up_in_the_browser_and_shows_the_first_lines_with_its_key(
    browser: Browser, empty: Server
) -> None:
    token = token_of(empty)
    assert token is not None
    # Whoever comes to sign in is led to setting up.
    page = opened(browser, empty, "/")
    expect(page.get_by_role("heading", name="Set up Steelyard")).to_be_visible()
    axe(page)
    page.get_by_role("textbox", name="Setup token").fill("a wrong one")
    page.get_by_label("E-mail address").fill(ADMIN)
    page.get_by_role("textbox", name="New password").fill(PASSWORD)
    page.get_by_role("button", name="Create the admin").click()
    expect(page.get_by_role("alert")).to_contain_text("The setup token is wrong")
    page.get_by_role("textbox", name="Setup token").fill(token)
    page.get_by_role("button", name="Create the admin").click()
    expect(page.get_by_role("heading", name="Everything is ready")).to_be_visible()
    axe(page)
    key = page.locator("code").first.inner_text()
    page.get_by_role("button", name="Getting started").click()
    expect(page.get_by_role("region", name="Send the first task with the SDK")).to_contain_text(key)
    page.get_by_role("button", name="Add the demo project").click()
    expect(page.get_by_role("heading", name="Demo project", level=1)).to_be_visible()
    # The key works with the official client, against this very address.
    assert [p.name for p in empty.client(key).projects()] == ["Demo project"]
    page.context.close()


def test_somebody_is_invited_joins_and_chooses_a_new_password_by_a_link(
    browser: Browser, empty: Server
) -> None:
    lead = opened(browser, empty, "/login")
    lead.get_by_label("E-mail address").fill(ADMIN)
    lead.get_by_role("textbox", name="Password", exact=True).fill(PASSWORD)
    lead.get_by_role("button", name="Sign in", exact=True).click()
    expect(lead.get_by_role("heading", name="Home")).to_be_visible()
    lead.goto("/console/people")
    lead.get_by_role("button", name="Invite people").click()
    lead.get_by_label("E-mail addresses").fill("lena@farm.example")
    lead.get_by_role("button", name="Invite: 1").click()
    link = lead.get_by_role("dialog").locator("code").inner_text()

    guest = opened(browser, empty, link)
    expect(guest.get_by_role("heading", name="You are invited")).to_be_visible()
    axe(guest)
    guest.get_by_label("First name").fill("Lena")
    guest.get_by_role("textbox", name="New password").fill(PASSWORD)
    guest.get_by_role("button", name="Join").click()
    expect(guest.get_by_role("heading", name="Hello, Lena")).to_be_visible()
    guest.get_by_role("button", name="Menu of").click()
    guest.get_by_role("menuitem", name="Sign out").click()
    expect(guest.get_by_role("heading", name="Sign in")).to_be_visible()
    guest.get_by_role("button", name="Forgot your password?").click()
    guest.get_by_label("E-mail address").fill("lena@farm.example")
    axe(guest)

    lead.get_by_role("dialog").get_by_role("button", name="Close").last.click()
    row = lead.get_by_role("row").filter(has_text="lena@farm.example")
    row.get_by_role("button", name="Actions for").click()
    lead.get_by_role("menuitem", name="Link for a new password").click()
    reset = lead.get_by_role("dialog").locator("code").inner_text()
    guest.goto(reset)
    expect(guest.get_by_role("heading", name="Choose a new password")).to_be_visible()
    axe(guest)
    guest.get_by_role("textbox", name="New password").fill(NEW_PASSWORD)
    guest.get_by_role("button", name="Set password").click()
    expect(guest.get_by_role("heading", name="Hello, Lena")).to_be_visible()
    # A link works once.
    guest.goto(reset)
    expect(guest.get_by_role("alert")).to_be_visible()
    guest.context.close()
    lead.context.close()


def test_somebody_signs_in_by_the_identity_provider_and_strangers_are_told_why_not(
    browser: Browser, empty: Server, provider: Provider
) -> None:
    provider.user = {"sub": "u-1", "email": ADMIN, "email_verified": True, "given_name": "Ada"}
    page = opened(browser, empty, "/console/projects")
    page.get_by_role("link", name="Sign in with Farm ID").click()
    expect(page.get_by_role("heading", name="Projects")).to_be_visible()
    page.context.close()
    provider.user = {"sub": "u-2", "email": "stranger@elsewhere.example", "email_verified": True}
    page = opened(browser, empty, "/login")
    page.get_by_role("link", name="Sign in with Farm ID").click()
    expect(page.get_by_role("alert")).to_contain_text("Nobody has invited this address.")
    axe(page)
    page.context.close()


def test_settings_keep_language_appearance_and_density_and_a_key_is_made_and_revoked(
    server: Server, open_page: OpenPage
) -> None:
    page = open_page("/console/settings", MANAGER, expected=("away",))
    page.get_by_text("Compact", exact=True).click()
    page.get_by_text("Dark", exact=True).click()
    expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", "dark")
    assert page.evaluate("document.documentElement.style.fontSize") == "14px"
    page.get_by_role("combobox", name="Language").click()
    page.get_by_role("option", name="العربية").click()
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    page.reload()
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    page.get_by_role("combobox", name="اللغة").click()
    page.get_by_role("option", name="English").click()

    # A page that was not opened yet, while the server is away: the application stays, and goes on when it is back.
    page.route("**/*", lambda route: route.abort())
    page.get_by_role("link", name="Callbacks").click()
    expect(page.get_by_role("alert")).to_contain_text("The server cannot be reached")
    page.unroute("**/*")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("heading", name="Callbacks", level=1)).to_be_visible()

    page.goto("/console/keys")
    page.get_by_role("button", name="New API key").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("for the journey")
    dialog.get_by_role("combobox", name="Scope").click()
    page.get_by_role("option", name="Read only").click()
    dialog.get_by_label("Expires").fill("2090-01-01")
    dialog.get_by_role("button", name="Create").click()
    key = dialog.locator("code").inner_text()
    assert server.client(key).projects() is not None
    page.keyboard.press("Escape")
    row = page.get_by_role("row").filter(has_text="for the journey")
    expect(row).to_contain_text("Read only")
    row.get_by_role("button", name="Revoke").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("The key works no more.")).to_be_visible()
    expect(row).to_have_count(0)

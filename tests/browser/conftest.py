"""Journeys through the browser's part in a real Chromium, against real `steelyard serve` and `worker` processes.

A journey fails on any script error, on any request to another host and on any violation of the content security policy.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
from collections.abc import AsyncGenerator, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    Response,
    expect,
    sync_playwright,
)

from tests.conftest import Template
from tests.sdk.conftest import Server, cloned_database, fresh, running  # noqa: F401  (fresh is a fixture)

ROOT = Path(__file__).parents[2]
AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
PASSWORD = "correct horse battery"  # of the template's people
MANAGER = "manager@main.example"
LABELER = "labeler@main.example"
# Playwright's own list, which the last switch of this name replaces, and what costs a process for every page that is opened: the suggestions
# below the address bar, in two pages of their own, and a renderer kept for a next site.
_WITHOUT = (
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsUpgrades",
    "HttpsFirstBalancedModeAutoEnable",
    "LensOverlay",
    "MediaRouter",
    "PaintHolding",
    "ThirdPartyStoragePartitioning",
    "AvoidCorsURLLoaderRestartOnRedirect",
    "OptimizationHints",
    "NetworkTimeServiceQuerying",
    "AimEnabled",
    "PreconnectToSearch",
    "WebUIOmniboxPopup",
    "WebUIOmniboxAimPopup",
    "SpareRendererForSitePerProcess",
)
ARGUMENTS = (
    "--no-sandbox",
    "--disable-features=" + ",".join(_WITHOUT),
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--process-per-site",  # the pages of a profile share what has been compiled
)
PATIENCE_MS = 20_000  # the processors are shared with the other tests
expect.set_options(timeout=PATIENCE_MS)
# What a page may say on the console without failing its journey: answers that it handles.
_EXPECTED = ("Failed to load resource",)  # told by the answers below, with their addresses
# axe looks at the size of targets (WCAG 2.2 AA) only when it is told to.
# Style sheets and recordings are not fetched once more before: no rule that can be serious asks for them.
_LOOK = """async () => {
  const rules = {"target-size": {enabled: true}};
  return (await axe.run(document, {resultTypes: ["violations"], rules, preload: false})).violations;
}"""
# Answers that the page handles: what is wrong with input, who is not signed in, what somebody else has changed.
_HANDLED = (400, 401, 409)


def chromium() -> str:
    """The path of Chromium (Debian's, or another that is there). Skips nothing: without one the tests fail."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    raise AssertionError("Chromium is needed; on Debian and Ubuntu: apt-get install chromium")


@dataclass
class Watch:
    """What went wrong in a page while nobody looked."""

    host: str
    problems: list[str] = field(default_factory=list[str])
    expected: list[str] = field(default_factory=lambda: list(_EXPECTED))

    def console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not any(text in message.text for text in self.expected):
            self.problems.append(f"console: {message.text}")

    def response(self, response: Response) -> None:
        # an address that is none gets the application with a 404, and the application says so
        told = response.status == 404 and response.request.is_navigation_request()
        if response.status >= 400 and response.status not in _HANDLED and not told:
            self.problems.append(f"{response.status} {response.request.method} {response.url}")

    def error(self, error: Exception) -> None:
        self.problems.append(f"script error: {error}")

    def request(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme in ("http", "https") and address.netloc != self.host:
            self.problems.append(f"request to another host: {request.url}")


@pytest.fixture(scope="session")
async def browser_dsn(template: Template) -> AsyncGenerator[str]:
    """The database that all journeys share; they work in projects of their own."""
    async with cloned_database(template, "web") as dsn:
        yield dsn


@pytest.fixture(scope="session")
def server(
    browser_dsn: str, template: Template, tmp_path_factory: pytest.TempPathFactory
) -> Generator[Server]:
    """The installation that the journeys share."""
    with running(browser_dsn, template.keys, tmp_path_factory.mktemp("web")) as up:
        yield up


@pytest.fixture(scope="package")
def debugging_port() -> int:
    """Where others than Playwright can connect to the Chromium of the journeys."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture(scope="package")
def browser(server: Server, debugging_port: int) -> Generator[Browser]:
    """One Chromium for all journeys.

    It ends with them: as long as Playwright is there, its event loop counts as running in this thread, and no other
    test could start one. For the same reason what is asynchronous (`server` needs it) comes first.
    """
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=chromium(),
            args=[*ARGUMENTS, f"--remote-debugging-port={debugging_port}"],
            headless=not os.environ.get("HEADED"),
        )
        yield opened
        opened.close()


class Profiles:
    """Browser profiles that journeys take and give back emptied: a new one would fetch and compile the whole application again."""

    def __init__(self, browser: Browser, url: str) -> None:
        self._browser = browser
        self._url = url
        self._free: dict[str, list[BrowserContext]] = {}
        self._taken: dict[BrowserContext, tuple[str, Page]] = {}
        self._crashed: set[BrowserContext] = set()

    def take(self, **options: Any) -> BrowserContext:
        """One with these options, in which nobody is signed in and nothing is stored."""
        kind = json.dumps(options, sort_keys=True)
        if free := self._free.setdefault(kind, []):
            return free.pop()
        context = self._browser.new_context(base_url=self._url, **options)
        context.set_default_timeout(PATIENCE_MS)
        # as long as one page of the site is open, its process and what it has compiled stay
        keeper = context.new_page()
        keeper.route("**/*", lambda route: route.fulfill(body="", content_type="text/html"))
        keeper.on("crash", lambda _: self._crashed.add(context))
        keeper.goto("/kept")
        self._taken[context] = kind, keeper
        return context

    def give_back(self, context: BrowserContext) -> None:
        """Closes its pages and empties it; one whose process has crashed is closed."""
        kind, keeper = self._taken[context]
        if context in self._crashed:
            del self._taken[context]
            context.close()
            return
        for page in context.pages:
            if page is not keeper:
                page.close()
        context.unroute_all()
        context.set_offline(False)
        context.clear_permissions()
        context.clear_cookies()
        devtools = context.new_cdp_session(keeper)
        devtools.send("Storage.clearDataForOrigin", {"origin": self._url, "storageTypes": "all"})
        devtools.detach()
        self._free[kind].append(context)


@pytest.fixture(scope="package")
def profiles(browser: Browser, server: Server) -> Profiles:
    """The profiles of the journeys' Chromium."""
    return Profiles(browser, server.url)


OpenPage = Callable[..., Page]


@pytest.fixture
def open_page(profiles: Profiles, server: Server) -> Generator[OpenPage]:
    """Opens pages: `open_page("/work", email=LABELER)`; each call is a browser profile of its own unless `context` is given.

    `expected`: beginnings of what the page may say on the console.
    """
    contexts: list[BrowserContext] = []
    watches: list[Watch] = []

    def open_it(
        path: str = "/",
        email: str | None = None,
        *,
        password: str = PASSWORD,
        context: BrowserContext | None = None,
        expected: tuple[str, ...] = (),
        **more: Any,
    ) -> Page:
        if context is None:
            options = {
                "viewport": {"width": 1440, "height": 900},
                "locale": "en-US",
                "reduced_motion": "reduce",
                **more,
            }
            context = profiles.take(**options)
            contexts.append(context)
        if email is not None:
            sign_in(context, email, password)
        page = context.new_page()
        watch = Watch(urlsplit(server.url).netloc)
        watch.expected += expected
        watches.append(watch)
        page.on("console", watch.console)
        page.on("pageerror", watch.error)
        page.on("request", watch.request)
        page.on("response", watch.response)
        page.goto(path)
        return page

    yield open_it
    shots = os.environ.get("STEELYARD_SHOTS")
    for i, context in enumerate(contexts):
        for j, page in enumerate(context.pages if shots else ()):
            page.screenshot(path=f"{shots}/{i}-{j}.png")
        profiles.give_back(context)
    problems = [problem for watch in watches for problem in watch.problems]
    assert problems == []


def sign_in(context: BrowserContext, email: str, password: str = PASSWORD) -> None:
    """Starts a session in a context, as the sign-in page does."""
    answer = context.request.post("/api/login", data={"email": email, "password": password})
    assert answer.ok, answer.text()


def assign(server: Server, project: str, *emails: str) -> None:
    """Lets labelers work on a project."""
    done = server.call(
        "POST", "/v1/studio/assignments/add", json={"emails": list(emails), "projects": [project]}
    )
    assert done.ok, done.text


def offered(server: Server, task_id: str) -> None:
    """Waits until a task is in the queue: a manager gets it and gives it back."""
    lease = server.claim(task_id)
    assert server.call("POST", f"/api/work/{lease}/release", json={}).ok


def sql(server: Server, statement: str, *args: Any) -> list[tuple[Any, ...]]:
    """What a statement gives on the server's database. In a thread, for Playwright's event loop counts as running in this one."""

    async def run() -> list[tuple[Any, ...]]:
        connection = await asyncpg.connect(
            server.settings.database_url, server_settings={"search_path": "steelyard"}
        )
        try:
            return [tuple(row) for row in await connection.fetch(statement, *args)]
        finally:
            await connection.close()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, run()).result()


def response_of(server: Server, task_id: str) -> Any:
    """The answer of a task, which must be completed."""
    task = server.call("GET", f"/v1/task/{task_id}").json()
    assert task["status"] == "completed", task
    return task["response"]


def in_both_schemes(page: Page) -> None:
    """Asserts that axe finds nothing serious, light and dark."""
    page.add_style_tag(content="* { transition: none !important }")  # colours half-way are nobody's
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.wait_for_function(
            "s => matchMedia(`(prefers-color-scheme: ${s})`).matches && document.documentElement.dataset.mantineColorScheme === s",
            arg=scheme,
        )
        axe(page)


def axe(page: Page, *, but: tuple[str, ...] = ()) -> None:
    """Asserts that axe finds nothing serious on the page. `but`: ids of rules that do not count here."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE.read_text(encoding="utf-8") + "; 0")
    found = page.evaluate(_LOOK)
    serious = [v for v in found if v["impact"] in ("serious", "critical") and v["id"] not in but]
    assert not serious, json.dumps(
        [
            {
                "rule": v["id"],
                "help": v["help"],
                "where": [n["target"] for n in v["nodes"][:5]],
                "html": v["nodes"][0]["html"][:300],
            }
            for v in serious
        ],
        indent=1,
    )

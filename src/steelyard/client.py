"""A client for model contributors: programs that label as people do, by an API key. Needs nothing but Python.

    from steelyard.client import Client, Skip

    client = Client("http://127.0.0.1:8000", "live_…")

    def label(work):
        image = work.read_media()                    # bytes of the first attachment
        boxes = my_model(image)
        if boxes is None:
            raise Skip("The picture cannot be decoded.")
        return {"annotations": boxes}                # the answer as the task's type prescribes

    client.run(label, projects=["cars"])             # until interrupted; finishes what it has begun

`run` claims, keeps the lease alive while the handler works, and submits what it returns. For more control, `claim` gives a `Work`:

    with client.claim(projects=["cars"]) as work:    # None when there is nothing to do
        work.submit({"annotations": []})

Methods raise ApiError for what the server refuses; calls that may be repeated safely are, when the network or the server fails.
"""

from __future__ import annotations

import base64
import http.client
import json
import logging
import signal
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urljoin, urlsplit
from urllib.request import HTTPRedirectHandler, HTTPSHandler, Request, build_opener

__all__ = ["ApiError", "Client", "LeaseLost", "Skip", "Unreachable", "Work"]

log = logging.getLogger("steelyard.client")

_RETRIED = (429, 502, 503, 504)
_TRIES = 5
_LONGEST_PAUSE_S = 30.0
_HEARTBEAT_S = 60.0
_CHUNK = 1 << 20


class ApiError(Exception):
    """The server refused a call. `status`: HTTP; `code`: stable word (`invalid-response`); `issues`: [{path, message}] of an answer."""

    def __init__(self, status: int, code: str, message: str, issues: Sequence[dict[str, str]] = ()):
        super().__init__(f"{message} ({code})" if code else message)
        self.status, self.code, self.message, self.issues = status, code, message, list(issues)


class LeaseLost(ApiError):
    """The lease has ended or is somebody else's: drop this work and claim again."""


class Unreachable(Exception):
    """The server did not answer, after several tries."""


class Skip(Exception):
    """Raised by a handler that cannot do this work; the reason (1 to 500 characters) is shown to the project's leads."""

    def __init__(self, reason: str):
        super().__init__(reason)
        self.reason = reason


class Client:
    """The API of one installation, for one key. May be shared by threads.

    `timeout_s`: longest silence of the server; `context`: TLS settings, for certificates of one's own.
    """

    def __init__(
        self, address: str, key: str, *, timeout_s: float = 60.0, context: ssl.SSLContext | None = None
    ):
        self._address = address.rstrip("/")
        self._auth = "Basic " + base64.b64encode(f"{key}:".encode()).decode()
        self._timeout_s = timeout_s
        self._opener = build_opener(
            _SafeRedirects, *([] if context is None else [HTTPSHandler(context=context)])
        )

    def claim(
        self,
        *,
        projects: Sequence[str] | None = None,
        types: Sequence[str] | None = None,
        stages: Sequence[str] | None = None,
        task_id: str | None = None,
    ) -> Work | None:
        """Leases the most urgent work among the given projects, task types and stages ("prelabel", "label", "review"; all without); None when
        there is nothing to do."""
        wanted: dict[str, Any] = {}
        if projects is not None:
            wanted["projects"] = list(projects)
        if types is not None:
            wanted["types"] = list(types)
        if stages is not None:
            wanted["stages"] = list(stages)
        if task_id is not None:
            wanted["task_id"] = task_id
        leased = self.call("POST", "/api/work/claim", wanted)
        return None if leased.get("lease_token") is None else Work(self, leased)

    def held(self) -> list[Work]:
        """The leases that the key's member holds now, for instance from before a restart."""
        out: list[Work] = []
        for lease in self.call("GET", "/api/work")["leases"]:
            with suppress(LeaseLost):
                out.append(Work(self, self.call("GET", f"/api/work/{quote(lease['lease_token'], safe='')}")))
        return out

    def run(
        self,
        handler: Callable[[Work], Any],
        *,
        projects: Sequence[str] | None = None,
        types: Sequence[str] | None = None,
        stages: Sequence[str] | None = None,
        threads: int = 1,
        idle_s: float = 5.0,
        most: int | None = None,
        until_empty: bool = False,
        failures: int = 5,
        stop: threading.Event | None = None,
    ) -> int:
        """Works until stopped and returns how many answers were submitted.

        `handler` gets a Work and returns the answer, or raises Skip; None means that it has ended the work itself. Any other exception of
        it gives the work back and is logged; `failures` of them in a row, and the last one is raised. The end comes after `most` pieces
        of work, with `until_empty` when there is nothing to do, by setting `stop`, or by SIGINT or SIGTERM when called from the main
        thread: work that has been begun is finished first; a second signal interrupts it and gives it back.
        """
        loop = _Loop(
            self,
            handler,
            projects,
            types,
            stages,
            idle_s,
            most,
            until_empty,
            failures,
            stop or threading.Event(),
        )
        with _Signals(loop.stop):
            return loop.run(threads)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """One call of the API: the decoded JSON answer. Raises ApiError or Unreachable."""
        data = None if body is None else json.dumps(body, separators=(",", ":")).encode()
        headers = {"Content-Type": "application/json"} if data is not None else {}
        with self._open(method, self._address + path, data, headers, own=True) as answer:
            return json.loads(answer.read() or b"null")

    def download(self, url: str) -> bytes:
        """What lies at an address; one without a host is the server's own."""
        url = urljoin(self._address + "/", url)
        if urlsplit(url).scheme not in ("http", "https"):
            raise ValueError(f"only http and https addresses can be read, not {url[:100]}")
        own = urlsplit(url)[:2] == urlsplit(self._address)[:2]
        with self._open("GET", url, None, {}, own=own) as answer:
            parts: list[bytes] = []
            while part := answer.read(_CHUNK):
                parts.append(part)
            return b"".join(parts)

    def _open(self, method: str, url: str, data: bytes | None, headers: dict[str, str], *, own: bool) -> Any:
        """The answer to a request, tried again while the server is out of reach or busy. The key goes to the own server only."""
        pause = 0.5
        for attempt in range(_TRIES):
            request = Request(url, data, headers, method=method)  # noqa: S310 - scheme checked or the user's own address
            if own:
                request.add_header("Authorization", self._auth)
            wait = pause
            try:
                return self._opener.open(request, timeout=self._timeout_s)
            except HTTPError as e:
                with e:
                    error = _refusal(e)
                if e.code not in _RETRIED or attempt == _TRIES - 1:
                    raise error from None
                with suppress(ValueError):
                    wait = max(wait, float(e.headers.get("Retry-After") or 0))
            except (URLError, http.client.HTTPException, ConnectionError, TimeoutError) as e:
                if attempt == _TRIES - 1:
                    raise Unreachable(f"{url} does not answer: {e}") from e
            time.sleep(min(wait, _LONGEST_PAUSE_S))
            pause *= 2
        raise AssertionError("unreachable")


class Work:
    """A piece of work under a lease. As a context manager it keeps the lease alive and gives back what was not ended inside the block.

    `task` is the task object as on the API, `params` its parameters; `stage` is "label", "prelabel", "review" or "training"; `media` lists the
    attachments; `previous_response` is one's own earlier answer when the task was sent back, `comments` why.
    """

    def __init__(self, client: Client, leased: dict[str, Any]):
        self._client = client
        self.leased = leased
        self.lease_token: str = leased["lease_token"]
        self.task: dict[str, Any] = leased["task"]
        self.params: dict[str, Any] = self.task.get("params", {})
        self.type: str = self.task["type"]
        self.stage: str = leased.get("stage") or "label"
        self.media: list[dict[str, Any]] = leased.get("media") or []
        self.comments: list[dict[str, Any]] = leased.get("comments") or []
        self.review: dict[str, Any] | None = leased.get("review")
        self.previous_response: dict[str, Any] | None = leased.get("previous_response")
        self.draft: Any = (leased.get("draft") or {}).get("body")
        self.ended = False
        """Whether it was submitted, skipped or given back, or the lease is lost."""
        self._path = f"/api/work/{quote(self.lease_token, safe='')}"
        self._began = time.monotonic()
        self._revision: int = (leased.get("draft") or {}).get("revision") or 0
        self._beat: _Heartbeat | None = None

    @property
    def hypothesis(self) -> Any:
        """The pre-labels that came with the task, or that a model made of it before, or None."""
        return self.params.get("hypothesis")

    def read_media(self, which: int = 0) -> bytes:
        """The content of an attachment, by its place in `media`."""
        if self.media:
            return self._client.download(self.media[which]["url"])
        given: list[str] = self.params.get("attachments") or [self.params["attachment"]]
        return self._client.download(given[which])

    def feedback(self) -> dict[str, Any]:
        """After submitting in the stage "training": {score, passed, expected_response, ...}."""
        return self._client.call("GET", f"{self._path}/feedback")

    def submit(self, response: dict[str, Any]) -> dict[str, Any]:
        """Hands in the answer. The server's answer: {task_id, status, repeated}.

        Raises ApiError with code `invalid-response` and every problem in `issues` when it breaks the task type's rules; LeaseLost.
        """
        return self._end("submit", {"response": response, "active_seconds": self.active_seconds})

    def skip(self, reason: str) -> None:
        """Declines this work for good; somebody else gets it."""
        self._end("skip", {"reason": reason[:500] or "No reason given."})

    def release(self) -> None:
        """Gives the work back; it is offered again at once."""
        self._end("release", None)

    def save_draft(self, body: Any) -> None:
        """Keeps work in progress on the server; a later claim of the same task by this member finds it in `draft`."""
        saved = self._call("PUT", "draft", {"base_revision": self._revision, "body": body})
        self._revision = saved["revision"]

    def heartbeat(self) -> None:
        """A sign of life; done by itself inside a `with` block and by `run`."""
        self._call("POST", "heartbeat", {"active_seconds": self.active_seconds})

    @property
    def active_seconds(self) -> int:
        """Seconds since the claim."""
        return int(time.monotonic() - self._began)

    def _end(self, verb: str, body: Any) -> dict[str, Any]:
        answer = self._call("POST", verb, body)
        self.ended = True
        return answer

    def _call(self, method: str, verb: str, body: Any) -> dict[str, Any]:
        try:
            return self._client.call(method, f"{self._path}/{verb}", body)
        except LeaseLost:
            self.ended = True
            raise

    def __enter__(self) -> Work:
        self._beat = _Heartbeat(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._beat is not None:
            self._beat.end()
        if not self.ended:
            with suppress(ApiError, Unreachable):  # then the lease lapses by itself
                self.release()


class _Heartbeat:
    """Signs of life of one Work from a thread of its own."""

    def __init__(self, work: Work):
        lasts = float((work.leased.get("workflow") or {}).get("lease_seconds") or 3 * _HEARTBEAT_S)
        self._work, self._every_s, self._done = work, min(_HEARTBEAT_S, lasts / 3), threading.Event()
        self._thread = threading.Thread(target=self._beat, name="steelyard-heartbeat", daemon=True)
        self._thread.start()

    def _beat(self) -> None:
        while not self._done.wait(self._every_s) and not self._work.ended:
            try:
                self._work.heartbeat()
            except LeaseLost as e:
                log.warning("%s", e)
                return
            except (ApiError, Unreachable) as e:
                log.warning("a sign of life failed: %s", e)

    def end(self) -> None:
        self._done.set()


class _Loop:
    """What `run` does."""

    def __init__(
        self,
        client: Client,
        handler: Callable[[Work], Any],
        projects: Sequence[str] | None,
        types: Sequence[str] | None,
        stages: Sequence[str] | None,
        idle_s: float,
        most: int | None,
        until_empty: bool,
        failures: int,
        stop: threading.Event,
    ):
        self._client, self._handler = client, handler
        self._projects, self._types, self._stages = projects, types, stages
        self._idle_s, self._most, self._until_empty, self._failures = idle_s, most, until_empty, failures
        self.stop = stop
        self._lock = threading.Lock()
        self._begun = self._submitted = self._failed = 0
        self._error: BaseException | None = None

    def run(self, threads: int) -> int:
        workers = [
            threading.Thread(target=self._work, name=f"steelyard-work-{n}", daemon=True)
            for n in range(1, threads)
        ]
        for worker in workers:
            worker.start()
        try:
            self._work()
        finally:
            for worker in workers:
                worker.join()
        if self._error is not None:
            raise self._error
        return self._submitted

    def _work(self) -> None:
        try:
            while self._next():
                pass
        except Exception as e:
            self._error = e
            self.stop.set()
        except BaseException:
            self.stop.set()
            raise

    def _next(self) -> bool:
        with self._lock:
            if self.stop.is_set() or (self._most is not None and self._begun >= self._most):
                return False
            self._begun += 1
        work = None
        try:
            work = self._client.claim(projects=self._projects, types=self._types, stages=self._stages)
        finally:
            if work is None:
                with self._lock:
                    self._begun -= 1
        if work is None:
            return not self._until_empty and not self.stop.wait(self._idle_s)
        with work:
            self._do(work)
        return True

    def _do(self, work: Work) -> None:
        try:
            answer = self._handler(work)
            if answer is not None:
                work.submit(answer)
            with self._lock:
                self._submitted += answer is not None
                self._failed = 0
        except Skip as e:
            work.skip(e.reason)
        except LeaseLost as e:
            log.warning("task %s: %s", work.task.get("task_id"), e)
        except Unreachable:
            raise
        except Exception as e:
            with self._lock:
                self._failed += 1
                too_many = self._failed >= self._failures
            if too_many:
                raise
            issues = "; ".join(f"{i['path']}: {i['message']}" for i in getattr(e, "issues", [])[:5])
            log.exception("task %s is given back %s", work.task.get("task_id"), issues)


class _Signals:
    """SIGINT and SIGTERM set an event, the second one interrupts; as before afterwards. Only the main thread may ask for that."""

    def __init__(self, stop: threading.Event):
        self._stop = stop
        self._before: dict[int, Any] = {}

    def __enter__(self) -> None:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._told)

    def _told(self, number: int, frame: object) -> None:
        if self._stop.is_set():
            raise KeyboardInterrupt
        self._stop.set()

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)


class _SafeRedirects(HTTPRedirectHandler):
    """The key must not follow a redirect, which may lead to another server."""

    def redirect_request(self, req: Request, *args: Any, **kwargs: Any) -> Request | None:
        following = super().redirect_request(req, *args, **kwargs)
        if following is not None:
            following.remove_header("Authorization")
        return following


def _refusal(e: HTTPError) -> ApiError:
    """The error that an answer tells, whatever its form."""
    raw = e.read(1 << 20)
    try:
        body = json.loads(raw)
    except ValueError:
        body = {}
    if not isinstance(body, dict):
        body = {}
    code = str(body.get("code") or "")
    message = str(body.get("detail") or body.get("error") or body.get("title") or f"HTTP {e.code}")
    kind = LeaseLost if code == "lease-lost" else ApiError
    return kind(e.code, code, message, body.get("issues") or [])

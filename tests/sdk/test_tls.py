"""The official client over TLS: only there it retries, and only so can its recovery from a lost answer be seen (traps 9 to 11)."""

from __future__ import annotations

import http.client
import ssl
import threading
from collections.abc import Generator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import scaleapi.api
import trustme
from scaleapi.exceptions import ScaleDuplicateResource, ScaleException

from tests.conftest import Template
from tests.sdk.builders import make_task, settled
from tests.sdk.conftest import Namer, Server, cloned_database, running


@dataclass(frozen=True)
class Authority:
    """A private certificate authority: its own certificate, and one with a key for 127.0.0.1; PEM files."""

    bundle: Path
    cert: Path
    key: Path


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    folder = tmp_path_factory.mktemp("tls")
    made = Authority(folder / "ca.pem", folder / "cert.pem", folder / "key.pem")
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(made.bundle))
    issued = ca.issue_cert("127.0.0.1")
    issued.private_key_pem.write_to_path(str(made.key))
    for blob in issued.cert_chain_pems:
        blob.write_to_path(str(made.cert), append=True)
    return made


@pytest.fixture(scope="module")
async def tls_dsn(template: Template) -> object:
    """A database for the server that speaks TLS."""
    async with cloned_database(template, "tls") as dsn:
        yield dsn


@pytest.fixture(scope="module")
def secure(
    tls_dsn: str, template: Template, authority: Authority, tmp_path_factory: pytest.TempPathFactory
) -> Generator[Server]:
    """An installation that speaks TLS itself."""
    with running(
        tls_dsn,
        template.keys,
        tmp_path_factory.mktemp("secure"),
        tls_cert=authority.cert,
        tls_key=authority.key,
    ) as server:
        assert server.url.startswith("https://")
        yield server


@dataclass
class FaultProxy:
    """Passes requests on and answers back, except that each of `faults` replaces the next answer to a POST by its status."""

    url: str = ""
    faults: list[int] = field(default_factory=list[int])
    seen: list[tuple[str, str, int]] = field(default_factory=list[tuple[str, str, int]])


@pytest.fixture
def proxy(secure: Server, authority: Authority) -> Generator[FaultProxy]:
    """A proxy in front of `secure` that terminates TLS with the same certificate."""
    state = FaultProxy()
    target = urlsplit(secure.url)
    trusted = ssl.create_default_context(cafile=str(authority.bundle))

    class Handler(BaseHTTPRequestHandler):
        def _pass(self) -> None:
            size = int(self.headers.get("content-length") or 0)
            upstream = http.client.HTTPSConnection(target.netloc, context=trusted, timeout=20)
            headers = {k: v for k, v in self.headers.items() if k.lower() != "connection"}
            upstream.request(self.command, self.path, self.rfile.read(size) if size else None, headers)
            answer = upstream.getresponse()
            status, body = answer.status, answer.read()
            upstream.close()
            state.seen.append((self.command, self.path, status))
            if self.command == "POST" and state.faults:
                status = state.faults.pop(0)
                body = b'{"status_code": %d, "error": "The proxy lost the answer."}' % status
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_DELETE = _pass

        def log_message(self, *_: object) -> None:
            return

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.cert, authority.key)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        httpd.socket = context.wrap_socket(httpd.socket, server_side=True)
        thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        state.url = f"https://127.0.0.1:{httpd.server_port}"
        yield state
        httpd.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def only_what_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Either variable, where the machine sets it, would be stronger than the client's `verify`."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


def test_a_private_authority_is_trusted_when_named_and_only_then(
    secure: Server, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = secure.client(secure.keys.live, verify=str(authority.bundle))
    task = make_task(client)
    assert settled(client.get_task(task.id)) == settled(task)
    monkeypatch.setattr(scaleapi.api, "HTTP_RETRY_BACKOFF_FACTOR", 0)  # it would try again for 12 seconds
    for verify in (None, False):  # the client cannot be told not to look
        with pytest.raises(ScaleException, match="CERTIFICATE_VERIFY_FAILED"):
            secure.client(secure.keys.live, verify=verify).get_task(task.id)


def test_a_creation_whose_answer_is_lost_is_repeated_and_found_by_its_unique_id(
    secure: Server, authority: Authority, proxy: FaultProxy, fresh: Namer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The client forgets `verify` in the lookup that follows the 409; this variable reaches that request, too.
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.bundle))
    name = fresh("lost").replace(" ", "-")
    client = secure.client(secure.keys.live, base=proxy.url + "/v1", verify=str(authority.bundle))
    proxy.faults.append(503)
    task = make_task(client, unique_id=name, metadata={"n": 1})
    assert proxy.seen == [
        ("POST", "/v1/task/imageannotation", 200),
        ("POST", "/v1/task/imageannotation", 409),
        ("GET", f"/v1/tasks?unique_id={name}", 200),
    ]
    assert (task.unique_id, task.metadata) == (name, {"n": 1})
    direct = secure.client(secure.keys.live, verify=str(authority.bundle))
    assert settled(direct.get_task(task.id)) == settled(task)
    assert direct.tasks(unique_id=name).total == 1


def test_a_creation_that_was_refused_without_a_fault_is_not_taken_for_a_repetition(
    secure: Server, authority: Authority, proxy: FaultProxy, fresh: Namer
) -> None:
    client = secure.client(secure.keys.live, base=proxy.url + "/v1", verify=str(authority.bundle))
    name = fresh("held")
    make_task(client, unique_id=name)
    with pytest.raises(ScaleDuplicateResource):
        make_task(client, unique_id=name)


def test_a_lost_answer_to_a_change_is_repeated_without_harm(
    secure: Server, authority: Authority, proxy: FaultProxy
) -> None:
    client = secure.client(secure.keys.live, base=proxy.url + "/v1", verify=str(authority.bundle))
    task = make_task(client)
    proxy.faults.append(502)
    assert client.cancel_task(task.id).status == "canceled"
    assert [status for _, path, status in proxy.seen if path.endswith("/cancel")] == [200, 200]

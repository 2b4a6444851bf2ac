"""`steelyard up` as a whole: a real process with its children, signalled and killed from outside."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import trustme

from steelyard.db import pgprocess
from steelyard.ops.listening import ListenError, listen
from steelyard.ops.up import read_first_run
from steelyard.settings import Settings
from tests.api.builders import image_task
from tests.worker.test_prepare import picture

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="relies on /proc and the parent-death signal")
BASE_ENV = {name: value for name, value in os.environ.items() if not name.startswith("STEELYARD_")}


class Up:
    """A running `steelyard up`; what it prints is collected."""

    def __init__(self, folder: Path, *arguments: str, verb: str = "up", **env: str) -> None:
        self.folder = folder
        self.log = folder.parent / f"{folder.name}-{time.monotonic_ns()}.log"
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "steelyard", verb, "--data-dir", str(folder), *arguments],
                env={**BASE_ENV, "STEELYARD_PORT": "0", **env},
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def output(self) -> str:
        return self.log.read_text()

    def wait_for(self, pattern: str, seconds: float = 60) -> re.Match[str]:
        deadline = time.monotonic() + seconds
        while True:
            if found := re.search(pattern, self.output()):
                return found
            assert self.process.poll() is None, self.output()
            assert time.monotonic() < deadline, self.output()
            time.sleep(0.05)

    def address(self) -> str:
        return self.wait_for(r"Steelyard is running at (\S+)")[1]

    def children(self, word: str) -> list[int]:
        """Process ids of our `serve` or `worker` children."""
        found: list[int] = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdecimal():
                try:
                    line = (entry / "cmdline").read_bytes().split(b"\0")
                    parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                except (OSError, IndexError):
                    continue
                if word.encode() in line and (
                    parent == self.process.pid or str(self.process.pid).encode() in line
                ):
                    found.append(int(entry.name))
        return found


@contextmanager
def running(folder: Path, *arguments: str, verb: str = "up", **env: str) -> Iterator[Up]:
    up = Up(folder, *arguments, verb=verb, **env)
    try:
        yield up
    finally:
        if up.process.poll() is None:
            up.process.send_signal(signal.SIGTERM)
        try:
            up.process.wait(60)
        finally:
            up.process.kill()
            up.process.wait()


def get(url: str, seconds: float = 10) -> tuple[int, bytes]:
    with urllib.request.urlopen(url, timeout=seconds) as answer:
        return answer.status, answer.read()


def until(condition, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_the_first_run_shows_and_keeps_login_and_keys_and_the_second_reuses_them(tmp_path):
    folder = tmp_path / "data"
    with running(folder) as first:
        address = first.address()
        live = first.wait_for(r"Live key +(live_\w+)")[1]
        first.wait_for(r"Ctrl-C stops it")
        assert get(address + "/healthz")[0] == 200
        kept = folder / "first-run.txt"
        assert kept.stat().st_mode & 0o777 == 0o600
        for expected in (address, live, r"Login", r"Password", r"Test key +test_"):
            assert re.search(expected, kept.read_text())
        assert read_first_run(folder)["Live key"] == live
        assert set(read_first_run(folder)) == {"Login", "Password", "Live key", "Test key"}
        _prepare_a_picture(address, live)
        # what the worker measured, told by whichever server was asked
        until(lambda: b'steelyard_attachments_total{outcome="stored"} 1.0' in get(address + "/metrics")[1])
    assert first.process.returncode == 0, first.output()
    assert first.output().strip().endswith("Stopped")
    with running(folder) as second:
        second.wait_for(re.escape(str(kept)))
        assert "Live key" not in second.output()
        request = urllib.request.Request(second.address() + "/v1/projects")
        request.add_header("authorization", "Basic " + base64.b64encode(f"{live}:".encode()).decode())
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.status == 200
    assert second.process.returncode == 0
    assert pgprocess.working_in(folder / "pg18" / "data") == []


def _prepare_a_picture(address: str, key: str) -> None:
    with httpx.Client(base_url=address, auth=(key, "")) as client:
        sent = client.post("/v1/files/upload", files={"file": ("a.png", picture(), "image/png")}).json()
        made = client.post("/v1/task/imageannotation", json=image_task(attachment=sent["attachment_url"]))
        assert made.status_code == 200, made.text


def test_without_an_admin_the_first_one_is_created_by_the_printed_token(tmp_path):
    with running(tmp_path / "data", "--no-admin", "--workers", "1") as up:
        address = up.address()
        link = up.wait_for(r"Create the admin\s+(\S+)/setup#(\S+)")
        assert link[1] == address
        assert not (tmp_path / "data" / "first-run.txt").exists()
        assert json.loads(get(f"{address}/api/setup", 60)[1]) == {"needs_setup": True}

        def create(token: str) -> tuple[int, dict[str, object]]:
            body = {"token": token, "email": "me@home.example", "password": "correct horse battery"}
            request = urllib.request.Request(
                f"{address}/api/setup", json.dumps(body).encode(), {"Content-Type": "application/json"}
            )
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:
                    return answer.status, json.load(answer)
            except urllib.error.HTTPError as refused:
                return refused.code, {}

        assert create("guessed")[0] == 403
        status, made = create(link[2])
        assert status == 200
        assert str(made["live_key"]).startswith("live_")
        assert create(link[2])[0] == 409


def test_a_port_that_is_taken_is_told_in_one_message_before_anything_starts(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "steelyard",
                "up",
                "--port",
                str(port),
                "--data-dir",
                str(tmp_path / "data"),
            ],
            env=BASE_ENV,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    assert done.returncode == 1
    assert done.stdout == ""
    assert re.fullmatch(
        rf"steelyard: Port {port} on 127.0.0.1 is taken by another program\..*--port.*\n", done.stderr
    )
    assert not (tmp_path / "data" / "pg18").exists()


def test_a_second_up_on_the_same_folder_is_refused_and_the_first_goes_on(tmp_path):
    folder = tmp_path / "data"
    with running(folder) as first:
        address = first.address()
        with running(folder) as second:
            assert second.process.wait(30) == 1
        assert f"in use by another steelyard process (process {first.process.pid}, up)" in second.output()
        assert get(address + "/healthz")[0] == 200


@linux_only
def test_children_and_database_that_are_killed_come_back(tmp_path):
    with running(tmp_path / "data", "--workers", "2") as up:
        address = up.address()
        up.wait_for("Ctrl-C stops it")
        until(lambda: len(up.children("serve")) == 2 and len(up.children("worker")) == 1)
        for word in ("serve", "worker"):
            before = up.children(word)
            for pid in before:
                os.kill(pid, signal.SIGKILL)
            until(lambda word=word, before=before: len(set(up.children(word)) - set(before)) == len(before))
        until(lambda: _status(address + "/readyz") == 200)
        postmaster = pgprocess.postmaster(tmp_path / "data" / "pg18" / "data")
        assert postmaster is not None
        os.kill(postmaster, signal.SIGKILL)
        up.wait_for("PostgreSQL is back")
        until(lambda: _status(address + "/readyz") == 200)
    assert up.process.returncode == 0, up.output()


def _status(url: str) -> int:
    try:
        return get(url)[0]
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    except OSError:
        return 0


@linux_only
def test_nothing_is_left_running_when_up_itself_is_killed(tmp_path):
    folder = tmp_path / "data"
    with running(folder) as up:
        up.wait_for("Ctrl-C stops it")
        pids = [
            *up.children("serve"),
            *up.children("worker"),
            *pgprocess.working_in(folder / "pg18" / "data"),
        ]
        assert len(pids) > 5
        up.process.kill()
        up.process.wait()
        until(lambda: not any(alive(pid) for pid in pids), 40)
    with running(folder) as again:
        assert get(again.address() + "/healthz")[0] == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_request_in_flight_is_answered_when_told_to_stop(tmp_path, number):
    with running(tmp_path / "data", "--workers", "1") as up, contextlib.ExitStack() as stack:
        address = await asyncio.to_thread(up.address)
        await asyncio.to_thread(up.wait_for, "Ctrl-C stops it")
        port = int(address.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        stack.callback(writer.close)
        writer.write(
            b"POST /v1/projects HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 2\r\n"
        )
        writer.write(b"expect: nothing\r\nauthorization: Basic " + _basic(up) + b"\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(0.5)  # the request has begun: its body is awaited
        up.process.send_signal(number)
        await asyncio.sleep(1)
        assert up.process.poll() is None
        with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            pass
        writer.write(b"{}")
        head = await asyncio.wait_for(reader.readuntil(b"\r\n"), 10)
        assert head.startswith(b"HTTP/1.1 400"), head
        assert await asyncio.to_thread(up.process.wait, 30) == 0


async def test_no_request_is_cut_while_busy_servers_stop(tmp_path):
    with running(tmp_path / "data", "--workers", "2") as up:
        port = int((await asyncio.to_thread(up.address)).rpartition(":")[2])
        await asyncio.to_thread(up.wait_for, "Ctrl-C stops it")
        head = b"GET /v1/projects HTTP/1.1\r\nhost: x\r\nauthorization: Basic " + _basic(up) + b"\r\n"
        answers: list[bytes] = []

        async def client(*, keep: bool) -> None:
            """Asks until told that the connection closes, or refused a new one; any other end is an error."""
            while True:
                try:
                    reader, writer = await asyncio.open_connection("127.0.0.1", port)
                except ConnectionRefusedError:
                    return
                with contextlib.closing(writer):
                    closing = False
                    while not closing:
                        writer.write(head + (b"\r\n" if keep else b"connection: close\r\n\r\n"))
                        answer = await reader.readuntil(b"\r\n\r\n")
                        length = int(re.search(rb"content-length: (\d+)", answer)[1])
                        await reader.readexactly(length)
                        answers.append(answer.split(b"\r\n")[0])
                        closing = b"connection: close" in answer

        clients = [asyncio.create_task(client(keep=number % 2 == 0)) for number in range(24)]
        await asyncio.sleep(1.5)
        before = len(answers)
        up.process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(asyncio.gather(*clients), 30)
        assert len(answers) > before > 24
        assert set(answers) == {b"HTTP/1.1 200 OK"}
        assert await asyncio.to_thread(up.process.wait, 30) == 0


def _basic(up: Up) -> bytes:
    return base64.b64encode(up.wait_for(r"Live key +(live_\w+)")[1].encode() + b":")


def test_stopping_during_the_start_leaves_nothing_behind(tmp_path):
    folder = tmp_path / "data"
    for seconds in (0.6, 1.0, 1.4):
        with running(folder) as up:
            time.sleep(seconds)
            up.process.send_signal(signal.SIGTERM)
            up.process.wait(30)
        assert up.process.returncode in (0, -signal.SIGTERM), up.output()
        database = folder / "pg18" / "data"
        assert not database.exists() or pgprocess.working_in(database) == []


def test_servers_and_workers_run_alone_beside_a_database_and_say_so_when_there_is_none(tmp_path):
    folder = tmp_path / "data"
    for verb in ("serve", "worker"):
        with running(folder, verb=verb) as alone:
            assert alone.process.wait(30) == 1
        assert re.search(
            r"^steelyard: No database runs in .* `steelyard up` starts everything", alone.output()
        )
    with running(folder) as up:
        up.wait_for("Ctrl-C stops it")
        with running(folder, verb="serve") as serve, running(folder, verb="worker") as worker:
            address = serve.wait_for(r"Serving at (\S+)")[1]
            serve.wait_for("Ctrl-C stops it")
            assert address != up.address()
            assert get(address + "/healthz")[0] == 200
            assert worker.process.poll() is None
        assert (serve.process.returncode, worker.process.returncode) == (0, 0), (
            serve.output() + worker.output()
        )
        assert get(up.address() + "/healthz")[0] == 200


def test_it_speaks_https_with_a_certificate(tmp_path):
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    chain.write_bytes(b"".join(blob.bytes() for blob in certificate.cert_chain_pems))
    key.write_bytes(certificate.private_key_pem.bytes())
    context = ssl.create_default_context()
    authority.configure_trust(context)
    with running(tmp_path / "data", STEELYARD_TLS_CERT=str(chain), STEELYARD_TLS_KEY=str(key)) as up:
        address = up.address()
        assert address.startswith("https://127.0.0.1:")
        up.wait_for("Ctrl-C stops it")
        with urllib.request.urlopen(address + "/healthz", timeout=10, context=context) as answer:
            assert answer.status == 200


def test_a_certificate_and_a_key_that_do_not_belong_together_are_told_before_anything_starts(tmp_path):
    blobs = [trustme.CA().issue_cert("127.0.0.1") for _ in "ab"]
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    blobs[0].cert_chain_pems[0].write_to_path(chain)
    for content, said in {
        blobs[1].private_key_pem.bytes(): "is not the key of",
        b"-----BEGIN ENCRYPTED PRIVATE KEY-----": "is encrypted",
        b"nothing": "not a certificate and a key",
    }.items():
        key.write_bytes(content)
        with pytest.raises(ListenError, match=said):
            listen(Settings(tls_cert=chain, tls_key=key, port=0))


@pytest.mark.parametrize(
    ("env", "message"),
    [
        (
            {"STEELYARD_PORT": "high"},
            "STEELYARD_PORT: “high” is not allowed; give a whole number from 0 to 65535.",
        ),
        ({"STEELYARD_WORKER": "2"}, "did you mean STEELYARD_WORKERS?"),
        ({"STEELYARD_HOST": "203.0.113.9"}, "203.0.113.9 is not an address of this machine"),
        (
            {"STEELYARD_DATABASE_URL": "postgresql://nobody:x@127.0.0.1:9/none"},
            "STEELYARD_DATABASE_URL: the database cannot be reached",
        ),
    ],
)
def test_what_people_can_mend_is_told_in_one_line(tmp_path, env, message):
    done = subprocess.run(
        [sys.executable, "-m", "steelyard", "up", "--data-dir", str(tmp_path / "data")],
        env={**BASE_ENV, "STEELYARD_PORT": "0", **env},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr

"""The one HTTP client for addresses that customers supply: attachments, imports, callbacks.

Names are resolved here, once, and a connection is made only to an address that was checked, so a name cannot point elsewhere between
check and use. Redirects are followed by hand, each hop checked anew. Sizes, times and decompression are limited. Nothing comes from
the environment (no proxies, no netrc), and no cookies are kept.
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import re
import socket
import ssl
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, cast
from urllib.parse import urljoin

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from msgspec import Struct
from yarl import URL

from steelyard import __version__
from steelyard.ctx import Ctx
from steelyard.net.addresses import Network, inner, is_allowed, parse_networks
from steelyard.net.posting import Poster

MAX_REDIRECTS = 5
_CHUNK = 64 * 1024
_STATE = "net.client"
_REMEMBERED = 256
_REFUSALS = (errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ETIMEDOUT, errno.EADDRNOTAVAIL)
_SHORT = 500
_VAIN_TRIES = 4
"""How often a body is asked for from where it broke off before a byte of it must have come."""
_PAUSE_S = 0.1
_PLAIN = re.compile(r"[!#$%&'()*+,\-./0-9:;=?@A-Z\[\]_a-z~]+")
_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-\d{1,18}/(\d{1,18}|\*)")
_Again = Callable[[int, str], Awaitable[aiohttp.ClientResponse]]
_AGENT = f"Steelyard/{__version__}"


class FetchFailed(Exception):
    """A request did not give what was asked for. `status`: the HTTP status received, None when there was none."""

    def __init__(self, status: int | None, message: str):
        super().__init__(message)
        self.status, self.message = status, message

    @property
    def transient(self) -> bool:
        """Whether the same request may succeed a little later."""
        return self.status is None or self.status in (408, 425, 429) or self.status >= 500


class BlockedAddress(FetchFailed):
    """The address is not public and `STEELYARD_ALLOW_NETWORKS` does not allow it."""

    def __init__(self, host: str):
        super().__init__(None, f"The address of {host} is not public; this server refuses to contact it.")

    @property
    def transient(self) -> bool:
        return False


class BadAddress(FetchFailed):
    """Not an http(s) URL that a request can be sent to."""

    @property
    def transient(self) -> bool:
        return False


class TooBig(FetchFailed):
    """More bytes came than allowed."""

    @property
    def transient(self) -> bool:
        return False


class Reply(Struct, frozen=True):
    """What a POST was answered with; `body` is clipped."""

    status: int
    body: bytes


class Changed(FetchFailed):
    """The file changed while it came; from its beginning it may be fetched at once."""


class Download:
    """An answer being received. Iterate `chunks()` once."""

    def __init__(self, response: aiohttp.ClientResponse, max_bytes: int, again: _Again):
        self._response, self._max, self._again = response, max_bytes, again
        self.content_type = response.headers.get("Content-Type", "").split(";")[0].strip().lower()
        self.url = str(response.url)

    def release(self) -> None:
        """Gives the connection back."""
        self._response.release()

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body, decompressed. Where it breaks off it is asked for from that byte on, if the server names its version.

        Raises TooBig beyond the limit, FetchFailed when it breaks off for good, Changed when what follows is another version.
        """
        encoding = self._response.headers.get("Content-Encoding", "identity").strip().lower()
        if encoding not in ("", "identity", "gzip", "x-gzip", "deflate"):
            raise BadAddress(self._response.status, f"The file came with the unknown encoding {encoding!r}.")
        declared = self._response.content_length
        if declared is not None and declared > self._max:
            raise TooBig(self._response.status, f"The file is larger than {self._max} bytes.")
        total = 0
        async for chunk in self._inflated(encoding):
            total += len(chunk)
            if total > self._max:
                raise TooBig(self._response.status, f"The file is larger than {self._max} bytes.")
            yield chunk

    async def _raw(self) -> AsyncIterator[bytes]:
        """The body as it is sent, over as many connections as it takes."""
        version, length = _version(self._response), self._response.content_length
        if self._response.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
            version = None  # servers differ in what the bytes of a range are counted in
        at, vain = 0, 0
        while True:
            try:
                async for chunk in self._response.content.iter_chunked(_CHUNK):
                    at += len(chunk)
                    vain = 0
                    yield chunk
                return
            except (aiohttp.ClientError, OSError) as e:
                failure = _failed(e, 30)
                if version is None or isinstance(e, TimeoutError):
                    raise failure from e
            self._response.close()
            while True:
                vain += 1
                if vain > _VAIN_TRIES:
                    raise failure
                await asyncio.sleep(_PAUSE_S * 2.0 ** (vain - 1))
                try:
                    self._response = await self._again(at, version)
                    break
                except (aiohttp.ClientError, OSError) as e:
                    failure = _failed(e, 30)
                except FetchFailed as e:
                    if e.status == 416:
                        raise Changed(None, "The file changed while it was fetched.") from None
                    if not e.transient:
                        raise
                    failure = e
            if self._response.status != 206 or not _continues(self._response, at, length):
                raise Changed(None, "The file changed while it was fetched.")

    async def _inflated(self, encoding: str) -> AsyncIterator[bytes]:
        raw = self._raw()
        if encoding in ("", "identity"):
            async for chunk in raw:
                yield chunk
            return
        # Our own inflating bounds what one small chunk may become before the size is looked at.
        inflater = zlib.decompressobj(31 if "gzip" in encoding else 15)
        try:
            async for chunk in raw:
                pending = chunk
                while pending:
                    yield inflater.decompress(pending, _CHUNK)
                    pending = inflater.unconsumed_tail
            while more := inflater.decompress(inflater.unconsumed_tail, _CHUNK):
                yield more
        except zlib.error:
            raise BadAddress(self._response.status, "The file's compression is damaged.") from None
        if not inflater.eof:
            raise FetchFailed(None, "The file broke off before its end.")


def _version(response: aiohttp.ClientResponse) -> str | None:
    """What `If-Range` may say of this very content: a strong ETag or a date; None where a part of it could be of another version."""
    if response.headers.get("Accept-Ranges", "").strip().lower() == "none":
        return None
    tag = response.headers.get("ETag", "").strip()
    if tag.startswith('"'):
        return tag
    return response.headers.get("Last-Modified") if not tag else None


def _continues(response: aiohttp.ClientResponse, at: int, length: int | None) -> bool:
    """Whether a 206 goes on from this byte of a file of the same length."""
    match = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", "").strip())
    if match is None or int(match[1]) != at or (length is not None and match[2] not in ("*", str(length))):
        return False
    return response.headers.get("Content-Encoding", "identity").lower() in ("", "identity")


class _Resolver(AbstractResolver):
    """Resolves by the system and keeps only addresses that may be contacted."""

    def __init__(self, allowed: tuple[Network, ...]):
        self._allowed = allowed

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        loop = asyncio.get_running_loop()
        infos = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, family=family)
        found: list[ResolveResult] = []
        for kind, _, proto, _, address in infos:
            text = str(address[0])
            if is_allowed(ipaddress.ip_address(text.split("%")[0]), self._allowed):
                found.append(
                    ResolveResult(
                        hostname=host,
                        host=text,
                        port=port,
                        family=kind,
                        proto=proto,
                        flags=socket.AI_NUMERICHOST,
                    )
                )
        if infos and not found:
            raise BlockedAddress(host)
        return found

    async def close(self) -> None:
        """Nothing to release."""


class GuardedClient:
    """One connection pool; made once per process by `client(ctx)`."""

    def __init__(self, allow_networks: tuple[str, ...]):
        self._allowed = parse_networks(allow_networks)
        self._checked: dict[str, URL] = {}
        resolver = _Resolver(self._allowed)
        self._poster = Poster(resolver.resolve, self._socket, _AGENT)
        connector = aiohttp.TCPConnector(
            resolver=resolver,
            ttl_dns_cache=30,
            limit=0,  # callers have slots of their own
            keepalive_timeout=20,
            socket_factory=self._socket,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            headers={"User-Agent": _AGENT, "Accept-Encoding": "identity"},
        )

    async def close(self) -> None:
        self._poster.close()
        await self._session.close()

    def _socket(self, info: Any) -> socket.socket:
        """The last gate: no socket is made for an address that was not allowed, however it got here."""
        family, kind, proto, _, address = cast("tuple[Any, Any, int, str, tuple[Any, ...]]", info)
        if not is_allowed(ipaddress.ip_address(str(address[0]).split("%")[0]), self._allowed):
            raise BlockedAddress(str(address[0]))
        return socket.socket(family=family, type=kind, proto=proto)

    def check(self, text: str) -> URL:
        """`text` as an http(s) URL whose host, if it is a literal address, may be contacted; raises BadAddress, BlockedAddress."""
        # Thousands of callbacks go to the same few addresses. What a name stands for is looked at when it is resolved.
        url = self._checked.get(text)
        if url is None:
            url = self._check(text.strip())
            if len(self._checked) >= _REMEMBERED:
                self._checked.clear()
            if len(text) <= _SHORT:
                self._checked[text] = url
        return url

    def _check(self, text: str) -> URL:
        try:
            # What is a URL already is sent untouched: signatures of pre-signed addresses cover its very spelling.
            url = URL(text, encoded=_PLAIN.fullmatch(text) is not None)
            host, port = url.host, url.port
        except ValueError:
            raise BadAddress(None, "This is not a valid URL.") from None
        if url.scheme not in ("http", "https") or not host or not port:
            raise BadAddress(None, "Only http:// and https:// URLs can be contacted.")
        try:
            literal = ipaddress.ip_address(host.split("%")[0])
        except ValueError:
            # Numbers in other notations (2130706433, 0x7f.1, 0177.0.0.1) are read by the system's resolver as addresses; nobody
            # who means well writes them.
            last = host.rstrip(".").rsplit(".", 1)[-1]
            if last.isdigit() or last.lower().startswith("0x"):
                raise BlockedAddress(host) from None
        else:
            if not is_allowed(literal, self._allowed):
                raise BlockedAddress(str(inner(literal)))
        return url

    @asynccontextmanager
    async def get(self, url: str, *, max_bytes: int, timeout_s: float) -> AsyncGenerator[Download]:
        """GET with up to five redirects; the status is 200, else FetchFailed. `timeout_s` covers everything up to the last byte."""
        try:
            async with asyncio.timeout(timeout_s):
                try:
                    response = await self._get(url)
                except (aiohttp.ClientError, OSError) as e:
                    raise _failed(e, timeout_s) from e

                async def again(at: int, version: str) -> aiohttp.ClientResponse:
                    return await self._get(url, {"Range": f"bytes={at}-", "If-Range": version})

                download = Download(response, max_bytes, again)
                try:
                    yield download
                finally:
                    download.release()
        except TimeoutError as e:
            raise _failed(e, timeout_s) from e

    async def _get(self, text: str, headers: Mapping[str, str] | None = None) -> aiohttp.ClientResponse:
        url, fine = self.check(text), (200,) if headers is None else (200, 206)
        for _ in range(MAX_REDIRECTS + 1):
            response = await self._session.get(
                url,
                headers=headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=30),
            )
            if response.status not in (301, 302, 303, 307, 308):
                if response.status not in fine:
                    status = response.status
                    response.close()
                    raise FetchFailed(status, f"The server answered with status {status}.")
                return response
            status, location = response.status, response.headers.get("Location", "")
            response.close()
            if not location:
                raise FetchFailed(status, "The server redirected without saying where to.")
            try:
                target = urljoin(str(url), location)
            except ValueError:
                raise BadAddress(status, "The server redirected to something that is no URL.") from None
            url = self.check(target)
        raise BadAddress(None, f"More than {MAX_REDIRECTS} redirects.")

    async def post(
        self, url: str, body: bytes, *, headers: Mapping[str, str], timeout_s: float, clip_bytes: int = 2048
    ) -> Reply:
        """POST without redirects; any status is a Reply. Raises FetchFailed (no answer in time), BlockedAddress, BadAddress."""
        checked = self.check(url)
        try:
            async with asyncio.timeout(timeout_s):
                answer = await self._poster.post(checked, headers, body, clip_bytes)
        except OSError as e:
            raise _failed(e, timeout_s) from e
        return Reply(answer.status, answer.body)


def _failed(e: BaseException, timeout_s: float) -> FetchFailed:
    """What went wrong below HTTP, in words without internals."""
    if isinstance(e, TimeoutError):
        return FetchFailed(None, f"No complete answer within {timeout_s:g} s.")
    if isinstance(e, aiohttp.InvalidURL):
        return BadAddress(None, "This is not a valid URL.")
    if isinstance(e, aiohttp.ClientConnectorDNSError | socket.gaierror):
        return FetchFailed(None, "The host name could not be resolved.")
    if isinstance(e, aiohttp.ClientConnectorCertificateError | ssl.SSLCertVerificationError):
        return FetchFailed(None, "The server's certificate is not valid.")
    if isinstance(e, aiohttp.ClientConnectorError):
        return FetchFailed(None, f"No connection: {e.os_error.strerror or e.os_error}.")
    if isinstance(e, OSError) and e.errno in _REFUSALS:
        return FetchFailed(None, f"No connection: {e.strerror or e}.")
    return FetchFailed(None, f"The connection failed ({type(e).__name__}).")


def client(ctx: Ctx) -> GuardedClient:
    """The process's guarded client, made at first use; to be closed by `close(ctx)`. Call it inside the event loop."""
    found = ctx.state.get(_STATE)
    if found is None:
        found = ctx.state[_STATE] = GuardedClient(ctx.settings.allow_networks)
    return found


def is_open(ctx: Ctx) -> bool:
    """Whether this process has a client."""
    return _STATE in ctx.state


async def close(ctx: Ctx) -> None:
    """Closes the process's client, if it has one."""
    found = cast("GuardedClient | None", ctx.state.pop(_STATE, None))
    if found is not None:
        await found.close()

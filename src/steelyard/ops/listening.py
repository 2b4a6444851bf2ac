"""The listening socket: bound once, before anything else starts, and inherited by every server process."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import ssl
import sys

from steelyard.settings import Settings

BACKLOG = 2048

_SO_BINDTOIFINDEX = 62  # <asm-generic/socket.h>; Python names it nowhere
_NOWHERE = 2**31 - 1  # the number of a network interface that is not there


class ListenError(Exception):
    """The address cannot be listened on; the message says why and what to do."""


def listen(settings: Settings) -> socket.socket:
    """A listening TCP socket on `host:port`. Connections wait in it until a server process takes them.

    Raises `ListenError`, also for a certificate and key that cannot be used.
    """
    _see_to_certificate(settings)
    try:
        found = socket.getaddrinfo(
            settings.host,
            settings.port,
            type=socket.SOCK_STREAM,
            flags=socket.AI_PASSIVE | socket.AI_NUMERICSERV,
        )
    except socket.gaierror as error:
        raise ListenError(
            f"STEELYARD_HOST: “{settings.host}” is not an address of this machine ({error.strerror})."
        ) from None
    family, kind, protocol, _, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6 and settings.host == "::":
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.bind(address)
        sock.listen(BACKLOG)  # at once: a port that is only bound could still be taken by another process
        sock.setblocking(False)
    except OSError as error:
        sock.close()
        raise ListenError(_explain(settings, error)) from None
    return sock


def admit_no_more(sock: socket.socket) -> None:
    """From now on a connection is refused, and those whose handshake has begun still come into the queue.

    Closing a listening socket resets what waits in it, requests included, and between the last look into the queue and
    the close there is always a moment. So the socket is bound to an interface that is not there before anything is closed:
    the kernel finds no listener for a new handshake, while those under way belong to the socket already. Linux alone can do
    this, for ordinary users since 5.7; elsewhere the moment stays.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, _SO_BINDTOIFINDEX, _NOWHERE)


def _see_to_certificate(settings: Settings) -> None:
    if settings.tls_cert is None:
        return
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(
            settings.tls_cert, settings.tls_key, password=""
        )
    except ssl.SSLError as error:
        why = f"{settings.tls_cert} and {settings.tls_key} are not a certificate and a key in PEM"
        if error.reason == "KEY_VALUES_MISMATCH":
            why = f"{settings.tls_key} is not the key of {settings.tls_cert}"
        elif settings.tls_key is not None and b"ENCRYPTED" in settings.tls_key.read_bytes():
            why = f"{settings.tls_key} is encrypted, and there is nobody to ask for its password"
        raise ListenError(f"STEELYARD_TLS_CERT and STEELYARD_TLS_KEY cannot be used: {why}.") from None


def _explain(settings: Settings, error: OSError) -> str:
    where = f"{settings.host}:{settings.port}"
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {settings.port} on {settings.host} is taken by another program. Stop that one, or choose another port "
            f"with --port or STEELYARD_PORT (0 takes any free one)."
        )
    if error.errno == errno.EACCES:
        return (
            f"User id {os.geteuid()} may not listen on {where}: ports below 1024 are reserved. Choose a higher one with "
            "--port or STEELYARD_PORT, and put a reverse proxy in front."
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return (
            f"{settings.host} is not an address of this machine; set STEELYARD_HOST (127.0.0.1, 0.0.0.0, …)."
        )
    return f"Cannot listen on {where}: {error.strerror}."


def address_of(settings: Settings) -> str:
    """The base address to show and to try: `public_url`, or what we listen on in a form that a browser takes."""
    if settings.public_url:
        return settings.public_url
    return local_address(settings)


def local_address(settings: Settings) -> str:
    """The address under which this machine itself reaches the server."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}.get(settings.host, settings.host)  # noqa: S104
    if ":" in host and not host.startswith("["):
        host = f"[{host}]"
    return f"{'https' if settings.tls_cert else 'http'}://{host}:{settings.port}"

"""Passwords: argon2id, hashed in a thread so that the event loop keeps serving, a few at a time because each hash takes 64 MiB."""

from __future__ import annotations

import asyncio
import secrets
from functools import cache

from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError

from steelyard.errors import parameter

MIN_LENGTH, MAX_LENGTH = 8, 1024
_AT_ONCE = 2
_gates: dict[asyncio.AbstractEventLoop, asyncio.Semaphore] = {}


@cache
def _hasher() -> PasswordHash:
    return PasswordHash.recommended()


@cache
def _nobody() -> str:
    return _hasher().hash(secrets.token_urlsafe(16))


def _gate() -> asyncio.Semaphore:
    loop = asyncio.get_running_loop()
    gate = _gates.get(loop)
    if gate is None:
        for closed in [held for held in _gates if held.is_closed()]:
            del _gates[closed]
        gate = _gates[loop] = asyncio.Semaphore(_AT_ONCE)
    return gate


def check_password(password: str) -> str:
    """8 to 1024 characters. Raises InvalidRequest."""
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise parameter("password", f"must be a text of {MIN_LENGTH} to {MAX_LENGTH} characters")
    try:
        password.encode()
    except UnicodeEncodeError:
        raise parameter("password", "must be valid Unicode") from None
    return password


def generate_password() -> str:
    """A random password that people can type: 4 groups of 5 letters and digits, about 100 bits."""
    alphabet = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(alphabet) for _ in range(5)) for _ in range(4))


async def hash_password(password: str) -> str:
    """The argon2id hash of an acceptable password. Raises InvalidRequest."""
    check_password(password)
    async with _gate():
        return await asyncio.to_thread(_hasher().hash, password)


async def verify_password(password: str, stored: str | None) -> tuple[bool, str | None]:
    """(whether it is right, a fresh hash when the stored one uses older parameters). `stored` None (nobody of that name) takes as
    long as a wrong password, so that answers do not tell which addresses exist."""
    if len(password) > MAX_LENGTH:
        return False, None
    async with _gate():
        return await asyncio.to_thread(_verify, password, stored)


def _verify(password: str, stored: str | None) -> tuple[bool, str | None]:
    try:
        right, fresh = _hasher().verify_and_update(password, stored or _nobody())
    except (UnknownHashError, UnicodeEncodeError):
        return False, None
    return right and stored is not None, fresh

"""People and what they hold: accounts, members, keys, sessions."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct

from steelyard.ctx import Mode, Role, Scope


class Account(Struct, frozen=True):
    """A customer of this installation with its two spaces (live and test)."""

    id: int
    name: str
    created_at: datetime
    live_space_id: int
    test_space_id: int

    def space_id(self, mode: Mode) -> int:
        """The space of one mode."""
        return self.live_space_id if mode == "live" else self.test_space_id


class SpaceSettings(Struct, frozen=True):
    """What is set for one mode of an account: the secret that callbacks carry, their default target, the form of result URLs."""

    mode: Mode
    callback_auth_key: str
    default_callback_url: str | None
    secure_result_urls: bool


class AccountCore(Struct, frozen=True):
    id: int
    name: str
    created_at: datetime


class Member(Struct, frozen=True):
    """A teammate. `public_id` is the wire's id (24 hex characters); `invited_until` is set until the first password."""

    id: int
    public_id: str
    account_id: int
    email: str
    role: Role
    company: str | None
    first_name: str | None
    last_name: str | None
    disable_rapid_emails: bool
    invited_until: datetime | None
    created_at: datetime
    updated_at: datetime
    kind: Literal["human", "model"]


class Teammate(Struct, frozen=True):
    """A member as platform-api §21 shows one; `open_until` only while the invitation is open."""

    email: str
    role: Role
    company: str | None
    first_name: str | None
    last_name: str | None
    disable_rapid_emails: bool
    open_until: datetime | None


class Invited(Struct, frozen=True):
    id: int
    email: str


class MemberMark(Struct, frozen=True):
    id: int
    email: str
    role: Role
    invited: bool


class NewKey(Struct, frozen=True):
    """A key at the only time it is known in full: `live_` or `test_` and 32 hex characters."""

    id: int
    key: str
    hint: str
    mode: Mode
    account: str
    email: str
    expires_at: datetime | None
    name: str = ""
    scope: Scope = "full"


class KeyInfo(Struct, frozen=True):
    """What may be seen of a key afterwards."""

    id: int
    mode: Mode
    email: str
    role: Role
    hint: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    name: str
    scope: Scope
    member_public_id: str


class KeyActorRow(Struct, frozen=True):
    key_id: int
    space_id: int
    account_id: int
    mode: Mode
    member_id: int
    email: str
    role: Role
    stale: bool
    scope: Scope


class LoginRow(Struct, frozen=True):
    id: int
    account_id: int
    email: str
    role: Role
    password_hash: str


class SignedIn(Struct, frozen=True):
    """The member whose password was right."""

    id: int
    account_id: int
    email: str
    role: Role


class SessionActorRow(Struct, frozen=True):
    csrf_token: str
    expires_at: datetime
    space_id: int
    account_id: int
    member_id: int
    email: str
    role: Role
    renew: bool


class Session(Struct, frozen=True):
    """A browser's session; unsafe requests must repeat `csrf_token` in `X-CSRF-Token`."""

    csrf_token: str
    expires_at: datetime
    renew: bool = False
    """Whether a day of its time has passed, so that it should start again."""


class NewSession(Struct, frozen=True):
    """A session at the only time its token is known; the token goes into the cookie."""

    token: str
    csrf_token: str
    expires_at: datetime


class FirstRun(Struct, frozen=True):
    """What an empty installation was given; printed once."""

    account: str
    email: str
    password: str
    live_key: str
    test_key: str

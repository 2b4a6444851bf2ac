"""Passwords: accepting an invitation or resetting by a link, changing one's own; and the first admin of an empty installation."""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal

from msgspec import Meta, Struct

from steelyard import people
from steelyard.clock import wire_time
from steelyard.errors import Forbidden
from steelyard.http.api.session import (
    SessionInfo,
    SignedOut,
    client_address,
    need_json,
    open_session,
    private,
)
from steelyard.http.auth import SESSION_COOKIE, cookie
from steelyard.http.route import PUBLIC, SELF, Call, Reply, Routes

routes = Routes("api", "Passwords")

Password = Annotated[str, Meta(max_length=1024, description="8 to 1024 characters.")]
GivenName = Annotated[str, Meta(max_length=100)]


class LinkTarget(Struct, kw_only=True):
    """Whom a link is for. `invite`: to join; `reset`: to choose a new password."""

    purpose: Literal["invite", "reset"]
    email: str
    account: str
    role: Literal["admin", "manager", "member", "labeler", "disabled"]
    first_name: str | None
    last_name: str | None
    expires_at: str


class UseLink(Struct, kw_only=True):
    """The password to set, and names for whoever joins."""

    password: Password
    first_name: GivenName | None = None
    last_name: GivenName | None = None


class ChangePassword(Struct, kw_only=True):
    """The present password and the new one."""

    old: Password
    new: Password


class ForgotPassword(Struct, kw_only=True):
    """The address that the link is mailed to, if somebody has it."""

    email: Annotated[str, Meta(max_length=254)]


class SetupState(Struct, kw_only=True):
    """Whether somebody must create the first admin."""

    needs_setup: bool


class SetUp(Struct, kw_only=True):
    """The first admin. `token` stands where `steelyard up --no-admin` was started."""

    token: Annotated[str, Meta(max_length=200)]
    email: Annotated[str, Meta(max_length=254)]
    password: Password
    account: (
        Annotated[str, Meta(max_length=100, description="The account's name; main unless given.")] | None
    ) = None
    first_name: GivenName | None = None
    last_name: GivenName | None = None


class SetUpDone(Struct, kw_only=True):
    """The admin is signed in. The keys are shown only now."""

    session: SessionInfo
    account: str
    live_key: str
    test_key: str


@routes.get("/api/links/{token}", response=LinkTarget, access=PUBLIC, errors=(404,))
async def get_link(call: Call) -> Reply:
    """Whom an invitation or reset link is for"""
    found = await people.look_up(call.ctx, call.path[0])
    return private(
        LinkTarget(
            purpose=found.purpose,
            email=found.email,
            account=found.account,
            role=found.role,
            first_name=found.first_name,
            last_name=found.last_name,
            expires_at=wire_time(found.expires_at),
        )
    )


@routes.post("/api/links/{token}", body=UseLink, response=SessionInfo, access=PUBLIC, errors=(404,))
async def use_link(call: Call) -> Reply:
    """Choose a password by a link, and be signed in

    The link works once. Must be sent as application/json, which forms of other sites cannot do.
    """
    need_json(call)
    body: UseLink = call.body
    found = await people.use_link(
        call.ctx, call.path[0], body.password, first_name=body.first_name, last_name=body.last_name
    )
    info, header = await open_session(call, found.member_id)
    return private(info, header)


@routes.put("/api/password", body=ChangePassword, response=SignedOut, access=SELF, errors=(429,))
async def change_password(call: Call) -> Reply:
    """Change one's own password; other browsers are signed out"""
    token = cookie(call, SESSION_COOKIE)
    if call.session is None or token is None:
        raise Forbidden("A password is changed in a browser's session, not by an API key.")
    await people.change_password(
        call.ctx,
        call.actor,
        call.body.old,
        call.body.new,
        session_sha256=hashlib.sha256(token).digest(),
        address=client_address(call),
    )
    return private(SignedOut())


@routes.post(
    "/api/password/forgot", body=ForgotPassword, response=SignedOut, access=PUBLIC, errors=(402, 429)
)
async def forgot_password(call: Call) -> Reply:
    """Have a link mailed by which to choose a new password

    Answers alike whether or not anybody has the address.
    """
    need_json(call)
    await people.forgot_password(call.ctx, call.body.email, address=client_address(call))
    return private(SignedOut())


@routes.get("/api/setup", response=SetupState, access=PUBLIC)
async def get_setup(call: Call) -> Reply:
    """Whether the installation has no admin yet"""
    return private(SetupState(needs_setup=await people.needs_setup(call.ctx)))


@routes.post("/api/setup", body=SetUp, response=SetUpDone, access=PUBLIC, errors=(403, 409, 429))
async def set_up(call: Call) -> Reply:
    """Create the first admin of an empty installation, and be signed in"""
    need_json(call)
    body: SetUp = call.body
    made = await people.set_up(
        call.ctx,
        body.token,
        body.email,
        body.password,
        account=body.account,
        first_name=body.first_name,
        last_name=body.last_name,
        address=client_address(call),
    )
    info, header = await open_session(call, made.member_id)
    return private(
        SetUpDone(session=info, account=made.account, live_key=made.live_key, test_key=made.test_key), header
    )

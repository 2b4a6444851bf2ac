"""API keys of the account, for the console."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from steelyard import people, users
from steelyard.clock import wire_time
from steelyard.errors import NotFound, parameter
from steelyard.http.route import SETTINGS, Call, Routes

routes = Routes("api", "Keys")

KeyScope = Annotated[
    Literal["full", "data", "read", "work"],
    Meta(
        description="full: all that its member may do. data: tasks, batches, projects, files. read: reading only. work: claiming and "
        "submitting."
    ),
]


class ListKeys(Struct, kw_only=True):
    """Whether revoked keys are listed as well."""

    revoked: bool = False


class ApiKey(Struct, kw_only=True):
    """A key, by its first and last characters."""

    id: int
    name: str
    hint: str
    mode: Literal["live", "test"]
    scope: KeyScope
    member_id: str
    email: str
    role: Literal["admin", "manager", "member", "labeler", "disabled"]
    created_at: str
    expires_at: str | None
    revoked_at: str | None
    last_used_at: str | None


class ApiKeys(Struct, kw_only=True):
    """The keys of the account, newest first."""

    items: list[ApiKey]


class MakeKey(Struct, kw_only=True):
    """A key for oneself, or for `member_id`: a model contributor or somebody below oneself."""

    name: Annotated[str, Meta(max_length=100)] = ""
    mode: Literal["live", "test"] = "live"
    scope: KeyScope = "full"
    expires_at: Annotated[str, Meta(description="ISO 8601 with an offset; never unless given.")] | None = None
    member_id: str | None = None


class ApiKeyMade(Struct, kw_only=True):
    """A key at the only time it is shown in full."""

    id: int
    key: str
    name: str
    hint: str
    mode: Literal["live", "test"]
    scope: KeyScope
    email: str
    expires_at: str | None


class KeyRevoked(Struct):
    """The key works no more."""

    result: Literal["success"] = "success"


def key_made(key: users.NewKey) -> ApiKeyMade:
    return ApiKeyMade(
        id=key.id,
        key=key.key,
        name=key.name,
        hint=key.hint,
        mode=key.mode,
        scope=key.scope,
        email=key.email,
        expires_at=None if key.expires_at is None else wire_time(key.expires_at),
    )


def _when(moment: datetime | None) -> str | None:
    return None if moment is None else wire_time(moment)


@routes.get("/api/keys", query=ListKeys, response=ApiKeys, access=SETTINGS)
async def list_api_keys(call: Call) -> ApiKeys:
    """List the API keys of the account"""
    found = await people.list_own_keys(call.ctx, call.actor, revoked=call.query.revoked)
    return ApiKeys(
        items=[
            ApiKey(
                id=k.id,
                name=k.name,
                hint=k.hint,
                mode=k.mode,
                scope=k.scope,
                member_id=k.member_public_id,
                email=k.email,
                role=k.role,
                created_at=wire_time(k.created_at),
                expires_at=_when(k.expires_at),
                revoked_at=_when(k.revoked_at),
                last_used_at=_when(k.last_used_at),
            )
            for k in found
        ]
    )


@routes.post("/api/keys", body=MakeKey, response=ApiKeyMade, access=SETTINGS, errors=(404,))
async def make_api_key(call: Call) -> ApiKeyMade:
    """Make an API key; it is shown only in this answer"""
    body: MakeKey = call.body
    expires_at = None
    if body.expires_at is not None:
        try:
            expires_at = datetime.fromisoformat(body.expires_at)
        except ValueError:
            raise parameter("expires_at", "must be an ISO 8601 time with an offset") from None
    return key_made(
        await people.make_key(
            call.ctx,
            call.actor,
            name=body.name,
            mode=body.mode,
            scope=body.scope,
            expires_at=expires_at,
            member=body.member_id,
        )
    )


@routes.delete("/api/keys/{key_id}", response=KeyRevoked, access=SETTINGS, errors=(404,))
async def revoke_api_key(call: Call) -> KeyRevoked:
    """Revoke an API key; every process obeys within a second"""
    await people.revoke(call.ctx, call.actor, row_id(call.path[0], "key"))
    return KeyRevoked()


def row_id(text: str, what: str) -> int:
    """A row's number from a path. Raises NotFound for what can be none."""
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise NotFound(f"There is no such {what}.")
    return int(text)

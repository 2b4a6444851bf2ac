"""Members of an account: making them by the operator, inviting and changing roles by their own leads (platform-api §21)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from steelyard.ctx import Actor, Ctx, Role
from steelyard.db.outbox import enqueue_many, wake
from steelyard.db.pool import ConstraintBroken, Executor, Tx
from steelyard.errors import Conflict, InvalidRequest, NotFound, parameter
from steelyard.jobs.specs import SEND_LINK, SendLink
from steelyard.users import queries as q
from steelyard.users.model import Account, Member, Teammate
from steelyard.users.passwords import hash_password
from steelyard.users.policy import GRANTABLE

_EMAIL = re.compile(
    r"[^@\s<>\"'(),:;\\\x00-\x1f\x7f]{1,64}@(?:[^@\s<>\"'(),:;\\\x00-\x1f\x7f.]+\.)*[^@\s<>\"'(),:;\\\x00-\x1f\x7f.]+"
)


def check_email(text: str, path: str = "email") -> str:
    """An e-mail address, stripped. Raises InvalidRequest naming `path`."""
    text = text.strip()
    local, _, domain = text.partition("@")
    well_formed = len(text) <= 254 and _EMAIL.fullmatch(text) and ("." in domain or domain == "localhost")
    if not well_formed or local.startswith(".") or local.endswith(".") or ".." in text:
        raise parameter(path, "must be an e-mail address")
    return text


async def record_act(on: Executor, account_id: int, actor: str, action: str, **detail: Any) -> None:
    """Writes one administrative act to the audit log; `actor` is an e-mail address or "system"."""
    await q.record_act(
        on, account_id=account_id, actor=actor, action=action, detail=msgspec.json.encode(detail).decode()
    )


async def find_account(on: Executor, account: str | int) -> Account:
    """An account by name or id. Raises NotFound."""
    if isinstance(account, int):
        found = await q.account_by_id(on, account_id=account)
    else:
        found = await q.account_by_name(on, name=account)
    if found is None:
        raise NotFound(f"There is no account {account!r}.")
    return found


async def create_member(
    ctx: Ctx,
    account_id: str | int,
    email: str,
    role: Role,
    password: str | None = None,
    *,
    first_name: str | None = None,
    last_name: str | None = None,
    by: str = "system",
) -> Member:
    """A member who need not accept an invitation; without a password they can use API keys only. `account_id` may be a name.

    Raises NotFound, InvalidRequest, and Conflict for a taken address or a second admin.
    """
    email = check_email(email)
    password_hash = await hash_password(password) if password is not None else None
    async with ctx.db.tx() as tx:
        account = await find_account(tx, account_id)
        member = await insert_member(ctx, tx, account.id, email, role, password_hash, first_name, last_name)
        await record_act(tx, account.id, by, "member.created", email=email, role=role)
    return member


async def insert_member(
    ctx: Ctx,
    tx: Tx,
    account_id: int,
    email: str,
    role: Role,
    password_hash: str | None,
    first_name: str | None = None,
    last_name: str | None = None,
    kind: Literal["human", "model"] = "human",
) -> Member:
    """The row of a new member. Raises Conflict."""
    try:
        return await q.create_member(
            tx,
            public_id=ctx.ids.mint(ctx.clock.now()),
            account_id=account_id,
            email=email,
            role=role,
            first_name=first_name,
            last_name=last_name,
            password_hash=password_hash,
            invited_until=None,
            kind=kind,
        )
    except ConstraintBroken as e:
        if e.constraint == "member_one_admin":
            raise Conflict("The account has an admin already; there is exactly one.") from e
        raise Conflict(f"{email} is a member of this account already.") from e


async def list_members(ctx: Ctx, account: str | int) -> list[Member]:
    """Everybody of an account, oldest first. Raises NotFound."""
    found = await find_account(ctx.db, account)
    return await q.members(ctx.db, account_id=found.id)


async def member_by_email(ctx: Ctx, account_id: int, email: str) -> Member | None:
    """One member; addresses ignore case."""
    return await q.member_by_email(ctx.db, account_id=account_id, email=email)


async def set_password(
    ctx: Ctx, account: str | int, email: str, password: str, *, by: str = "system"
) -> None:
    """A new password, which also accepts an open invitation; every session of the member ends. Raises NotFound, InvalidRequest."""
    password_hash = await hash_password(password)
    async with ctx.db.tx() as tx:
        found = await find_account(tx, account)
        member = await q.member_by_email(tx, account_id=found.id, email=email)
        if member is None:
            raise NotFound(f"{email} is not a member of this account.")
        await q.set_password(tx, account_id=found.id, member_id=member.id, password_hash=password_hash)
        await q.end_sessions_of(tx, member_id=member.id)
        await record_act(tx, found.id, by, "member.password_set", email=member.email)


async def list_teammates(ctx: Ctx, actor: Actor) -> list[Teammate]:
    """All teammates of the actor's account, never empty."""
    return await q.team(ctx.db, account_id=actor.account_id)


def _addresses(emails: Sequence[str]) -> list[str]:
    if not emails:
        raise parameter("emails", "must be a non-empty array of e-mail addresses")
    distinct: dict[str, str] = {}
    for i, email in enumerate(emails):
        email = check_email(email, f"emails[{i}]")
        distinct.setdefault(email.lower(), email)
    return list(distinct.values())


def _grantable(role: str) -> Role:
    for allowed in GRANTABLE:
        if role == allowed:
            return allowed
    raise parameter("team_role", "must be one of labeler, member, manager")


async def invite_members(
    ctx: Ctx, actor: Actor, emails: Sequence[str], role: str, *, by_mail: bool = True
) -> list[Teammate]:
    """Invites addresses for 24 hours; existing teammates are left as they are. All teammates afterwards (platform-api §21). Those who are
    new are mailed a link, where a mail server is named.

    Raises InvalidRequest.
    """
    granted = _grantable(role)
    addresses = sorted(_addresses(emails), key=str.lower)
    now = ctx.clock.now()

    async def work(tx: Tx) -> list[Teammate]:
        invited = await q.invite(
            tx,
            account_id=actor.account_id,
            public_ids=[ctx.ids.mint(now) for _ in addresses],
            emails=addresses,
            role=granted,
        )
        if invited:
            names = [new.email for new in invited]
            await record_act(tx, actor.account_id, actor.email, "members.invited", emails=names, role=granted)
            if by_mail and ctx.settings.smtp_url is not None:
                await enqueue_many(tx, SEND_LINK, [SendLink(new.id, "invite") for new in invited])
        return await q.team(tx, account_id=actor.account_id)

    mates = await ctx.db.transact(work)
    wake(ctx)
    return mates


async def set_roles(ctx: Ctx, actor: Actor, emails: Sequence[str], role: str) -> list[Teammate]:
    """Changes the role of existing members, invited and disabled ones included, all or none. All teammates afterwards.

    Raises InvalidRequest for an unknown address, the admin's, or a role that cannot be given.
    """
    granted = _grantable(role)
    addresses = _addresses(emails)

    async def work(tx: Tx) -> list[Teammate]:
        found = await q.lock_members_by_email(
            tx, account_id=actor.account_id, emails=[a.lower() for a in addresses]
        )
        roles = {mark.email: mark.role for mark in found}
        for address in addresses:
            held = roles.get(address.lower())
            if held is None:
                raise InvalidRequest(f"{address} is not a teammate.")
            if held == "admin":
                raise InvalidRequest(f"The role of {address} cannot be changed: this is the team's admin.")
        await q.set_roles(tx, account_id=actor.account_id, ids=[mark.id for mark in found], role=granted)
        await record_act(
            tx, actor.account_id, actor.email, "members.role_set", emails=addresses, role=granted
        )
        return await q.team(tx, account_id=actor.account_id)

    return await ctx.db.transact(work)

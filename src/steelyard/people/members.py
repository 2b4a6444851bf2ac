"""Members as the console manages them. Disabling ends sessions, keys and leases in the same transaction."""

from __future__ import annotations

import re

from msgspec import Struct

from steelyard.ctx import Actor, Ctx, Role
from steelyard.db.pool import Tx
from steelyard.errors import Conflict, InvalidRequest, NotFound, parameter
from steelyard.people import queries as q
from steelyard.people.model import Person
from steelyard.people.policy import check_change
from steelyard.users import GRANTABLE, NewKey, find_account, record_act
from steelyard.users.keys import insert_key
from steelyard.users.members import insert_member
from steelyard.work import free_leases

MODEL_DOMAIN = "models.invalid"
"""Model contributors have no mail box; .invalid is a domain that never will be one (RFC 2606)."""


class PeoplePage(Struct, frozen=True):
    """A page of members; `next_after` is the last one's id when more follow."""

    items: list[Person]
    next_after: int | None
    total: int


def unknown() -> NotFound:
    """No such member in the caller's account."""
    return NotFound("There is no such member.")


async def list_people(
    ctx: Ctx,
    actor: Actor,
    *,
    role: Role | None = None,
    search: str | None = None,
    after: int = 0,
    limit: int = 100,
) -> PeoplePage:
    """Members of the account in the order they came."""
    search = None if search is None else search.replace("\x00", "\ufffd")
    found = await q.people(
        ctx.db,
        account_id=actor.account_id,
        after=after,
        public_id=None,
        role=role,
        search=search,
        most=limit + 1,
    )
    total = await q.count_people(ctx.db, account_id=actor.account_id, role=role, search=search) or 0
    return PeoplePage(found[:limit], found[limit - 1].id if len(found) > limit else None, total)


async def get_member(ctx: Ctx, actor: Actor, public_id: str) -> Person:
    """One member by the wire's id. Raises NotFound."""
    found = await q.people(
        ctx.db,
        account_id=actor.account_id,
        after=0,
        public_id=public_id,
        role=None,
        search=None,
        most=1,
    )
    if not found:
        raise unknown()
    return found[0]


async def lock(tx: Tx, actor: Actor, public_id: str) -> q.Held:
    """A member whose row stays locked. Raises NotFound."""
    found = await q.lock_person(tx, account_id=actor.account_id, public_id=public_id)
    if found is None:
        raise unknown()
    return found


async def set_role(ctx: Ctx, actor: Actor, public_id: str, role: Role) -> Person:
    """Gives a member another role. Raises NotFound, Forbidden for the admin and oneself, Conflict for somebody disabled."""
    if role not in GRANTABLE:
        raise parameter("role", "must be one of labeler, member, manager")
    async with ctx.db.tx() as tx:
        held = await lock(tx, actor, public_id)
        check_change(actor, held.id, held.role)
        if held.role == "disabled":
            raise Conflict("The member is disabled; enable them first.")
        if held.kind == "model" and role == "manager":
            raise InvalidRequest("A model contributor works; it cannot be a manager.")
        await q.change_role(tx, account_id=actor.account_id, member_id=held.id, role=role)
        await record_act(
            tx,
            actor.account_id,
            actor.email,
            "members.role_set",
            emails=[held.email],
            role=role,
            before=held.role,
        )
    return await get_member(ctx, actor, public_id)


async def disable_member(ctx: Ctx, actor: Actor, public_id: str) -> Person:
    """Ends a membership: sessions, keys and links end, leases are free at once. Harmless when it has ended. Raises NotFound, Forbidden."""

    async def work(tx: Tx) -> None:
        held = await lock(tx, actor, public_id)
        check_change(actor, held.id, held.role)
        if held.role == "disabled":
            return
        await q.disable(tx, account_id=actor.account_id, member_id=held.id)
        await q.end_sessions(tx, member_id=held.id, but=None)
        keys = await q.revoke_keys(tx, member_id=held.id)
        await q.drop_links(tx, member_id=held.id)
        leases = await free_leases(tx, held.id, by=actor.email)
        await record_act(
            tx,
            actor.account_id,
            actor.email,
            "member.disabled",
            email=held.email,
            role=held.role,
            keys=keys,
            leases=leases,
        )

    await ctx.db.transact(work)
    return await get_member(ctx, actor, public_id)


async def enable_member(ctx: Ctx, actor: Actor, public_id: str) -> Person:
    """Makes a disabled member what it was; keys stay revoked. Raises NotFound, Forbidden."""
    async with ctx.db.tx() as tx:
        held = await lock(tx, actor, public_id)
        if held.role != "disabled":
            return await get_member(ctx, actor, public_id)
        await q.enable(tx, account_id=actor.account_id, member_id=held.id)
        await record_act(tx, actor.account_id, actor.email, "member.enabled", email=held.email)
    return await get_member(ctx, actor, public_id)


async def create_model(ctx: Ctx, actor: Actor, name: str, role: Role) -> tuple[Person, NewKey]:
    """A program that works like a person, and its first key, which is shown only now. Raises InvalidRequest, Conflict."""
    name = name.strip()
    if not 1 <= len(name) <= 60 or not name.isprintable():
        raise parameter("name", "must be a text of 1 to 60 printable characters")
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:50] or "model"
    async with ctx.db.tx() as tx:
        account = await find_account(tx, actor.account_id)
        email = f"{slug}@{MODEL_DOMAIN}"
        member = await insert_member(ctx, tx, account.id, email, role, None, first_name=name, kind="model")
        key = await insert_key(tx, account, "live", member, None, name, "work")
        await record_act(tx, account.id, actor.email, "member.created", email=email, role=role, kind="model")
    return await get_member(ctx, actor, member.public_id), key

"""Accounts with their two spaces, and what an empty installation starts with."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from steelyard.ctx import Ctx
from steelyard.db.pool import ConstraintBroken, Tx
from steelyard.errors import Conflict, parameter
from steelyard.users import queries as q
from steelyard.users.keys import insert_key
from steelyard.users.members import insert_member, record_act
from steelyard.users.model import Account, FirstRun
from steelyard.users.passwords import generate_password, hash_password

FIRST_ACCOUNT = "main"
FIRST_ADMIN = "admin@localhost.localdomain"


async def insert_account(tx: Tx, name: str) -> Account:
    """An account and its live and test space, each with its own key for signing callbacks. Raises Conflict."""
    try:
        core = await q.create_account(tx, name=name)
    except ConstraintBroken as e:
        raise Conflict(f"There is an account {name!r} already.") from e
    live = await q.create_space(
        tx, account_id=core.id, mode="live", callback_auth_key="live_" + secrets.token_hex(16)
    )
    test = await q.create_space(
        tx, account_id=core.id, mode="test", callback_auth_key="test_" + secrets.token_hex(16)
    )
    assert live is not None and test is not None
    return Account(core.id, core.name, core.created_at, live, test)


async def create_account(ctx: Ctx, name: str, *, by: str = "system") -> Account:
    """A new account. Raises InvalidRequest for an unusable name, Conflict for a taken one."""
    name = name.strip()
    if not 1 <= len(name) <= 100 or not name.isprintable():
        raise parameter("name", "must be a text of 1 to 100 printable characters")
    async with ctx.db.tx() as tx:
        account = await insert_account(tx, name)
        await record_act(tx, account.id, by, "account.created", name=name)
    return account


async def list_accounts(ctx: Ctx) -> list[Account]:
    """Every account, oldest first."""
    return await q.accounts(ctx.db)


async def bootstrap(ctx: Ctx, keep: Callable[[FirstRun], None] = lambda _: None) -> FirstRun | None:
    """On an empty installation: account, admin with a generated password, one live and one test key. None when an account exists.

    Safe to call from any number of starting processes: one of them does it. `keep` writes the secrets down before they become valid: a
    crash in between leaves a note of keys that never were, and the next start makes new ones, instead of keys that nobody knows.
    """
    if await q.any_account(ctx.db):
        return None
    password = generate_password()
    password_hash = await hash_password(password)
    async with ctx.db.tx() as tx:
        await q.lock_bootstrap(tx)
        if await q.any_account(tx):
            return None
        account = await insert_account(tx, FIRST_ACCOUNT)
        admin = await insert_member(ctx, tx, account.id, FIRST_ADMIN, "admin", password_hash)
        live = await insert_key(tx, account, "live", admin, None)
        test = await insert_key(tx, account, "test", admin, None)
        await record_act(tx, account.id, "system", "account.created", name=FIRST_ACCOUNT)
        made = FirstRun(FIRST_ACCOUNT, FIRST_ADMIN, password, live.key, test.key)
        keep(made)
    return made

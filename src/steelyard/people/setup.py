"""The first admin of an empty installation, made in the browser by whoever can read the console on which it was started."""

from __future__ import annotations

import hashlib
import hmac

from msgspec import Struct

from steelyard.ctx import Ctx
from steelyard.errors import Conflict, Forbidden, parameter
from steelyard.ids import secret_token
from steelyard.people import queries as q
from steelyard.people.links import check_name
from steelyard.users import check_email, record_act, throttle
from steelyard.users import queries as users_q
from steelyard.users.accounts import FIRST_ACCOUNT, insert_account
from steelyard.users.keys import insert_key
from steelyard.users.members import insert_member
from steelyard.users.passwords import hash_password


class Founded(Struct, frozen=True):
    """What the first admin is given; the keys are shown only now."""

    member_id: int
    account: str
    live_key: str
    test_key: str


async def needs_setup(ctx: Ctx) -> bool:
    """Whether the installation has no account yet."""
    return not await users_q.any_account(ctx.db)


async def new_setup_token(ctx: Ctx) -> str:
    """The secret that `set_up` asks for; an older one ends."""
    token = secret_token(18)
    await q.set_setup_token(ctx.db, token_sha256=hashlib.sha256(token.encode()).digest())
    return token


async def set_up(
    ctx: Ctx,
    token: str,
    email: str,
    password: str,
    *,
    account: str | None = None,
    first_name: str | None = None,
    last_name: str | None = None,
    address: str = "",
) -> Founded:
    """Account, admin, a live and a test key. Raises Forbidden for a wrong token, Conflict once there is an account, InvalidRequest."""
    throttle.begin(ctx, "setup", address)
    if not await needs_setup(ctx):
        raise Conflict("This installation is set up already.")
    _check(token, await q.setup_token(ctx.db))
    email = check_email(email)
    name = FIRST_ACCOUNT if account is None else account.strip()
    if not 1 <= len(name) <= 100 or not name.isprintable():
        raise parameter("account", "must be a text of 1 to 100 printable characters")
    first, last = check_name(first_name, "first_name"), check_name(last_name, "last_name")
    password_hash = await hash_password(password)
    async with ctx.db.tx() as tx:
        await users_q.lock_bootstrap(tx)
        if await users_q.any_account(tx):
            raise Conflict("This installation is set up already.")
        _check(token, await q.setup_token(tx))
        made = await insert_account(tx, name)
        admin = await insert_member(ctx, tx, made.id, email, "admin", password_hash, first, last)
        live = await insert_key(tx, made, "live", admin, None, "first")
        test = await insert_key(tx, made, "test", admin, None, "first")
        await q.drop_setup_token(tx)
        await record_act(tx, made.id, email, "account.created", name=name)
    throttle.succeeded(ctx, "setup", address)
    return Founded(admin.id, name, live.key, test.key)


def _check(token: str, held: bytes | None) -> None:
    given = hashlib.sha256(token.strip().encode("utf-8", "surrogateescape")).digest()
    if held is None or not hmac.compare_digest(given, held):
        raise Forbidden("The setup token is wrong; it stands where `steelyard up --no-admin` was started.")

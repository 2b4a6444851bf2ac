"""Links by which people set a password: invitations and forgotten passwords. Random, kept as a hash, good for a day, used once.

A mailed link is made by the job that sends it, so that no secret waits in the queue.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from steelyard.ctx import Actor, Ctx
from steelyard.db.outbox import enqueue, wake
from steelyard.db.pool import Executor, Tx
from steelyard.errors import Forbidden, InvalidRequest, NotEnabled, NotFound, parameter
from steelyard.ids import secret_token
from steelyard.jobs.specs import SEND_LINK, GiveUp, SendLink
from steelyard.net import mail
from steelyard.people import queries as q
from steelyard.people.members import lock
from steelyard.people.model import LinkRow, Purpose
from steelyard.people.policy import check_impersonation
from steelyard.users import invite_members, member_by_email, record_act, throttle
from steelyard.users import queries as users_q
from steelyard.users.passwords import hash_password, verify_password

LASTS = timedelta(hours=24)
LinkInfo = LinkRow


class Link(Struct, frozen=True):
    """A link at the only time it is known. `mailed`: it, or rather another one, is on its way by e-mail as well."""

    email: str
    url: str
    expires_at: datetime
    mailed: bool


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


def _address(ctx: Ctx, purpose: Purpose, token: str) -> str:
    return f"{ctx.public_url}/{'invite' if purpose == 'invite' else 'reset'}/{token}"


async def _make(ctx: Ctx, on: Executor, member_id: int, purpose: Purpose) -> tuple[str, datetime]:
    token = secret_token(32)
    expires_at = await q.add_link(
        on, token_sha256=_digest(token), member_id=member_id, purpose=purpose, lasts=LASTS
    )
    assert expires_at is not None
    return _address(ctx, purpose, token), expires_at


async def _mail(ctx: Ctx, tx: Tx, member_id: int, purpose: Purpose) -> bool:
    if not mail.can_send(ctx):
        return False
    await enqueue(tx, SEND_LINK, SendLink(member_id, purpose))
    return True


async def invite(ctx: Ctx, actor: Actor, emails: Sequence[str], role: str) -> list[Link]:
    """Invites addresses for a day and gives the links of those who have not joined yet. Raises InvalidRequest."""
    await invite_members(ctx, actor, emails, role, by_mail=False)
    made: list[Link] = []
    async with ctx.db.tx() as tx:
        for email in dict.fromkeys(email.strip().lower() for email in emails):
            member = await member_by_email(ctx, actor.account_id, email)
            if member is None or member.role == "disabled":
                continue
            where = {"account_id": actor.account_id, "member_id": member.id}
            if await q.renew_invitation(tx, **where) is None:
                continue
            url, expires_at = await _make(ctx, tx, member.id, "invite")
            made.append(Link(member.email, url, expires_at, await _mail(ctx, tx, member.id, "invite")))
    wake(ctx)
    return made


async def reset_link(ctx: Ctx, actor: Actor, public_id: str) -> Link:
    """A link by which a member sets a new password, or accepts the invitation. Raises NotFound, Forbidden, InvalidRequest."""
    async with ctx.db.tx() as tx:
        held = await lock(tx, actor, public_id)
        if held.kind == "model":
            raise InvalidRequest("A model contributor has no password; make it a key.")
        if held.role == "disabled":
            raise InvalidRequest(f"{held.email} is disabled.")
        check_impersonation(actor, held.id, held.role, "reset the password")
        purpose: Purpose = "reset"
        if await q.renew_invitation(tx, account_id=actor.account_id, member_id=held.id) is not None:
            purpose = "invite"
        url, expires_at = await _make(ctx, tx, held.id, purpose)
        mailed = await _mail(ctx, tx, held.id, purpose)
        await record_act(
            tx, actor.account_id, actor.email, "member.link_made", email=held.email, purpose=purpose
        )
    wake(ctx)
    return Link(held.email, url, expires_at, mailed)


async def look_up(ctx: Ctx, token: str) -> LinkRow:
    """Whom a link is for. Raises NotFound for one that is unknown, used or past its time."""
    found = await q.link(ctx.db, token_sha256=_digest(token))
    if found is None:
        raise NotFound("This link is not valid any more; ask for a new one.")
    return found


async def use_link(
    ctx: Ctx, token: str, password: str, *, first_name: str | None = None, last_name: str | None = None
) -> LinkRow:
    """Sets the password of the member whom a link is for; every session and every other link of theirs ends.

    Raises NotFound, InvalidRequest for an unusable password.
    """
    found = await look_up(ctx, token)
    names = [
        check_name(name, field) for field, name in (("first_name", first_name), ("last_name", last_name))
    ]
    password_hash = await hash_password(password)
    async with ctx.db.tx() as tx:
        member_id = await q.take_link(tx, token_sha256=_digest(token))
        if member_id is None:
            raise NotFound("This link is not valid any more; ask for a new one.")
        await q.drop_links(tx, member_id=member_id)
        await users_q.set_password(
            tx, account_id=found.account_id, member_id=member_id, password_hash=password_hash
        )
        await q.set_names(tx, member_id=member_id, first_name=names[0], last_name=names[1])
        await q.end_sessions(tx, member_id=member_id, but=None)
        action = "member.joined" if found.purpose == "invite" else "member.password_set"
        await record_act(tx, found.account_id, found.email, action, email=found.email)
    return found


def check_name(text: str | None, field: str) -> str | None:
    """A person's name; None when not given. Raises InvalidRequest."""
    if text is None or not text.strip():
        return None
    text = text.strip()
    if len(text) > 100 or not text.isprintable():
        raise parameter(field, "must be a text of at most 100 printable characters")
    return text


async def change_password(
    ctx: Ctx, actor: Actor, old: str, new: str, *, session_sha256: bytes, address: str
) -> None:
    """A new password for whoever knows the old one; other browsers are signed out. Raises Forbidden, InvalidRequest, RateLimited."""
    throttle.begin(ctx, actor.email, address)
    right, _ = await verify_password(old, await q.password_of(ctx.db, member_id=actor.member_id))
    if not right:
        raise Forbidden("The present password is wrong.")
    throttle.succeeded(ctx, actor.email, address)
    password_hash = await hash_password(new)
    async with ctx.db.tx() as tx:
        await users_q.set_password(
            tx, account_id=actor.account_id, member_id=actor.member_id, password_hash=password_hash
        )
        await q.drop_links(tx, member_id=actor.member_id)
        await q.end_sessions(tx, member_id=actor.member_id, but=session_sha256)
        await record_act(tx, actor.account_id, actor.email, "member.password_set", email=actor.email)


async def forgot_password(ctx: Ctx, email: str, *, address: str) -> None:
    """Mails a link to whoever has this address; tells nobody whether anybody does. Raises RateLimited; NotEnabled without mail."""
    if not mail.can_send(ctx):
        raise NotEnabled("This server sends no e-mail; ask an admin for a link.")
    throttle.begin(ctx, f"forgot {email}", address)
    if "\x00" in email or len(email) > 254:
        return
    async with ctx.db.tx() as tx:
        for member_id in await q.forgot(tx, email=email.strip()):
            await enqueue(tx, SEND_LINK, SendLink(member_id, "reset"), dedupe_key=f"reset:{member_id}")
    wake(ctx)


async def send_link(ctx: Ctx, args: SendLink) -> None:
    """The job: makes a link and mails it. Whoever was disabled or joined meanwhile is sent none."""
    to = await q.mail_to(ctx.db, member_id=args.member_id)
    if to is None or (args.purpose == "invite" and to.purpose != "invite"):
        return
    url, _ = await _make(ctx, ctx.db, args.member_id, args.purpose)
    if args.purpose == "invite":
        subject = f"You are invited to {to.account} on Steelyard"
        text = (
            f"You are invited to work with {to.account} on Steelyard.\n\nOpen this link within 24 hours and choose a password:\n\n"
            f"{url}\n\nIf you did not expect this, ignore it.\n"
        )
    else:
        subject = "Choose a new password for Steelyard"
        text = (
            f"A new password was asked for {to.email} ({to.account}) on Steelyard.\n\nOpen this link within 24 hours to choose "
            f"one:\n\n{url}\n\nIf you did not ask, ignore this; your password stays as it is.\n"
        )
    try:
        await mail.send(ctx, [mail.Mail(to.email, subject, text)])
    except mail.MailFailed as e:
        if not e.transient:
            raise GiveUp(e.message) from e
        raise

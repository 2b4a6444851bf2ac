"""From an identity at the operator's provider to a member: linked before, or by a verified address, or new where that is allowed."""

from __future__ import annotations

from steelyard.ctx import Ctx
from steelyard.db.pool import ConstraintBroken, Tx
from steelyard.errors import Conflict, NotFound
from steelyard.net.oidc import Identity, OidcFailed
from steelyard.people import queries as q
from steelyard.users import check_email, find_account, record_act
from steelyard.users.members import insert_member


async def member_of_identity(ctx: Ctx, who: Identity) -> int:
    """The member to sign in. The first sign-in links every account's member who has the verified address.

    Raises OidcFailed("not-invited") for somebody unknown who may not join, or who is disabled, or whose address is not verified.
    """

    async def work(tx: Tx) -> int:
        await q.lock_identity(tx, subject=f"{who.issuer} {who.subject}")
        linked = await q.members_of_identity(tx, issuer=who.issuer, subject=who.subject)
        if linked:
            return _usable(linked)
        if who.email is None:
            raise OidcFailed("not-invited", "the provider has not verified an e-mail address")
        known = await q.members_to_link(tx, email=who.email)
        if not known:
            known = [await _join(ctx, tx, who, who.email)]
        for found in known:
            await q.link_identity(tx, issuer=who.issuer, subject=who.subject, member_id=found.id)
            await q.accept_by_identity(
                tx, member_id=found.id, first_name=who.first_name, last_name=who.last_name
            )
            await record_act(
                tx, found.account_id, found.email, "member.linked", email=found.email, issuer=who.issuer
            )
        return _usable(known)

    return await ctx.db.transact(work)


def _usable(members: list[q.IdentityMember]) -> int:
    for member in members:
        if member.role != "disabled":
            return member.id
    raise OidcFailed("not-invited", "the member is disabled")


async def _join(ctx: Ctx, tx: Tx, who: Identity, given: str) -> q.IdentityMember:
    """A new labeler, if the operator lets people of this domain in. Raises OidcFailed."""
    email = check_email(given)
    domain = email.rpartition("@")[2].lower()
    if domain not in {d.lower() for d in ctx.settings.oidc_allowed_domains}:
        raise OidcFailed("not-invited", f"nobody has invited {email}")
    try:
        account = await find_account(tx, ctx.settings.oidc_account)
        member = await insert_member(
            ctx, tx, account.id, email, "labeler", None, who.first_name, who.last_name
        )
    except (NotFound, Conflict, ConstraintBroken) as e:
        raise OidcFailed("not-invited", f"{email} cannot join {ctx.settings.oidc_account!r}") from e
    await record_act(tx, account.id, email, "member.created", email=email, role="labeler", issuer=who.issuer)
    return q.IdentityMember(member.id, account.id, email, "labeler")

"""Members of the account, for the console: listing, inviting, roles, disabling, links for passwords, model contributors."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from steelyard import people
from steelyard.clock import wire_time
from steelyard.errors import parameter
from steelyard.http.api.keys import ApiKeyMade, key_made
from steelyard.http.route import LEAD, Call, Routes

routes = Routes("api", "Members")

GrantedRole = Literal["labeler", "member", "manager"]
AnyRole = Literal["admin", "manager", "member", "labeler", "disabled"]


class ListMembers(Struct, kw_only=True):
    """Filters and paging."""

    role: AnyRole | None = None
    search: Annotated[str, Meta(max_length=200, description="A part of the name or address.")] | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 100
    next_token: str | None = None


class AccountMember(Struct, kw_only=True):
    """A member. `invited_until` while an invitation is open; `invited` until a first password was chosen."""

    id: str
    email: str
    role: AnyRole
    kind: Annotated[Literal["human", "model"], Meta(description="A model works by API key alone.")]
    first_name: str | None
    last_name: str | None
    former_role: Annotated[AnyRole | None, Meta(description="What a disabled member was.")]
    invited: bool
    invited_until: str | None
    created_at: str
    last_seen_at: str | None
    open_leases: int
    projects: Annotated[
        int, Meta(description="Projects that the member is assigned to, both modes together.")
    ]


class MemberPage(Struct, kw_only=True):
    """A page of members in the order they came; `next_token` when more follow."""

    items: list[AccountMember]
    next_token: str | None
    total: int


class InviteMembers(Struct, kw_only=True):
    """Whom to invite as what."""

    emails: Annotated[list[str], Meta(min_length=1, max_length=500)]
    role: GrantedRole


class PasswordLink(Struct, kw_only=True):
    """A link to hand on; it works once and ends after a day. `mailed`: one was sent by e-mail as well."""

    email: str
    url: str
    expires_at: str
    mailed: bool


class MembersInvited(Struct, kw_only=True):
    """The links of those who have not joined yet; whoever has joined already has none."""

    items: list[PasswordLink]


class SetMemberRole(Struct, kw_only=True):
    """The new role."""

    role: GrantedRole


class CreateModel(Struct, kw_only=True):
    """A program that works like a person."""

    name: Annotated[str, Meta(min_length=1, max_length=60)]
    role: Literal["labeler", "member"] = "labeler"


class ModelMade(Struct, kw_only=True):
    """The new contributor, and its key, shown only now."""

    member: AccountMember
    key: ApiKeyMade


def _wire(person: people.Person) -> AccountMember:
    return AccountMember(
        id=person.public_id,
        email=person.email,
        role=person.role,
        kind=person.kind,
        first_name=person.first_name,
        last_name=person.last_name,
        former_role=person.former_role,
        invited=person.invited,
        invited_until=None if person.open_until is None else wire_time(person.open_until),
        created_at=wire_time(person.created_at),
        last_seen_at=None if person.last_seen_at is None else wire_time(person.last_seen_at),
        open_leases=person.open_leases,
        projects=person.projects,
    )


def _link(link: people.Link) -> PasswordLink:
    return PasswordLink(
        email=link.email, url=link.url, expires_at=wire_time(link.expires_at), mailed=link.mailed
    )


@routes.get("/api/members", query=ListMembers, response=MemberPage, access=LEAD)
async def list_members(call: Call) -> MemberPage:
    """List the members of the account"""
    query: ListMembers = call.query
    after = query.next_token or "0"
    if not (after.isascii() and after.isdigit() and len(after) <= 18):
        raise parameter("next_token", "is not one of ours")
    page = await people.list_people(
        call.ctx, call.actor, role=query.role, search=query.search, after=int(after), limit=query.limit
    )
    token = None if page.next_after is None else str(page.next_after)
    return MemberPage(items=[_wire(p) for p in page.items], next_token=token, total=page.total)


@routes.post("/api/members/invite", body=InviteMembers, response=MembersInvited, access=LEAD)
async def invite_members(call: Call) -> MembersInvited:
    """Invite people, by links to hand on and by e-mail

    The links work for a day. Inviting again renews an invitation; members who have joined are left as they are.
    """
    body: InviteMembers = call.body
    links = await people.invite(call.ctx, call.actor, body.emails, body.role)
    return MembersInvited(items=[_link(link) for link in links])


@routes.post("/api/members/models", body=CreateModel, response=ModelMade, access=LEAD, errors=(409,))
async def create_model_contributor(call: Call) -> ModelMade:
    """Create a model contributor and its key"""
    person, key = await people.create_model(call.ctx, call.actor, call.body.name, call.body.role)
    return ModelMade(member=_wire(person), key=key_made(key))


@routes.get("/api/members/{member_id}", response=AccountMember, access=LEAD, errors=(404,))
async def get_member(call: Call) -> AccountMember:
    """Get a member"""
    return _wire(await people.get_member(call.ctx, call.actor, call.path[0]))


@routes.put(
    "/api/members/{member_id}/role",
    body=SetMemberRole,
    response=AccountMember,
    access=LEAD,
    errors=(404, 409),
)
async def set_member_role(call: Call) -> AccountMember:
    """Give a member another role

    Nobody becomes admin or ceases to be, and nobody changes their own role.
    """
    return _wire(await people.set_role(call.ctx, call.actor, call.path[0], call.body.role))


@routes.post("/api/members/{member_id}/disable", response=AccountMember, access=LEAD, errors=(404,))
async def disable_member(call: Call) -> AccountMember:
    """Disable a member

    Sessions and keys end, and work under a lease is offered to others at once; drafts and history stay.
    """
    return _wire(await people.disable_member(call.ctx, call.actor, call.path[0]))


@routes.post("/api/members/{member_id}/enable", response=AccountMember, access=LEAD, errors=(404,))
async def enable_member(call: Call) -> AccountMember:
    """Make a disabled member what it was; revoked keys stay revoked"""
    return _wire(await people.enable_member(call.ctx, call.actor, call.path[0]))


@routes.post("/api/members/{member_id}/reset_link", response=PasswordLink, access=LEAD, errors=(400, 404))
async def make_reset_link(call: Call) -> PasswordLink:
    """Make a link by which a member chooses a new password

    Only for members below oneself: whoever opens the link is that member.
    """
    return _link(await people.reset_link(call.ctx, call.actor, call.path[0]))

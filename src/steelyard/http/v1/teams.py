"""Teams (platform-api §21)."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from steelyard import users
from steelyard.clock import wire_time
from steelyard.errors import parameter
from steelyard.http.binding import split_list
from steelyard.http.route import DATA, PEOPLE, Call, Routes

routes = Routes("v1", "Teams")


class TeamChange(Struct, kw_only=True):
    """Addresses and the role that they are to have. `role` is an older name of `team_role`."""

    emails: Annotated[list[str] | str | None, Meta(description="E-mail addresses, at least one.")] = None
    team_role: Annotated[str | None, Meta(description="labeler, member or manager.")] = None
    role: str | None = None


class TeamChangeQuery(Struct, kw_only=True):
    """The same in the query, for callers that send no body."""

    emails: list[str] | None = None
    team_role: str | None = None
    role: str | None = None


class WireTeammate(Struct, kw_only=True):
    """A teammate. `expiry` is present exactly while an invitation is open."""

    email: str
    role: Literal["admin", "manager", "member", "labeler", "disabled"]
    company: str | UnsetType = UNSET
    firstName: str | UnsetType = UNSET
    lastName: str | UnsetType = UNSET
    isStudioLabeler: bool
    disableRapidEmails: bool
    expiry: str | UnsetType = UNSET


def _wire(mate: users.Teammate) -> WireTeammate:
    return WireTeammate(
        email=mate.email,
        role=mate.role,
        company=UNSET if mate.company is None else mate.company,
        firstName=UNSET if mate.first_name is None else mate.first_name,
        lastName=UNSET if mate.last_name is None else mate.last_name,
        isStudioLabeler=mate.role == "labeler",
        disableRapidEmails=mate.disable_rapid_emails,
        expiry=UNSET if mate.open_until is None else wire_time(mate.open_until),
    )


def _asked(call: Call) -> tuple[list[str], str]:
    """Addresses and role, from the body or else from the query. Raises InvalidRequest."""
    body: TeamChange = call.body
    query: TeamChangeQuery = call.query
    emails = body.emails if body.emails is not None else split_list(query.emails) if query.emails else None
    role = body.team_role or body.role or query.team_role or query.role
    if emails is None:
        raise parameter("emails", "is required")
    if role is None:
        raise parameter("team_role", "is required")
    return [emails] if isinstance(emails, str) else emails, role


@routes.get("/v1/teams", response=list[WireTeammate], access=DATA)
async def list_teammates(call: Call) -> list[WireTeammate]:
    """List all teammates"""
    return [_wire(mate) for mate in await users.list_teammates(call.ctx, call.actor)]


@routes.post(
    "/v1/teams/invite",
    body=TeamChange,
    query=TeamChangeQuery,
    response=list[WireTeammate],
    access=PEOPLE,
    errors=(403,),
    idempotent=True,
)
async def invite_teammates(call: Call) -> list[WireTeammate]:
    """Invite people to the team

    Invitations last 24 hours. Existing teammates are left as they are. Answers with all teammates.
    """
    emails, role = _asked(call)
    return [_wire(mate) for mate in await users.invite_members(call.ctx, call.actor, emails, role)]


@routes.post(
    "/v1/teams/set_role",
    body=TeamChange,
    query=TeamChangeQuery,
    response=list[WireTeammate],
    access=PEOPLE,
    errors=(403,),
)
async def set_team_role(call: Call) -> list[WireTeammate]:
    """Change the role of teammates

    All or none. The admin's role cannot be changed. Answers with all teammates.
    """
    emails, role = _asked(call)
    return [_wire(mate) for mate in await users.set_roles(call.ctx, call.actor, emails, role)]

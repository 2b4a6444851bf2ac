"""People: accounts with their two spaces, members and roles, API keys, browser sessions, passwords."""

from steelyard.users.accounts import bootstrap, create_account, list_accounts
from steelyard.users.keys import actor_by_key, create_key, list_keys, revoke_key
from steelyard.users.members import (
    check_email,
    create_member,
    find_account,
    invite_members,
    list_members,
    list_teammates,
    member_by_email,
    record_act,
    set_password,
    set_roles,
)
from steelyard.users.model import (
    Account,
    FirstRun,
    KeyInfo,
    Member,
    NewKey,
    NewSession,
    Session,
    SignedIn,
    SpaceSettings,
    Teammate,
)
from steelyard.users.policy import GRANTABLE, POLICY, may
from steelyard.users.sessions import SESSION_LASTS, actor_by_session, end_session, start_session, verify_login
from steelyard.users.spaces import set_space, space_settings

__all__ = [
    "GRANTABLE",
    "POLICY",
    "SESSION_LASTS",
    "Account",
    "FirstRun",
    "KeyInfo",
    "Member",
    "NewKey",
    "NewSession",
    "Session",
    "SignedIn",
    "SpaceSettings",
    "Teammate",
    "actor_by_key",
    "actor_by_session",
    "bootstrap",
    "check_email",
    "create_account",
    "create_key",
    "create_member",
    "end_session",
    "find_account",
    "invite_members",
    "list_accounts",
    "list_keys",
    "list_members",
    "list_teammates",
    "may",
    "member_by_email",
    "record_act",
    "revoke_key",
    "set_password",
    "set_roles",
    "set_space",
    "space_settings",
    "start_session",
    "verify_login",
]

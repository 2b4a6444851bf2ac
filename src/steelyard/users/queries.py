"""The queries of people, typed."""

from __future__ import annotations

from datetime import datetime

from steelyard.db.sqlfile import QueryFile
from steelyard.users.model import (
    Account,
    AccountCore,
    Invited,
    KeyActorRow,
    KeyInfo,
    LoginRow,
    Member,
    MemberMark,
    SessionActorRow,
    SpaceSettings,
    Teammate,
)

Q = QueryFile(__name__)

create_account = Q.one("create_account", AccountCore)
create_space = Q.value("create_space", int)
accounts = Q.all("accounts", Account)
account_by_name = Q.opt("account_by_name", Account)
account_by_id = Q.opt("account_by_id", Account)
any_account = Q.value("any_account", bool)
lock_bootstrap = Q.exec("lock_bootstrap")
create_member = Q.one("create_member", Member)
members = Q.all("members", Member)
member_by_email = Q.opt("member_by_email", Member)
account_admin = Q.opt("account_admin", Member)
team = Q.all("team", Teammate)
lock_members_by_email = Q.all("lock_members_by_email", MemberMark)
set_roles = Q.exec("set_roles")
invite = Q.all("invite", Invited)
set_password = Q.exec("set_password")
rehash_password = Q.exec("rehash_password")
login_candidates = Q.all("login_candidates", LoginRow)
create_key = Q.value("create_key", int)
keys = Q.all("keys", KeyInfo)
revoke_key = Q.value("revoke_key", str)
key_exists = Q.value("key_exists", bool)
actor_by_key = Q.opt("actor_by_key", KeyActorRow)
touch_key = Q.exec("touch_key")
create_session = Q.value("create_session", datetime)
actor_by_session = Q.opt("actor_by_session", SessionActorRow)
renew_session = Q.value("renew_session", int)
end_session = Q.exec("end_session")
end_sessions_of = Q.exec("end_sessions_of")
record_act = Q.exec("record_act")

spaces_of_account = Q.all("spaces_of_account", SpaceSettings)
set_space = Q.exec("set_space")

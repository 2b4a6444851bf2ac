"""The queries of administration, typed."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from steelyard.ctx import Role
from steelyard.db.sqlfile import QueryFile
from steelyard.people.model import (
    AuditEntry,
    DatabaseState,
    FailedJob,
    JobCounts,
    Kind,
    LinkRow,
    MailTo,
    Person,
    Process,
)
from steelyard.users.model import SpaceSettings


class Held(Struct, frozen=True):
    """A member whose row is locked."""

    id: int
    email: str
    role: Role
    kind: Kind
    former_role: Role | None
    invited: bool


class IdentityMember(Struct, frozen=True):
    """A member whom an identity may sign in as."""

    id: int
    account_id: int
    email: str
    role: Role


Q = QueryFile(__name__)

people = Q.all("people", Person)
count_people = Q.value("count_people", int)
lock_person = Q.opt("lock_person", Held)
change_role = Q.exec("change_role")
disable = Q.exec("disable")
enable = Q.exec("enable")
end_sessions = Q.exec("end_sessions")
revoke_keys = Q.exec("revoke_keys")
add_link = Q.value("add_link", datetime)
link = Q.opt("link", LinkRow)
take_link = Q.value("take_link", int)
drop_links = Q.exec("drop_links")
set_names = Q.exec("set_names")
renew_invitation = Q.value("renew_invitation", int)
password_of = Q.value("password_of", str)
forgot = Q.column("forgot", int)
mail_to = Q.opt("mail_to", MailTo)
audit_log = Q.all("audit_log", AuditEntry)
set_setup_token = Q.exec("set_setup_token")
setup_token = Q.value("setup_token", bytes)
drop_setup_token = Q.exec("drop_setup_token")
processes = Q.all("processes", Process)
job_counts = Q.one("job_counts", JobCounts)
failed_jobs = Q.all("failed_jobs", FailedJob)
dead_letters = Q.value("dead_letters", int)
retry_job = Q.value("retry_job", str)
database_state = Q.one("database_state", DatabaseState)
hotkeys = Q.value("hotkeys", str)
set_hotkeys = Q.exec("set_hotkeys")
space_settings = Q.one("space_settings", SpaceSettings)
lock_identity = Q.exec("lock_identity")
members_of_identity = Q.all("members_of_identity", IdentityMember)
members_to_link = Q.all("members_to_link", IdentityMember)
link_identity = Q.exec("link_identity")
accept_by_identity = Q.exec("accept_by_identity")

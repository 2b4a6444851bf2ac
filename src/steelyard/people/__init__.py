"""Running an account from the console: its members, their links and keys, the audit log, the first admin, the state of the system."""

from steelyard.people.audit import AuditPage, list_audit_log
from steelyard.people.health import Health, get_health, retry_job
from steelyard.people.hotkeys import Hotkeys, get_hotkeys, set_hotkeys
from steelyard.people.keys import list_own_keys, make_key, revoke
from steelyard.people.links import (
    Link,
    LinkInfo,
    change_password,
    forgot_password,
    invite,
    look_up,
    reset_link,
    send_link,
    use_link,
)
from steelyard.people.members import (
    PeoplePage,
    create_model,
    disable_member,
    enable_member,
    get_member,
    list_people,
    set_role,
)
from steelyard.people.model import AuditEntry, FailedJob, Person, Process
from steelyard.people.oidc import member_of_identity
from steelyard.people.settings import change_settings, get_settings
from steelyard.people.setup import Founded, needs_setup, new_setup_token, set_up

__all__ = [
    "AuditEntry",
    "AuditPage",
    "FailedJob",
    "Founded",
    "Health",
    "Hotkeys",
    "Link",
    "LinkInfo",
    "PeoplePage",
    "Person",
    "Process",
    "change_password",
    "change_settings",
    "create_model",
    "disable_member",
    "enable_member",
    "forgot_password",
    "get_health",
    "get_hotkeys",
    "get_member",
    "get_settings",
    "invite",
    "list_audit_log",
    "list_own_keys",
    "list_people",
    "look_up",
    "make_key",
    "member_of_identity",
    "needs_setup",
    "new_setup_token",
    "reset_link",
    "retry_job",
    "revoke",
    "send_link",
    "set_hotkeys",
    "set_role",
    "set_up",
    "use_link",
]

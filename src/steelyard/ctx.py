"""`Ctx`: what verbs need from the outside, passed and never global; `Actor`: on whose behalf a verb acts.

The actor is a parameter of its own, not a field of `Ctx`: a `Ctx` lives as long as the process, an actor as long as a request.
"""

from __future__ import annotations

from concurrent.futures import Executor as PoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import structlog
from msgspec import Struct

from steelyard.clock import Clock, SystemClock
from steelyard.db.pool import Database
from steelyard.ids import IdSource

if TYPE_CHECKING:
    from steelyard.settings import Settings
    from steelyard.storage import Storage

Role = Literal["admin", "manager", "member", "labeler", "disabled"]
Mode = Literal["live", "test"]
Scope = Literal["full", "data", "read", "work"]
"""What an API key may do of what its member may; sessions have `full`."""


class Actor(Struct, frozen=True):
    """A member of an account acting in one of its two spaces, by API key, by session, or the system itself (member_id 0)."""

    space_id: int
    account_id: int
    mode: Mode
    member_id: int
    email: str
    role: Role
    by: Literal["key", "session", "system"] = "key"
    scope: Scope = "full"

    @property
    def is_test(self) -> bool:
        return self.mode == "test"


@dataclass(slots=True)
class Ctx:
    """The parts of one process."""

    db: Database
    settings: Settings
    store: Storage
    cpu: PoolExecutor
    """Process pool for what needs numeric libraries or long computing; `loop.run_in_executor(ctx.cpu, fn, *args)`."""
    public_url: str
    """Base of every URL that we hand out, without a trailing slash."""
    secret_key: bytes
    clock: Clock = field(default_factory=SystemClock)
    ids: IdSource = field(default_factory=IdSource)
    shard: int = 0
    """Which row of the sharded counters this process moves (small integer)."""
    log: Any = field(default_factory=structlog.get_logger)
    state: dict[str, Any] = field(default_factory=dict[str, Any])
    """Per-process caches of features, keyed by the feature's name."""

"""The queue's statements, typed."""

from __future__ import annotations

from msgspec import Struct

from steelyard.db.sqlfile import QueryFile

Q = QueryFile(__name__)


class ClaimedJob(Struct, frozen=True):
    """A job that this worker holds a lease on; `attempts` counts this run and fences later writes."""

    id: int
    kind: str
    args: str
    attempts: int


claim = Q.all("claim", ClaimedJob)
extend = Q.exec("extend")
delete_done = Q.exec("delete_done")
put_off = Q.exec("put_off")
retry = Q.exec("retry")
fail = Q.exec("fail")
seed_periodic = Q.exec("seed_periodic")
repeat = Q.exec("repeat")
heartbeat = Q.exec("heartbeat")
goodbye = Q.exec("goodbye")
live_workers = Q.value("live_workers", int)
expire_idempotency_keys = Q.exec("expire_idempotency_keys")
expire_sessions = Q.exec("expire_sessions")
make_partitions = Q.value("make_partitions", str)
forget_processes = Q.exec("forget_processes")
tidy_reservations = Q.exec("tidy_reservations")
tidy_leases = Q.exec("tidy_leases")

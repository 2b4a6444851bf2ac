"""The vocabulary of test_isolation: the world that is reached for, and one request that reaches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from msgspec import Struct


class World(Struct, frozen=True):
    """Ids and names of one of everything; in the counterpart that does not exist, values of the same shape."""

    project: str
    project_id: str
    rapid: str
    studio: str
    batch: str
    batch_id: str
    rapid_batch: str
    studio_batch: str
    pending: str
    queued: str
    done: str
    root: str
    unique_id: str
    tag: str
    file: str
    reference_id: str
    evaluation: str
    training: str
    audit: str
    group: str
    lease: str
    result_file: str
    page_token: str
    assignee: str
    event: str
    transfer: str
    member: str
    key: str
    change: str
    upload: str


class Sent(Struct):
    """One request. `same_status` alone is compared where the answer holds fresh ids and times."""

    path: str = ""
    query: dict[str, Any] = {}
    body: Any = None
    form: dict[str, Any] | None = None
    headers: dict[str, str] = {}
    expect: tuple[int, ...] = (404,)
    status_only: bool = False
    account_wide: bool = False
    """About people, who belong to the account and not to one of its modes: not probed from the account's own other mode."""


def quoted(name: str) -> str:
    return quote(name, safe="")


Probe = Callable[[World], list[Sent]]

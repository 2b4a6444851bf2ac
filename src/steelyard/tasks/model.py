"""What the tasks feature passes around."""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec import Raw, Struct

from steelyard.clock import wire_time

_encode = msgspec.json.encode


class DependentState(Struct, frozen=True, omit_defaults=True):
    """An entry of a task's `dependents` on the wire (task-types-lidar §11.3)."""

    index: int
    type: str
    status: str
    task_id: str | None = None
    error: str | None = None


class NewDependent(Struct, frozen=True):
    """A task to be created from another's answer; `body`: the request as JSON, with the other's id filled in; `unique_id`: to reserve."""

    ordinal: int
    type: str
    waits_for_audit: bool
    body: bytes
    unique_id: str | None

    def state(self) -> DependentState:
        return DependentState(self.ordinal, self.type, "waiting")


class NewTask(Struct, kw_only=True):
    """A checked task on its way into the database. `params`, `metadata`, `response`: JSON bytes; `head`: JSON members without braces."""

    id: str
    type: str
    created_at: datetime
    created: str
    """`created_at` as the wire has it."""
    head: bytes
    params: bytes
    metadata: bytes
    project_id: str | None = None
    project_version: int = 0
    """The project version that the params were merged from; the insert refuses a row whose project has moved on."""
    batch_id: str | None = None
    batch_priority: int | None = None
    """What the batch gives to tasks without a priority of their own; the insert refuses a row whose batch has another meanwhile."""
    exclusive: bool = False
    """Whether the batch takes tasks only while staging (Rapid and Studio)."""
    reopens: bool = False
    """Whether the batch was completed when it was looked at: the insert may reopen it, and refuses a row whose batch is completed if not."""
    priority: int = 10
    own_priority: bool = False
    clear_unique_id_on_error: bool = False
    unique_id: str | None = None
    tags: list[str] | None = None
    callback_url: str | None = None
    attachment_urls: list[str] = []
    response: bytes | None = None
    completed_at: datetime | None = None
    result_files: list[ResultFileRow] = []
    dependents: list[NewDependent] = []
    key: str | None = None
    key_mark: bytes | None = None

    def wire(self) -> bytes:
        """The task object as the database's task_json() would give it; a test holds the two together."""
        done = self.completed_at
        parts = [b"{", self.head, b',"params":', self.params]
        if done is None:
            parts.append(
                b',"status":"pending","priority":%d,"work_started":false,"updated_at":"%b","metadata":'
                % (self.priority, self.created.encode())
            )
        else:
            at = wire_time(done).encode()
            parts.append(
                b',"status":"completed","priority":%d,"work_started":false,"updated_at":"%b","completed_at":"%b","metadata":'
                % (self.priority, at, at)
            )
        parts.append(self.metadata)
        if self.unique_id is not None:
            parts += (b',"unique_id":', _encode(self.unique_id))
        if self.tags is not None:
            parts += (b',"tags":', _encode(self.tags))
        if self.response is not None:
            parts += (b',"response":', self.response)
        if self.dependents:
            parts += (b',"dependents":', _encode([d.state() for d in self.dependents]))
        parts.append(b"}")
        return b"".join(parts)

    def dependents_json(self) -> bytes | None:
        """The states of its dependents as the wire shows them, None without any."""
        return _encode([d.state() for d in self.dependents]) if self.dependents else None

    def callback_payload(self) -> bytes:
        """The body of the completion callback of a task that is born completed (platform-api §17.3)."""
        return b'{"task_id":"%s","status":"completed","response":%s,"task":%s}' % (
            self.id.encode(),
            self.response or b"{}",
            self.wire(),
        )


class ResultFileRow(Struct, frozen=True):
    """A stored file of an answer."""

    id: str
    token: str
    name: str
    sha256: str
    content_type: str


class ProjectDefaults(Struct, frozen=True):
    """What creation needs to know of a project at one version of its params."""

    id: str
    name: str
    type: str
    kind: str
    version: int
    """The version whose params are given."""
    latest: int
    archived: bool
    params: dict[str, Raw]


class BatchTarget(Struct, frozen=True):
    """What creation needs to know of a batch."""

    id: str
    name: str
    status: str
    project_name: str
    priority: int | None
    rapid_calibration: bool

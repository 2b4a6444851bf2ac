"""The tasks feature's queries, one typed line each."""

from __future__ import annotations

from msgspec import Struct

from steelyard.db.sqlfile import QueryFile

Q = QueryFile(__name__)


class ProjectDefaultsRow(Struct, frozen=True):
    id: str
    name: str
    type: str
    kind: str
    version: int
    latest: int
    archived: bool
    params: str


class BatchTargetRow(Struct, frozen=True):
    n: int
    id: str
    name: str
    status: str
    project_name: str
    priority: int | None
    rapid_calibration: bool


class SpaceDefaults(Struct, frozen=True):
    default_callback_url: str | None
    secure_result_urls: bool
    reserves_names: bool


class SourceTaskRow(Struct, frozen=True):
    type: str
    status: str
    params: str
    response: str | None


class KeyRow(Struct, frozen=True):
    member_id: int
    request_sha256: bytes
    state: str
    status: int | None
    body: bytes | None


class TaskWithCopies(Struct, frozen=True):
    doc: str
    attachment_urls: list[str] | None
    stored: str | None


class TaskState(Struct, frozen=True):
    type: str
    project_id: str | None
    batch_id: str | None
    status: str
    stage: str
    work_started: bool
    unique_id: str | None
    tags: list[str] | None
    audits: str | None
    review_members: str | None
    customer_review_status: str | None
    response_version: int
    callback_url: str | None
    clear_unique_id_on_error: bool
    has_dependents: bool


class NamedIds(Struct, frozen=True):
    project_id: str | None
    batch_id: str | None
    batch_project_id: str | None


class StoredFile(Struct, frozen=True):
    id: str
    sha256: str
    mime_type: str | None


named_ids = Q.one("named_ids", NamedIds)
stored_files = Q.all("stored_files", StoredFile)
project_defaults = Q.opt("project_defaults", ProjectDefaultsRow)
project_exists = Q.value("project_exists", bool)
batch_targets = Q.all("batch_targets", BatchTargetRow)
space_defaults = Q.one("space_defaults", SpaceDefaults)
add_to_head = Q.exec("add_to_head")
source_task = Q.opt("source_task", SourceTaskRow)
holder_of_unique_id = Q.value("holder_of_unique_id", str)

key_row = Q.opt("key_row", KeyRow)
key_is_free = Q.value("key_is_free", bool)
store_key = Q.value("store_key", bool)
claim_key = Q.value("claim_key", bool)
finish_key = Q.exec("finish_key")
forget_key = Q.exec("forget_key")

task_json_by_id = Q.value("task_json_by_id", bytes)
task_with_copies = Q.opt("task_with_copies", TaskWithCopies)
lock_task = Q.opt("lock_task", TaskState)
share_batch = Q.value("share_batch", str)
lock_slots = Q.column("lock_slots", int)
move_count = Q.exec("move_count")
announce = Q.exec("announce")
promise_settle = Q.exec("promise_settle")
note_event = Q.exec("note_event")

set_completed = Q.value("set_completed", int)
add_response_version = Q.exec("add_response_version")
set_preparing = Q.value("set_preparing", str)
set_error = Q.value("set_error", str)
set_queued = Q.value("set_queued", int)
open_slot = Q.exec("open_slot")
close_slots = Q.exec("close_slots")
set_stage = Q.value("set_stage", str)
set_idle = Q.value("set_idle", str)
begin_work = Q.value("begin_work", str)
set_recalled = Q.value("set_recalled", str)
set_finished = Q.value("set_finished", int)
next_version = Q.value("next_version", int)
latest_round = Q.value("latest_round", int)
set_canceled = Q.value("set_canceled", str)
clear_unique_id = Q.value("clear_unique_id", str)
set_unique_id = Q.value("set_unique_id", str)
set_metadata = Q.value("set_metadata", str)
set_tags = Q.value("set_tags", str)
set_fixed = Q.value("set_fixed", int)
redoes = Q.value("redoes", bool)
set_audited = Q.exec("set_audited")
touch_batch_audited = Q.exec("touch_batch_audited")
lock_many_slots = Q.column("lock_many_slots", int)
share_many_batches = Q.column("share_many_batches", str)
set_task_priority = Q.value("set_task_priority", str)

"""The task methods of the official client: what each returns, and what a second read says."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from scaleapi import TaskReviewStatus, TaskStatus, TaskType
from scaleapi.exceptions import ScaleDuplicateResource, ScaleInvalidRequest, ScaleResourceNotFound

from tests.sdk.builders import BODIES, CALLBACK, boxes, make_task, settled
from tests.sdk.conftest import Client, Namer, Server

covers = pytest.mark.covers


@covers("ScaleClient.create_task", "ScaleClient.get_task", "Task.as_dict", "Task.refresh")
def test_a_live_task_is_returned_pending_and_reads_back_the_same(live_client: Client, fresh: Namer) -> None:
    name = fresh("unique")
    made = make_task(live_client, unique_id=name, metadata={"row": 7}, tags=["a", "b"])
    assert made.status == "pending"
    assert made.type == "imageannotation"
    assert made.callback_url == CALLBACK
    assert made.metadata == {"row": 7}
    assert made.tags == ["a", "b"]
    assert made.unique_id == name
    assert made.is_test is False
    assert made.params["geometries"] == BODIES[TaskType.ImageAnnotation]["geometries"]
    read = live_client.get_task(made.id)
    assert settled(read) == settled(made)
    made.set_metadata({"row": 8})
    made.refresh()
    assert made.as_dict()["metadata"] == {"row": 8}


@covers("ScaleClient.create_task")
def test_a_test_task_is_completed_before_the_next_call(test_client: Client) -> None:
    made = make_task(test_client)
    assert made.status == "completed"
    assert made.is_test is True
    assert made.response["annotations"]
    assert test_client.get_task(made.id).response == made.response


@covers("ScaleClient.get_task")
def test_a_task_of_the_other_mode_or_account_is_not_found(
    live_client: Client, test_client: Client, other_client: Client
) -> None:
    made = make_task(live_client)
    for client in (test_client, other_client):
        with pytest.raises(ScaleResourceNotFound) as refused:
            client.get_task(made.id)
        assert refused.value.message == "Task with that ID not found."


@covers("ScaleClient.cancel_task", "Task.cancel")
def test_a_pending_task_is_cancelled_and_its_unique_id_freed_on_request(
    live_client: Client, fresh: Namer
) -> None:
    first, second = fresh("one"), fresh("two")
    task = make_task(live_client, unique_id=first)
    cancelled = live_client.cancel_task(task.id)
    assert cancelled.status == "canceled"
    assert cancelled.unique_id == first
    assert live_client.get_task(task.id).status == "canceled"
    with pytest.raises(ScaleDuplicateResource):
        make_task(live_client, unique_id=first)

    task = make_task(live_client, unique_id=second)
    task.cancel(clear_unique_id=True)
    task.refresh()
    assert task.status == "canceled"
    assert not hasattr(task, "unique_id")
    assert make_task(live_client, unique_id=second).unique_id == second


@covers("ScaleClient.cancel_task")
def test_a_task_that_somebody_works_on_is_not_cancelled(server: Server, live_client: Client) -> None:
    task = make_task(live_client)
    lease = server.claim(task.id)
    with pytest.raises(ScaleInvalidRequest):
        task.cancel()
    assert live_client.get_task(task.id).work_started is True
    server.call("POST", f"/api/work/{lease}/release")


@covers("ScaleClient.create_task", "ScaleClient.get_tasks")
def test_twenty_five_clients_at_once_create_each_task_once(
    server: Server, live_client: Client, fresh: Namer
) -> None:
    project = fresh("crowd")
    live_client.create_project(project, TaskType.ImageAnnotation)

    def create(n: int) -> str:
        # Every name is tried by two clients; one of them gets the task, the other the refusal that names it.
        try:
            return make_task(live_client, project=project, unique_id=f"{project}/{n % 50}").id
        except ScaleDuplicateResource as refused:
            return refused.message.rpartition("(")[2].rstrip(").")

    with ThreadPoolExecutor(25) as clients:
        ids = list(clients.map(create, range(100)))
    assert ids[:50] == ids[50:]
    listed = [task.id for task in live_client.get_tasks(project_name=project)]
    assert len(listed) == 50
    assert set(listed) == set(ids)


@covers("ScaleClient.audit_task", "Task.audit")
def test_audits_change_the_review_status_and_the_newest_counts(
    server: Server, live_client: Client, fresh: Namer
) -> None:
    project = fresh("audited")
    live_client.create_project(project, TaskType.ImageAnnotation)
    task = make_task(live_client, project=project)
    with pytest.raises(ScaleInvalidRequest):
        live_client.audit_task(task.id, True)
    server.complete(task.id, boxes("Baby Cow"))
    assert live_client.get_tasks_count(project, review_status=TaskReviewStatus.Pending) == 1

    live_client.audit_task(task.id, False, "The cow's tail is cut off")
    task.refresh()
    assert task.status == "completed"
    assert task.customer_review_status == "rejected"
    assert task.customer_review_comments == ["The cow's tail is cut off"]

    task.audit(True)
    task.refresh()
    assert task.customer_review_status == "accepted"
    assert [audit["audit_result"] for audit in task.audits] == ["accepted", "rejected"]
    either = [TaskReviewStatus.Accepted, TaskReviewStatus.Fixed]
    assert live_client.get_tasks_count(project, review_status=either) == 1
    assert live_client.get_tasks_count(project, review_status=TaskReviewStatus.Rejected) == 0


@covers("ScaleClient.update_task_unique_id", "Task.update_unique_id")
def test_a_unique_id_is_changed_and_the_old_one_becomes_free(live_client: Client, fresh: Namer) -> None:
    old, new, last = fresh("old"), fresh("new"), fresh("last")
    task = make_task(live_client, unique_id=old)
    assert live_client.update_task_unique_id(task.id, new).unique_id == new
    assert live_client.get_task(task.id).unique_id == new
    holder = make_task(live_client, unique_id=old)
    with pytest.raises(ScaleDuplicateResource) as refused:
        live_client.update_task_unique_id(task.id, old)
    assert (
        refused.value.message
        == f'The unique_id ("{old}") is already used for a different task ({holder.id}).'
    )
    task.update_unique_id(last)
    task.refresh()
    assert task.unique_id == last


@covers("ScaleClient.clear_task_unique_id", "Task.clear_unique_id")
def test_a_cleared_unique_id_is_absent_and_free(live_client: Client, fresh: Namer) -> None:
    name = fresh("cleared")
    task = make_task(live_client, unique_id=name)
    assert not hasattr(live_client.clear_task_unique_id(task.id), "unique_id")
    assert not hasattr(live_client.get_task(task.id), "unique_id")
    again = make_task(live_client, unique_id=name)
    again.clear_unique_id()
    again.refresh()
    assert not hasattr(again, "unique_id")


@covers("ScaleClient.set_task_metadata", "Task.set_metadata")
def test_metadata_is_replaced_as_a_whole_also_by_nothing(live_client: Client) -> None:
    task = make_task(live_client)
    assert task.metadata == {}
    assert live_client.set_task_metadata(task.id, {"a": 1, "b": [None]}).metadata == {"a": 1, "b": [None]}
    task.set_metadata({"c": "d"})
    task.refresh()
    assert task.metadata == {"c": "d"}
    assert live_client.set_task_metadata(task.id, {}).metadata == {}
    assert live_client.get_task(task.id).metadata == {}


@covers("ScaleClient.set_task_tags", "Task.set_tags")
def test_tags_are_set_also_to_none_at_all(live_client: Client) -> None:
    task = make_task(live_client)
    assert not hasattr(task, "tags")
    assert live_client.set_task_tags(task.id, ["c", "a"]).tags == ["c", "a"]
    task.set_tags(["x", "y", "z"])
    assert live_client.get_task(task.id).tags == ["x", "y", "z"]
    assert live_client.set_task_tags(task.id, []).tags == []
    assert live_client.get_task(task.id).tags == []


@covers("ScaleClient.add_task_tags", "Task.add_tags", "ScaleClient.delete_task_tags", "Task.delete_tags")
def test_tags_are_added_once_and_deleted_where_present(live_client: Client) -> None:
    task = make_task(live_client)
    assert live_client.add_task_tags(task.id, ["a", "b"]).tags == ["a", "b"]
    task.add_tags(["b", "c"])
    assert live_client.get_task(task.id).tags == ["a", "b", "c"]
    assert live_client.delete_task_tags(task.id, ["a", "absent"]).tags == ["b", "c"]
    task.delete_tags(["c"])
    assert live_client.get_task(task.id).tags == ["b"]
    with pytest.raises(ScaleInvalidRequest):
        task.add_tags(["", "d"])
    with pytest.raises(ScaleInvalidRequest):
        task.add_tags(["1", "2", "3", "4", "5"])
    assert live_client.get_task(task.id).tags == ["b"]


@covers("ScaleClient.tasks", "Tasklist", "Paginator")
def test_a_page_of_tasks_knows_the_total_and_the_next_page(live_client: Client, fresh: Namer) -> None:
    project = fresh("paged")
    live_client.create_project(project, TaskType.ImageAnnotation)
    made = [make_task(live_client, project=project).id for _ in range(5)]
    page = live_client.tasks(project=project, limit=2)
    assert [task.id for task in page] == made[:2:-1]
    assert (page.total, page.limit, page.offset, page.has_more) == (5, 2, 0, True)
    rest = live_client.tasks(project=project, limit=3, next_token=page.next_token)
    assert [task.id for task in rest.docs] == made[2::-1]
    assert rest.has_more is False
    assert rest.next_token is None
    with pytest.raises(ScaleInvalidRequest):
        live_client.tasks(project=project, limit=101)


@covers("ScaleClient.get_tasks", "ScaleClient.get_tasks_count")
def test_every_filter_of_the_generator_selects_what_it_says(
    server: Server, live_client: Client, fresh: Namer
) -> None:
    project, batch, first = fresh("filtered"), fresh("filtered batch"), fresh("file:///a,b.jpg")
    live_client.create_project(project, TaskType.ImageAnnotation)
    live_client.create_batch(project, batch)
    pending = make_task(live_client, project=project, batch=batch, unique_id=first, tags=["red"])
    done = make_task(live_client, project=project, tags=["red", "blue"])
    dropped = make_task(live_client, project=project)
    dropped.cancel()
    dropped.refresh()
    server.complete(done.id, boxes("Big Cow"))
    done.refresh()

    def found(**filters: object) -> list[str]:
        ids = [task.id for task in live_client.get_tasks(project_name=project, **filters)]
        assert live_client.get_tasks_count(project_name=project, **filters) == len(ids)
        return ids

    assert found() == [dropped.id, done.id, pending.id]
    assert found(batch_name=batch) == [pending.id]
    assert found(task_type=TaskType.ImageAnnotation) == [dropped.id, done.id, pending.id]
    assert found(task_type=TaskType.Categorization) == []
    assert found(status=TaskStatus.Pending) == [pending.id]
    assert found(status=TaskStatus.Completed) == [done.id]
    assert found(status=TaskStatus.Canceled) == [dropped.id]
    assert found(unique_id=first) == [pending.id]
    assert found(unique_id=[first, "another"]) == [pending.id]
    assert found(tags="blue") == [done.id]
    assert found(tags=["blue", "red"]) == [done.id, pending.id]
    assert found(created_after=done.created_at) == [dropped.id, done.id]
    assert found(created_before=done.created_at) == [done.id, pending.id]
    assert found(completed_after=done.completed_at) == [done.id]
    assert found(completed_before=done.created_at) == []
    # The worker, too, updates a task that waits: when it has fetched the attachment.
    assert set(found(updated_after=done.updated_at)) - {pending.id} == {done.id}
    assert set(found(updated_before=dropped.updated_at)) - {pending.id} == {dropped.id}
    assert found(include_attachment_url=False) == [dropped.id, done.id, pending.id]


@covers("ScaleClient.get_tasks")
def test_the_generator_follows_every_page_and_offers_the_short_form(
    live_client: Client, fresh: Namer
) -> None:
    project = fresh("long")
    live_client.create_project(project, TaskType.ImageAnnotation)
    made = [make_task(live_client, project=project, metadata={"n": n}).id for n in range(4)]
    everything = list(live_client.get_tasks(project_name=project, limit=1))
    assert [task.id for task in everything] == made[::-1]
    short = list(live_client.get_tasks(project_name=project, limited_response=True))
    assert [sorted(task.as_dict()) for task in short] == [
        ["metadata", "otherVersion", "project", "status", "task_id"]
    ] * 4
    assert [task.metadata["n"] for task in short] == [3, 2, 1, 0]


@covers("ScaleClient.get_tasks")
def test_attachment_urls_come_with_the_list_by_default(live_client: Client, fresh: Namer) -> None:
    project = fresh("attached")
    live_client.create_project(project, TaskType.ImageAnnotation)
    made = make_task(live_client, project=project)
    (with_urls,) = live_client.get_tasks(project_name=project)
    downloads = with_urls.attachmentS3Downloads
    assert [d["attachmentURL"] for d in downloads] == [made.params["attachment"]] * 2
    assert [d["isConvertedImage"] for d in downloads] == [False, True]
    (without,) = live_client.get_tasks(project_name=project, include_attachment_url=False)
    assert not hasattr(without, "attachmentS3Downloads")

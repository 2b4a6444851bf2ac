"""Content that nothing came to refer to is taken away, and nothing else, whoever stores the same at that moment."""

from __future__ import annotations

import asyncio

from steelyard.ctx import Ctx
from steelyard.files import sweep_blobs
from steelyard.jobs.specs import NoArgs
from steelyard.storage import Blob
from steelyard.storage.books import put_recorded
from steelyard.tasks import forget_answer_uploads
from tests.worker.helpers import make_space, make_task

_REFERENCES = {
    "file": "insert into file (space_id, id, state, sha256, created_at, updated_at) values ($1, $2, 'stored', $3, now(), now())",
    "attachment": "insert into attachment (space_id, task_id, ordinal, path, role, url, media, state, sha256) "
    "values ($1, $2, 0, 'attachment', 'attachment', 'u', 'any', 'stored', $3)",
    "result_file": "insert into result_file (space_id, task_id, id, token, name, sha256, content_type, created_at) "
    "values ($1, $2, $2, $2, 'n', $3, 'text/plain', now())",
    "answer_upload": "insert into answer_upload (space_id, id, task_id, member_id, sha256, size_bytes, content_type, created_at) "
    "select $1, $2, 't', id, $3, 1, 'text/plain', now() from member limit 1",
    "transfer": "insert into transfer (space_id, id, kind, options, sha256, created_by, created_at, updated_at) "
    "values ($1, $2, 'export', '{}', $3, 'a', now(), now())",
    "upload": "insert into upload (space_id, id, length, details, mime_type, kept, created_at, expires_at) "
    "values ($1, $2, 1, '{}', 'text/plain', $3, now(), now() + interval '1 day')",
    "derived": "insert into derived (source_sha256, sha256, detail, parts, size_bytes, made_at, used_at) "
    "select $2 || $1::bigint, $3, '{}', '{}', 1, now(), now()",
}


async def stored(ctx: Ctx, content: bytes) -> Blob:
    return await put_recorded(ctx.store, ctx.db, content, "text/plain")


async def aged(ctx: Ctx, *blobs: Blob) -> None:
    """Four days pass since they were promised."""
    await ctx.db.execute(
        "update blob set touched_at = touched_at - interval '4 days' where sha256 = any($1)",
        [b.sha256 for b in blobs],
    )


async def known(ctx: Ctx, blob: Blob) -> tuple[bool, bool]:
    """Whether the database and storage have it."""
    row = await ctx.db.fetchval("select count(*) from blob where sha256 = $1", blob.sha256)
    return row == 1, await ctx.store.exists(blob.sha256)


async def test_what_nothing_refers_to_is_removed_after_some_days_and_what_anything_refers_to_stays(
    ctx: Ctx,
) -> None:
    space = await make_space(ctx)
    columns = await ctx.db.fetch(
        "select table_name from information_schema.columns where table_schema = 'steelyard' and table_name <> 'blob' "
        "and data_type = 'text' and column_name in ('sha256', 'kept')"
    )
    assert {r[0] for r in columns} == set(_REFERENCES), "the sweep must regard every table that names content"
    kept = {table: await stored(ctx, table.encode()) for table in _REFERENCES}
    for n, (table, statement) in enumerate(_REFERENCES.items()):
        await ctx.db.execute(statement, space, f"r{n}", kept[table].sha256)
    lost, fresh = await stored(ctx, b"nobody's"), await stored(ctx, b"of just now")
    await aged(ctx, lost, *kept.values())

    await sweep_blobs(ctx, NoArgs())
    assert await known(ctx, lost) == (False, False)
    assert await known(ctx, fresh) == (True, True)
    for table, blob in kept.items():
        assert await known(ctx, blob) == (True, True), table
    looked_at = await ctx.db.fetchval("select count(*) from blob where touched_at is not null")
    assert looked_at == 1, "what something refers to is not looked at again"

    # A part of an answer that is forgotten may have been the only thing that referred to its content.
    await ctx.db.execute("update answer_upload set created_at = now() - interval '15 days'")
    assert await forget_answer_uploads(ctx.db) == 1
    await sweep_blobs(ctx, NoArgs())
    assert await known(ctx, kept["answer_upload"]) == (True, True), "somebody may just be taking it over"
    await aged(ctx, kept["answer_upload"])
    await sweep_blobs(ctx, NoArgs())
    assert await known(ctx, kept["answer_upload"]) == (False, False)


async def test_content_that_is_stored_while_its_like_is_removed_is_there_afterwards(ctx: Ctx) -> None:
    space = await make_space(ctx)
    task = await make_task(ctx, space)

    async def answer(n: int) -> Blob:
        blob = await stored(ctx, b"%d" % n)
        await ctx.db.execute(
            _REFERENCES["result_file"].replace("$2, $2, $2", "'" + task + "', $2, $2"),
            space,
            f"f{n}",
            blob.sha256,
        )
        return blob

    orphans = [await stored(ctx, b"%d" % n) for n in range(60)]
    await aged(ctx, *orphans)
    sweeps = [sweep_blobs(ctx, NoArgs()) for _ in range(3)]
    found = await asyncio.gather(*sweeps, *(answer(n) for n in range(60)))
    await sweep_blobs(ctx, NoArgs())
    assert [blob for blob in found if blob is not None] == orphans
    assert [await known(ctx, blob) for blob in orphans] == [(True, True)] * 60


async def test_whoever_stores_what_is_being_removed_waits_and_a_killed_sweep_is_gone_on_with(
    ctx: Ctx,
) -> None:
    blob = await stored(ctx, b"the same")
    await ctx.db.execute("update blob set removing_at = now() where sha256 = $1", blob.sha256)  # …and killed
    again = asyncio.create_task(stored(ctx, b"the same"))
    await asyncio.wait([again], timeout=0.1)
    assert not again.done()
    await sweep_blobs(ctx, NoArgs())
    assert await again == blob
    assert await known(ctx, blob) == (True, True)

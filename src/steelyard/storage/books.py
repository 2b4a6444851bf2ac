"""What storage holds, as the database knows it: noted before it is stored, so that content which nothing came to refer to can be found.

`touched_at` is when content was last promised, None once something was seen to refer to it; `removing_at` while it is taken away. Whoever
stores content first touches its row: what was touched lately is not taken away, and what is being taken away is waited for.
"""

from __future__ import annotations

import asyncio
import hashlib

from steelyard.db.pool import Executor
from steelyard.errors import Unavailable
from steelyard.storage import Blob, Spooled, Storage

_RECORD = """
insert into blob (sha256, size_bytes, mime_type, touched_at)
values ($1, $2, $3, steelyard.now())
on conflict (sha256) do update
set touched_at = case when blob.removing_at is null then excluded.touched_at else blob.touched_at end
where blob.removing_at is not null or blob.touched_at < steelyard.now() - interval '1 hour'
returning removing_at is not null
"""
_WAITS_S = (0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2)


async def record_blob(on: Executor, blob: Blob, mime_type: str) -> None:
    """Notes that storage is about to hold this object; the first one's MIME type stays. Raises Unavailable when its removal does not end."""
    for wait_s in (*_WAITS_S, None):
        if not await on.fetchval(_RECORD, blob.sha256, blob.size_bytes, mime_type):
            return
        if wait_s is not None:
            await asyncio.sleep(wait_s)
    raise Unavailable("An equal file is just being removed; try again.", headers={"Retry-After": "5"})


async def keep_recorded(store: Storage, on: Executor, spooled: Spooled, mime_type: str) -> Blob:
    """Notes and stores a spooled file."""
    await record_blob(on, Blob(spooled.sha256, spooled.size_bytes), mime_type)
    return await store.keep(spooled)


async def put_recorded(store: Storage, on: Executor, content: bytes, mime_type: str) -> Blob:
    """Notes and stores bytes."""
    await record_blob(on, Blob(hashlib.sha256(content).hexdigest(), len(content)), mime_type)
    return await store.put(content)

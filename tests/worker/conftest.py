"""A `ctx` on a database whose time tests can move (`helpers.shift`)."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from steelyard.app import build_ctx, close_ctx
from steelyard.clock import ShiftedClock
from steelyard.ctx import Ctx
from steelyard.db.pool import Database
from steelyard.settings import Settings

_MOVABLE_TIME = """
create table steelyard.clock_offset (by interval not null);
insert into steelyard.clock_offset values ('0');
create or replace function steelyard.now() returns timestamptz language sql stable parallel safe
return date_trunc('milliseconds', statement_timestamp()) + (select by from steelyard.clock_offset);
"""


@pytest.fixture
async def ctx(dsn: str, tmp_path: Path) -> AsyncGenerator[Ctx]:
    """A process's parts; attachments are retried after hundredths of a second."""
    settings = Settings(
        data_dir=tmp_path,
        database_url=dsn,
        db_pool_size=6,
        public_url="http://steelyard.test",
        allow_networks=("127.0.0.0/8", "::1/128"),
        attachment_retry_seconds=0.01,
        attachment_timeout_seconds=3,
    )
    db = await Database.open(dsn, size=1)
    await db.execute(_MOVABLE_TIME)
    await db.close()
    built = await build_ctx(settings)
    built.clock = ShiftedClock()
    yield built
    await close_ctx(built)

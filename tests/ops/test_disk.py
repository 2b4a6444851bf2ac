"""What commits need not wait for: log segments that lie ready, table files that are written in small portions."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from pathlib import Path

import asyncpg
import pytest

from steelyard.db import pgdisk
from steelyard.db.datadir import dsn_of, passwords_of
from steelyard.db.embedded import EmbeddedPostgres

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="sync_file_range is Linux's")


def segments(data: Path) -> set[str]:
    return {path.name for path in (data / "pg_wal").iterdir() if len(path.name) == 24}


async def test_a_burst_of_writing_needs_no_new_log_segment_once_they_were_made(tmp_path):
    server = EmbeddedPostgres(tmp_path, durable=False)
    await server.start()
    data = server.home / "data"
    superuser = dsn_of(
        "postgres", passwords_of(tmp_path, create=False)["postgres"], "postgres", server.home / "run"
    )
    try:
        # as many as this cluster, which is not durable, is set to keep
        assert await pgdisk.make_segments(superuser, data) == 4
        ready = segments(data)
        assert len(ready) == 5
        connection = await asyncpg.connect(superuser)
        try:
            for _ in range(3):  # three segments of 16 MiB
                await connection.execute(
                    "select pg_logical_emit_message(false, 'test', repeat('x', 4 * 1024 * 1024)) from generate_series(1, 4)"
                )
            assert segments(data) == ready
        finally:
            await connection.close()
        assert await pgdisk.make_segments(superuser, data) == 0
    finally:
        await server.stop()


async def test_no_segments_are_made_ahead_on_a_disk_with_little_room(tmp_path, monkeypatch):
    (tmp_path / "pg_wal").mkdir()
    room = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: room._replace(free=4 * 1024**3))
    assert await pgdisk.make_segments("postgresql://nobody", tmp_path) == 0


@linux_only
async def test_every_file_that_changed_is_written_back_once(tmp_path):
    for name in ("base/1/100", "base/1/101", "base/2/100"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x" * 8192)
    back = pgdisk.WriteBack(tmp_path)
    assert [back.once(), back.once()] == [3, 0]
    os.utime(tmp_path / "base/1/101", (1, 1))
    (tmp_path / "base/2/100").unlink()
    assert [back.once(), back.once()] == [1, 0]


@linux_only
async def test_what_the_system_holds_back_is_looked_at_again_and_again(tmp_path, monkeypatch):
    (tmp_path / "base/1").mkdir(parents=True)
    (tmp_path / "base/1/100").write_bytes(b"x")
    monkeypatch.setattr(pgdisk, "_LOOK_EVERY_S", (0.01, 0.02))
    monkeypatch.setattr(pgdisk, "_DIRTY_KIB", -1)
    back = pgdisk.WriteBack(tmp_path)
    running = asyncio.create_task(back.run())
    async with asyncio.timeout(10):
        while not back._seen:
            await asyncio.sleep(0.01)
        (tmp_path / "base/1/101").write_bytes(b"x")
        while len(back._seen) == 1:
            await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert back.once() == 0

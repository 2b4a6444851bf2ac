"""A `ctx` on a database whose time tests can move (`helpers.shift`), and a real S3 server."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Generator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config
from moto.server import ThreadedMotoServer

from steelyard.app import build_ctx, close_ctx
from steelyard.clock import ShiftedClock
from steelyard.cpu import CpuPool
from steelyard.ctx import Ctx
from steelyard.db.pool import Database
from steelyard.settings import Settings
from tests.conftest import sharing

_MOVABLE_TIME = """
create table steelyard.clock_offset (by interval not null);
insert into steelyard.clock_offset values ('0');
create or replace function steelyard.now() returns timestamptz language sql stable parallel safe
return date_trunc('milliseconds', statement_timestamp()) + (select by from steelyard.clock_offset);
"""


@pytest.fixture
async def ctx(dsn: str, tmp_path: Path, pools: tuple[CpuPool, CpuPool]) -> AsyncGenerator[Ctx]:
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
    with sharing(built, pools):
        yield built
    await close_ctx(built)


@dataclass(frozen=True)
class S3:
    """A real S3 server and who may write there."""

    endpoint: str
    key: str
    secret: str

    def bucket(self, name: str) -> None:
        """Makes a bucket unless it is there."""
        client = boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=self.key,
            aws_secret_access_key=self.secret,
            region_name="us-east-1",
            config=Config(s3={"addressing_style": "path"}),
        )
        client.create_bucket(Bucket=name)

    @property
    def options(self) -> dict[str, str]:
        """What obstore, and so an entry of STEELYARD_CLOUD_STORES, needs to know."""
        return {
            "endpoint": self.endpoint,
            "access_key_id": self.key,
            "secret_access_key": self.secret,
            "region": "us-east-1",
        }

    def set_environment(self, monkeypatch: pytest.MonkeyPatch, endpoint: str | None = None) -> None:
        """As an operator does it: the store's own variables beside STEELYARD_STORAGE_URL."""
        for name, value in {
            "AWS_ENDPOINT": endpoint or self.endpoint,
            "AWS_ALLOW_HTTP": "true",
            "AWS_ACCESS_KEY_ID": self.key,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_REGION": "us-east-1",
        }.items():
            monkeypatch.setenv(name, value)


@pytest.fixture(scope="session")
def s3() -> Generator[S3]:
    """moto's server, or the one that STEELYARD_TEST_S3=http://KEY:SECRET@HOST:PORT names (`scripts/with-ceph` starts one)."""
    named = urlsplit(os.environ.get("STEELYARD_TEST_S3", ""))
    if named.hostname:
        endpoint = f"{named.scheme}://{named.hostname}:{named.port}"
        yield S3(endpoint, named.username or "", named.password or "")
        return
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield S3(f"http://{host}:{port}", "writer", "secret-of-the-writer")
    server.stop()

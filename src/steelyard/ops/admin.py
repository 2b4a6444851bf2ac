"""Accounts, members and API keys from the command line: the same verbs as everywhere, on a database that may have to be started."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import msgspec

from steelyard.ctx import Ctx
from steelyard.db import embedded
from steelyard.db.migrate import migrate
from steelyard.settings import Settings

Say = Callable[[str], None]


@asynccontextmanager
async def opened(settings: Settings, say: Say) -> AsyncGenerator[Ctx]:
    """A `Ctx` on the installation's database, which is started for as long as we need it unless it runs."""
    from steelyard.app import open_ctx

    async with embedded.database(settings, say) as dsn:
        await migrate(dsn, progress=say)
        small = msgspec.structs.replace(settings, database_url=dsn, db_pool_size=2)
        async with open_ctx(small) as ctx:
            yield ctx

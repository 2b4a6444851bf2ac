"""Who works, and what the tests do as customer and as operator."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from steelyard.ctx import Ctx
from tests.api.answering import Bench
from tests.api.desk import Desk
from tests.api.target import Target


@pytest.fixture
def desk(ctx, live):
    return Desk(ctx, live)


@pytest.fixture
def labeler(keys, client_for):
    return client_for(keys.labeler_live)


@pytest.fixture
def manager(keys, client_for):
    return client_for(keys.manager_live)


@pytest.fixture
def bench(ctx: Ctx, live: httpx.AsyncClient, client_for: Any) -> Bench:
    return Bench(ctx, live, client_for(None))


@pytest.fixture
async def target(ctx: Ctx, live: httpx.AsyncClient, test: httpx.AsyncClient) -> Target:
    made = Target(ctx, live)
    await made.furnish(test)
    return made

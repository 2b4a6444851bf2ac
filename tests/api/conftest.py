"""Who works, and what the tests do as customer and as operator."""

from __future__ import annotations

import pytest

from tests.api.desk import Desk


@pytest.fixture
def desk(ctx, live):
    return Desk(ctx, live)


@pytest.fixture
def labeler(keys, client_for):
    return client_for(keys.labeler_live)


@pytest.fixture
def manager(keys, client_for):
    return client_for(keys.manager_live)

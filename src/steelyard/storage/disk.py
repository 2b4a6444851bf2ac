"""Failures of the local disk."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from steelyard.errors import Unavailable


@contextmanager
def disk() -> Generator[None]:
    """A full or failing disk is the store's unavailability, not the caller's mistake."""
    try:
        yield
    except OSError as e:
        raise Unavailable(f"The file store cannot be written: {e.strerror or 'disk error'}.") from e

"""The pool, and the only place where the driver's exceptions are seen.

Connections carry no session state from one use to the next (no SET, no LISTEN, no temporary tables), so the pool's reset query is
switched off; measured, that is worth a third of the throughput of short requests.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Protocol, TypeVar

import asyncpg

from steelyard.errors import InvalidRequest, SteelyardError, Unavailable

T = TypeVar("T")


class ConstraintBroken(SteelyardError):
    """A named constraint refused a write. Verbs turn the ones they expect into domain errors by `constraint`."""

    status, code = 409, "constraint"

    def __init__(self, constraint: str):
        super().__init__("The change conflicts with an existing object.")
        self.constraint = constraint


class RetryTransaction(SteelyardError):
    """A deadlock, serialization failure or lock timeout: nothing was written, the same call may succeed again."""

    status, code = 503, "retry"


class Executor(Protocol):
    """What a query needs: the pool or an open transaction."""

    async def fetch(self, sql: str, *args: Any) -> list[Any]: ...
    async def fetchrow(self, sql: str, *args: Any) -> Any: ...
    async def fetchval(self, sql: str, *args: Any) -> Any: ...
    async def execute(self, sql: str, *args: Any) -> str: ...


@contextmanager
def translated() -> Generator[None]:
    """Driver exceptions → the error family. What stays untranslated is a programmer's mistake and becomes a 500."""
    try:
        yield
    except asyncpg.IntegrityConstraintViolationError as e:
        raise ConstraintBroken(getattr(e, "constraint_name", None) or "") from e
    except (asyncpg.DeadlockDetectedError, asyncpg.SerializationError, asyncpg.LockNotAvailableError) as e:
        raise RetryTransaction("The database is busy with a conflicting change; try again.") from e
    except (
        asyncpg.CharacterNotInRepertoireError,
        asyncpg.UntranslatableCharacterError,
        asyncpg.StatementTooComplexError,
        asyncpg.ProgramLimitExceededError,
        asyncpg.InvalidTextRepresentationError,
        asyncpg.DatetimeFieldOverflowError,
    ) as e:
        raise InvalidRequest(
            "The request holds a value that cannot be stored: " + str(e).split("\n")[0]
        ) from e
    except (
        asyncpg.PostgresConnectionError,
        asyncpg.CannotConnectNowError,
        asyncpg.TooManyConnectionsError,
        asyncpg.AdminShutdownError,
        asyncpg.CrashShutdownError,
        asyncpg.InterfaceError,
        ConnectionError,
        TimeoutError,
        OSError,
    ) as e:
        raise Unavailable("The database cannot be reached right now.", headers={"Retry-After": "1"}) from e


class _Connection(asyncpg.Connection):  # pyright: ignore[reportMissingTypeArgument]
    def get_reset_query(self) -> str:
        return ""


class Tx:
    """One open transaction; the executor to pass to queries inside it."""

    def __init__(self, connection: Any):
        self._c = connection

    async def fetch(self, sql: str, *args: Any) -> list[Any]:
        with translated():
            return await self._c.fetch(sql, *args)

    async def fetchrow(self, sql: str, *args: Any) -> Any:
        with translated():
            return await self._c.fetchrow(sql, *args)

    async def fetchval(self, sql: str, *args: Any) -> Any:
        with translated():
            return await self._c.fetchval(sql, *args)

    async def execute(self, sql: str, *args: Any) -> str:
        with translated():
            return await self._c.execute(sql, *args)


class Database:
    """The pool of one process. Also an executor: each call is then its own transaction."""

    def __init__(self, pool: Any):
        self._pool = pool

    @classmethod
    async def open(
        cls, dsn: str, *, size: int = 10, statement_timeout_ms: int = 60_000, lock_timeout_ms: int = 0
    ) -> Database:
        """Connects; raises Unavailable when the database cannot be reached."""
        with translated():
            pool = await asyncpg.create_pool(
                dsn,
                min_size=min(2, size),
                max_size=size,
                connection_class=_Connection,
                max_inactive_connection_lifetime=0,
                command_timeout=120,
                server_settings={
                    "search_path": "steelyard",
                    "jit": "off",
                    "timezone": "UTC",
                    "statement_timeout": str(statement_timeout_ms),
                    "lock_timeout": str(lock_timeout_ms),
                    "idle_in_transaction_session_timeout": "60000",
                    "application_name": "steelyard",
                },
            )
        return cls(pool)

    async def close(self) -> None:
        """Waits for queries in flight, then disconnects."""
        try:
            await asyncio.wait_for(self._pool.close(), timeout=10)
        except TimeoutError:
            self._pool.terminate()

    async def fetch(self, sql: str, *args: Any) -> list[Any]:
        with translated():
            return await self._pool.fetch(sql, *args)

    async def fetchrow(self, sql: str, *args: Any) -> Any:
        with translated():
            return await self._pool.fetchrow(sql, *args)

    async def fetchval(self, sql: str, *args: Any) -> Any:
        with translated():
            return await self._pool.fetchval(sql, *args)

    async def execute(self, sql: str, *args: Any) -> str:
        with translated():
            return await self._pool.execute(sql, *args)

    async def executemany(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        with translated():
            await self._pool.executemany(sql, rows)

    @asynccontextmanager
    async def tx(self) -> AsyncGenerator[Tx]:
        """One transaction, read committed. Only in verbs; never await network or storage inside it."""
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                yield Tx(connection)

    async def transact(self, work: Callable[[Tx], Awaitable[T]], *, tries: int = 5) -> T:
        """Runs `work` in a transaction, again after a deadlock or serialization failure."""
        for attempt in range(tries):
            try:
                async with self.tx() as tx:
                    return await work(tx)
            except RetryTransaction:
                if attempt == tries - 1:
                    raise
                await asyncio.sleep(0.005 * 2**attempt)
        raise AssertionError("unreachable")

"""The pool, and the only place where the driver's exceptions are seen.

Connections carry no session state from one use to the next (no SET, no LISTEN, no temporary tables), so the pool's reset query is
switched off, and a connection that did its work is kept at hand instead of being given back to the driver's pool, whose bookkeeping
(a task, a shield and a proxy for each use) costs as much as a short statement. What each is worth: docs/performance.md.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Literal, Protocol, TypeVar

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


def _translate(e: BaseException) -> SteelyardError | None:
    if isinstance(e, asyncpg.IntegrityConstraintViolationError):
        return ConstraintBroken(getattr(e, "constraint_name", None) or "")
    if isinstance(e, _RETRY):
        return RetryTransaction("The database is busy with a conflicting change; try again.")
    if isinstance(e, _BAD_VALUE):
        return InvalidRequest("The request holds a value that cannot be stored: " + str(e).split("\n")[0])
    if isinstance(e, asyncpg.DataError) and isinstance(e.__cause__, ValueError | OverflowError):
        return InvalidRequest("The request holds a value that cannot be stored.")  # refused by the driver
    if isinstance(e, _UNREACHABLE):
        return Unavailable("The database cannot be reached right now.", headers={"Retry-After": "1"})
    return None


_RETRY = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError, asyncpg.LockNotAvailableError)
_BAD_VALUE = (
    asyncpg.CharacterNotInRepertoireError,
    asyncpg.UntranslatableCharacterError,
    asyncpg.StatementTooComplexError,
    asyncpg.ProgramLimitExceededError,
    asyncpg.InvalidTextRepresentationError,
    asyncpg.DatetimeFieldOverflowError,
    asyncpg.NumericValueOutOfRangeError,
)
_UNREACHABLE = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # shut down, crashed, or the statement took too long
    asyncpg.InsufficientResourcesError,
    asyncpg.InterfaceError,
    asyncpg.InvalidAuthorizationSpecificationError,  # password or access rules changed while we run
    asyncpg.InvalidCatalogNameError,
    asyncpg.ReadOnlySQLTransactionError,  # the server has become a standby
    asyncpg.InternalClientError,  # a dying server said so on an idle connection that is not closed yet
    ConnectionError,
    TimeoutError,
    OSError,
)


_NOTHING_SENT = ("cannot switch to state ", "not connected", "connection is closed", "has been released back")
"""How the driver refuses a statement before its first byte: the server said goodbye while nobody used the connection."""


def _is_stale(e: BaseException) -> bool:
    """Whether the connection was dead already, so that the same statement may go to another one: none of it was sent."""
    refused = isinstance(e, asyncpg.InternalClientError | asyncpg.InterfaceError)
    return refused and any(words in str(e) for words in _NOTHING_SENT)


@contextmanager
def translated() -> Generator[None]:
    """Driver exceptions → the error family. What stays untranslated is a programmer's mistake and becomes a 500."""
    try:
        yield
    except Exception as e:
        known = _translate(e)
        if known is None:
            raise
        raise known from e


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


def _is_lost(connection: Any) -> bool:
    """Whether a connection of the driver's pool has ended; one that was lost has been taken away from us and refuses even the question."""
    try:
        return connection.is_closed()
    except asyncpg.InterfaceError:
        return True


async def _begin(connection: Any) -> Any:
    transaction = connection.transaction()
    await transaction.start()
    return transaction


class Database:
    """The pool of one process. Also an executor: each call is then its own transaction."""

    def __init__(self, pool: Any, size: int):
        self._pool, self._size = pool, size
        self._held = 0  # taken from the driver's pool: idle ones and those at work
        self._idle: list[Any] = []  # the one used last goes first: its caches are warm
        self._waiting: deque[asyncio.Future[Any]] = deque()
        self._closing = False

    @classmethod
    async def open(
        cls,
        dsn: str,
        *,
        size: int = 10,
        statement_timeout_ms: int = 60_000,
        lock_timeout_ms: int = 0,
        plan_cache_mode: Literal["auto", "force_generic_plan"] = "auto",
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
                    "plan_cache_mode": plan_cache_mode,
                    "timezone": "UTC",
                    "statement_timeout": str(statement_timeout_ms),
                    "lock_timeout": str(lock_timeout_ms),
                    "idle_in_transaction_session_timeout": "60000",
                    "application_name": "steelyard",
                },
            )
        return cls(pool, size)

    async def close(self) -> None:
        """Waits for queries in flight, then disconnects."""
        self._closing = True
        idle, self._idle = self._idle, []
        for connection in idle:
            await self._discard(connection)
        try:
            await asyncio.wait_for(self._pool.close(), timeout=10)
        except TimeoutError:
            self._pool.terminate()

    async def _take(self) -> Any:
        while not self._closing:
            while self._idle:
                connection = self._idle.pop()
                if not _is_lost(connection):
                    return connection
                await self._discard(connection)
            if self._held < self._size:
                break
            waiter: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
            self._waiting.append(waiter)
            try:
                connection = await waiter
            except asyncio.CancelledError:
                if waiter.done() and not waiter.cancelled():  # given to us at the moment of the cancellation
                    self._pass_on(waiter.result())
                raise
            if connection is not None:
                return connection
        self._held += 1
        try:
            return await self._pool.acquire()
        except BaseException:
            self._held -= 1
            self._wake(None)
            raise

    def _give(self, connection: Any) -> None:
        if not self._wake(connection):
            self._idle.append(connection)

    def _pass_on(self, connection: Any) -> None:
        if connection is None:
            self._wake(None)
        else:
            self._give(connection)

    def _wake(self, connection: Any) -> bool:
        """Hands a connection, or None for the permission to open one, to who waits longest."""
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                return True
        return False

    async def _discard(self, connection: Any) -> None:
        """Back to the driver's pool, which ends what is still running on it and replaces it if it is broken."""
        self._held -= 1
        self._wake(None)
        await self._pool.release(connection)

    async def _put_back(self, connection: Any, failure: BaseException | None) -> None:
        """After a use. Only a statement's own failure leaves a connection that can be used again."""
        unharmed = failure is None or isinstance(failure, SteelyardError | asyncpg.PostgresError)
        if isinstance(failure, _UNREACHABLE) or _is_lost(connection) or connection.is_in_transaction():
            unharmed = False
        if unharmed and not self._closing:
            self._give(connection)
            return
        if failure is not None and _is_stale(failure) and not _is_lost(connection):
            connection.terminate()  # its end has not arrived yet; the driver's pool would hand it out again
        await self._discard(connection)

    async def _on_a_live_one(self, use: Callable[[Any], Awaitable[T]]) -> tuple[Any, T]:
        """A connection and what `use` made of it. Idle ones may all have died: each is tried at most once, then a new one."""
        left = self._size
        while True:
            connection = await self._take()
            try:
                return connection, await use(connection)
            except BaseException as e:
                await self._put_back(connection, e)
                # A begin that was lost has changed nothing either.
                lost = use is _begin and isinstance(
                    e, asyncpg.PostgresConnectionError | asyncpg.AdminShutdownError
                )
                if left == 0 or self._closing or not (lost or _is_stale(e)):
                    raise
                left -= 1

    async def _run(self, method: str, sql: str, args: Sequence[Any]) -> Any:
        try:
            connection, result = await self._on_a_live_one(lambda c: getattr(c, method)(sql, *args))
        except Exception as e:
            known = _translate(e)
            if known is None:
                raise
            raise known from e
        if self._closing:
            await self._discard(connection)
        else:
            self._give(connection)
        return result

    async def fetch(self, sql: str, *args: Any) -> list[Any]:
        return await self._run("fetch", sql, args)

    async def fetchrow(self, sql: str, *args: Any) -> Any:
        return await self._run("fetchrow", sql, args)

    async def fetchval(self, sql: str, *args: Any) -> Any:
        return await self._run("fetchval", sql, args)

    async def execute(self, sql: str, *args: Any) -> str:
        return await self._run("execute", sql, args)

    async def executemany(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        await self._run("executemany", sql, (rows,))

    @asynccontextmanager
    async def tx(self) -> AsyncGenerator[Tx]:
        """One transaction, read committed. Only in verbs; never await network or storage inside it."""
        with translated():
            connection, transaction = await self._on_a_live_one(_begin)
            failure: BaseException | None = None
            try:
                try:
                    yield Tx(connection)
                except BaseException:
                    await transaction.rollback()
                    raise
                await transaction.commit()
            except BaseException as e:
                failure = e
                raise
            finally:
                await self._put_back(connection, failure)

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

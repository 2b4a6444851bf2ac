"""The files of the data folder that every process on it knows: where it is, its passwords, the server's address."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import tempfile
from pathlib import Path
from urllib.parse import quote

import asyncpg

from steelyard.db.pgbinaries import DatabaseError

ROLE = "steelyard"
DATABASE = "steelyard"


def make_data_dir(data_dir: Path) -> None:
    """Create the data folder (mode 0700) unless it exists, and see that we can write there."""
    try:
        if not data_dir.exists():
            data_dir.parent.mkdir(parents=True, exist_ok=True)
            data_dir.mkdir(mode=0o700, exist_ok=True)
        with tempfile.TemporaryFile(dir=data_dir):
            pass
    except OSError as error:
        raise DatabaseError(
            f"Cannot write to the data folder {data_dir}: {error.strerror}. Make it writable for user id {os.geteuid()}, "
            "or choose another with --data-dir or STEELYARD_DATA_DIR."
        ) from None


def out_of_reach(error: PermissionError) -> str:
    """What to say when a file or folder is another user's."""
    return (
        f"{error.filename} is out of reach for user id {os.geteuid()}: use this command as the user that Steelyard runs as, or "
        "choose another data folder with --data-dir or STEELYARD_DATA_DIR."
    )


def write_private(path: Path, text: str) -> None:
    """Replace a file's content at once, mode 0600."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mkstemp: mode 0600
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    Path(name).replace(path)


def passwords_of(data_dir: Path, *, create: bool) -> dict[str, str]:
    path = data_dir / "database-secret.json"
    if create and not path.exists():
        write_private(path, json.dumps({"postgres": secrets.token_hex(24), ROLE: secrets.token_hex(24)}))
    try:
        found = json.loads(path.read_text())
        return {role: found[role] for role in ("postgres", ROLE)}
    except (ValueError, LookupError, TypeError):
        raise DatabaseError(
            f"{path} is damaged: it should hold the passwords of the database beside it. Put it back from a copy of the "
            "data folder, or restore a backup into an empty one."
        ) from None
    except FileNotFoundError:
        raise DatabaseError(
            f"{path} is missing: it holds the passwords of the database beside it. Put it back from a copy of the data "
            "folder, or restore a backup into an empty one."
        ) from None


def dsn_of(role: str, password: str, database_name: str, socket_dir: Path) -> str:
    return f"postgresql://{role}:{password}@/{database_name}?host={quote(str(socket_dir), safe='')}&port=5432"


async def answers(dsn: str) -> bool:
    """Whether a query is answered. Raises `DatabaseError` when the server refuses our password."""
    try:
        connection = await asyncpg.connect(dsn, timeout=10)
    except (OSError, TimeoutError, asyncpg.CannotConnectNowError, asyncpg.ConnectionDoesNotExistError):
        return False
    except asyncpg.InvalidPasswordError:
        raise DatabaseError("The database refuses the password in database-secret.json.") from None
    except asyncpg.TooManyConnectionsError:
        return True
    except (asyncpg.InvalidCatalogNameError, asyncpg.InvalidAuthorizationSpecificationError):
        return False  # the first start has not come to creating our role and database yet
    try:
        return await connection.fetchval("select 1") == 1
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False
    finally:
        with contextlib.suppress(OSError, TimeoutError, asyncpg.InterfaceError):
            await connection.close(timeout=5)

"""A PostgreSQL that somebody else runs (`STEELYARD_DATABASE_URL`): whether we can work with it, and if not, in words why."""

from __future__ import annotations

import ssl

import asyncpg

from steelyard.db.pgbinaries import MAJOR, DatabaseError

_WAIT_S = 30
_ENCODED = (
    "Characters such as @ : / % in user or password are written percent-encoded there: %40 %3A %2F %25."
)
_ABOUT = """
select pg_encoding_to_char(encoding) as encoding, pg_is_in_recovery() as standby, current_database() as database,
       current_user as role, has_database_privilege(current_database(), 'CREATE') as may_create,
       (select pg_get_userbyid(nspowner) from pg_namespace where nspname = 'steelyard') as owner,
       coalesce((select pg_has_role(nspowner, 'USAGE') from pg_namespace where nspname = 'steelyard'), true) as owns
from pg_database where datname = current_database()
"""


async def see_to(dsn: str) -> None:
    """Raises `DatabaseError`, which says what to mend, unless the database answers and is one that we can work with."""
    try:
        connection = await asyncpg.connect(dsn, timeout=_WAIT_S)
    except Exception as error:
        said = _refusal(error)
        if said is None:
            raise
        raise DatabaseError(f"STEELYARD_DATABASE_URL: {said}") from None
    try:
        version = connection.get_server_version()
        about = await connection.fetchrow(_ABOUT)
    finally:
        await connection.close(timeout=5)
    if version.major < MAJOR:
        raise DatabaseError(
            f"STEELYARD_DATABASE_URL: the server is PostgreSQL {version.major}; Steelyard needs {MAJOR} or newer."
        )
    assert about is not None
    if said := _unfit(about):
        raise DatabaseError(f"STEELYARD_DATABASE_URL: {said}")


def _unfit(about: asyncpg.Record) -> str | None:
    database, role = about["database"], about["role"]
    if about["encoding"] != "UTF8":
        return (
            f"the database “{database}” has the encoding {about['encoding']}; Steelyard needs UTF8. Make another one: "
            f"create database NAME owner {role} encoding 'UTF8' template template0"
        )
    if about["standby"]:
        return "the server is a standby, which takes no writes; name the primary."
    if not about["owns"]:
        return (
            f"the schema steelyard in “{database}” belongs to {about['owner']}, not to {role}: connect as {about['owner']}, or "
            f"give it away (alter schema steelyard owner to {role}, and its tables too)."
        )
    if about["owner"] is None and not about["may_create"]:
        return (
            f"{role} may not create a schema in “{database}”: grant create on database {database} to {role}"
        )
    return None


def _refusal(error: Exception) -> str | None:
    """Why no connection came about; None for what is no operator's affair. Never a part of the password."""
    match error:
        case asyncpg.InvalidAuthorizationSpecificationError():
            return f"the server refuses us: {error}. {_ENCODED}"
        case asyncpg.InvalidCatalogNameError():
            return f"{error}. Create it: create database NAME owner ROLE encoding 'UTF8' template template0"
        case asyncpg.PostgresError():
            return f"the server refuses us: {error}."
        case asyncpg.InterfaceError():
            return f"the address cannot be used: {error}."
        case TimeoutError():
            return f"the server does not answer within {_WAIT_S} seconds."
        case ssl.SSLCertVerificationError():
            return (
                f"the server's certificate is not trusted: {error.verify_message}. Name the authority that signed it by "
                "sslrootcert=/path/of/ca.pem in the address."
            )
        case OSError():
            return f"the database cannot be reached: {error}."
        case ValueError():
            return f"it is not the address of a database. {_ENCODED}"
        case _:
            return None

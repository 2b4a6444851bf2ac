"""The `steelyard` command. Settings come from `STEELYARD_*` and from flags, which win; each verb's work is in `ops/`."""

from __future__ import annotations

import asyncio
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from cyclopts import App, Parameter

from steelyard import __version__
from steelyard.db.pgbinaries import DatabaseError
from steelyard.errors import SteelyardError
from steelyard.settings import Settings, SettingsError

DataDir = Annotated[
    Path | None, Parameter(name="--data-dir", help="The data folder [STEELYARD_DATA_DIR, .steelyard]")
]
AsJson = Annotated[bool, Parameter(name="--json", negative="", help="Print JSON")]
Hidden = Parameter(show=False)

app = App(
    name="steelyard",
    version=__version__,
    help="Self-hosted data labeling that speaks Scale AI's API. Begin with `steelyard up`.",
    help_format="markdown",
)
accounts = App(
    name="accounts", help="Create and list accounts: customers of this installation, closed to each other."
)
keys = App(name="keys", help="Create, list and revoke API keys.")
users = App(name="users", help="Create people who log in.")
app.command(accounts)
app.command(keys)
app.command(users)


@app.command
def up(
    *,
    host: str | None = None,
    port: int | None = None,
    data_dir: DataDir = None,
    workers: int | None = None,
) -> None:
    """Run everything: database, migrations, HTTP servers and a worker.

    The first run creates an admin and one live and one test API key, shows them, and keeps them in `first-run.txt` in
    the data folder. Ctrl-C finishes what is in flight, then stops.

    Example: `steelyard up --port 9000 --data-dir /srv/steelyard`

    Parameters
    ----------
    host
        Address to listen on; 0.0.0.0 for every interface [STEELYARD_HOST, 127.0.0.1].
    port
        Port to listen on; 0 takes any free one [STEELYARD_PORT, 8000].
    workers
        HTTP server processes [STEELYARD_WORKERS, one per processor, at most two].
    """
    from steelyard.ops import up as ops

    settings = Settings.from_env(host=host, port=port, data_dir=data_dir, workers=workers)
    asyncio.run(ops.up(settings, say))


@app.command
def serve(
    *,
    host: str | None = None,
    port: int | None = None,
    data_dir: DataDir = None,
    workers: int | None = None,
    listen_fd: Annotated[int | None, Hidden] = None,
    parent: Annotated[int | None, Hidden] = None,
) -> None:
    """Run only the HTTP servers, on a database that runs elsewhere.

    Example: `STEELYARD_DATABASE_URL=postgresql://steelyard:secret@db/steelyard steelyard serve --host 0.0.0.0`

    Parameters
    ----------
    host
        Address to listen on [STEELYARD_HOST, 127.0.0.1].
    port
        Port to listen on [STEELYARD_PORT, 8000].
    workers
        Server processes [STEELYARD_WORKERS, one per processor, at most two].
    """
    settings = Settings.from_env(host=host, port=port, data_dir=data_dir, workers=workers)
    if listen_fd is not None:
        from steelyard.ops.serving import run_server

        run_server(settings, listen_fd, parent)
        return
    from steelyard.ops import up as ops

    asyncio.run(ops.serve(settings, say))


@app.command
def worker(*, data_dir: DataDir = None, parent: Annotated[int | None, Hidden] = None) -> None:
    """Run only a worker, which does jobs: callbacks, attachments, periodic work. Any number may run.

    Example: `STEELYARD_DATABASE_URL=postgresql://steelyard:secret@db/steelyard steelyard worker`
    """
    from steelyard.ops import up as ops
    from steelyard.ops.serving import run_worker

    settings = Settings.from_env(data_dir=data_dir)
    if parent is None:
        settings = asyncio.run(ops.with_database(settings))
    run_worker(settings, parent)


@app.command
def migrate(*, data_dir: DataDir = None) -> None:
    """Bring the database to this version's schema. `steelyard up` does so by itself.

    Example: `STEELYARD_DATABASE_URL=postgresql://steelyard:secret@db/steelyard steelyard migrate`
    """
    from steelyard.db import embedded
    from steelyard.db.migrate import migrate as apply

    settings = Settings.from_env(data_dir=data_dir)

    async def main() -> int:
        async with embedded.database(settings, say) as dsn:
            return await apply(dsn, progress=say)

    steps = asyncio.run(main())
    say(f"{steps} step(s) applied." if steps else "Nothing to do: the schema is current.")


@accounts.command(name="create")
def accounts_create(
    name: str, *, admin: str | None = None, json: AsJson = False, data_dir: DataDir = None
) -> None:
    """Create an account with its live and its test space.

    Example: `steelyard accounts create "Acme Robotics" --admin ops@acme.example`

    Parameters
    ----------
    name
        The account's name; `keys create --account` takes it.
    admin
        E-mail address of its admin, who gets a password, shown once. An account needs an admin before it has keys.
    """
    from steelyard import users as verbs
    from steelyard.ops.admin import opened
    from steelyard.users.passwords import generate_password

    async def main() -> dict[str, object]:
        async with opened(Settings.from_env(data_dir=data_dir), tell) as ctx:
            if admin is not None:
                verbs.check_email(admin)
            account = await verbs.create_account(ctx, name)
            made: dict[str, object] = {"id": account.id, "name": account.name}
            if admin is not None:
                password = generate_password()
                await verbs.create_member(ctx, account.id, admin, "admin", password)
                made |= {"admin": admin, "password": password}
            return made

    _show(asyncio.run(main()), json)


@accounts.command(name="list")
def accounts_list(*, json: AsJson = False, data_dir: DataDir = None) -> None:
    """List the accounts.

    Example: `steelyard accounts list --json`
    """
    from steelyard import users as verbs
    from steelyard.ops.admin import opened

    async def main() -> list[dict[str, object]]:
        async with opened(Settings.from_env(data_dir=data_dir), tell) as ctx:
            found = await verbs.list_accounts(ctx)
            return [{"id": a.id, "name": a.name, "created_at": a.created_at} for a in found]

    _show(asyncio.run(main()), json)


@accounts.command(name="show")
def accounts_show(name: str, *, json: AsJson = False, data_dir: DataDir = None) -> None:
    """Show what is set for each mode: the key that callbacks carry, where they go by default, the form of result URLs.

    Example: `steelyard accounts show main`
    """
    from steelyard import users as verbs
    from steelyard.ops.admin import opened

    async def main() -> list[dict[str, object]]:
        async with opened(Settings.from_env(data_dir=data_dir), tell) as ctx:
            return [msgspec.structs.asdict(s) for s in await verbs.space_settings(ctx, name)]

    _show(asyncio.run(main()), json)


@accounts.command(name="set")
def accounts_set(
    name: str,
    *,
    mode: Literal["live", "test"] = "live",
    callback_url: str | None = None,
    secure_result_urls: bool | None = None,
    new_callback_auth_key: Annotated[bool, Parameter(negative="")] = False,
    data_dir: DataDir = None,
) -> None:
    """Change what is set for one mode of an account.

    Example: `steelyard accounts set main --callback-url https://ml.example.org/labels`

    Parameters
    ----------
    name
        The account's name.
    mode
        Which of its two worlds.
    callback_url
        Where callbacks of tasks without one of their own go: an http(s) URL or an e-mail address; "" removes it.
    secure_result_urls
        Whether files inside answers are fetched with the API key rather than by an unguessable address.
    new_callback_auth_key
        Replace the secret that callbacks carry in the header scale-callback-auth.
    """
    from steelyard import users as verbs
    from steelyard.ops.admin import opened
    from steelyard.tasks.platform import check_callback

    async def main() -> None:
        if callback_url:
            check_callback(callback_url)
        async with opened(Settings.from_env(data_dir=data_dir), tell) as ctx:
            await verbs.set_space(
                ctx,
                name,
                mode,
                callback_url=callback_url,
                secure_result_urls=secure_result_urls,
                new_callback_auth_key=new_callback_auth_key,
            )

    asyncio.run(main())


@keys.command(name="create")
def keys_create(
    *,
    account: str,
    mode: Literal["live", "test"],
    member: str | None = None,
    expires: datetime | None = None,
    json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Create an API key. It is shown this once; only its hash is kept.

    Example: `KEY=$(steelyard keys create --account Acme --mode live --json | jq -r .key)`

    Parameters
    ----------
    account
        Name of the account (`steelyard accounts list`).
    mode
        live: tasks for people. test: tasks that complete at once with made-up answers.
    member
        E-mail address of the member whom the key acts for; the account's admin unless given.
    expires
        When it stops working, for instance 2027-01-31T12:00:00+00:00; never unless given.
    """
    from steelyard import users as verbs
    from steelyard.ops.admin import opened

    async def main() -> dict[str, object]:
        async with opened(Settings.from_env(data_dir=data_dir), tell) as ctx:
            key = await verbs.create_key(ctx, account, mode, member_email=member, expires_at=expires)
            return msgspec.structs.asdict(key)

    _show(asyncio.run(main()), json)


@keys.command(name="list")
def keys_list(*, account: str, json: AsJson = False, data_dir: DataDir = None) -> None:
    """List an account's API keys: their first and last characters, whom they act for, when they were used.

    Example: `steelyard keys list --account Acme`
    """
    from steelyard import users as verbs
    from steelyard.ops.admin import opened

    async def main() -> list[dict[str, object]]:
        async with opened(Settings.from_env(data_dir=data_dir), tell) as ctx:
            return [msgspec.structs.asdict(key) for key in await verbs.list_keys(ctx, account)]

    _show(asyncio.run(main()), json)


@keys.command(name="revoke")
def keys_revoke(id: int, *, account: str, json: AsJson = False, data_dir: DataDir = None) -> None:
    """Revoke an API key, at once and for good.

    Example: `steelyard keys revoke 3 --account Acme`

    Parameters
    ----------
    id
        The key's number in `steelyard keys list`.
    account
        Name of its account.
    """
    from steelyard import users as verbs
    from steelyard.ops.admin import opened

    async def main() -> None:
        async with opened(Settings.from_env(data_dir=data_dir), tell) as ctx:
            await verbs.revoke_key(ctx, account, id)

    asyncio.run(main())
    _show({"id": id, "revoked": True}, json)


@users.command(name="create")
def users_create(
    email: str,
    *,
    account: str,
    role: Literal["admin", "manager", "member", "labeler"] = "labeler",
    password: str | None = None,
    reset: bool = False,
    json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Create a person who logs in, with a password that is shown this once.

    Example: `steelyard users create ada@example.org --account Acme --role labeler`

    Parameters
    ----------
    email
        Their address, by which they log in.
    account
        Name of the account they belong to.
    role
        admin: one per account. manager: people and projects. member: the API. labeler: completes tasks.
    password
        Their password; a random one unless given. (Others on this machine can read it while the command runs.)
    reset
        They are there already, perhaps invited: only give them a new password and end their sessions; the role stays.
    """
    from steelyard import users as verbs
    from steelyard.ops.admin import opened
    from steelyard.users.passwords import generate_password

    chosen = password or generate_password()

    async def main() -> dict[str, object]:
        async with opened(Settings.from_env(data_dir=data_dir), tell) as ctx:
            if reset:
                await verbs.set_password(ctx, account, email, chosen)
                return {"email": email, "password": chosen}
            made = await verbs.create_member(ctx, account, email, role, chosen)
            return {"id": made.public_id, "email": made.email, "role": made.role, "password": chosen}

    _show(asyncio.run(main()), json)


@app.command
def backup(file: Path, *, data_dir: DataDir = None) -> None:
    """Write database, stored files and secret key into one tar file. Steelyard may be running.

    Whoever has the file can read everything in it: keep it as you keep passwords.

    Example: `steelyard backup /var/backups/steelyard-$(date +%F).tar`

    Parameters
    ----------
    file
        Where to write; must not exist.
    """
    from steelyard.ops.backup import back_up

    manifest = asyncio.run(back_up(Settings.from_env(data_dir=data_dir), file.absolute(), say))
    size = sum(member.size_bytes for member in manifest.members.values())
    say(f"{file}: {len(manifest.members)} members, {size / 1e6:.1f} MB")


@app.command
def restore(
    file: Path, *, force: Annotated[bool, Parameter(negative="")] = False, data_dir: DataDir = None
) -> None:
    """Make this installation what it was at the time of a backup. Steelyard must not be running.

    Example: `steelyard restore /var/backups/steelyard-2026-11-24.tar --data-dir /srv/steelyard`

    Parameters
    ----------
    file
        The backup.
    force
        Replace what the installation holds. Without it, only an empty one is restored into.
    """
    from steelyard.ops.backup import restore as ops

    manifest = asyncio.run(ops(Settings.from_env(data_dir=data_dir), file.absolute(), say, force=force))
    say(f"Restored the state of {manifest.created_at:%Y-%m-%d %H:%M} UTC")


@app.command
def doctor(*, json: AsJson = False, data_dir: DataDir = None) -> None:
    """Look at the installation and say what is wrong and what to do. The exit code is 1 when something is wrong.

    Example: `steelyard doctor`
    """
    from steelyard.ops.doctor import examine

    found = asyncio.run(examine(Settings.from_env(data_dir=data_dir)))
    bad = any(finding.state == "problem" for finding in found)
    if json:
        print(msgspec.json.format(msgspec.json.encode({"ok": not bad, "findings": found})).decode())
    else:
        marks = {"ok": "ok      ", "note": "note    ", "problem": "PROBLEM "}
        for finding in found:
            print(f"{marks[finding.state]} {finding.about}: {finding.message}")
    if bad:
        raise SystemExit(1)


@app.command
def demo(*, address: str | None = None, key: str | None = None, data_dir: DataDir = None) -> None:
    """Fill a running installation with three photographs and take one task through its whole life.

    Example: `steelyard up` in one terminal, `steelyard demo` in another.

    Parameters
    ----------
    address
        Where Steelyard runs [STEELYARD_PUBLIC_URL, or what STEELYARD_HOST and STEELYARD_PORT say].
    key
        A live API key; the one in first-run.txt unless given.
    """
    import importlib

    from steelyard.ops.listening import address_of
    from steelyard.ops.up import read_first_run

    settings = Settings.from_env(data_dir=data_dir)
    first = read_first_run(settings.data_dir)
    live_key = key or first.get("Live key")
    if live_key is None:
        raise DatabaseError(
            f"There is no {settings.data_dir / 'first-run.txt'} to take a live API key from; give one with --key."
        )
    module = importlib.import_module(
        "steelyard.demo"
    )  # loaded only here: it brings what a server does not need
    login = (first["Login"], first["Password"]) if "Login" in first and "Password" in first else None
    asyncio.run(module.run(settings, address or address_of(settings), live_key, login=login, say=say))


def say(line: str) -> None:
    """Progress and results for people, at once even when the output goes into a file."""
    print(line, flush=True)


def tell(line: str) -> None:
    """Progress beside a result that programs read."""
    print(line, file=sys.stderr, flush=True)


def _show(result: dict[str, object] | list[dict[str, object]], as_json: bool) -> None:
    """One object or several: JSON, or lines and a table for people."""
    if as_json:
        print(msgspec.json.encode(result).decode())
        return
    if isinstance(result, dict):
        for name, value in result.items():
            if value is not None:
                print(f"{name:<12}{value}")
        return
    if not result:
        print("none")
        return
    rows = [list(result[0]), *([_cell(value) for value in row.values()] for row in result)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M")
    return "" if value is None else str(value)


def main() -> None:
    """Run the command; what people can mend is told in one message, without a traceback."""
    from steelyard.ops.backup import BackupError
    from steelyard.ops.listening import ListenError
    from steelyard.ops.supervisor import ChildFailed

    try:
        app()
    except (SettingsError, DatabaseError, BackupError, ListenError, ChildFailed) as error:
        raise SystemExit(f"steelyard: {error}") from None
    except SteelyardError as error:
        raise SystemExit(f"steelyard: {error.message}") from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None

"""The `steelyard` command. Settings come from `STEELYARD_*` and from flags, which win; each verb's work is in `ops/`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import App, Parameter

from steelyard import __version__
from steelyard.db.datadir import DatabaseError
from steelyard.ops.bulk import export, import_, upload
from steelyard.ops.console import AsJson, DataDir, say
from steelyard.ops.ledger import callbacks
from steelyard.ops.people import accounts, keys, users
from steelyard.ops.plainly import plainly
from steelyard.settings import Settings

app = App(
    name="steelyard",
    version=__version__,
    help="Self-hosted data labeling that speaks Scale AI's API. Begin with `steelyard up`.",
    help_format="markdown",
)
app.command(accounts)
app.command(keys)
app.command(users)
app.command(callbacks)
app.command(import_, name="import")
app.command(export)
app.command(upload)


@app.command
def up(
    *,
    host: str | None = None,
    port: int | None = None,
    data_dir: DataDir = None,
    workers: int | None = None,
    no_admin: Annotated[bool, Parameter(negative="")] = False,
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
    no_admin
        On an empty installation, create no admin and no keys: show a link by which the first admin is created in the browser.
    """
    from steelyard.ops import up as ops

    settings = Settings.from_env(host=host, port=port, data_dir=data_dir, workers=workers)
    asyncio.run(ops.up(settings, say, make_admin=not no_admin))


@app.command
def serve(
    *,
    host: str | None = None,
    port: int | None = None,
    data_dir: DataDir = None,
    workers: int | None = None,
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
    from steelyard.ops import up as ops

    settings = Settings.from_env(host=host, port=port, data_dir=data_dir, workers=workers)
    asyncio.run(ops.serve(settings, say))


@app.command
def worker(*, data_dir: DataDir = None) -> None:
    """Run only a worker, which does jobs: callbacks, attachments, periodic work. Any number may run.

    Example: `STEELYARD_DATABASE_URL=postgresql://steelyard:secret@db/steelyard steelyard worker`
    """
    from steelyard.ops import up as ops
    from steelyard.ops.serving import run_worker

    settings = asyncio.run(ops.with_database(Settings.from_env(data_dir=data_dir)))
    run_worker(settings, None)


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

    Callbacks come to this machine, so start the server with STEELYARD_ALLOW_NETWORKS=127.0.0.0/8. Run it again: what is
    there already is used.

    Example: `STEELYARD_ALLOW_NETWORKS=127.0.0.0/8 steelyard up` in one terminal, `steelyard demo` in another.

    Parameters
    ----------
    address
        Where Steelyard runs [STEELYARD_PUBLIC_URL, or what STEELYARD_HOST and STEELYARD_PORT say].
    key
        A live API key; the one in first-run.txt unless given.
    """
    from steelyard import demo as ops
    from steelyard.ops.listening import address_of
    from steelyard.ops.up import read_first_run

    settings = Settings.from_env(data_dir=data_dir)
    live_key = key or read_first_run(settings.data_dir).get("Live key")
    if live_key is None:
        raise DatabaseError(
            f"There is no {settings.data_dir / 'first-run.txt'} to take a live API key from; give one with --key."
        )
    asyncio.run(ops.run(settings, address or address_of(settings), live_key, say=say))


def main() -> None:
    """Run the command; what people can mend is told in one message, without a traceback."""
    from steelyard.ops.backup import BackupError
    from steelyard.ops.listening import ListenError
    from steelyard.ops.supervisor import ChildFailed

    with plainly(BackupError, ListenError, ChildFailed):
        app()

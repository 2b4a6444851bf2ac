"""The commands that move many tasks and large files: `import`, `export` and `upload`. They speak to a server that runs, over HTTP."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from cyclopts import Parameter

from steelyard.errors import InvalidRequest
from steelyard.net.operator import server
from steelyard.ops.console import DataDir, say, tell
from steelyard.settings import Settings, SettingsError

Address = Annotated[
    str | None, Parameter(help="Where Steelyard runs [STEELYARD_PUBLIC_URL, or STEELYARD_HOST and _PORT]")
]
Key = Annotated[
    str | None, Parameter(help="An API key of a manager; the live one in first-run.txt unless given")
]
Flag = Annotated[bool, Parameter(negative="")]


def where(address: str | None, key: str | None, data_dir: Path | None) -> tuple[str, str]:
    """The server to speak to, and the key to use. Raises SettingsError."""
    from steelyard.ops.listening import address_of
    from steelyard.ops.up import read_first_run

    settings = Settings.from_env(data_dir=data_dir)
    found = key or read_first_run(settings.data_dir).get("Live key")
    if found is None:
        raise SettingsError(
            f"There is no {settings.data_dir / 'first-run.txt'} to take an API key from; give one with --key."
        )
    return address or address_of(settings), found


class Bar:
    """Progress on standard error: a bar on a terminal, a line now and then elsewhere."""

    def __init__(self, unit: str):
        self._unit, self._began, self._last = unit, time.monotonic(), 0.0
        self._lively = sys.stderr.isatty()

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._last < (0.1 if self._lively else 10.0) and done < total:
            return
        self._last = now
        rate = done / max(now - self._began, 0.001)
        share = min(done / total, 1.0) if total else 1.0
        text = f"{share:4.0%} {self._shown(done)} of {self._shown(total)}, {self._shown(int(rate))}/s"
        if self._lively:
            filled = int(30 * share)
            sys.stderr.write(f"\r[{'#' * filled}{'.' * (30 - filled)}] {text}\x1b[K")
            sys.stderr.flush()
        else:
            tell(text)

    def _shown(self, n: int) -> str:
        return f"{n / 1e6:,.1f} MB" if self._unit == "bytes" else f"{n:,} {self._unit}"

    def end(self) -> None:
        """Leaves the bar's line."""
        if self._lively and self._last:
            sys.stderr.write("\n")


def import_(
    source: Annotated[Path | None, Parameter(help="An NDJSON file, or a folder of pictures")] = None,
    *,
    content: Literal["params", "tasks"] = "params",
    project: str | None = None,
    batch: str | None = None,
    type: str | None = None,
    params: Path | None = None,
    name_lines: Flag = False,
    unchecked: Flag = False,
    from_server: str | None = None,
    from_key: str | None = None,
    dry_run: Flag = False,
    address: Address = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """Import tasks from an NDJSON file, from a folder of pictures, or from another Scale-compatible server.

    May be repeated: tasks that are there already (by `unique_id`, or by `task_id` with `--content tasks` and
    `--from-server`) stay as they are. The exit code is 1 when lines were refused or counts differ.

    Example: `steelyard import cows.ndjson --project herd --dry-run`

    Example: `steelyard import photos/ --project herd --batch week-1`

    Example: `steelyard import --from-server https://api.example.com --from-key live_…`

    Parameters
    ----------
    content
        What the lines are: `params`, bodies of `POST /v1/task/{type}`, or `tasks`, objects with their answers as
        `steelyard export` writes them.
    project
        Project of the tasks whose lines name none.
    batch
        Batch of the tasks whose lines name none.
    type
        Type of the tasks whose lines name none; not needed with a project.
    params
        Of a folder: a JSON file with further params of every task.
    name_lines
        Give lines without a `unique_id` one made from their content, so that the file can be sent again.
    unchecked
        Take finished tasks whose params do not satisfy their type here, and tasks whose files cannot be copied.
    from_server
        Base address of a server to copy projects, batches, tasks, answers and the files that it keeps for them from.
    from_key
        Its API key.
    dry_run
        Only check, store nothing.
    """
    from steelyard.ops import importing, moving

    if (source is None) == (from_server is None):
        raise InvalidRequest("Name a file or folder, or a server with --from-server.")
    base, own_key = where(address, key, data_dir)
    bar = Bar("bytes" if source is not None and source.is_file() else "tasks")
    query = {k: v for k, v in (("project", project), ("batch", batch), ("type", type)) if v is not None}
    flags = {k: "true" for k, v in (("unchecked", unchecked), ("dry_run", dry_run)) if v}

    async def main() -> tuple[importing.Outcome, list[moving.Difference]]:
        async with server(base, own_key) as here:
            if from_server is not None:
                async with server(from_server, from_key or own_key) as there:
                    return await moving.move(
                        there,
                        here,
                        unchecked=unchecked,
                        dry_run=dry_run,
                        say=tell,
                        progress=bar,
                        allow_networks=Settings.from_env(data_dir=data_dir).allow_networks,
                    )
            assert source is not None
            if source.is_dir():
                if project is None:
                    raise InvalidRequest("A folder of pictures needs --project.")
                extra: dict[str, Any] = msgspec.json.decode(params.read_bytes()) if params else {}
                return await importing.from_folder(
                    here, source, project, batch=batch, extra=extra, dry_run=dry_run, progress=bar
                ), []
            objects = content == "tasks"
            return await importing.from_file(
                here,
                source,
                flags if objects else query | {k: v for k, v in flags.items() if k != "unchecked"},
                objects=objects,
                name_lines=name_lines,
                progress=bar,
            ), []

    outcome, differences = asyncio.run(main())
    bar.end()
    for refusal in outcome.refusals:
        tell(refusal)
    counts = [
        f"{n:,} {what}"
        for what in ("created", "existing", "valid", "refused")
        if (n := getattr(outcome, what))
    ]
    say(", ".join(counts) or "nothing to import")
    for d in differences:
        say(f"{d.what}: {d.there:,} there, {d.here:,} here")
    if outcome.refused or differences:
        raise SystemExit(1)
    if from_server is not None and not dry_run:
        say("The counts of both servers agree.")


def export(
    file: Annotated[Path | None, Parameter(help="Where to write; standard output unless given")] = None,
    *,
    project: str | None = None,
    batch: str | None = None,
    type: str | None = None,
    status: str | None = None,
    created_after: str | None = None,
    created_before: str | None = None,
    completed_after: str | None = None,
    updated_after: str | None = None,
    resume: Flag = False,
    address: Address = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """Export tasks as NDJSON in the API's form, oldest first; filters narrow them down.

    Example: `steelyard export herd.ndjson --project herd --status completed`

    Parameters
    ----------
    status
        pending, completed, canceled, error; several separated by commas.
    resume
        Go on with a file that an interrupted export has left.
    """
    from steelyard.ops import exporting

    base, own_key = where(address, key, data_dir)
    filters = {
        "project": project,
        "batch": batch,
        "type": type,
        "status": status,
        "start_time": created_after,
        "end_time": created_before,
        "completed_after": completed_after,
        "updated_after": updated_after,
    }
    bar = Bar("tasks")
    last = time.monotonic()

    def progress(count: int, size: int) -> None:
        nonlocal last
        if time.monotonic() - last > 10:
            last = time.monotonic()
            tell(f"{count:,} tasks, {size / 1e6:,.1f} MB")

    async def main() -> int:
        async with server(base, own_key) as here:
            return await exporting.export(
                here, {k: v for k, v in filters.items() if v}, file, resume=resume, progress=progress
            )

    try:
        count = asyncio.run(main())
    except FileExistsError:
        raise InvalidRequest(f"{file} exists; go on with it by --resume, or name another.") from None
    bar.end()
    tell(f"{count:,} tasks")


def upload(
    *files: Path,
    project: str | None = None,
    reference_id: str | None = None,
    address: Address = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """Upload files of any size, in pieces; prints the `scaledata://` address of each, for the params of tasks.

    A connection that breaks is taken up where it broke. So is an upload whose command was ended: give the same command again within 48 hours.

    Example: `steelyard upload scans/*.las --project herd`

    Parameters
    ----------
    project
        Project that the files are listed in.
    reference_id
        Your own id of the file, unique among your files; for one file at a time.
    """
    from steelyard.ops import uploading

    if not files or (reference_id is not None and len(files) > 1):
        raise InvalidRequest("Name a file to upload; with --reference-id exactly one.")
    for file in files:
        if not file.is_file():
            raise InvalidRequest(f"{file} is no file.")
    base, own_key = where(address, key, data_dir)
    said = {k: v for k, v in (("project_name", project), ("reference_id", reference_id)) if v}

    async def main() -> None:
        async with server(base, own_key) as here:
            for file in files:
                bar = Bar("bytes")
                made = await uploading.upload_file(here, file, said, progress=bar)
                bar.end()
                say(f"{made['attachment_url']}\t{file}")

    asyncio.run(main())

"""The commands about callbacks. `cli.py` mounts them."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from cyclopts import App, Parameter

from steelyard.ops.bulk import Address, Flag, Key, where
from steelyard.ops.console import AsJson, DataDir, say, show, tell

callbacks = App(
    name="callbacks", help="See what customers were told, send it again, and watch callbacks arrive."
)


def _query(**given: Any) -> dict[str, str]:
    out: dict[str, str] = {}
    for name, value in given.items():
        if value:
            out[name] = value.isoformat() if isinstance(value, datetime) else str(value)
    return out


@callbacks.command(name="list")
def list_(
    *,
    state: str | None = None,
    dead: Flag = False,
    task: str | None = None,
    batch: str | None = None,
    target: str | None = None,
    after: datetime | None = None,
    before: datetime | None = None,
    limit: int = 50,
    json: AsJson = False,
    address: Address = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """List callback events, newest first.

    Example: `steelyard callbacks list --dead`

    Parameters
    ----------
    state
        pending, delivered, failed, undeliverable; several separated by commas.
    dead
        Those that ended undelivered.
    target
        What the address begins with.
    """
    from steelyard.net.operator import server

    query = _query(
        state=state,
        dead="true" if dead else "",
        task_id=task,
        batch=batch,
        target=target,
        created_after=after,
        created_before=before,
    )

    async def main() -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = []
        token = ""
        async with server(*where(address, key, data_dir)) as here:
            while len(items) < limit:
                more = query | {"limit": str(min(limit - len(items), 500))} | _query(next_token=token)
                page = await here.get("/api/callbacks", more)
                items += page["items"]
                token = page["next_token"] or ""
                if not token:
                    break
        return items

    found = asyncio.run(main())
    if json:
        say(msgspec.json.encode(found).decode())
        return
    columns = (
        "id",
        "state",
        "kind",
        "task_id",
        "batch",
        "attempts",
        "status_code",
        "error",
        "created_at",
        "target",
    )
    show([{c: event[c] for c in columns} for event in found], as_json=False)


@callbacks.command(name="show")
def show_(
    event: str,
    *,
    json: AsJson = False,
    address: Address = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """Show one event, every try of it and what it carries.

    Example: `steelyard callbacks show 1234`
    """
    from steelyard.net.operator import server

    async def main() -> dict[str, Any]:
        async with server(*where(address, key, data_dir)) as here:
            return await here.get(f"/api/callbacks/{event}")

    found = asyncio.run(main())
    if json:
        say(msgspec.json.encode(found).decode())
        return
    tried, payload = found.pop("tried"), found.pop("payload")
    show(found, as_json=False)
    say("")
    show(tried, as_json=False)
    say("")
    say(msgspec.json.format(msgspec.json.encode(payload)).decode())


@callbacks.command
def replay(
    event: str | None = None,
    *,
    dead: Flag = False,
    state: str | None = None,
    task: str | None = None,
    batch: str | None = None,
    target: str | None = None,
    after: datetime | None = None,
    before: datetime | None = None,
    address: Address = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """Send one event again, or all that a filter names, with the payload they had.

    Example: `steelyard callbacks replay 1234`

    Example: `steelyard callbacks replay --state delivered,failed --after 2026-11-01 --before 2026-11-02`

    Parameters
    ----------
    event
        The event's number. Without it, a filter is needed.
    dead
        Those that ended undelivered.
    """
    from steelyard.errors import InvalidRequest
    from steelyard.net.operator import server

    wanted: dict[str, Any] = _query(
        task_id=task, batch=batch, target=target, created_after=after, created_before=before
    )
    if event is None and not (wanted or dead or state):
        raise InvalidRequest("Name an event, or a filter such as --dead or --after.")
    if state or dead:
        wanted["state"] = state.split(",") if state else ["failed", "undeliverable"]

    async def main() -> None:
        async with server(*where(address, key, data_dir)) as here:
            if event is not None:
                await here.post(f"/api/callbacks/{event}/replay")
                say("It is being sent again.")
                return
            transfer = await here.post("/api/callbacks/replay", wanted)
            while transfer["state"] in ("waiting", "running"):
                await asyncio.sleep(0.5)
                transfer = await here.get(f"/api/transfers/{transfer['id']}")
                tell(f"{transfer['lines']:,} of {transfer['total']:,}")
            say(f"{transfer['lines']:,} events are being sent again ({transfer['state']}).")

    asyncio.run(main())


@callbacks.command
def listen(
    *,
    port: int = 8099,
    host: str = "127.0.0.1",
    secret: Annotated[
        str | None, Parameter(help="The signing secret to check by; asked of the server unless given")
    ] = None,
    answer: int = 200,
    brief: Flag = False,
    mode: Literal["auto", "off"] = "auto",
    address: Address = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """Receive callbacks on this machine, check their signature and print them.

    The server sends to this machine only when STEELYARD_ALLOW_NETWORKS says so, for instance 127.0.0.0/8.

    Example: `steelyard callbacks listen --port 8099`, and `http://127.0.0.1:8099/` as `callback_url`

    Parameters
    ----------
    answer
        The status to answer with: try 500 to see retries.
    brief
        One line for each, without the payload.
    mode
        `off`: do not check signatures.
    """
    from steelyard.net.operator import server
    from steelyard.ops.listener import serve

    async def main() -> None:
        auth_key, found = None, secret
        if mode == "auto" and secret is None:
            async with server(*where(address, key, data_dir)) as here:
                settings = await here.get("/api/callback-settings")
                found, auth_key = settings["signing_secret"], settings["auth_key"]
        await serve(host, port, secret=found, auth_key=auth_key, answer=answer, brief=brief, say=say)

    asyncio.run(main())

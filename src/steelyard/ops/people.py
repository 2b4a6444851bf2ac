"""The commands about people: accounts, API keys, users. `cli.py` mounts them."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from cyclopts import App, Parameter

from steelyard.ops.console import AsJson, DataDir, show, tell
from steelyard.settings import Settings

accounts = App(
    name="accounts", help="Create and list accounts: customers of this installation, closed to each other."
)
keys = App(name="keys", help="Create, list and revoke API keys.")
users = App(name="users", help="Create people who log in.")


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

    show(asyncio.run(main()), json)


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

    show(asyncio.run(main()), json)


@accounts.command(name="show")
def accountsshow(name: str, *, json: AsJson = False, data_dir: DataDir = None) -> None:
    """Show what is set for each mode: the key that callbacks carry, where they go by default, the form of result URLs.

    Example: `steelyard accounts show main`
    """
    from steelyard import users as verbs
    from steelyard.ops.admin import opened

    async def main() -> list[dict[str, object]]:
        async with opened(Settings.from_env(data_dir=data_dir), tell) as ctx:
            return [msgspec.structs.asdict(s) for s in await verbs.space_settings(ctx, name)]

    show(asyncio.run(main()), json)


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

    show(asyncio.run(main()), json)


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

    show(asyncio.run(main()), json)


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
    show({"id": id, "revoked": True}, json)


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

    show(asyncio.run(main()), json)

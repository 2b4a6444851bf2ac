"""Processes that others look after: `steelyard serve|worker --parent PID`, as `supervisor.Child` starts them.

They never show help or tables, so the command line and what it loads stay out of them: 5 MiB less in each, and they are up sooner.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any, cast

# structlog would load it for tracebacks that we do not use.
cast("dict[str, Any]", sys.modules).setdefault("rich", None)

from steelyard.ops.plainly import plainly  # noqa: E402
from steelyard.ops.serving import run_server, run_worker  # noqa: E402
from steelyard.settings import Settings  # noqa: E402


def main(arguments: Sequence[str]) -> None:
    """Runs until told to stop, or until the parent is gone. Settings come from the environment."""
    parser = argparse.ArgumentParser(prog="steelyard")
    parser.add_argument("verb", choices=("serve", "worker"))
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--listen-fd", type=int)
    given = parser.parse_args(arguments)
    with plainly():
        settings = Settings.from_env()
        if given.verb == "worker":
            run_worker(settings, given.parent)
        else:
            run_server(settings, given.listen_fd, given.parent)

"""Logging: structlog for our own lines, and the libraries' lines through the same door. Everything goes to stderr.

`request_id`, `task_id`, `job_id` are bound with `structlog.contextvars.bind_contextvars` where they become known.
"""

from __future__ import annotations

import io
import logging
import re
import sys
from typing import Any, TextIO

import structlog

from steelyard.settings import Settings

_ADDRESS = re.compile(
    r"\b([a-z][a-z0-9+]{1,9}://)(?:[^\s/@\"'<>?#]*@)?([^\s?#\"'<>]*)([?#][^\s\"'<>]*)?", re.I
)


def mask(text: str) -> str:
    """Addresses in a text without what lets others use them: passwords before the host, and queries, where signatures are."""
    if "://" not in text:
        return text

    def shown(match: re.Match[str]) -> str:
        scheme, rest, query = match.groups()
        user = "…@" if match[0][len(scheme) :].startswith(rest) is False else ""
        return f"{scheme}{user}{rest}{'?…' if query else ''}"

    return _ADDRESS.sub(shown, text)


def _mask_values(logger: Any, method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = mask(value)
    return event


def _masked_traceback(sio: TextIO, exc_info: Any) -> None:
    text = io.StringIO()
    structlog.dev.plain_traceback(text, exc_info)
    sio.write(mask(text.getvalue()))


def setup(settings: Settings, process: str) -> None:
    """Set up this process's logging; each line says which process (`server-1`, `worker`, …) wrote it."""
    as_json = settings.log_format == "json" or (settings.log_format == "auto" and not sys.stderr.isatty())
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    last: list[structlog.typing.Processor]
    if as_json:
        last = [
            structlog.processors.format_exc_info,
            _mask_values,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ]
    else:
        # Plain tracebacks: the rich ones print local variables, and with them secrets.
        last = [
            _mask_values,
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=_masked_traceback),
        ]
    structlog.contextvars.bind_contextvars(process=process)
    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)
    # The server's own "started", "shutting down" and so on repeat what the supervisor says.
    logging.getLogger("uvicorn.error").setLevel(max(level, logging.WARNING))
    logging.getLogger("asyncio").setLevel(max(level, logging.WARNING))

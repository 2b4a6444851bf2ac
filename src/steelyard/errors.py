"""The error family. The domain raises these; each HTTP surface renders them once (`http/errors.py`).

`code` is stable and kebab-case; `message` is for people. `/v1` sends `{"status_code", "error"}` (platform-api §3.1),
`/api` sends problem+json with `code` and `issues`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct


class Issue(Struct, frozen=True):
    """One thing wrong with somebody's data. `path` points into their JSON (`annotations[3].label`)."""

    path: str
    message: str


class SteelyardError(Exception):
    """Base of every error that a client may see."""

    status: int = 500
    code: str = "internal"
    extra: Mapping[str, object] | None = None
    """Further members of the problem+json body, where a client needs more than words (both drafts of a stale one)."""

    def __init__(self, message: str, *, issues: Sequence[Issue] = (), headers: dict[str, str] | None = None):
        super().__init__(message)
        self.message = message
        self.issues = tuple(issues)
        self.headers = headers or {}


class InvalidRequest(SteelyardError):
    """A parameter is missing or wrong, or the object's state does not allow the call."""

    status, code = 400, "invalid-request"


class Unauthorized(SteelyardError):
    """No valid API key or session."""

    status, code = 401, "unauthorized"


class SessionEnded(Unauthorized):
    """The browser's session has ended, or there is none: sign in, then go on; what was typed is kept."""

    code = "session-ended"


class NotEnabled(SteelyardError):
    """The task type or feature is known but not enabled on this installation."""

    status, code = 402, "not-enabled"


class Forbidden(SteelyardError):
    """The actor is known, but its role does not allow this."""

    status, code = 403, "forbidden"


class CsrfRefused(Forbidden):
    """An unsafe request by a session did not repeat its token in `X-CSRF-Token`; read it anew from `GET /api/session`."""

    code = "csrf-token"


class NotFound(SteelyardError):
    """No such object in the caller's space (account and mode), or no such route."""

    status, code = 404, "not-found"


class MethodNotAllowed(SteelyardError):
    """The route exists, the method does not."""

    status, code = 405, "method-not-allowed"


class Conflict(SteelyardError):
    """A name, unique_id, reference_id or idempotency key is taken."""

    status, code = 409, "conflict"


class LeaseLost(Conflict):
    """The lease on this work ended or belongs to somebody else now; claim again."""

    code = "lease-lost"


class StaleDraft(Conflict):
    """The draft was changed elsewhere since the revision that this change is based on."""

    code = "stale-draft"


class TooLarge(SteelyardError):
    """The request body is over the limit."""

    status, code = 413, "too-large"


class RateLimited(SteelyardError):
    """Too many requests; `Retry-After` says when to come back."""

    status, code = 429, "rate-limited"


class Unavailable(SteelyardError):
    """The server cannot serve this now (starting, draining, database away); retry later."""

    status, code = 503, "unavailable"


_QUOTED = 'Parameter is invalid, reason: "'


def under(path: str, error: SteelyardError) -> SteelyardError:
    """The same error about something that lies at `path` of a larger request: of the same class, its words and issues re-addressed."""
    message = error.message
    if message.startswith(_QUOTED):
        text = f"{_QUOTED}{path}.{message.removeprefix(_QUOTED)}"
    else:
        text = f"{path}.{message}" if message[:1].islower() else f"{path}: {message}"
    issues = [Issue(f"{path}.{issue.path}", issue.message) for issue in error.issues]
    return type(error)(text, issues=issues, headers=error.headers)


def parameter(path: str, problem: str) -> InvalidRequest:
    """The general wording of a schema violation (platform-api §3.3)."""
    return InvalidRequest(f'Parameter is invalid, reason: "{path}" {problem}', issues=[Issue(path, problem)])

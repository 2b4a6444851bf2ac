"""One renderer per surface. Handlers contain no `try`; what is not in the error family is a 500 whose body says only the request id."""

from __future__ import annotations

import msgspec

from steelyard.errors import SessionEnded, SteelyardError
from steelyard.http.route import Reply, Surface

_TITLES = {
    400: "Bad request",
    401: "Not signed in",
    403: "Not allowed",
    404: "Not found",
    409: "Conflict",
    500: "Server error",
}


def render(error: SteelyardError, surface: Surface) -> Reply:
    """The answer for an error of the family: `{"status_code", "error"}` on /v1 and public routes, problem+json on /api."""
    headers = list(error.headers.items())
    if error.status == 401 and surface == "v1" and not isinstance(error, SessionEnded):
        headers.append(("WWW-Authenticate", 'Basic realm="Steelyard API key"'))
    if surface == "api":
        body = {
            "type": "about:blank",
            "title": _TITLES.get(error.status, "Error"),
            "status": error.status,
            "code": error.code,
            "detail": error.message,
            "issues": [{"path": i.path, "message": i.message} for i in error.issues],
        }
        extra = getattr(error, "extra", None)
        if extra:
            body.update(extra)
        return Reply(msgspec.json.encode(body), error.status, "application/problem+json", headers)
    body = msgspec.json.encode({"status_code": error.status, "error": error.message})
    return Reply(body, error.status, headers=headers)


def render_crash(request_id: str, surface: Surface) -> Reply:
    """The answer for a programmer's mistake; the details are in the log under the same id."""
    error = SteelyardError(f"Something went wrong on our side. The log has it under request id {request_id}.")
    return render(error, surface)

"""E-mail callbacks over TLS, against a real SMTP server that takes nothing without it."""

from __future__ import annotations

import ssl
from email import message_from_bytes
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from steelyard.ctx import Ctx
from steelyard.jobs.worker import drain

from .helpers import make_event, make_space, make_task, rows, shift
from .test_ledger import Inbox, _free_port


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


def listening(authority: trustme.CA, scheme: str, inbox: Inbox) -> Controller:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)

    def known(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        genuine = isinstance(data, LoginPassword) and (data.login, data.password) == (b"bell", b"p@ss/word")
        return AuthResult(success=genuine, handled=False)

    implicit = (
        scheme == "smtps"
    )  # TLS from the first byte, of which the server's half that speaks SMTP knows nothing
    how: dict[str, Any] = {"ssl_context": tls} if implicit else {"tls_context": tls, "require_starttls": True}
    return Controller(
        inbox,
        hostname="127.0.0.1",
        port=_free_port(),
        authenticator=known,
        auth_required=True,
        auth_require_tls=not implicit,
        **how,
    )


@pytest.mark.filterwarnings("ignore:Requiring AUTH")
@pytest.mark.parametrize("scheme", ["smtps", "smtp+starttls"])
async def test_an_email_callback_goes_out_over_tls_with_the_operators_password(
    ctx: Ctx, scheme: str, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox = Inbox()
    controller = listening(authority, scheme, inbox)
    ctx.settings = msgspec.structs.replace(
        ctx.settings, smtp_url=f"{scheme}://bell:p%40ss%2Fword@127.0.0.1:{controller.port}"
    )
    space = await make_space(ctx)
    task = await make_task(ctx, space)
    event = await make_event(ctx, space, "ada@example.org", task_id=task)
    controller.start()
    try:
        await drain(ctx)
        assert inbox.got == [], "nothing is said to a server whose certificate nobody vouches for"
        authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        await shift(ctx, 70)
        await drain(ctx)
        wrong = ctx.settings.smtp_url.replace("word@", "work@")  # pyright: ignore[reportOptionalMemberAccess]
        ctx.settings = msgspec.structs.replace(ctx.settings, smtp_url=wrong)
        refused = await make_event(ctx, space, "bob@example.org")
        await drain(ctx)
    finally:
        controller.stop()
    [(to, raw)] = inbox.got
    assert to == ["ada@example.org"]
    assert message_from_bytes(raw)["webhook-id"] == f"msg_{event}"
    tried = await rows(ctx, "select event_id, status_code, error from callback_attempt order by id")
    assert [(t["event_id"], t["status_code"]) for t in tried] == [
        (event, None),
        (event, 250),
        (refused, None),
    ]
    assert "certificate" in tried[0]["error"].lower()
    assert "535" in tried[2]["error"]
    assert "p@ss" not in str(tried)

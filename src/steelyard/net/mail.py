"""Sending e-mail by SMTP. Without `STEELYARD_SMTP_URL` nothing is sent and `can_send` says so; links are then handed on by people.

    await mail.send(ctx, [mail.Mail(to="ada@example.org", subject="…", text="…")])

Call it from jobs: it awaits the network.
"""

from __future__ import annotations

from collections.abc import Sequence
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from urllib.parse import unquote, urlsplit

import aiosmtplib
from msgspec import Struct

from steelyard.ctx import Ctx

TIMEOUT_S = 30.0


class Mail(Struct, frozen=True):
    """A plain text message to one address."""

    to: str
    subject: str
    text: str
    headers: tuple[tuple[str, str], ...] = ()


class MailFailed(Exception):
    """The mail server did not take a message. `transient`: the same may succeed later."""

    def __init__(self, message: str, *, transient: bool):
        super().__init__(message)
        self.message, self.transient = message, transient


def can_send(ctx: Ctx) -> bool:
    """Whether the operator has named a mail server."""
    return ctx.settings.smtp_url is not None


def sender(ctx: Ctx) -> str:
    """The address that messages come from."""
    if ctx.settings.mail_from:
        return ctx.settings.mail_from
    host = urlsplit(ctx.public_url).hostname or "localhost"
    return f"steelyard@{host}"


def _message(ctx: Ctx, mail: Mail) -> EmailMessage:
    message = EmailMessage()
    origin = sender(ctx)
    message["From"] = origin
    message["To"] = mail.to
    message["Subject"] = " ".join(mail.subject.split())
    message["Date"] = formatdate(ctx.clock.now().timestamp())
    message["Message-ID"] = make_msgid(domain=origin.rpartition("@")[2].strip("> ") or "localhost")
    message["Auto-Submitted"] = "auto-generated"
    for name, value in mail.headers:
        message[name] = " ".join(value.split())
    message.set_content(mail.text)
    return message


async def send(ctx: Ctx, mails: Sequence[Mail]) -> None:
    """Hands messages to the mail server over one connection. Raises MailFailed at the first that it does not take."""
    if ctx.settings.smtp_url is None:
        raise MailFailed("STEELYARD_SMTP_URL is not set, so no e-mail can be sent.", transient=False)
    target = urlsplit(ctx.settings.smtp_url)
    implicit = target.scheme == "smtps"
    client = aiosmtplib.SMTP(
        hostname=target.hostname,
        port=target.port or (465 if implicit else 587 if target.username else 25),
        username=unquote(target.username) if target.username else None,
        password=unquote(target.password) if target.password else None,
        use_tls=implicit,
        start_tls=True if target.scheme == "smtp+starttls" else None if not implicit else False,
        timeout=TIMEOUT_S,
    )
    try:
        async with client:
            for mail in mails:
                await client.send_message(_message(ctx, mail))
    except aiosmtplib.SMTPRecipientsRefused as e:
        codes = [refused.code for refused in e.recipients]
        raise MailFailed(
            f"The mail server refused the address: {codes}", transient=all(c < 500 for c in codes)
        ) from e
    except aiosmtplib.SMTPResponseException as e:
        raise MailFailed(
            f"The mail server answered {e.code} {e.message}"[:500], transient=e.code < 500
        ) from e
    except (aiosmtplib.SMTPException, OSError, ValueError) as e:
        raise MailFailed(
            f"The mail server could not be used: {e}"[:500], transient=not isinstance(e, ValueError)
        ) from e

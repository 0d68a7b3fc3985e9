"""The one place that speaks SMTP. It blocks, up to its time limit, and so runs in a thread of its own."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Literal

from hub_extensions.notices.notice import Kept

#: For each step of the talk with the mail server: connecting, greeting, each mail.
TIMEOUT_S = 15.0


@dataclass(frozen=True, slots=True)
class Failure:
    """`final`: trying again would not help. `of_all`: nobody could be reached, so it is not about this notice."""

    said: str
    final: bool = False
    of_all: bool = False


@dataclass(frozen=True, slots=True)
class MailServer:
    host: str
    port: int
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    timeout_s: float = TIMEOUT_S
    #: What certificates are checked against; None: what this computer trusts.
    tls: ssl.SSLContext | None = field(default=None, repr=False)


def compose(kept: Kept, to: str, sender: str, root: str | None) -> EmailMessage:
    """PURE. The same notice has the same Message-ID whenever it is sent: many mail programs show it once. `root` is the
    hub's address, as `https://example.org/hub/`."""
    notice = kept.notice
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"], message["Subject"] = sender, to, notice.subject
    message["Date"] = format_datetime(notice.at)
    message["Message-ID"] = f"<remuda-notice-{kept.id}-{notice.at:%Y%m%d%H%M%S}@{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"  # no holiday replies
    link = f"{root}{notice.link}\n\n" if root and notice.link else ""
    where = f"{root}notices" if root else "“Notices” in the hub"
    message.set_content(f"{notice.text}\n\n{link}-- \nAll notices, and whether they come by mail: {where}\n")
    return message


def send_all(server: MailServer, messages: Sequence[EmailMessage]) -> list[Failure | None]:
    """Over one connection; for each whether it was taken. Where the talk breaks off, the rest has not been sent."""
    outcomes: list[Failure | None] = []
    try:
        with _connected(server) as smtp:
            for message in messages:
                outcomes.append(_send(smtp, message))
    except (OSError, smtplib.SMTPException) as e:
        said = Failure(f"{type(e).__name__}: {e}", of_all=True)
        outcomes += [said] * (len(messages) - len(outcomes))
    return outcomes


def _connected(server: MailServer) -> smtplib.SMTP:
    tls = server.tls or ssl.create_default_context()
    if server.security == "tls":
        smtp: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, timeout=server.timeout_s, context=tls)
    else:
        smtp = smtplib.SMTP(server.host, server.port, timeout=server.timeout_s)
    try:
        if server.security == "starttls":
            smtp.starttls(context=tls)  # raises where the server does not offer it: nothing goes in the clear
        if server.username is not None:
            smtp.login(server.username, server.password or "")
    except BaseException:
        smtp.close()
        raise
    return smtp


def _send(smtp: smtplib.SMTP, message: EmailMessage) -> Failure | None:
    """What the server says to one mail is about that one alone; 5xx is its last word."""
    try:
        smtp.send_message(message)
    except smtplib.SMTPServerDisconnected:
        raise
    except smtplib.SMTPRecipientsRefused as e:
        code, said = next(iter(e.recipients.values()), (550, b""))
        return Failure(f"{code} {said.decode('utf-8', 'replace')}", final=500 <= code < 600)
    except smtplib.SMTPResponseException as e:
        said = e.smtp_error.decode("utf-8", "replace") if isinstance(e.smtp_error, bytes) else e.smtp_error
        return Failure(f"{e.smtp_code} {said}", final=500 <= e.smtp_code < 600)
    except smtplib.SMTPNotSupportedError as e:  # an address beyond ASCII, at a server that takes none
        return Failure(str(e), final=True)
    return None

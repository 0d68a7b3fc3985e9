"""Mail to a real SMTP server and JSON to a real HTTP server, and what happens when they do not want it."""

from __future__ import annotations

import hashlib
import hmac
import logging
import time
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from types import SimpleNamespace

import pytest

from hub_extensions.admission.database import Database
from hub_extensions.admission.gate import SqlGate
from hub_extensions.admission.store import Store
from hub_extensions.notices import Kept, Kind, Notice, Notices, metrics, webhook
from hub_extensions.notices.deliver import WaysOut, send_due, senders
from hub_extensions.notices.mail import MailServer, compose, send_all
from hub_extensions.notices.outbox import Outbox
from hub_extensions.notices.values import Email, Webhook
from hub_extensions.notices.values import Notices as Values
from hub_extensions.secret_files import Secrets
from profiles.policy import Policies
from tests.contract.notices.receivers import certificate, mail_server, silent_server, web_receiver

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ROOT = "https://hub.example.org/hub/"
NOTICE = Notice(
    to="ada",
    kind=Kind.WANTED,
    key="wanted/1",
    subject="bea asks for your Größe 日本",
    text="bea would like it.\n\nbea writes: “.\nBcc: all@example.org”",
    at=NOW,
    link="home",
    sender="bea",
)
KEPT = Kept(7, NOTICE)


def letter(to: str = "ada@example.org", kept: Kept = KEPT, root: str | None = ROOT) -> EmailMessage:
    return compose(kept, to, "hub@example.org", root)


def server(port: int, **more: object) -> MailServer:
    return MailServer(**{"host": "127.0.0.1", "port": port, "security": "none", "timeout_s": 5.0, **more})  # type: ignore[arg-type]


def test_a_mail_arrives_as_it_was_meant() -> None:
    with mail_server() as box:
        assert send_all(server(box.port), [letter(), letter("bea@example.org", root=None)]) == [None, None]
    first, second = box.mails
    assert (first["From"], first["To"], first["Subject"]) == ("hub@example.org", "ada@example.org", NOTICE.subject)
    assert first["Message-ID"] == "<remuda-notice-7-20261121120000@example.org>"
    assert first["Date"].datetime == NOW
    assert first["Auto-Submitted"] == "auto-generated"
    body = first.get_content().replace("\r\n", "\n")
    assert body.startswith("bea would like it.\n\nbea writes: “.\nBcc: all@example.org”\n\nhttps://hub.example.org/hub/home")
    assert "https://hub.example.org/hub/notices" in body
    assert "https://" not in second.get_content()
    assert first["Bcc"] is None
    assert box.connections == 1, "one talk for all of them"


def test_one_that_is_refused_keeps_no_other_from_going() -> None:
    with mail_server() as box:
        box.answers = {"gone@example.org": "550 no such user", "busy@example.org": "451 try later"}
        letters = [letter(f"{name}@example.org") for name in ("gone", "busy", "ada")]
        gone, busy, sent = send_all(server(box.port), letters)
    assert gone is not None and gone.final and "no such user" in gone.said
    assert busy is not None and not busy.final and not busy.of_all
    assert sent is None
    assert [mail["To"] for mail in box.mails] == ["ada@example.org"]


def test_starttls_and_a_login(tmp_path: Path) -> None:
    theirs, ours = certificate(tmp_path)
    with mail_server(theirs, login=True) as box:
        mine = server(box.port, security="starttls", tls=ours, username="hub", password="right")
        assert send_all(mine, [letter()]) == [None]
        [wrong] = send_all(replace(mine, password="wrong"), [letter()])
        assert wrong is not None and wrong.of_all and "535" in wrong.said
        [unknown] = send_all(replace(mine, tls=None), [letter()])
        assert unknown is not None and "certificate" in unknown.said.lower(), "who it is, is checked"
    assert len(box.mails) == 1
    assert set(box.logins) == {(b"hub", b"right"), (b"hub", b"wrong")}
    assert "right" not in repr(mine)


def test_where_starttls_is_asked_for_nothing_goes_without_it() -> None:
    with mail_server() as box:
        [failure] = send_all(server(box.port, security="starttls", username="hub", password="right"), [letter()])
    assert failure is not None and failure.of_all and "STARTTLS" in failure.said
    assert (box.mails, box.logins) == ([], [])


def test_a_server_that_says_nothing_is_left_after_a_while_and_one_that_is_not_there_at_once() -> None:
    with silent_server() as port:
        begun = time.monotonic()
        failures = send_all(server(port, timeout_s=0.5), [letter(), letter("bea@example.org")])
        assert time.monotonic() - begun < 10
    assert all(failure is not None and failure.of_all and not failure.final for failure in failures)
    [nobody] = send_all(server(port), [letter()])
    assert nobody is not None and nobody.of_all


async def test_a_webhook_is_json_that_is_signed() -> None:
    with web_receiver() as posted:
        assert await webhook.send(posted.url, "s3cret", webhook.payload_of(KEPT, ROOT)) is None
    [(body, headers)] = posted.requests
    assert headers["X-Remuda-Signature"] == f"sha256={hmac.new(b's3cret', body, hashlib.sha256).hexdigest()}"
    assert headers["Content-Type"] == "application/json"
    assert posted.bodies == [
        {
            "version": 1,
            "id": 7,
            "kind": "wanted",
            "key": "wanted/1",
            "to": "ada",
            "sender": "bea",
            "subject": NOTICE.subject,
            "text": NOTICE.text,
            "url": "https://hub.example.org/hub/home",
            "at": "2026-11-21T12:00:00+00:00",
        }
    ]
    bare = webhook.payload_of(Kept(8, replace(NOTICE, sender="", link="")), None)
    assert (bare["sender"], bare["url"]) == (None, None)


@pytest.mark.parametrize("status", [301, 302, 307, 400, 404, 410, 429, 500, 503])
async def test_what_is_not_taken_is_not_sent(status: int) -> None:
    with web_receiver() as posted:
        posted.status, posted.headers = status, {"Location": posted.url.replace("notices", "elsewhere")}
        failure = await webhook.send(posted.url, "s", webhook.payload_of(KEPT, None))
    assert failure is not None and str(status) in failure.said
    assert not failure.of_all and not failure.final
    assert len(posted.requests) == 1, "nothing is followed elsewhere"


async def test_a_receiver_that_says_nothing_or_is_not_there() -> None:
    with silent_server() as port:
        begun = time.monotonic()
        late = await webhook.send(f"http://127.0.0.1:{port}/", "s", webhook.payload_of(KEPT, None), timeout_s=0.5)
        assert time.monotonic() - begun < 10
    away = await webhook.send(f"http://127.0.0.1:{port}/", "s", webhook.payload_of(KEPT, None))
    assert late is not None and late.of_all
    assert away is not None and away.of_all


def test_ways_out_are_what_the_settings_say() -> None:
    email = Email.model_validate({
        "host": "mail", "from": "hub@example.org", "addressTemplate": "{username}@example.org", "kinds": ["budget"]
    })  # fmt: skip
    ways = WaysOut(Values(email=email, webhooks={"chat": Webhook(url="https://chat.example.org/")}))
    assert ways.channels == ("mail", "webhook:chat")
    assert ways(KEPT) == ("webhook:chat",)
    assert ways(Kept(1, replace(NOTICE, kind=Kind.BUDGET))) == ("mail", "webhook:chat")
    assert WaysOut(Values())(KEPT) == ()


async def test_from_the_outbox_to_the_receiver_once_whatever_fails_between(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    app = SimpleNamespace(log=logging.getLogger("hub"), public_url="https://hub.example.org/")
    gate = SqlGate(Store(database), Policies, lambda: NOW)
    outbox = Outbox(database, "first")
    sent_before = metrics.SENT.labels("webhook:chat")._value.get()
    failed_before = metrics.FAILED.labels("webhook:chat")._value.get()
    try:
        with web_receiver() as posted:
            values = Values(webhooks={"chat": Webhook(url=posted.url)})
            [(channel, send)] = senders(app, values, Secrets(webhook_secrets={"chat": "s"})).items()
            fresh = replace(NOTICE, at=datetime.now(UTC))
            await gate.call(Notices(database).post_all, [fresh, replace(fresh, key="2")], NOW)
            assert await gate.call(outbox.route, WaysOut(values), datetime.now(UTC)) == 2
            posted.status = 500
            assert await send_due(app, gate, outbox, channel, send) == 0
            assert len(posted.requests) == 2
            assert await send_due(app, gate, outbox, channel, send) == 0
            assert len(posted.requests) == 2, "later, not at once"
            await gate.call(_make_due, database)
            posted.status = 204
            assert await send_due(app, gate, outbox, channel, send) == 2
            assert [body["key"] for body in posted.bodies[2:]] == ["wanted/1", "2"]
            assert posted.bodies[0] == posted.bodies[2], "the same, to whoever compares"
            assert await send_due(app, gate, outbox, channel, send) == 0
    finally:
        gate.close()
    assert metrics.SENT.labels("webhook:chat")._value.get() - sent_before == 2
    assert metrics.FAILED.labels("webhook:chat")._value.get() - failed_before == 2
    assert "2 notices could not be sent by webhook:chat, and are tried again: 500" in caplog.text


def _make_due(database: Database) -> None:
    from sqlalchemy import update

    from hub_extensions.notices.tables import OUTBOX

    with database.writing() as connection:
        connection.execute(update(OUTBOX).values(due_at=datetime.now(UTC)))

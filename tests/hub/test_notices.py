"""What goes out of a real JupyterHub, and where it has people's addresses from."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from jupyterhub.crypto import CryptKeeper
from sqlalchemy import select

from hub_extensions.notices import Kind, Notice, Notices
from hub_extensions.notices.addresses import NoticeMail, address_of
from hub_extensions.notices.deliver import deliver
from hub_extensions.notices.tables import OUTBOX
from hub_extensions.notices.values import Email, Webhook
from hub_extensions.notices.values import Notices as Values
from hub_extensions.page_frame.gate import SETTING
from hub_extensions.secret_files import Secrets
from tests.contract.notices.receivers import mail_server, silent_server, web_receiver
from tests.fakes.hub import Hub
from tests.hub.test_gate import Books, books, hub
from tests.hub.test_starts import until

__all__ = ["books", "hub"]


def email(port: int = 25, **more: Any) -> Email:
    given = {"host": "127.0.0.1", "port": port, "security": "none", "from": "hub@example.org"}
    return Email.model_validate({**given, "addressTemplate": "{username}@example.org", **more})


def notice(to: str, key: str = "1") -> Notice:
    return Notice(to=to, kind=Kind.BUDGET, key=key, subject="Said", text="Something.", at=datetime.now(UTC))


@contextlib.asynccontextmanager
async def delivering(hub: Hub, books: Books, values: Values) -> AsyncIterator[None]:
    assert hub.app is not None
    hub.app.tornado_settings[SETTING] = books.gate
    task = asyncio.ensure_future(deliver(hub.app, values, Secrets(webhook_secrets={"chat": "s"})))
    try:
        yield
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def post(books: Books, *notices: Notice) -> None:
    await books.gate.call(Notices(books.store.database).post_all, notices, datetime.now(UTC))


def waiting(books: Books) -> int:
    with books.store.database.reading() as connection:
        return len(connection.execute(select(OUTBOX)).all())


async def test_a_mail_server_that_hangs_holds_up_neither_webhooks_nor_starts(hub: Hub, books: Books) -> None:
    ann = hub.user("ann")
    with silent_server() as port, web_receiver() as posted:
        values = Values(email=email(port), webhooks={"chat": Webhook(url=posted.url)})
        await post(books, notice("ann"))
        async with delivering(hub, books, values):
            await until(lambda: posted.bodies)
            spawner = await hub.spawn(ann)
            assert spawner.ready
            await post(books, notice("ann", "2"))
            await until(lambda: len(posted.bodies) == 2)
            await until(lambda: waiting(books) == 2)  # the mails


async def test_mail_goes_out_and_those_without_an_account_get_none(hub: Hub, books: Books) -> None:
    hub.user("ann")
    with mail_server() as box:
        await post(books, notice("nobody"), notice("ann"))
        async with delivering(hub, books, Values(email=email(box.port))):
            await until(lambda: box.mails)
            await until(lambda: not waiting(books))
    assert [mail["To"] for mail in box.mails] == ["ann@example.org"]


async def test_an_address_is_the_admins_own_the_logins_or_the_templates(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CryptKeeper.instance(), "keys", [b"k" * 32])
    app, by_login = hub.app, email(addressField="oauth_user.email")
    ann, bob = hub.user("ann"), hub.user("bob")
    await ann.save_auth_state({"oauth_user": {"email": "ann@login.example.org"}})
    await bob.save_auth_state({"oauth_user": {"email": "not an address, at all"}})

    async def asked(user: Any) -> str | None:
        return "own@example.org" if user.name == "ann" else None

    nobodys, own = NoticeMail(parent=app), NoticeMail(parent=app, address_of=asked)
    assert await address_of(app, "ann", email(), nobodys) == "ann@example.org"
    assert await address_of(app, "ann", by_login, nobodys) == "ann@login.example.org"
    assert await address_of(app, "ann", by_login, own) == "own@example.org"
    assert await address_of(app, "bob", by_login, own) is None, "what is none is not sent to"
    assert await address_of(app, "bob", email(), own) == "bob@example.org"
    assert await address_of(app, "nobody", email(), own) is None
    hub.user("a,b")
    assert await address_of(app, "a,b", email(), nobodys) is None, "never two addresses"

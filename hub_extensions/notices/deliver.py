"""The task in the Hub that sends what is in the outbox. Each way out has its own loop: one that hangs holds up no
other, and no start."""

from __future__ import annotations

import asyncio
import os
import socket
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import uuid4

from hub_extensions.admission.database import DatabaseAway
from hub_extensions.notices import metrics, webhook
from hub_extensions.notices.addresses import NoticeMail, address_of
from hub_extensions.notices.mail import Failure, MailServer, compose, send_all
from hub_extensions.notices.notice import Kept
from hub_extensions.notices.outbox import MAIL, Outbox, Parcel
from hub_extensions.notices.store import Notices
from hub_extensions.notices.values import Email
from hub_extensions.notices.values import Notices as Values
from hub_extensions.page_frame.gate import gate_of
from hub_extensions.secret_files import Secrets

#: Seconds between two looks, and after the database was away.
EVERY_S, AWAY_S = 5.0, 30.0
TIDY_EVERY = timedelta(hours=6)

#: Sends some parcels of one channel; for each, in order, what went wrong.
Send = Callable[[Sequence[Parcel]], Awaitable[list[Failure | None]]]


@dataclass(frozen=True, slots=True)
class WaysOut:
    """PURE: by which channels a notice goes, as the settings say."""

    values: Values

    def __call__(self, kept: Kept) -> tuple[str, ...]:
        named = {channel: settings.kinds for channel, settings in self._settings()}
        return tuple(channel for channel, kinds in named.items() if kinds is None or kept.notice.kind in kinds)

    @property
    def channels(self) -> tuple[str, ...]:
        return tuple(channel for channel, _ in self._settings())

    def _settings(self) -> list[tuple[str, Any]]:
        mail = [(MAIL, self.values.email)] if self.values.email is not None else []
        return [*mail, *((f"webhook:{name}", hook) for name, hook in self.values.webhooks.items())]


async def deliver(app: Any, values: Values, secrets: Secrets) -> None:
    """Until the Hub ends."""
    gate = gate_of(app.tornado_settings)
    if gate is None:
        return
    outbox = Outbox(gate.store.database, f"{socket.gethostname()}/{os.getpid()}/{uuid4().hex[:8]}")
    ways = WaysOut(values)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_keep_routing(app, gate, outbox, ways))
        for channel, send in senders(app, values, secrets).items():
            tasks.create_task(_keep_sending(app, gate, outbox, channel, send))


def senders(app: Any, values: Values, secrets: Secrets) -> Mapping[str, Send]:
    public = values.hub_url or getattr(app, "public_url", "") or None
    root = f"{public.rstrip('/')}/hub/" if public else None
    found: dict[str, Send] = {}
    if values.email is not None:
        found[MAIL] = Post(app, values.email, secrets.mail_password, root)
    for name, hook in values.webhooks.items():
        found[f"webhook:{name}"] = partial(_post_each, hook.url, secrets.webhook_secrets[name], root)
    return found


class Post:
    """Mail, through one connection at a time in a thread of its own."""

    def __init__(self, app: Any, email: Email, password: str | None, root: str | None) -> None:
        self._app, self._email, self._root = app, email, root
        self._hook = NoticeMail(parent=app)
        self._server = MailServer(email.host, email.port, email.security, email.username, password)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="remuda-mail")

    async def __call__(self, parcels: Sequence[Parcel]) -> list[Failure | None]:
        outcomes: dict[int, Failure | None] = {}
        letters = {}
        for parcel in parcels:
            name = parcel.kept.notice.to
            try:
                to = await address_of(self._app, name, self._email, self._hook)
            except Exception as e:
                self._app.log.exception("The e-mail address of %s could not be found", name)
                outcomes[parcel.id] = Failure(f"no address: {type(e).__name__}")
                continue
            if to is None:
                outcomes[parcel.id] = Failure(f"no e-mail address is known of {name}", final=True)
            else:
                letters[parcel.id] = compose(parcel.kept, to, self._email.from_, self._root)
        if letters:
            send = partial(send_all, self._server, list(letters.values()))
            said = await asyncio.get_running_loop().run_in_executor(self._thread, send)
            outcomes.update(zip(letters, said, strict=True))
        return [outcomes[parcel.id] for parcel in parcels]


async def _post_each(url: str, secret: str, root: str | None, parcels: Sequence[Parcel]) -> list[Failure | None]:
    """Where nobody answers at all, the rest is not tried either: it comes with the next look."""
    outcomes: list[Failure | None] = []
    for parcel in parcels:
        said = await webhook.send(url, secret, webhook.payload_of(parcel.kept, root))
        outcomes.append(said)
        if said is not None and said.of_all:
            break
    return [*outcomes, *[outcomes[-1]] * (len(parcels) - len(outcomes))]


async def _keep_routing(app: Any, gate: Any, outbox: Outbox, ways: WaysOut) -> None:
    notices, tidied = Notices(gate.store.database), None
    while True:
        now, pause_s = datetime.now(UTC), EVERY_S
        try:
            if tidied is None or now - tidied > TIDY_EVERY:
                await gate.call(notices.tidy, now)
                await gate.call(outbox.drop_all_but, ways.channels)
                tidied = now
            await gate.call(outbox.route, ways, now)
        except DatabaseAway:
            pause_s = AWAY_S  # the task that keeps the books says so in the log
        except Exception:
            app.log.exception("Notices could not be routed; the next look is in %s s", AWAY_S)
            pause_s = AWAY_S
        await asyncio.sleep(pause_s)


async def _keep_sending(app: Any, gate: Any, outbox: Outbox, channel: str, send: Send) -> None:
    while True:
        pause_s = EVERY_S
        try:
            if await send_due(app, gate, outbox, channel, send):
                pause_s = 0
        except DatabaseAway:
            pause_s = AWAY_S
        except Exception:
            app.log.exception("Notices by %s could not be sent; the next look is in %s s", channel, AWAY_S)
            pause_s = AWAY_S
        await asyncio.sleep(pause_s)


async def send_due(app: Any, gate: Any, outbox: Outbox, channel: str, send: Send) -> int:
    """One look: claim, send, say so. How many were sent."""
    parcels: tuple[Parcel, ...] = await gate.call(outbox.claim, channel, datetime.now(UTC))
    if not parcels:
        return 0
    later: Counter[str] = Counter()
    outcomes = await send(parcels)
    for parcel, failure in zip(parcels, outcomes, strict=True):
        if failure is None:
            metrics.SENT.labels(channel).inc()
            await gate.call(outbox.sent, parcel)
        elif await _again(gate, outbox, parcel, failure):
            later[failure.said] += 1
        else:
            metrics.GIVEN_UP.labels(channel).inc()
            said = "Notice %s (%s) to %s by %s is given up after %s tries: %s"
            notice, tries = parcel.kept.notice, parcel.tries + 1
            app.log.warning(said, parcel.kept.id, notice.kind, notice.to, channel, tries, failure.said)
    for said, count in later.items():
        app.log.warning("%s notices could not be sent by %s, and are tried again: %s", count, channel, said)
    return outcomes.count(None)


async def _again(gate: Any, outbox: Outbox, parcel: Parcel, failure: Failure) -> bool:
    """Whether there is another try."""
    metrics.FAILED.labels(parcel.channel).inc()
    if failure.final:
        await gate.call(outbox.sent, parcel)
        return False
    return await gate.call(outbox.failed, parcel, datetime.now(UTC)) is not None

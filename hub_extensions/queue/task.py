"""Whoever is next in line is called, promises are kept, and who wants so is started. Nothing here decides.

It looks every few seconds, and at once when something has become free. All of it is in the books: a Hub that was away
goes on where it was.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.engine import Connection

from hub_extensions.admission.ahead import Looked, steps
from hub_extensions.admission.database import DatabaseAway
from hub_extensions.admission.gate import SqlGate
from hub_extensions.notices.post import post
from hub_extensions.notices.store import Notices
from hub_extensions.queue.start import TryAgain, start_server
from hub_extensions.queue.store import Line
from hub_extensions.queue.told import not_started, notices_of
from hub_extensions.switch.board import switch_board
from profiles.lease import KEPT, Request
from profiles.model import Catalog
from profiles.policy import Policies
from profiles.refusal import Refusal
from profiles.resolve import resolve
from profiles.waiting import Waiting

EVERY_S = 15.0
#: Many machines that stop at once are one look.
TOGETHER_S = 0.1


async def attend(app: Any, gate: SqlGate, catalog: Catalog, look: Any) -> None:
    """Until the Hub ends. Before the books have been compared with what runs (`look`), nobody knows what is free."""
    attendant = Attendant(app, gate, catalog)
    while True:
        pause_s = EVERY_S
        if look.done:
            try:
                pause_s = await attendant.look()
            except DatabaseAway as e:
                app.log.warning("The line cannot be looked at; the next look is in %s s: %s", pause_s, e)
            except Exception:
                app.log.exception("The line could not be looked at; the next look is in %s s", pause_s)
        else:
            pause_s = 0.5
        try:
            async with asyncio.timeout(pause_s):
                await gate.freed.wait()
            await asyncio.sleep(TOGETHER_S)
        except TimeoutError:
            pass
        gate.freed.clear()


class Attendant:
    """One for the Hub."""

    def __init__(self, app: Any, gate: SqlGate, catalog: Catalog) -> None:
        self._app, self._gate, self._catalog = app, gate, catalog
        self._line = Line(gate.store)
        self._starts: dict[str, asyncio.Task[None]] = {}

    async def look(self) -> float:
        """In how many seconds to look again, if nothing happens before."""
        now, policies = datetime.now(UTC), self._catalog.policies
        line = await self._gate.call(self._line.line)
        requests = {each.id: self._request(each) for each in line}
        busy = {each.id for each in line if self._is_busy(each)}
        looked = sum(await self._gate.in_steps(_look(self._gate.store, policies, requests, now, busy)), Looked())
        self._log(looked)
        line = await self._gate.call(self._line.line)
        for each in line:
            if each.kept_until is not None and each.starts_itself and each.id not in self._starts:
                self._start(each)
        return _pause_s(line, datetime.now(UTC))

    def _request(self, waiting: Waiting) -> Request | None:
        """What it waits for, as the catalog offers it to this person now."""
        user = self._app.users.get(waiting.request.person.name)
        if user is None:
            return None
        person = user.spawner.person
        plan = resolve(self._catalog, waiting.choice, person)
        if isinstance(plan, Refusal):
            return None
        return Request.of(KEPT + waiting.id, person, waiting.request.server, plan)

    def _is_busy(self, waiting: Waiting) -> bool:
        """Something runs, starts or stops on that server: only its person may end it."""
        key = waiting.request.person.name, waiting.request.server
        user = self._app.users.get(key[0])
        if user is None or key[1] not in user.orm_user.orm_spawners:
            return False
        spawner = user.spawners[key[1]]
        return bool(spawner.active or spawner.pending or switch_board(self._app.tornado_application.settings).get(key))

    def _start(self, waiting: Waiting) -> None:
        if self._is_busy(waiting):
            return
        task = asyncio.get_running_loop().create_task(self._carry_out(waiting))
        self._starts[waiting.id] = task
        task.add_done_callback(lambda _: self._starts.pop(waiting.id, None))

    async def _carry_out(self, waiting: Waiting) -> None:
        name, server = waiting.request.person.name, waiting.request.server
        try:
            self._app.log.info("Starting %s for %s, whose turn it is", waiting.request.display_name, name)
            why = await start_server(self._app, self._app.users[name], server, waiting.choice)
            if why:
                await self._gate.call(self._line.by_hand, waiting.id)
                notice = not_started(waiting, why, datetime.now(UTC))
                await self._gate.call(Notices(self._gate.store.database).post_all, [notice], notice.at)
        except TryAgain:
            self._app.log.info("Too many starts at once: %s is tried again", waiting.request.display_name)
        except Exception:
            self._app.log.exception("%s of %s could not be started", waiting.request.display_name, name)

    def _log(self, looked: Looked) -> None:
        for what in ("called", "passed", "dropped"):
            for each in getattr(looked, what):
                self._app.log.info("%s is %s: %s", each.request.person.name, what, each.request.display_name)
        for leave, why in looked.told:
            self._app.log.info("%s's %s stops at %s: %s", leave.lease.user, leave.lease.display_name, leave.at, why)


def _look(
    store: Any, policies: Policies, requests: Mapping[str, Request | None], now: datetime, busy: Collection[str]
) -> Iterator[Looked]:
    """Each step in the gate's thread. People are told in the transaction of what they are told of."""

    def tell(connection: Connection, looked: Looked) -> None:
        for notice in notices_of(looked, policies, now, busy):
            post(connection, notice)

    return steps(store, policies, requests, now, tell)


def _pause_s(line: Iterable[Waiting], now: datetime) -> float:
    """Until the next place that is kept is given to the next one."""
    ends = [(each.kept_until - now).total_seconds() for each in line if each.kept_until is not None]
    return max(0.1, min([EVERY_S, *ends]))

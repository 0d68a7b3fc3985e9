"""The culler's loop inside the Hub: look, decide, stop. Nothing here decides."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from jupyterhub.utils import maybe_future

from hub_extensions.admission.database import DatabaseAway
from hub_extensions.admission.expiry import START_AGAIN, lived
from hub_extensions.culler.decide import Keep, ServerFacts, Stop, StopReason, decide
from hub_extensions.keep_on.known import KnownKept, known_kept
from hub_extensions.page_frame.gate import gate_of
from hub_extensions.page_frame.notice import Notice
from hub_extensions.settings import Cull
from hub_extensions.stopping import stop_server
from profiles.lease import EndReason


async def cull_for_ever(app: Any, cull: Cull) -> None:
    """Every `cull.every` seconds until the Hub ends. A round that fails is logged, and the next one comes."""
    settings = app.tornado_application.settings
    while True:
        await asyncio.sleep(cull.every)
        now = datetime.now(UTC)
        try:
            await cull_once(app, cull, now, await kept_now(app, settings, now))
        except Exception:
            app.log.exception("The culler could not finish its round; the next one is in %s s", cull.every)


async def kept_now(app: Any, settings: Any, now: datetime) -> KnownKept | None:
    """Machines that people keep on; None where no books are kept, and none can be."""
    gate = gate_of(settings)
    if gate is None:
        return None
    kept = known_kept(settings)
    try:
        await kept.look(gate, now)
    except DatabaseAway as e:
        app.log.warning("Which machines are kept on is as last known: %s", e)
    return kept


async def cull_once(app: Any, cull: Cull, now: datetime, kept: KnownKept | None = None) -> int:
    """Stop what is due; how many were stopped. Stops run side by side: one that hangs holds up nobody else's."""
    due = [(user, spawner, decision) for user, spawner, decision in _decisions(app, cull, now, kept)]
    outcomes = await asyncio.gather(*(_stop(app, cull, *one) for one in due))
    return sum(outcomes)


def _decisions(
    app: Any, cull: Cull, now: datetime, kept: KnownKept | None
) -> Iterator[tuple[Any, Any, Stop]]:
    for user in list(app.users.values()):
        for spawner in list(user.spawners.values()):
            if spawner.server is None:
                continue
            match decide(facts_of(user, spawner, kept), cull, now):
                case Stop() as stop:
                    yield user, spawner, stop
                case Keep():
                    pass


def facts_of(user: Any, spawner: Any, kept: KnownKept | None = None) -> ServerFacts:
    """What is known of a server in the Hub's memory: no query, no request."""
    machine = getattr(spawner, "machine", None)
    return ServerFacts(
        name=spawner._log_name,
        settled=bool(spawner.ready),
        started=_aware(spawner.orm_spawner.started),
        last_activity=_aware(spawner.orm_spawner.last_activity),
        machine=machine,
        owner_is_admin=bool(user.admin),
        kept_until=kept.until(machine) if kept is not None else None,
        kept_known=kept is None or kept.known,
    )


async def _stop(app: Any, cull: Cull, user: Any, spawner: Any, decision: Stop) -> bool:
    if not spawner.ready:  # somebody was quicker while others of this round were being stopped
        return False
    app.log.warning("Stopping (%s) %s", decision.reason, decision.sentence)
    note_reason = getattr(spawner, "note_reason", None)  # JupyterHub's own spawners keep no books
    if note_reason is not None:
        note_reason(EndReason.TIME_OVER if decision.reason is StopReason.LIFETIME else EndReason.CULLED)
    machine = getattr(spawner, "machine", None)
    if machine is not None and machine.max_lifetime_s and decision.reason is StopReason.LIFETIME:
        lasted = timedelta(seconds=machine.max_lifetime_s)
        sentence = lived(machine.display_name, lasted, asked=machine.ends_as_asked)
        spawner.failure = Notice(sentence, START_AGAIN, str(EndReason.TIME_OVER))  # home tells it, until the next start
    if not await stop_server(app, user, spawner):
        return False
    if spawner.name and cull.remove_named_servers:
        try:
            await _forget(app, user, spawner)
        except Exception:
            app.log.exception("Could not forget %s", spawner._log_name)
            return False
    return True


async def _forget(app: Any, user: Any, spawner: Any) -> None:
    """Drop a stopped named server from the list, as JupyterHub's REST API does with `remove`."""
    await maybe_future(user._delete_spawner(spawner))
    app.db.delete(spawner.orm_spawner)
    user.spawners.pop(spawner.name, None)
    app.db.commit()


def _aware(moment: datetime | None) -> datetime | None:
    """JupyterHub's database holds UTC without saying so."""
    if moment is None:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)

"""PURE: whether somebody may wait in line, and where they stand in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from hub_extensions.queue import words
from hub_extensions.queue.words import NotPossible
from profiles.admission import Admit, Decision
from profiles.booking import Queue
from profiles.turns import WAITABLE, never_fits, waits_for
from profiles.waiting import Waiting, before


def join(
    wanted: Waiting, decision: Decision, line: Sequence[Waiting], queue: Queue, now: datetime
) -> Waiting | NotPossible:
    """The place that this person has from now on. Who waits for the same machine already keeps the place that they
    have; for another machine on the same server they begin anew, at the end."""
    request = wanted.request
    theirs = [each for each in line if each.request.person.name == request.person.name]
    own = next((each for each in theirs if each.is_for(request)), None)
    if own is not None and _same_machine(own, wanted):
        asked = replace(own.request, longest=wanted.request.longest)
        return replace(own, starts_itself=wanted.starts_itself, request=asked, run_for=wanted.run_for)
    if not queue.enabled:
        return words.NO_LINE
    useless = _useless(request.display_name, decision)
    if useless is not None:
        return useless
    if len([each for each in theirs if each is not own]) >= queue.per_person:
        return words.too_many(queue.per_person)
    return replace(wanted, joined_at=now, pot=waits_for(decision), kept_until=None)


def _useless(machine: str, decision: Decision) -> NotPossible | None:
    """Why waiting would not help."""
    if isinstance(decision, Admit):
        return words.free_now(machine)
    refusal = decision.refusal
    if refusal.reason not in WAITABLE:
        return NotPossible(refusal.reason, refusal.sentence, refusal.remedy)
    return words.never(machine, refusal.sentence, refusal.remedy) if never_fits(decision) else None


def _same_machine(one: Waiting, other: Waiting) -> bool:
    return (one.request.profile, dict(one.options)) == (other.request.profile, dict(other.options))


def place_of(waiting: Waiting, line: Iterable[Waiting]) -> int:
    """Counted from 1 among those who wait for the same, and have not been called."""
    return 1 + sum(each.pot == waiting.pot for each in before(line, waiting.request))

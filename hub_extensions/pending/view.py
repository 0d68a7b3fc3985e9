"""PURE: a start, a stop or a switch that is under way, or has failed -> the page that follows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hub_extensions.page_frame.machine_words import Field, MachineWords, Moment, form_fields, of_plan
from hub_extensions.page_frame.menu import Menu
from hub_extensions.page_frame.notice import Notice
from profiles.choice import MachineChoice
from profiles.turns import WAITABLE

#: A start that failed for this reason can go on without the home's disk being written to.
HOME_FULL = "home-full"
WAIT_NOTE = "It is started for you when it is your turn."
RESCUE_NOTE = "Starts without writing to your home, so that you can delete files and make room."


@dataclass(frozen=True)
class PendingPage:
    """`leaving` is the machine a switch comes from; `stopping` says that it, or the only one, still has to stop."""

    title: str
    stopping: bool
    machine: MachineWords | None
    leaving: str | None
    since: Moment | None
    progress_url: str
    next_url: str
    cancel_url: str
    xsrf: str
    notice: Notice | None = None
    message: str = ""
    #: For how long, where its person has said so.
    life: str = ""


@dataclass(frozen=True)
class StartForm:
    """A button that starts one known machine again: a plain form, so it works without JavaScript."""

    label: str
    action: str
    fields: tuple[Field, ...]
    primary: bool = False
    note: str = ""


@dataclass(frozen=True)
class NotRunningPage:
    title: str
    lead: str
    notice: Notice | None
    forms: tuple[StartForm, ...]
    choose_url: str
    xsrf: str


def pending_title(name: str | None, leaving: str | None, *, stopping: bool) -> str:
    if leaving and name:
        return f"Switching from {leaving} to {name}"
    if stopping:
        return f"Stopping {leaving or name or 'your machine'}"
    return f"Starting {name or 'your machine'}"


def stopping_message(leaving: str | None, waited_s: float) -> str:
    """What a switch waits for, in words that say more the longer it takes."""
    name = leaving or "your machine"
    if waited_s < 10:
        return f"Stopping {name}. Your home stays as it is."
    if waited_s < 45:
        return f"Waiting for {name} to stop: its programs are being asked to end."
    return (
        f"Still waiting for {name} to stop, for {int(waited_s)} seconds now. "
        "The new machine starts as soon as your home has been let go; you may close this page."
    )


@dataclass(frozen=True)
class Ways:
    """What a stopped server could be started with: the last choice, and the last machine that came up."""

    menu: Menu
    wanted: MachineChoice | None
    previous: MachineChoice | None
    action: str
    xsrf: str
    #: Where one waits in line for what others have; empty where there is no line.
    join: str = ""


def failed_start(ways: Ways, notice: Notice) -> NotRunningPage:
    """The ways on after a start that failed: the same again, the machine before, or a rescue start."""
    again = ways.menu.plan(ways.wanted)
    before = ways.menu.plan(ways.previous)
    forms: list[StartForm] = []
    if again is not None and ways.wanted is not None:
        if notice.reason == HOME_FULL:
            fields = form_fields(ways.wanted, rescue=True)
            forms.append(StartForm("Rescue start", ways.action, fields, primary=True, note=RESCUE_NOTE))
        if ways.join and notice.reason in WAITABLE:
            fields = form_fields(ways.wanted)
            forms.append(StartForm("Wait for it in line", ways.join, fields, primary=not forms, note=WAIT_NOTE))
        run_for = ways.wanted.run_for
        note = f"For {run_for.human}, as you asked." if run_for else ""
        forms.append(StartForm("Try again", ways.action, form_fields(ways.wanted), primary=not forms, note=note))
    if before is not None and ways.previous is not None and not _same(ways.wanted, ways.previous):
        words = of_plan(before, ways.menu.catalog)
        label, fields = f"Start {words.name} instead", form_fields(ways.previous)
        forms.append(StartForm(label, ways.action, fields, primary=not forms, note=words.price))
    return NotRunningPage(
        title=f"{again.display_name} could not be started" if again else "The machine could not be started",
        lead="Nothing is running, and nothing costs anything. Your home is kept.",
        notice=notice,
        forms=tuple(forms),
        choose_url=ways.action,
        xsrf=ways.xsrf,
    )


def not_running(ways: Ways, ended: Notice | None = None) -> NotRunningPage:
    """The page of a server that nobody has started, or that has stopped; `ended` is why, where that is known."""
    plan = ways.menu.plan(ways.wanted) if ways.wanted and ways.wanted.profile else None
    forms: tuple[StartForm, ...] = ()
    if plan is not None and ways.wanted is not None:
        words = of_plan(plan, ways.menu.catalog)
        forms = (
            StartForm(f"Start {words.name}", ways.action, form_fields(ways.wanted), primary=True, note=words.price),
        )
    why = "" if ended else "It may have stopped for lack of activity, or you stopped it. "
    return NotRunningPage(
        title="Your machine is not running",
        lead=f"{why}Your home is kept: start one to go on.",
        notice=ended,
        forms=forms,
        choose_url=ways.action,
        xsrf=ways.xsrf,
    )


def _same(one: MachineChoice | None, other: MachineChoice) -> bool:
    return one is not None and (one.profile, dict(one.options)) == (other.profile, dict(other.options))


def progress_facts(notice: Notice) -> dict[str, Any]:
    """What a failed start adds to JupyterHub's progress event, whose own message begins with "Spawn failed:"."""
    message = f"{notice.sentence} {notice.remedy}".strip()
    return {"message": message, "sentence": notice.sentence, "remedy": notice.remedy, "reason": notice.reason}


def elapsed(since: datetime | None, now: datetime) -> float:
    return max(0.0, (now - since).total_seconds()) if since else 0.0

"""Who is told what about an ask: those who may answer it when it comes, whoever asked when something is said to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from jupyterhub import orm

from hub_extensions.approvals import words
from hub_extensions.approvals.ask import Ask, NoteKind
from hub_extensions.approvals.decide import Changed
from hub_extensions.notices.notice import Kind, Notice
from hub_extensions.page_frame.words import clock_in
from profiles.access import Access

#: More people than this are not told one by one: an ask of everybody's is nobody's.
MOST_APPROVERS = 200


def approvers_of(db: Any, approvers: Access) -> tuple[str, ...]:
    """Those of them that the hub knows, as they are at this moment. `db` is the hub's own session."""
    names = {name for (name,) in db.query(orm.User.name).filter(orm.User.name.in_(approvers.users))}
    members = db.query(orm.User.name).join(orm.User.groups).filter(orm.Group.name.in_(approvers.groups))
    names |= {name for (name,) in members.limit(MOST_APPROVERS)}
    if approvers.admins:
        names |= {name for (name,) in db.query(orm.User.name).filter(orm.User.admin.is_(True)).limit(MOST_APPROVERS)}
    return tuple(sorted(names)[:MOST_APPROVERS])


def notices_of(
    changed: Changed, approvers: Iterable[str] = (), authors: Iterable[str] = (), timezone: str = "UTC"
) -> Iterator[Notice]:
    """PURE. `authors` are those who have written something about this ask. Nobody is told what they said themselves."""
    ask, note = changed.ask, changed.note
    machine = f"{ask.terms.display_name} for {words.length(ask.terms.lasts)}"
    match note.kind:
        case NoteKind.ASKED:
            subject = f"{ask.user} asks for {machine}"
            said = f"{subject}, and you may answer: {_cost(ask)}.\n\n{ask.user} writes: “{ask.reason}”"
            yield from _to(approvers, changed, Kind.ASKED, subject, said)
        case NoteKind.COMMENT if note.author == ask.user:
            subject = f"{ask.user} has commented on an ask for {machine}"
            said = f"{subject}.\n\n{ask.user} writes: “{note.text}”"
            yield from _to(authors, changed, Kind.ASKED, subject, said)
        case NoteKind.COMMENT | NoteKind.REVISED | NoteKind.GRANTED | NoteKind.REFUSED | NoteKind.REVOKED:
            subject = {
                NoteKind.COMMENT: f"{note.author} has commented on your ask for {ask.terms.display_name}",
                NoteKind.REVISED: f"{note.author} has changed your ask for {ask.terms.display_name}",
                NoteKind.GRANTED: f"{note.author} said yes to {ask.terms.display_name}",
                NoteKind.REFUSED: f"{note.author} said no to {ask.terms.display_name}",
                NoteKind.REVOKED: f"{note.author} took back the permission for {ask.terms.display_name}",
            }[note.kind]
            until = ""
            if _granted(changed) and ask.ends_at:
                until = f": you may have it until {clock_in(timezone, ask.ends_at, note.at)}"
            written = f"\n\n{note.author} writes: “{note.text}”" if note.text else ""
            yield from _to([ask.user], changed, Kind.ANSWERED, subject, f"{subject}{until}.{written}")


def _to(names: Iterable[str], changed: Changed, kind: Kind, subject: str, text: str) -> Iterator[Notice]:
    ask, note = changed.ask, changed.note
    for name in names:
        if name != note.author:
            yield Notice(
                to=name,
                kind=kind,
                key=f"ask/{ask.id}/{note.kind}/{note.at.isoformat()}",
                subject=subject,
                text=text,
                at=note.at,
                link=f"approvals/{ask.id}",
                sender=note.author,
            )


def _granted(changed: Changed) -> bool:
    return changed.note.kind is NoteKind.GRANTED


def _cost(ask: Ask) -> str:
    most = ask.terms.costs_at_most
    return f"it would cost {most.human} at most" if most.amount else "it costs nothing"

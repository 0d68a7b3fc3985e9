"""Asks, grants and the audit as they are kept, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
import sqlalchemy as sa

from hub_extensions.admission.database import Database
from hub_extensions.admission.store import Store
from hub_extensions.admission.tables import METADATA
from hub_extensions.approvals import decide
from hub_extensions.approvals.ask import ANSWER_WITHIN, Ask, AskState, NoteKind, Terms
from hub_extensions.approvals.store import Approvals, grants_of
from hub_extensions.approvals.words import NotPossible, Why
from hub_extensions.audit.entry import Action, AuditEntry, Filter, Way
from hub_extensions.audit.store import entries, note_policies, write
from hub_extensions.audit.tables import AUDIT
from hub_extensions.notices import Notices
from profiles.admission import Admit, Deny
from profiles.policy import Policies
from profiles.refusal import Reason
from tests.unit.approvals.asking import ADA, BEA, CAT, DAN, DAY, NOW, POLICIES, TWO_RULES, said, terms, why

HOUR = timedelta(hours=1)


@pytest.fixture
def approvals(database: Database) -> Approvals:
    return Approvals(database)


def asked(approvals: Approvals, wanted: Terms | None = None, policies: Policies = POLICIES) -> Ask:
    made = approvals.raise_asks(said(ADA, "Training – größer, 日本 <b>"), wanted or terms(), policies, Way.PAGE)
    assert not isinstance(made, NotPossible), made
    return made[0]


def granting(by: decide.Person, after: timedelta = HOUR) -> Callable[[Ask], decide.Changed | NotPossible]:
    return lambda ask: decide.grant(ask, said(by, "Yes", after), ask.terms, POLICIES)


def told(database: Database, **wanted: object) -> list[AuditEntry]:
    with database.reading() as connection:
        return list(entries(connection, Filter(**wanted)))  # type: ignore[arg-type]


def test_an_ask_is_kept_as_it_was_made(approvals: Approvals, database: Database) -> None:
    ask = asked(approvals)
    kept = approvals.get(ask.id)
    assert kept is not None
    assert kept[0] == ask
    assert [note.kind for note in kept[1]] == [NoteKind.ASKED]
    assert approvals.of_user("ada") == approvals.waiting(("big-gpu",), NOW) == (ask,)
    assert approvals.of_user("bea") == approvals.waiting(("another",), NOW) == approvals.waiting((), NOW) == ()
    assert approvals.waiting(("big-gpu",), NOW + ANSWER_WITHIN) == (), "what nobody answered waits no more"
    assert approvals.get("nothing") is None
    [entry] = told(database)
    assert (entry.actor, entry.action, entry.subject, entry.way) == ("ada", Action.ASKED, "ada", Way.PAGE)
    assert entry.details["machine"] == "GPU"
    assert entry.at == NOW


def test_those_who_may_answer_are_told_and_whoever_asked_of_what_is_said(
    approvals: Approvals, database: Database
) -> None:
    def subjects(user: str) -> list[str]:
        return [kept.notice.subject for kept in reversed(Notices(database).of_user(user))]

    approvers = {"big-gpu": ("ada", "bea", "cat"), "another": ("dan",)}
    made = approvals.raise_asks(said(ADA, "Training <b>"), terms(), POLICIES, Way.PAGE, approvers=approvers)
    assert not isinstance(made, NotPossible)
    assert subjects("bea") == subjects("cat") == ["ada asks for GPU for 3 days"]
    assert (subjects("ada"), subjects("dan")) == ([], []), "nobody is told what they said themselves"
    [kept] = Notices(database).of_user("bea")
    assert (kept.notice.link, kept.notice.sender) == (f"approvals/{made[0].id}", "ada")
    assert "ada writes: “Training <b>”" in kept.notice.text

    def change(judge: Callable[[Ask], decide.Changed | NotPossible]) -> None:
        assert not isinstance(approvals.change(made[0].id, judge, Way.PAGE), NotPossible)

    change(lambda ask: decide.comment(ask, said(BEA, "Why?", HOUR), POLICIES))
    change(lambda ask: decide.comment(ask, said(ADA, "Because", 2 * HOUR), POLICIES))
    change(lambda ask: decide.revise(ask, said(BEA, "", 3 * HOUR), terms(lasts=DAY), POLICIES))
    change(granting(BEA, 4 * HOUR))
    change(lambda ask: decide.revoke(ask, said(CAT, "Needed", DAY / 2), POLICIES))
    assert subjects("ada") == [
        "bea has commented on your ask for GPU", "bea has changed your ask for GPU", "bea said yes to GPU",
        "cat took back the permission for GPU",
    ]  # fmt: skip
    assert subjects("bea")[1:] == ["ada has commented on an ask for GPU for 3 days"], "whoever wrote about it, too"
    assert len(subjects("cat")) == 1
    granted = next(kept.notice for kept in Notices(database).of_user("ada") if "yes" in kept.notice.subject)
    assert "you may have it until" in granted.text


def test_an_ask_that_cannot_be_kept_tells_nobody(approvals: Approvals, database: Database) -> None:
    asked(approvals)
    again = approvals.raise_asks(said(ADA, "x"), terms(), POLICIES, Way.PAGE, approvers={"big-gpu": ("bea",)})
    assert why(again) is Why.ASKED_ALREADY
    assert Notices(database).unread("bea") == 0


def test_two_rules_two_asks_in_one_transaction(approvals: Approvals) -> None:
    made = approvals.raise_asks(said(ADA, "Both"), terms(lasts=DAY), TWO_RULES, Way.REST)
    assert not isinstance(made, NotPossible)
    assert {ask.rule for ask in made} == {"money", "lead"}
    again = approvals.raise_asks(said(ADA, "Both"), terms(lasts=DAY), TWO_RULES, Way.REST)
    assert why(again) is Why.ASKED_ALREADY
    assert len(approvals.of_user("ada")) == 2


def test_a_yes_opens_the_gate_until_it_ends_or_is_taken_back(approvals: Approvals, database: Database) -> None:
    store = Store(database, grants_of)
    request = decide.request_of(ADA, terms())
    denied = store.foresee(request, POLICIES, NOW)
    assert isinstance(denied, Deny)
    assert denied.refusal.reason is Reason.NEEDS_APPROVAL
    ask = asked(approvals)
    granted = approvals.change(ask.id, granting(BEA), Way.PAGE)
    assert isinstance(granted, Ask)
    decision = store.foresee(request, POLICIES, NOW + 2 * HOUR)
    assert isinstance(decision, Admit)
    assert decision.longest == 3 * DAY - HOUR, "it runs no longer than the yes holds"
    other = store.foresee(decide.request_of(DAN, terms()), POLICIES, NOW + 2 * HOUR)
    assert isinstance(other, Deny)
    late = store.foresee(request, POLICIES, NOW + HOUR + 3 * DAY)
    assert isinstance(late, Deny)
    assert late.refusal.reason is Reason.GRANT_EXPIRED, "an expired grant in another tab"
    back = approvals.change(ask.id, lambda kept: decide.revoke(kept, said(CAT, "Needed", DAY), POLICIES), Way.PAGE)
    assert isinstance(back, Ask)
    gone = store.foresee(request, POLICIES, NOW + DAY)
    assert isinstance(gone, Deny)
    assert gone.refusal.reason is Reason.GRANT_EXPIRED


def test_two_approvers_at_once_one_wins_and_the_other_is_told(url: str) -> None:
    first = Approvals(Database(url))
    ask = asked(first)
    start = Barrier(8)

    def answer(number: int) -> Ask | NotPossible:
        approvals = Approvals(Database(url))  # a hub of their own
        by = BEA if number % 2 else CAT
        start.wait()
        if number % 3:
            return approvals.change(ask.id, granting(by), Way.PAGE)
        return approvals.change(ask.id, lambda kept: decide.refuse(kept, said(by, "", HOUR), POLICIES), Way.PAGE)

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(answer, range(8)))
    won = [outcome for outcome in outcomes if isinstance(outcome, Ask)]
    assert len(won) == 1
    for lost in outcomes:
        if isinstance(lost, NotPossible):
            assert lost.reason is Why.ANSWERED
            assert won[0].answered_by in lost.sentence
    kept = first.get(ask.id)
    assert kept is not None
    assert kept[0] == won[0]
    assert len(kept[1]) == 2
    with Database(url).reading() as connection:
        grants = grants_of(connection, "ada")
    assert len(grants) == (won[0].state is AskState.GRANTED)


def test_whoever_leaves_leaves_no_ask_and_no_permission(approvals: Approvals, database: Database) -> None:
    granted, waiting, answered = asked(approvals), asked(approvals, terms(4)), asked(approvals, terms(8))
    approvals.change(granted.id, granting(BEA), Way.PAGE)
    approvals.change(answered.id, lambda ask: decide.refuse(ask, said(BEA), POLICIES), Way.PAGE)
    approvals.leave("ada", said(CAT, "The account was removed.", 2 * HOUR), Way.REST)
    states = [kept[0].state for ask in (granted, waiting, answered) if (kept := approvals.get(ask.id))]
    assert states == [AskState.REVOKED, AskState.WITHDRAWN, AskState.REFUSED], "for those who answered"
    assert approvals.of_user("ada") == ()
    before = told(database)
    approvals.leave("ada", said(CAT, "Again", 3 * HOUR), Way.REST)
    assert told(database) == before


def test_a_new_account_of_a_name_knows_nothing_of_an_earlier_ones_yes(
    approvals: Approvals, database: Database
) -> None:
    store, over, request = Store(database, grants_of), asked(approvals), decide.request_of(ADA, terms())
    approvals.change(over.id, granting(BEA), Way.PAGE)
    later = NOW + 30 * DAY
    mine = store.foresee(request, POLICIES, later)
    assert isinstance(mine, Deny)
    assert mine.refusal.reason is Reason.GRANT_EXPIRED, "of the same account"
    kept = len(told(database))
    approvals.leave("ada", said(CAT, "The account was removed.", 30 * DAY), Way.REST)
    new = store.foresee(request, POLICIES, later)
    assert isinstance(new, Deny)
    assert (new.refusal.reason, "permission" in new.refusal.sentence) == (Reason.NEEDS_APPROVAL, False)
    assert len(told(database)) == kept, "the audit keeps all of it, and nothing ended by that"
    again = asked(approvals)
    assert approvals.of_user("ada") == (again,)


def test_a_double_click_asks_once(url: str) -> None:
    start = Barrier(8)

    def click(_: int) -> tuple[Ask, ...] | NotPossible:
        approvals = Approvals(Database(url))
        start.wait()
        return approvals.raise_asks(said(ADA, "Twice"), terms(), POLICIES, Way.PAGE)

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(click, range(8)))
    assert sum(not isinstance(outcome, NotPossible) for outcome in outcomes) == 1
    assert {why(outcome) for outcome in outcomes if isinstance(outcome, NotPossible)} == {Why.ASKED_ALREADY}
    assert len(Approvals(Database(url)).of_user("ada")) == 1


def test_what_is_not_possible_leaves_nothing_behind(approvals: Approvals, database: Database) -> None:
    ask = asked(approvals)
    outcome = approvals.change(ask.id, granting(DAN), Way.REST)
    assert why(outcome) is Why.NOT_AN_APPROVER
    assert why(approvals.change("nothing", granting(BEA), Way.REST)) is Why.NO_SUCH_ASK
    assert why(approvals.raise_asks(said(ADA, "x" * 10_000), terms(), POLICIES, Way.REST)) is Why.TOO_LONG_TEXT
    kept = approvals.get(ask.id)
    assert kept is not None
    assert len(kept[1]) == 1
    assert len(told(database)) == 1


def test_answered_asks_are_listed_newest_first(approvals: Approvals) -> None:
    ask = asked(approvals)
    assert approvals.answered(("big-gpu",)) == ()
    approvals.change(ask.id, granting(BEA), Way.PAGE)
    [answered] = approvals.answered(("big-gpu",))
    assert (answered.state, answered.answered_by) == (AskState.GRANTED, "bea")


def test_the_audit_is_only_appended_to(approvals: Approvals, database: Database) -> None:
    asked(approvals)
    for tampering in (sa.update(AUDIT).values(actor="mallory"), sa.delete(AUDIT)):
        with pytest.raises(sa.exc.IntegrityError, match="append-only"), database.writing() as connection:
            connection.execute(tampering)
    assert [entry.actor for entry in told(database)] == ["ada"]


def test_the_audit_is_filtered_and_paged_newest_first(database: Database) -> None:
    with database.writing() as connection:
        for number in range(5):
            write(
                connection,
                AuditEntry(
                    at=NOW + number * HOUR,
                    actor="admin",
                    action=Action.SERVER_STOPPED if number % 2 else Action.SERVER_OPENED,
                    subject="ada" if number < 4 else "bea",
                    way=Way.PAGE,
                    details={"server": "", "n": number},
                ),
            )
    assert [entry.details["n"] for entry in told(database)] == [4, 3, 2, 1, 0]
    assert [entry.details["n"] for entry in told(database, person="bea")] == [4]
    assert [entry.details["n"] for entry in told(database, person="admin", action=Action.SERVER_STOPPED)] == [3, 1]
    assert [entry.details["n"] for entry in told(database, since=NOW + HOUR, until=NOW + 3 * HOUR)] == [2, 1]
    with database.reading() as connection:
        page = entries(connection, Filter(), limit=2)
        rest = entries(connection, Filter(before=page[-1].id), limit=2)
    assert [entry.details["n"] for entry in (*page, *rest)] == [4, 3, 2, 1]


def test_other_policies_at_boot_are_one_entry_with_what_differs(database: Database) -> None:
    stricter = Policies.model_validate({"quotas": {"gpus": {"per": "group", "gpus": 2}}})

    def boot(policies: Policies) -> AuditEntry | None:
        with database.writing() as connection:
            return note_policies(connection, policies, NOW)

    assert boot(Policies()) is None, "none is what there was before"
    first = boot(stricter)
    assert first is not None
    assert first.details["changes"] == ["quotas.gpus.gpus: nothing → 2", "quotas.gpus.per: nothing → group"]
    assert boot(stricter) is None
    assert boot(Policies()) is not None
    assert len(told(database, action=Action.POLICIES_CHANGED)) == 2


def test_what_migrations_make_is_what_the_code_thinks(database: Database) -> None:
    with database.reading() as connection:
        seen = sa.inspect(connection)
        for name in ("remuda_ask", "remuda_ask_note", "remuda_audit"):
            table = METADATA.tables[name]
            columns = {column["name"]: column["nullable"] for column in seen.get_columns(name)}
            expected = {column.name: column.nullable for column in table.columns}
            assert columns == expected
            assert {index["name"] for index in seen.get_indexes(name)} == {index.name for index in table.indexes}

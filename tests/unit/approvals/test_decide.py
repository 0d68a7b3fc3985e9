"""What may be done with an ask: tables of who, when and what, each with what becomes of it or why not."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hub_extensions.approvals import decide
from hub_extensions.approvals.ask import ANSWER_WITHIN, AskState, NoteKind
from hub_extensions.approvals.decide import MAX_OPEN, MAX_TEXT, Changed
from hub_extensions.approvals.words import MEANING, Why
from profiles.admission import Admit, Deny
from profiles.admission import decide as admission
from profiles.lease_book import LeaseBook
from profiles.person import Person
from profiles.policy import Policies
from profiles.refusal import Reason
from profiles.snapshot import Snapshot
from tests.unit.approvals.asking import (
    ADA,
    ADMIN,
    BEA,
    CAT,
    DAN,
    DAY,
    NOW,
    POLICIES,
    TWO_RULES,
    an_ask,
    asks,
    copy,
    said,
    terms,
    why,
    with_longest,
)

HOUR = timedelta(hours=1)


# Asking.


def test_an_ask_keeps_what_was_asked_for_and_opens_its_story() -> None:
    made = decide.raise_asks(said(ADA, "  Training\r\nthe model\x00\u202e "), terms(), POLICIES, (), lambda: "1")
    assert isinstance(made, tuple)
    [changed] = made
    assert changed.ask.reason == changed.note.text == "Training\nthe model"
    assert (changed.note.kind, changed.note.author) == (NoteKind.ASKED, "ada")
    assert changed.ask.state_at(NOW) is AskState.OPEN
    assert changed.ask.asked == changed.ask.terms == terms()
    assert changed.ask.grant is None


@pytest.mark.parametrize(
    ("by", "wanted", "text", "expected"),
    [
        (ADA, terms(gpus=1), "Why not", Why.NOT_NEEDED),
        (ADA, terms(profile="small"), "Why not", Why.NOT_NEEDED),
        (Person("eve"), terms(), "I am exempt", Why.NOT_NEEDED),
        (ADA, terms(), "", Why.NO_REASON),
        (ADA, terms(), " \n\x00\u2066 ", Why.NO_REASON),
        (ADA, terms(), "a" * 10_000, Why.TOO_LONG_TEXT),
        (ADA, terms(lasts=8 * DAY), "Long", Why.TOO_LONG),
        (ADA, terms(lasts=timedelta(minutes=14)), "Short", Why.BAD_LENGTH),
        (ADA, terms(lasts=-DAY), "Negative", Why.BAD_LENGTH),
        (ADA, terms(lasts=timedelta(0)), "Nothing", Why.BAD_LENGTH),
    ],
)
def test_what_cannot_be_asked(by: Person, wanted: decide.Terms, text: str, expected: Why) -> None:
    assert why(asks(by, wanted, text)) is expected


def test_a_text_of_exactly_the_limit_is_kept() -> None:
    assert not isinstance(asks(text="ß" * MAX_TEXT), decide.NotPossible)


def test_asking_again_while_an_ask_is_open() -> None:
    first = an_ask()
    again = asks(known=(first,))
    assert why(again) is Why.ASKED_ALREADY
    assert "12:00 (UTC)" in again.sentence  # type: ignore[union-attr]
    assert why(asks(known=(an_ask(wanted=terms(gpus=4)),))) is Why.ASKED_ALREADY, "less is in it"
    assert asks(wanted=terms(gpus=4), known=(first,)), "more is another ask"
    assert asks(known=(first,), after=ANSWER_WITHIN), "one that nobody answered keeps nobody from asking"
    assert asks(known=(an_ask(DAN),)), "somebody else's is somebody else's"


def test_one_person_has_so_many_open_asks() -> None:
    known = tuple(copy(an_ask(), id=str(n), rule=f"rule-{n}") for n in range(MAX_OPEN))
    assert why(asks(known=known)) is Why.TOO_MANY
    assert asks(known=known[1:])


def test_two_rules_are_two_asks_and_only_what_is_missing_is_asked() -> None:
    both = asks(policies=TWO_RULES, wanted=terms(lasts=DAY))
    assert [ask.rule for ask in both] == ["money", "lead"]  # type: ignore[union-attr]
    money, lead = both  # type: ignore[misc]
    granted = decide.grant(lead, said(BEA), lead.terms, TWO_RULES)
    assert isinstance(granted, Changed)
    assert why(asks(policies=TWO_RULES, known=(money, granted.ask), wanted=terms(lasts=DAY))) is Why.ASKED_ALREADY
    withdrawn = decide.withdraw(money, said(ADA), POLICIES)
    assert isinstance(withdrawn, Changed)
    [again] = asks(policies=TWO_RULES, known=(withdrawn.ask, granted.ask), wanted=terms(lasts=DAY))  # type: ignore[misc]
    assert again.rule == "money"
    assert why(asks(policies=TWO_RULES, wanted=terms(lasts=3 * DAY))) is Why.TOO_LONG, "the stricter rule counts"


def test_asking_for_what_is_permitted_already() -> None:
    granted = decide.grant(an_ask(), said(BEA), terms(), POLICIES)
    assert isinstance(granted, Changed)
    outcome = asks(known=(granted.ask,), after=HOUR)
    assert why(outcome) is Why.COVERED
    assert "12:00 on Mon 23 Nov (UTC)" in outcome.sentence  # type: ignore[union-attr]
    assert asks(known=(granted.ask,), after=3 * DAY), "it has ended"
    assert asks(wanted=terms(gpus=4), known=(granted.ask,), after=HOUR), "more is not in it"


# Answering.


@pytest.mark.parametrize(
    ("by", "expected"),
    [(BEA, None), (ADA, Why.OWN_ASK), (DAN, Why.NOT_AN_APPROVER), (ADMIN, Why.NOT_AN_APPROVER)],
)
def test_who_may_answer(by: Person, expected: Why | None) -> None:
    ask = an_ask()
    outcomes = [
        decide.grant(ask, said(by), ask.terms, POLICIES),
        decide.refuse(ask, said(by), POLICIES),
        decide.revise(ask, said(by), terms(gpus=1), POLICIES),
    ]
    for outcome in outcomes:
        assert isinstance(outcome, Changed) if expected is None else why(outcome) is expected
    assert decide.may_answer(ask, by, POLICIES) is (expected is None)


def test_an_approver_never_answers_their_own_ask() -> None:
    ask = an_ask(BEA)
    assert why(decide.grant(ask, said(BEA), ask.terms, POLICIES)) is Why.OWN_ASK
    assert isinstance(decide.grant(ask, said(CAT), ask.terms, POLICIES), Changed)


def test_a_yes_is_a_grant_that_admission_takes_until_it_ends() -> None:
    ask = an_ask()
    yes = decide.grant(ask, said(BEA, "Have fun", HOUR), ask.terms, POLICIES)
    assert isinstance(yes, Changed)
    assert (yes.ask.state, yes.ask.answered_by, yes.ask.answer) == (AskState.GRANTED, "bea", "Have fun")
    assert yes.ask.ends_at == NOW + HOUR + 3 * DAY
    grant = yes.ask.grant
    assert grant is not None
    request = decide.request_of(ADA, terms())
    held = Snapshot(LeaseBook(), grants=(grant,))
    assert isinstance(admission(request, held, POLICIES, NOW + 2 * HOUR), Admit)
    later = admission(request, held, POLICIES, yes.ask.ends_at)
    assert isinstance(later, Deny)
    assert later.refusal.reason is Reason.GRANT_EXPIRED
    more = admission(decide.request_of(ADA, terms(gpus=4)), held, POLICIES, NOW + 2 * HOUR)
    assert isinstance(more, Deny)


@pytest.mark.parametrize(
    ("granted", "expected"),
    [
        (terms(gpus=2), None),
        (terms(gpus=1), None),
        (terms(lasts=HOUR), None),
        (terms(lasts=7 * DAY), None),
        (terms(gpus=3), Why.MORE_THAN_ASKED),
        (terms(lasts=7 * DAY + HOUR), Why.TOO_LONG),
        (terms(lasts=timedelta(seconds=1)), Why.BAD_LENGTH),
        (terms(profile="other"), Why.OTHER_MACHINE),
    ],
)
def test_what_a_yes_may_give(granted: decide.Terms, expected: Why | None) -> None:
    for act in (decide.grant, decide.revise):
        outcome = act(an_ask(), said(BEA), granted, POLICIES)
        assert isinstance(outcome, Changed) if expected is None else why(outcome) is expected


def test_more_than_asked_names_what_and_how_much() -> None:
    outcome = decide.grant(an_ask(), said(BEA), terms(gpus=4), POLICIES)
    assert why(outcome) is Why.MORE_THAN_ASKED
    assert "4 × nvidia.com/gpu" in outcome.sentence  # type: ignore[union-attr]
    assert "2 × nvidia.com/gpu" in outcome.sentence  # type: ignore[union-attr]


def test_a_revision_keeps_the_ask_open_and_tells_the_difference() -> None:
    ask = an_ask(wanted=terms(gpus=4))
    revised = decide.revise(ask, said(BEA, "Will two do?"), terms(gpus=2, lasts=DAY), POLICIES)
    assert isinstance(revised, Changed)
    assert revised.ask.state_at(NOW) is AskState.OPEN
    assert revised.note.text == "2 GPUs instead of 4 GPUs, 1 day instead of 3 days\nWill two do?"
    back = decide.grant(revised.ask, said(CAT), terms(gpus=4), POLICIES)
    assert isinstance(back, Changed), "up to what was asked for, somebody else may say yes"
    nothing = decide.revise(ask, said(BEA, "Hm"), ask.terms, POLICIES)
    assert isinstance(nothing, Changed)
    assert nothing.note.kind is NoteKind.COMMENT


def test_the_second_answer_is_told_who_was_first_and_with_what() -> None:
    ask = an_ask()
    yes, no = decide.grant(ask, said(BEA), ask.terms, POLICIES), decide.refuse(ask, said(BEA), POLICIES)
    assert isinstance(yes, Changed)
    assert isinstance(no, Changed)
    second = decide.refuse(yes.ask, said(CAT), POLICIES)
    assert why(second) is Why.ANSWERED
    assert "bea said yes at 12:00 (UTC), until 12:00 on Mon 23 Nov (UTC)" in second.sentence  # type: ignore[union-attr]
    other = decide.grant(no.ask, said(CAT), ask.terms, POLICIES)
    assert why(other) is Why.ANSWERED
    assert "bea said no" in other.sentence  # type: ignore[union-attr]


def test_nobody_answers_after_two_weeks() -> None:
    ask = an_ask()
    assert ask.state_at(NOW + ANSWER_WITHIN - timedelta(seconds=1)) is AskState.OPEN
    assert ask.state_at(NOW + ANSWER_WITHIN) is AskState.EXPIRED
    assert why(decide.grant(ask, said(BEA, "", ANSWER_WITHIN), ask.terms, POLICIES)) is Why.UNANSWERED
    assert why(decide.withdraw(ask, said(ADA, "", ANSWER_WITHIN), POLICIES)) is Why.UNANSWERED


def test_only_the_asker_withdraws_and_only_an_open_ask() -> None:
    ask = an_ask()
    assert why(decide.withdraw(ask, said(BEA), POLICIES)) is Why.NOT_YOURS
    gone = decide.withdraw(ask, said(ADA), POLICIES)
    assert isinstance(gone, Changed)
    assert why(decide.withdraw(gone.ask, said(ADA), POLICIES)) is Why.ANSWERED
    late = decide.grant(gone.ask, said(BEA), ask.terms, POLICIES)
    assert why(late) is Why.ANSWERED
    assert "ada withdrew it" in late.sentence  # type: ignore[union-attr]


def test_a_yes_is_taken_back_once_while_it_holds() -> None:
    yes = decide.grant(an_ask(), said(BEA), terms(), POLICIES)
    assert isinstance(yes, Changed)
    assert why(decide.revoke(yes.ask, said(ADA, "", HOUR), POLICIES)) is Why.OWN_ASK
    assert why(decide.revoke(yes.ask, said(DAN, "", HOUR), POLICIES)) is Why.NOT_AN_APPROVER
    assert why(decide.revoke(an_ask(), said(BEA), POLICIES)) is Why.NO_GRANT
    assert why(decide.revoke(yes.ask, said(BEA, "", 3 * DAY), POLICIES)) is Why.NO_GRANT, "it has ended by itself"
    back = decide.revoke(yes.ask, said(CAT, "The machine is needed", HOUR), POLICIES)
    assert isinstance(back, Changed)
    assert back.ask.grant is not None
    assert back.ask.grant.ends_at == NOW + HOUR
    assert not back.ask.grant.holds(NOW + HOUR)
    assert why(decide.revoke(back.ask, said(BEA, "", 2 * HOUR), POLICIES)) is Why.NO_GRANT


def test_a_rule_that_is_gone_or_stricter_since() -> None:
    ask = an_ask()
    gone = Policies()
    assert why(decide.grant(ask, said(BEA), ask.terms, gone)) is Why.RULE_GONE
    assert isinstance(decide.withdraw(ask, said(ADA), POLICIES), Changed)
    assert why(decide.grant(ask, said(BEA), ask.terms, with_longest("1d"))) is Why.TOO_LONG
    assert isinstance(decide.grant(ask, said(BEA), terms(lasts=DAY), with_longest("1d")), Changed)
    assert isinstance(decide.grant(ask, said(BEA), terms(lasts=timedelta(minutes=5)), with_longest("5m")), Changed)


def test_comments_by_those_concerned() -> None:
    ask = an_ask()
    for by in (ADA, BEA):
        assert isinstance(decide.comment(ask, said(by, "<b>hi</b>"), POLICIES), Changed)
        assert decide.may_see(ask, by, POLICIES)
    assert why(decide.comment(ask, said(DAN, "hi"), POLICIES)) is Why.NOT_AN_APPROVER
    assert not decide.may_see(ask, DAN, POLICIES)
    assert why(decide.comment(ask, said(BEA, " "), POLICIES)) is Why.NO_REASON
    assert why(decide.comment(ask, said(BEA, "x" * (MAX_TEXT + 1)), POLICIES)) is Why.TOO_LONG_TEXT
    assert why(decide.refuse(ask, said(BEA, "x" * (MAX_TEXT + 1)), POLICIES)) is Why.TOO_LONG_TEXT


def test_terms_survive_being_kept() -> None:
    assert decide.Terms.from_dict(terms().to_dict()) == terms()
    assert str(terms().costs_at_most) == "417.60 EUR"


def test_every_code_has_a_meaning() -> None:
    assert set(MEANING) == set(Why)

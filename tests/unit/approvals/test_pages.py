"""What the pages of asks and the audit say, and that nothing people write becomes HTML or a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from hub_extensions.admission.spent import UsedHour
from hub_extensions.approvals import decide
from hub_extensions.approvals.ask import ANSWER_WITHIN, MANY, Ask, Note, NoteKind
from hub_extensions.approvals.decide import Changed
from hub_extensions.approvals.desk import lasts_of_form, lasts_of_json
from hub_extensions.approvals.notices import notices_of
from hub_extensions.approvals.pieces import Reader, length_of
from hub_extensions.approvals.view import Background, Typed, ask_page, form_page, list_page
from hub_extensions.approvals.words import NotPossible
from hub_extensions.audit.entry import Action, AuditEntry, Filter, Way
from hub_extensions.audit.view import PER_PAGE, Asked, audit_page, csv_of, details_words
from hub_extensions.page_frame.menu import Menu
from hub_extensions.page_frame.render import render
from profiles.catalog import from_mapping, load_catalog, shipped_documents
from profiles.choice import MachineChoice
from profiles.lease import Charge
from profiles.model import Catalog
from profiles.person import Person
from profiles.plan import MachinePlan
from profiles.quantity import Duration, Money
from profiles.resolve import resolve
from tests.unit.approvals.asking import ADA, ADMIN, BEA, DAY, NOW, Terms, said
from tests.unit.pages.reading import Element, read

HOUR = timedelta(hours=1)
EVIL = "</textarea><script>alert(1)</script>\n\"' onmouseover="


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    rule = {"profiles": ["gpu"], "moreThan": {"gpus": 1}, "approvers": {"groups": ["leads"]}, "longest": "7d"}
    return load_catalog(
        from_mapping("test", {"policies": {"approvals": {"big": rule}}}), base=shipped_documents()
    )


def plan_of(catalog: Catalog, gpus: int) -> MachinePlan:
    plan = resolve(catalog, MachineChoice("gpu", {"gpus": str(gpus)}), ADA)
    assert isinstance(plan, MachinePlan)
    return plan


def ask_for(catalog: Catalog, gpus: int = 4, reason: str = EVIL) -> Ask:
    terms = Terms.of(plan_of(catalog, gpus), 3 * DAY)
    made = decide.raise_asks(said(ADA, reason), terms, catalog.policies, (), lambda: "0" * 32)
    assert not isinstance(made, NotPossible)
    return made[0].ask


def yes(ask: Ask, catalog: Catalog, gpus: int = 2) -> Ask:
    answer = said(BEA, "Have <i>fun</i>", HOUR)
    changed = decide.grant(ask, answer, Terms.of(plan_of(catalog, gpus), DAY), catalog.policies)
    assert isinstance(changed, Changed)
    return changed.ask


def reader(catalog: Catalog, person: Person = BEA, after: timedelta = timedelta(0)) -> Reader:
    return Reader(person, NOW + after, catalog, "/hub/approvals", "token<")


def seen(part: str, page: Any) -> Element:
    html = str(render(part, page=page, root="/hub/approvals", title="<GPU>"))
    assert "<script>" not in html
    assert "<i>" not in html
    return read(f"<main>{html}</main>").one("main")


@pytest.mark.parametrize(("waiting", "tag", "more"), [(2, "2", False), (MANY, "200", False), (MANY + 1, "200+", True)])
def test_whoever_has_many_to_answer_reads_that_more_wait(catalog: Catalog, waiting: int, tag: str, more: bool) -> None:
    page = list_page((), [ask_for(catalog)] * waiting, (), reader(catalog), None)
    shown = seen("asks.html", page)
    assert len(shown.all("li")) == min(waiting, MANY)
    assert shown.one("h2", id="rm-waiting").text == f"Waiting for your answer {tag}"
    assert ("More wait" in shown.text) is more


def test_an_approver_sees_everything_there_is_to_decide_by(catalog: Catalog) -> None:
    ask = ask_for(catalog)
    used = (
        UsedHour("ada", "gpu", NOW - 3 * HOUR, Charge(3600, 7200, 5_000_000)),
        UsedHour("ada", "small-cpu", NOW - 2 * HOUR, Charge(1800, 0, 50_000)),
    )
    background = Background(Menu(catalog, ADA), used, (ask,), (Money(Decimal(3), "USD"),))
    story = (Note(NoteKind.ASKED, "ada", NOW, EVIL),)
    page = seen("ask.html", ask_page(ask, story, reader(catalog), background, Typed()))
    assert EVIL.partition("\n")[0] in page.text
    assert "$3.00 of it, in another currency, is added as it stands." in page.text
    rows = [row.text for row in page.one("table").all("tr")]
    assert rows[1:] == ["All machines 1.5 2 €5.05", "GPU 1 2 €5.00"]
    assert [item["value"] for item in page.one("select", name="option.gpu.gpus").all("option")] == ["1", "2", "3", "4"]
    assert [button["value"] for button in page.all("button")] == ["comment", "grant", "refuse", "revise", "comment"]
    assert page.one("input", name="_xsrf")["value"] == "token<"
    assert "It is the first ask of this person." in page.text


def test_an_administrator_without_a_say_reads_and_no_more(catalog: Catalog) -> None:
    page = seen("ask.html", ask_page(ask_for(catalog), (), reader(catalog, ADMIN), Background(), Typed()))
    assert not page.all("form")
    assert EVIL.partition("\n")[0] in page.text


def test_enter_in_a_field_says_neither_yes_nor_no(catalog: Catalog) -> None:
    """A form's first submit button is its default."""
    page = seen("ask.html", ask_page(ask_for(catalog), (), reader(catalog), Background(), Typed()))
    assert page.all("button")[0]["value"] == "comment"


def test_the_asker_can_withdraw_and_not_answer(catalog: Catalog) -> None:
    page = seen("ask.html", ask_page(ask_for(catalog), (), reader(catalog, ADA), Background(), Typed()))
    assert [button["value"] for button in page.all("button")] == ["comment", "comment", "withdraw"]
    assert not page.all("table")
    assert not page.all("select")


@pytest.mark.parametrize(
    ("after", "buttons", "state"),
    [
        (2 * HOUR, ["comment", "comment", "revoke"], "bea said yes, until 13:00 on Sat 21 Nov (UTC)"),
        (HOUR + DAY, ["comment", "comment"], "bea said yes; ended at 13:00 (UTC)"),
    ],
)
def test_a_yes_can_be_taken_back_while_it_holds(
    catalog: Catalog, after: timedelta, buttons: list[str], state: str
) -> None:
    granted = yes(ask_for(catalog), catalog)
    page = seen("ask.html", ask_page(granted, (), reader(catalog, BEA, after), Background(), Typed()))
    assert [button["value"] for button in page.all("button")] == buttons
    assert state in page.text
    assert "Asked for: 4 cores · 32 GiB · 4 NVIDIA GPUs" in page.text


def test_a_revision_offers_what_was_asked_for_again(catalog: Catalog) -> None:
    revised = decide.revise(ask_for(catalog, 3), said(BEA), Terms.of(plan_of(catalog, 2), DAY), catalog.policies)
    assert isinstance(revised, Changed)
    page = ask_page(revised.ask, (), reader(catalog), Background(Menu(catalog, ADA)), Typed())
    assert [(item.value, item.selected) for item in page.selects[0].items] == [("1", False), ("2", True), ("3", False)]


def test_lists_are_for_those_concerned(catalog: Catalog) -> None:
    ask = ask_for(catalog)
    mine = seen("asks.html", list_page((ask,), (), (), reader(catalog, ADA), None))
    assert "Waiting for your answer" not in mine.text
    assert mine.one("a")["href"] == f"/hub/approvals/{ask.id}"
    inbox = seen("asks.html", list_page((), (ask,), (yes(ask, catalog),), reader(catalog, BEA, 2 * HOUR), None))
    assert "GPU for ada" in inbox.text
    gone = seen("asks.html", list_page((ask,), (), (), reader(catalog, ADA, ANSWER_WITHIN), None))
    assert "Nobody answered in time" in gone.text


def test_the_form_says_who_decides_and_how_long_it_may_be(catalog: Catalog) -> None:
    choice = MachineChoice("gpu", {"gpus": "2"})
    page = seen("ask_form.html", form_page(choice, plan_of(catalog, 2), reader(catalog, ADA), Typed(text=EVIL)))
    assert "It needs a yes from members of leads." in page.text
    assert "7 days at most" in page.text
    assert page.one("textarea").text == " ".join(EVIL.split())
    small = seen("ask_form.html", form_page(choice, plan_of(catalog, 1), reader(catalog, ADA), Typed()))
    assert "it needs nobody’s yes" in small.text
    none = seen("ask_form.html", form_page(MachineChoice("gone"), None, reader(catalog, ADA), Typed()))
    assert not none.all("form")


@pytest.mark.parametrize(
    ("lasts", "longest", "number", "unit"),
    [
        (DAY, None, "1", "days"),
        (12 * HOUR, "7d", "12", "hours"),
        (3 * DAY, "36h", "36", "hours"),
        (DAY, "20m", "1", "hours"),
    ],
)
def test_a_length_of_time_as_a_form_shows_it(lasts: timedelta, longest: str | None, number: str, unit: str) -> None:
    shown = length_of(lasts, Duration.parse(longest) if longest else None)
    assert (shown.number, shown.unit) == (number, unit)


@pytest.mark.parametrize("typed", [("", "days"), ("1.5", "days"), ("1e3", "days"), ("²", "days"), ("1", "years")])
def test_lengths_that_a_form_cannot_mean(typed: tuple[str, str]) -> None:
    assert isinstance(lasts_of_form(*typed), NotPossible)


@pytest.mark.parametrize("value", [None, True, 1.5, [], {}, "", "x", "1y", -1, "99999999999999999d"])
def test_lengths_that_json_cannot_mean(value: Any) -> None:
    assert isinstance(lasts_of_json(value), NotPossible)


def test_lengths_that_are_read() -> None:
    assert lasts_of_form(" 2 ", "days") == lasts_of_json("2d") == lasts_of_json(172800) == 2 * DAY
    assert isinstance(lasts_of_json("999999999d"), timedelta), "far too long, and told so by the rule"


def test_news_of_answers_for_two_days(catalog: Catalog) -> None:
    granted = yes(ask_for(catalog), catalog)
    [told] = notices_of((granted, ask_for(catalog)), NOW + 2 * HOUR, "Europe/Berlin")
    assert told.sentence == "bea said yes: you may have GPU until 14:00 on Sat 21 Nov (Europe/Berlin)."
    [ended] = notices_of((granted,), NOW + DAY + 2 * HOUR)
    assert "ended" in ended.sentence
    assert notices_of((granted,), NOW + HOUR + 2 * DAY) == ()
    back = decide.revoke(granted, said(BEA, "", 3 * HOUR), catalog.policies)
    assert isinstance(back, Changed)
    assert notices_of((back.ask,), NOW + 4 * HOUR)[0].reason == "ask-revoked"


def entry(n: int = 1, details: Mapping[str, Any] | None = None, actor: str = "bea") -> AuditEntry:
    return AuditEntry(
        id=n, at=NOW, actor=actor, action=Action.GRANTED, subject="ada", way=Way.REST, details=details or {}
    )


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1"])
def test_no_cell_of_the_csv_is_a_formula(cell: str) -> None:
    [row] = csv.DictReader(io.StringIO(csv_of([entry(actor=cell)]), newline=""))
    assert row["actor"] == f"'{cell}"


def test_the_audits_page(catalog: Catalog) -> None:
    details = {"ask": "0" * 32, "machine": EVIL, "options": {"gpus": "2"}, "until": "2026-11-21T13:00:00+00:00"}
    page = seen("audit.html", audit_page((entry(details=details),), Asked(person='"><b>'), NOW, "/hub/", "UTC"))
    assert "gpus: 2 · until 13:00 on Sat 21 Nov (UTC)" in page.text
    assert page.one("input", name="person")["value"] == '"><b>'
    assert not page.all("b")
    full = audit_page(tuple(entry(n) for n in range(PER_PAGE, 0, -1)), Asked(action="ask-granted"), NOW, "/hub/", "UTC")
    assert full.older_url == "/hub/audit?action=ask-granted&before=1"


def test_details_in_words() -> None:
    assert details_words({}, NOW, "UTC") == ""
    said = details_words({"machine": "GPU", "lasts": "1 day", "text": "a\nb"}, NOW, "UTC")
    assert said == "machine: GPU · lasts: 1 day\na\nb"
    assert details_words({"changes": ["x: 1 → 2"], "policies": {"a": 1}, "digest": "…"}, NOW, "UTC") == "x: 1 → 2"
    assert details_words({"until": "soon", "changes": "no list"}, NOW, "UTC") == "until: soon"


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (Asked(), Filter()),
        (Asked(person=" ada "), Filter(person="ada")),
        (Asked(action="nonsense", since="31.12.2026", until="2026-13-01", before="-1"), Filter()),
        (Asked(since="2026-11-20", until="2026-11-20"),
         Filter(since=NOW.replace(hour=0), until=NOW.replace(hour=0) + DAY)),
        (Asked(before="9" * 30, since="0001-01-01", until="9999-12-31"), Filter()),
    ],
)  # fmt: skip
def test_a_filter_as_it_is_typed(asked: Asked, expected: Filter) -> None:
    assert asked.filter("UTC") == expected


def test_days_of_a_filter_are_those_of_the_hubs_clock() -> None:
    asked = Asked(since="2026-10-25", until="2026-10-25").filter("Europe/Berlin")
    assert asked.since is not None
    assert asked.until is not None
    assert f"{asked.since:%d %H:%M}" == "24 22:00"
    assert asked.until - asked.since == 25 * HOUR, "the clocks are set back"

"""What goes out: routed once, claimed by one hub at a time, tried for a day, and sent again by whoever comes after a
hub that died before it could say that it had sent."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest

from hub_extensions.admission.database import Database
from hub_extensions.notices import Kept, Kind, Notice, Notices
from hub_extensions.notices.outbox import CLAIM, GIVE_UP, MAIL, Outbox, Parcel, next_try, pause_after
from tests.contract.admission.conftest import Place

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOOK = "webhook:chat"


def notice(key: str = "1", to: str = "ada", kind: Kind = Kind.BUDGET, at: datetime = NOW) -> Notice:
    return Notice(to=to, kind=kind, key=key, subject="Said", text="Something.", at=at)


def both(kept: Kept) -> tuple[str, ...]:
    return (MAIL, HOOK)


def mail(kept: Kept) -> tuple[str, ...]:
    return (MAIL,)


@pytest.fixture
def outbox(database: Database) -> Outbox:
    return Outbox(database, "first")


@pytest.fixture
def post(database: Database) -> Callable[..., None]:
    def post(*notices: Notice) -> None:
        Notices(database).post_all(notices, NOW)

    return post


def keys(parcels: tuple[Parcel, ...]) -> list[str]:
    return [parcel.kept.notice.key for parcel in parcels]


def test_each_notice_is_routed_once_and_each_way_is_its_own(outbox: Outbox, post: Callable[..., None]) -> None:
    post(notice("1"), notice("2"))
    assert outbox.route(both, NOW) == 2
    assert outbox.route(both, NOW) == 0
    by_mail = outbox.claim(MAIL, NOW)
    assert keys(by_mail) == ["1", "2"]
    assert keys(outbox.claim(HOOK, NOW)) == ["1", "2"]
    for parcel in by_mail:
        outbox.sent(parcel)
    assert outbox.claim(MAIL, NOW + 2 * CLAIM) == ()
    assert keys(outbox.claim(HOOK, NOW + 2 * CLAIM)) == ["1", "2"], "what was not marked is claimed again"


def test_kinds_old_news_and_people_without_mail_stay_where_they_are(
    outbox: Outbox, post: Callable[..., None], database: Database
) -> None:
    def budgets_by_mail(kept: Kept) -> tuple[str, ...]:
        return both(kept) if kept.notice.kind is Kind.BUDGET else (HOOK,)

    Notices(database).set_by_mail("bea", False)
    old = notice("old", at=NOW - GIVE_UP - MINUTE)
    post(notice("1"), notice("2", kind=Kind.WANTED), notice("3", to="bea"), old)
    assert outbox.route(budgets_by_mail, NOW) == 4
    assert keys(outbox.claim(MAIL, NOW)) == ["1"]
    assert keys(outbox.claim(HOOK, NOW)) == ["1", "2", "3"]


def test_two_hubs_never_have_the_same_claim(place: Place, post: Callable[..., None], outbox: Outbox) -> None:
    post(*(notice(str(n)) for n in range(60)))
    outbox.route(mail, NOW)
    outboxes = [Outbox(place.open(), f"hub{n}") for n in range(4)]
    start = Barrier(len(outboxes))

    def claim_all(mine: Outbox) -> list[int]:
        claimed: list[int] = []
        start.wait()
        while parcels := mine.claim(MAIL, NOW, limit=7):
            claimed += [parcel.id for parcel in parcels]
        return claimed

    with ThreadPoolExecutor(len(outboxes)) as threads:
        claims = [parcel for claimed in threads.map(claim_all, outboxes) for parcel in claimed]
    assert len(claims) == len(set(claims)) == 60


def test_two_hubs_route_each_notice_once(place: Place, post: Callable[..., None], outbox: Outbox) -> None:
    post(*(notice(str(n)) for n in range(30)))
    outboxes = [Outbox(place.open(), f"hub{n}") for n in range(4)]
    with ThreadPoolExecutor(len(outboxes)) as threads:
        assert sum(threads.map(lambda mine: mine.route(mail, NOW), outboxes)) == 30
    assert len(outbox.claim(MAIL, NOW, limit=100)) == 30


def test_who_dies_between_sending_and_saying_so_leaves_it_to_the_next(
    place: Place, post: Callable[..., None], outbox: Outbox
) -> None:
    post(notice())
    outbox.route(mail, NOW)
    [lost] = outbox.claim(MAIL, NOW)  # sent, and then the process is gone
    second = Outbox(place.open(), "second")
    assert second.claim(MAIL, NOW + CLAIM - MINUTE) == ()
    [again] = second.claim(MAIL, NOW + CLAIM)
    assert (again.kept, again.tries) == (lost.kept, 0)
    outbox.sent(lost)  # the first one was only slow: what is the second's stays the second's
    assert outbox.failed(lost, NOW + CLAIM) is not None
    assert second.claim(MAIL, NOW + CLAIM + MINUTE) == ()
    second.sent(again)
    assert second.claim(MAIL, NOW + 3 * CLAIM) == ()


def test_what_fails_is_tried_again_ever_more_rarely_and_given_up_after_a_day(
    outbox: Outbox, post: Callable[..., None]
) -> None:
    post(notice())
    outbox.route(mail, NOW)
    now, tries = NOW, []
    while True:
        [parcel] = outbox.claim(MAIL, now)
        assert parcel.tries == len(tries)
        then = outbox.failed(parcel, now)
        if then is None:
            break
        assert outbox.claim(MAIL, then - timedelta(seconds=1)) == ()
        tries.append(then - now)
        now = then
    assert tries[:4] == [MINUTE / 2, MINUTE, 2 * MINUTE, 4 * MINUTE]
    assert tries == sorted(tries) and tries[-1] == timedelta(hours=2)
    assert timedelta(hours=22) < now - NOW < GIVE_UP
    assert outbox.claim(MAIL, NOW + 2 * GIVE_UP) == ()


def test_the_schedule_never_overflows() -> None:
    assert pause_after(10_000) == timedelta(hours=2)
    parcel = Parcel(1, Kept(1, notice()), MAIL, NOW, 10_000)
    assert next_try(parcel, NOW) == NOW + timedelta(hours=2)
    assert next_try(replace(parcel, made_at=NOW - GIVE_UP), NOW) is None


def test_a_receiver_that_was_taken_out_gets_nothing_any_more(outbox: Outbox, post: Callable[..., None]) -> None:
    post(notice())
    outbox.route(both, NOW)
    assert outbox.drop_all_but([MAIL]) == 1
    assert outbox.claim(HOOK, NOW) == ()
    assert len(outbox.claim(MAIL, NOW)) == 1
    assert outbox.drop_all_but([]) == 1


def test_what_is_removed_with_its_account_or_age_goes_nowhere(
    outbox: Outbox, post: Callable[..., None], database: Database
) -> None:
    post(notice(), notice(to="bea"))
    outbox.route(mail, NOW)
    Notices(database).leave("ada")
    assert [parcel.kept.notice.to for parcel in outbox.claim(MAIL, NOW)] == ["bea"]
    assert Notices(database).tidy(NOW + timedelta(days=400)) == 1
    assert outbox.claim(MAIL, NOW + timedelta(days=400)) == ()

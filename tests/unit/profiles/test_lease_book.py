"""The book finds what a plain list would find, whatever came and went."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from profiles.lease import Lease
from profiles.lease_book import LeaseBook
from tests.unit.profiles.shares import GROUPS, PROFILES, USERS, lease, leases, places, runs, sizes, some_groups


@st.composite
def _puts(draw: st.DrawFn) -> Lease:
    """Few ids, so that the same one comes again: with another state, and even as somebody else's."""
    given_ = draw(sizes) | draw(places) | {"ran": draw(runs)}
    return lease(draw(st.sampled_from("abcd")), draw(st.sampled_from(USERS)), draw(some_groups), **given_)


steps = st.lists(st.one_of(_puts(), st.sampled_from("abcde")), max_size=20)


def naive(done: list[Lease | str]) -> list[Lease]:
    """The last state of each, in the order in which they were granted."""
    left: list[Lease] = []
    for step in done:
        if isinstance(step, str):
            left = [each for each in left if each.id != step]
            continue
        same = next((each for each in left if each.id == step.id), None)
        keeps_place = same is not None and (same.user, same.groups, same.profile) == (
            step.user, step.groups, step.profile
        )  # fmt: skip
        if keeps_place:
            left = [step if each.id == step.id else each for each in left]
        else:
            left = [*(each for each in left if each.id != step.id), step]
    return left


@given(steps)
def test_it_is_a_list_with_indexes(done: list[Lease | str]) -> None:
    book = LeaseBook()
    for index, step in enumerate(done):
        before = naive(done[:index])
        if isinstance(step, str):
            assert book.remove(step) == next((each for each in before if each.id == step), None)
        else:
            book.put(step)
    left = naive(done)
    assert sorted(book, key=lambda each: each.id) == sorted(left, key=lambda each: each.id)
    assert len(book) == len(left)
    for user in USERS:
        assert by_id(book.of_user(user)) == by_id(each for each in left if each.user == user)
    for group in GROUPS:
        assert by_id(book.of_group(group)) == by_id(each for each in left if group in each.groups)
    for profile in PROFILES:
        assert by_id(book.of_profile(profile)) == by_id(each for each in left if each.profile == profile)
    for lease_id in "abcde":
        assert (lease_id in book) == any(each.id == lease_id for each in left)
        assert book.get(lease_id) == next((each for each in left if each.id == lease_id), None)


def by_id(many: object) -> dict[str, Lease]:
    return {each.id: each for each in many}  # type: ignore[attr-defined]


@given(leases())
def test_order_is_that_of_grants(granted: tuple[Lease, ...]) -> None:
    assert tuple(LeaseBook(granted)) == granted


def test_a_new_state_takes_the_olds_place() -> None:
    first, second = lease("a"), lease("b")
    book = LeaseBook((first, second))
    later = replace(first, server="other")
    book.put(later)
    assert tuple(book) == (later, second)


def test_what_is_gone_leaves_nothing_behind() -> None:
    book = LeaseBook((lease("a", groups="ml astro"),))
    assert book.remove("a") is not None
    assert book.remove("a") is None
    assert not list(book.of_user("ada")) and not list(book.of_group("ml")) and not list(book.of_profile("gpu"))
    assert len(book) == 0

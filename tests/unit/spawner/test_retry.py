"""The table of what is asked again, when, and what is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spawner.retry import LONGEST_WAIT_S, Again, AlreadyThere, ApiError, GiveUp, NotFound, Unreachable, after_failure

PASSING = [
    Unreachable("refused"),
    ApiError(429),
    ApiError(500),
    ApiError(502),
    ApiError(503),
    ApiError(504),
    ApiError(401),
    ApiError(409, "Conflict", "Operation cannot be fulfilled on resourcequotas: the object has been modified"),
]
FINAL = [
    ApiError(400),
    ApiError(403, "Forbidden", "exceeded quota"),
    ApiError(413),
    ApiError(422, "Invalid"),
    NotFound(404),
    AlreadyThere(409, "AlreadyExists"),
]


@pytest.mark.parametrize("error", PASSING, ids=str)
def test_what_may_pass_is_asked_again(error: Exception) -> None:
    assert isinstance(after_failure(error, 1, now=0, deadline=None, jitter=0.5), Again)


@pytest.mark.parametrize("error", FINAL, ids=str)
def test_what_will_not_change_is_not(error: Exception) -> None:
    assert after_failure(error, 1, now=0, deadline=None, jitter=0.5) == GiveUp(out_of_time=False)


def test_retry_after_is_honoured_and_never_shortened() -> None:
    for jitter in (0.0, 0.99):
        decision = after_failure(ApiError(429, retry_after_s=7), 1, now=0, deadline=None, jitter=jitter)
        assert isinstance(decision, Again)
        assert 7 <= decision.wait_s <= 8


def test_a_wait_that_would_end_after_the_deadline_is_not_begun() -> None:
    error = ApiError(503, retry_after_s=10)
    assert after_failure(error, 1, now=95, deadline=100, jitter=0) == GiveUp(out_of_time=True)
    assert isinstance(after_failure(error, 1, now=89, deadline=100, jitter=0), Again)


@given(attempt=st.integers(1, 10_000), jitter=st.floats(0, 0.999), now=st.floats(0, 1e6))
def test_waits_are_positive_and_capped_however_long_it_lasts(attempt: int, jitter: float, now: float) -> None:
    decision = after_failure(Unreachable("x"), attempt, now=now, deadline=None, jitter=jitter)
    assert isinstance(decision, Again)
    assert 0 < decision.wait_s <= LONGEST_WAIT_S


def test_waits_grow() -> None:
    waits = [after_failure(Unreachable("x"), n, now=0, deadline=None, jitter=0).wait_s for n in (1, 3, 6, 9)]
    assert waits == sorted(waits)
    assert waits[0] < 0.1
    assert waits[-1] > 2

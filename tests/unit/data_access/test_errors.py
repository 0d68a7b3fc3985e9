"""Errors are for people, and for programs in another process."""

from __future__ import annotations

import pickle

import pytest

from data_access import errors
from data_access.errors import CheckFailedError, DataError, Reason

KINDS = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, DataError)]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_an_error_comes_whole_out_of_a_process_pool(kind: type[DataError]) -> None:
    error = kind(Reason.CONFLICT, "It was changed.", "Load it again.")
    there = pickle.loads(pickle.dumps(error))
    assert type(there) is kind
    assert str(there) == str(error) == "It was changed. Load it again."
    assert (there.reason, there.sentence, there.remedy) == (error.reason, error.sentence, error.remedy)


def test_the_results_of_checks_travel_too() -> None:
    error = CheckFailedError(Reason.CHECK_FAILED, "3 rows have no id.", "Ask sales.", ("id is there",))
    assert pickle.loads(pickle.dumps(error)).results == ("id is there",)


def test_a_report_and_the_remedy_have_lines_of_their_own() -> None:
    assert str(DataError(Reason.CHECK_FAILED, "It fails:\n  null", "Correct the rows.")) == (
        "It fails:\n  null\nCorrect the rows."
    )

"""Random histories, and that they would find a store that is wrong."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from hub_extensions.admission.place import admission_url
from hub_extensions.admission.store import Store
from tests.contract.admission.history import (
    BillsTwice,
    DecidesWithoutTheLock,
    ForgetsTheBeginning,
    Histories,
    KnowsOnlyItself,
)
from tests.contract.admission.promises import (
    GivesNoNotice,
    KeepsPlacesBesideTheRules,
    KeepsThePlaceForEver,
    Promises,
    ReadsPromisesOnce,
)
from tools.servers.postgres import PostgresServer

QUIET = settings(
    deadline=None, stateful_step_count=30, suppress_health_check=list(HealthCheck), database=None, derandomize=True
)


def _machine(
    place: Callable[[], str], store: type[Store] = Store, kind: type[Histories] = Histories
) -> type[Histories]:
    return type("Histories", (kind,), {"new_place": staticmethod(place), "store_class": store})


def _files(folder: Path) -> Callable[[], str]:
    numbers = itertools.count()
    return lambda: f"sqlite:///{folder}/{next(numbers)}.sqlite"


@pytest.mark.parametrize("kind", [Histories, Promises])
def test_histories_on_sqlite(tmp_path: Path, kind: type[Histories]) -> None:
    run_state_machine_as_test(_machine(_files(tmp_path), kind=kind), settings=settings(QUIET, max_examples=40))


def test_histories_on_postgresql(postgres_server: PostgresServer) -> None:
    made: list[str] = []

    def place() -> str:
        made.append(f"h_{uuid.uuid4().hex[:12]}")
        postgres_server.create_database(made[-1])
        return admission_url(postgres_server.url(made[-1]))

    try:
        run_state_machine_as_test(_machine(place, kind=Promises), settings=settings(QUIET, max_examples=8))
    finally:
        for name in made:
            postgres_server.drop_database(name)


@pytest.mark.parametrize("wrong", [DecidesWithoutTheLock, KnowsOnlyItself, BillsTwice, ForgetsTheBeginning])
def test_a_store_that_is_wrong_is_found(tmp_path: Path, wrong: type[Store]) -> None:
    _found(_machine(_files(tmp_path), wrong))


@pytest.mark.parametrize(
    "wrong", [KeepsThePlaceForEver, ReadsPromisesOnce, GivesNoNotice, KeepsPlacesBesideTheRules]
)
def test_a_store_that_breaks_promises_is_found(tmp_path: Path, wrong: type[Store]) -> None:
    _found(_machine(_files(tmp_path), wrong, Promises))


def _found(machine: type[Histories]) -> None:
    looking = settings(QUIET, max_examples=200, phases=[Phase.generate], report_multiple_bugs=False)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(machine, settings=looking)

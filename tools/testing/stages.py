"""What `make test` runs, in order, and what each stage needs. Data only; `__main__` runs it."""

from __future__ import annotations

from dataclasses import dataclass

from tools.testing import halves
from tools.testing.needs import CHROMIUM, CLUSTER, HELM, JAVA, POSTGRESQL, R_LANGUAGE, SERVERS, Need


@dataclass(frozen=True)
class Stage:
    """One call of pytest (or of another checker) and what must be there for it to mean anything; `beside` are calls
    that run at the same time, where all together leave a core idle."""

    name: str
    what: str
    command: tuple[str, ...]
    needs: tuple[Need, ...] = ()
    is_pytest: bool = True
    beside: tuple[tuple[str, ...], ...] = ()


def _pytest(*args: str) -> tuple[str, ...]:
    return ("-m", "pytest", "-q", *args)


STAGES: tuple[Stage, ...] = (
    Stage("lint", "ruff over the whole tree", ("-m", "ruff", "check", "."), is_pytest=False),
    Stage(
        "types",
        "mypy --strict over the pure core and the data module",
        (
            "-m",
            "mypy",
        ),
        is_pytest=False,
    ),
    Stage(
        "unit",
        "pure decisions, views, renderers; no network",
        _pytest(*halves.UNIT[0]),
        beside=(_pytest(*halves.UNIT[1]),),
    ),
    Stage(
        "contract",
        "one suite per port, on fakes and real parts",
        _pytest("tests/contract", "-m", "not cluster"),
        (HELM, POSTGRESQL),
        beside=(_pytest("tests/hub", "tests/environments", "-m", "not cluster"),),
    ),
    Stage(
        "data",
        "tables on a real Hive Metastore, PostgreSQL, S3 and Spark",
        _pytest(*halves.DATA[0]),
        (JAVA, POSTGRESQL, R_LANGUAGE, SERVERS),
        beside=(_pytest(*halves.DATA[1]),),
    ),
    Stage(
        "chart",
        "the chart rendered and validated by a real API server",
        _pytest("tests/helm", "-m", "not cluster"),
        (HELM,),
    ),
    Stage("local", "a real Hub on loopback, as `make run` starts it", _pytest("tests/local")),
    Stage(
        "browser", "the pages in Chromium, on `make run`", _pytest("tests/browser", "-m", "not cluster"), (CHROMIUM,)
    ),
    Stage(
        "cluster",
        "a real kind cluster with the chart installed",
        _pytest("tests", "-m", "cluster and not browser"),
        (CLUSTER,),
    ),
    Stage(
        "cluster-browser",
        "the pages in Chromium, on the kind cluster",
        _pytest("tests/browser", "-m", "cluster"),
        (CLUSTER, CHROMIUM),
    ),
)

"""docs/how-to/fair-shares.md: every example loads, every output and every sentence is what the code says."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from profiles.__main__ import main
from profiles.admission import decide
from profiles.catalog import Document, load_catalog
from profiles.lease import Charge
from profiles.pots import Pot
from profiles.schema import catalog_schema
from tests.unit.profiles.shares import NOW, lease, policies, refused, request, snapshot
from tools.chart_schema.schema import values_schema
from tools.generate import ROOT

PAGE = (ROOT / "docs/how-to/fair-shares.md").read_text(encoding="utf-8")
EXAMPLES = [yaml.safe_load(block.split("```")[0]) for block in PAGE.split("```yaml\n")[1:]]
CATALOG, CHART = jsonschema.Draft202012Validator(catalog_schema()), jsonschema.Draft7Validator(values_schema())


def loaded(*examples: dict[str, Any]) -> Any:
    return load_catalog(*(Document(f"example {index}", yaml.safe_dump(each)) for index, each in enumerate(examples)))


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_every_example_loads_and_fits_both_schemas(example: dict[str, Any]) -> None:
    loaded(example)
    assert [error.message for schema in (CATALOG, CHART) for error in schema.iter_errors(example)] == []


def test_there_is_an_example_of_each_and_they_go_together() -> None:
    together = loaded(*EXAMPLES)
    assert all((together.policies.quotas, together.policies.budgets, together.policies.approvals))
    assert together.profiles["gpu"].hours is not None


def test_what_check_prints_is_what_it_prints(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = []
    for index, example in enumerate(EXAMPLES):
        files.append(str(tmp_path / f"{index}.yaml"))
        Path(files[-1]).write_text(yaml.safe_dump(example, sort_keys=False), encoding="utf-8")
    assert main(["check", *files]) == 0
    printed = capsys.readouterr().out.splitlines()
    shown = PAGE.split("check my-values.yaml\n…\n")[1].split("…\n```")[0].splitlines()
    assert len(shown) == 4
    assert [line for line in shown if line not in printed] == []


def sentences() -> dict[str, str]:
    rows = [line.strip("| ").split(" | ") for line in PAGE.splitlines() if line.startswith("| `")]
    return {reason.strip("`"): sentence for reason, sentence in rows}


def test_sentences_are_what_people_read() -> None:
    rules = loaded(*EXAMPLES)
    gpu = rules.profiles["gpu"]
    only = {
        name: policies(timezone="Europe/Berlin", **{name: first[name]})
        for name in ("quotas", "budgets", "approvals")
        for first in [next(each["policies"] for each in EXAMPLES if name in each.get("policies", {}))]
    }
    full = snapshot(lease("1", "bob", "astro", gpus=2), lease("2", "eve", "astro", gpus=2))
    spent = {Pot("month", "user", "bob"): Charge(micros=199_600_000)}
    friday_night = datetime(2026, 3, 13, 22, tzinfo=UTC)
    told = [
        decide(request(groups="astro", gpus=1), full, only["quotas"], NOW),
        decide(request("bob"), snapshot(spent=spent), only["budgets"], NOW),
        decide(request("bob", gpus=2), snapshot(), only["approvals"], NOW),
        decide(request(hours=gpu.hours), snapshot(), policies(timezone="Europe/Berlin"), friday_night),
    ]
    assert {str(refused(each).refusal.reason): refused(each).refusal.sentence for each in told} == sentences()

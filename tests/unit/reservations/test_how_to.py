"""The how-to tells every reason as the code does, and its values are ones."""

from __future__ import annotations

from pathlib import Path

import yaml

from hub_extensions.reservations.words import MEANING, NotPossible
from tests.unit.profiles.shares import policies

TEXT = (Path(__file__).resolve().parents[3] / "docs" / "how-to" / "reservations.md").read_text()


def test_every_reason_is_told() -> None:
    rows = [line for line in TEXT.splitlines() if line.startswith("| `")]
    assert rows == [f"| `{why}` | {NotPossible(why, '', '').status} | {said} |" for why, said in MEANING.items()]


def test_its_values_are_valid() -> None:
    written = TEXT.partition("```yaml\n")[2].partition("```")[0]
    told = policies(**yaml.safe_load(written)["policies"])
    assert told.reservations["gpus"].clear_before.seconds == 600

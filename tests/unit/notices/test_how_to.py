"""The how-to tells every kind, figure and limit, as the code does, and its example of values is accepted."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from hub_extensions.capacity.asking import A_DAY, AGAIN_AFTER, MAX_MESSAGE
from hub_extensions.notices import metrics
from hub_extensions.notices.notice import MEANING, Kind
from hub_extensions.notices.outbox import CLAIM, FIRST_PAUSE, GIVE_UP, LONGEST_PAUSE
from hub_extensions.notices.store import KEPT, KEPT_UNREAD
from hub_extensions.notices.values import Notices
from hub_extensions.notices.webhook import SIGNATURE, TIMEOUT_S

TEXT = (Path(__file__).resolve().parents[3] / "docs" / "how-to" / "notices.md").read_text()


def test_every_kind_and_figure_is_told() -> None:
    assert set(MEANING) == set(Kind)
    kinds = [f"| `{kind}` | {said} |" for kind, said in MEANING.items()]
    figures = [
        f"| `{counter._name}_total` | {counter._documentation} |"
        for counter in (metrics.SENT, metrics.FAILED, metrics.GIVEN_UP)
    ]
    assert [line for line in TEXT.splitlines() if line.startswith("| `")] == kinds + figures


def test_the_limits_are_those_of_the_code() -> None:
    text = " ".join(TEXT.split())
    assert f"up to {MAX_MESSAGE} characters" in text
    assert f"after {AGAIN_AFTER.total_seconds() / 3600:g} hours, and {A_DAY} times a day" in text
    assert f"kept for {KEPT.days} days" in text
    assert KEPT_UNREAD.days == 365 and "what was not for a year" in text
    assert f"after {FIRST_PAUSE.seconds} seconds" in text
    assert LONGEST_PAUSE.total_seconds() == 7200 and GIVE_UP.days == 1 and CLAIM.total_seconds() == 300
    assert f"within {TIMEOUT_S:g} seconds" in text
    assert f"`{SIGNATURE}: sha256=…`" in text


def test_the_examples_are_accepted() -> None:
    examples = [yaml.safe_load(block)["hub"]["notices"] for block in re.findall(r"```yaml\n(.*?)```", TEXT, re.S)]
    for example in examples:
        example.pop("existingSecret", None)  # the chart's own
        Notices.model_validate(example)
    assert len(examples) == 2

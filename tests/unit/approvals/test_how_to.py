"""The how-to tells every reason and every action of the audit, as the code does."""

from __future__ import annotations

from pathlib import Path

from hub_extensions.approvals.ask import ANSWER_WITHIN
from hub_extensions.approvals.words import MEANING, STATUS
from hub_extensions.audit.entry import MEANING as ACTIONS

TEXT = (Path(__file__).resolve().parents[3] / "docs" / "how-to" / "approvals.md").read_text()


def test_every_reason_and_action_is_told() -> None:
    reasons = [f"| `{why}` | {STATUS.get(why, 409)} | {said} |" for why, said in MEANING.items()]
    actions = [f"| `{action}` | {said} |" for action, said in ACTIONS.items()]
    rows = [line for line in TEXT.splitlines() if line.startswith("| `")]
    assert rows == reasons + actions


def test_the_time_to_answer_is_told() -> None:
    assert f"within {ANSWER_WITHIN.days} days" in TEXT

"""What is told when policies change, and what leaves the hub as CSV."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hub_extensions.audit.entering import NAME_HEADER, TOKEN_HEADER, is_first
from hub_extensions.audit.entry import MEANING, Action
from hub_extensions.audit.policies import as_json, changes, digest
from hub_extensions.audit.view import details_words
from lab_extension import visits
from profiles.policy import Policies

BEFORE = Policies.model_validate({"quotas": {"gpus": {"per": "group", "gpus": 2}}})
AFTER = Policies.model_validate(
    {"quotas": {"gpus": {"per": "group", "gpus": 4}}, "budgets": {"all": {"per": "hub", "money": "200"}}}
)


def test_changes_name_every_value_that_differs() -> None:
    assert changes(as_json(BEFORE), as_json(AFTER)) == (
        "budgets.all.money: nothing → 200",
        "budgets.all.per: nothing → hub",
        "quotas.gpus.gpus: 2 → 4",
    )
    assert changes(as_json(AFTER), as_json(BEFORE))[-1] == "quotas.gpus.gpus: 4 → 2"
    assert changes(as_json(AFTER), as_json(AFTER)) == ()


def test_the_digest_is_of_what_they_say_and_not_of_how_it_is_written() -> None:
    again = Policies.model_validate({"quotas": {"gpus": {"gpus": 2, "per": "group", "users": []}}})
    assert digest(as_json(BEFORE)) == digest(as_json(again))
    assert digest(as_json(BEFORE)) != digest(as_json(AFTER))


def test_every_action_has_a_meaning() -> None:
    assert set(MEANING) == set(Action)


def test_times_in_details_are_written_for_people() -> None:
    now = datetime(2026, 11, 21, tzinfo=UTC)
    begins, until = "2026-11-22T13:50:00+00:00", "2027-11-22T14:00:00+00:00"
    said = details_words({"machine": "GPU", "begins_at": begins, "until": until}, now, "Europe/Berlin")
    assert said == (
        "machine: GPU · begins at: 14:50 on Sun 22 Nov (Europe/Berlin) · "
        "until 15:00 on Mon 22 Nov 2027 (Europe/Berlin)"
    )
    assert details_words({"note": "2026-11-22T99:99"}, now, "UTC") == "note: 2026-11-22T99:99"


def test_a_visit_is_noted_once_an_hour_for_each_token_and_server() -> None:
    seen: dict[tuple[str, int], datetime] = {}
    now, minute = datetime(2026, 11, 21, tzinfo=UTC), timedelta(minutes=1)
    assert is_first(seen, ("a1", 1), now)
    assert not is_first(seen, ("a1", 1), now + 59 * minute)
    assert is_first(seen, ("a1", 2), now + 59 * minute), "another server"
    assert is_first(seen, ("a2", 1), now + 59 * minute), "another token"
    assert is_first(seen, ("a1", 1), now + 60 * minute)
    assert is_first(seen, ("a3", 3), now + 600 * minute)
    assert len(seen) == 1, "what is older is forgotten"


def test_servers_and_the_hub_call_it_alike() -> None:
    assert (TOKEN_HEADER, NAME_HEADER) == (visits.TOKEN_HEADER, visits.NAME_HEADER)

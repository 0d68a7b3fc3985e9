"""What Prometheus reads of leases and decisions."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, generate_latest

from hub_extensions.shares_api.metrics import SharesMetrics
from profiles.admission import Admit, Deny
from profiles.refusal import Reason, Refusal
from tests.unit.pages.test_capacity_page import lease
from tests.unit.profiles.shares import NOW as SHARES_NOW
from tests.unit.profiles.shares import reservation, waiting

NOW = datetime(2026, 3, 2, 14, 5, tzinfo=UTC)


def scraped(registry: CollectorRegistry) -> set[str]:
    return {line for line in generate_latest(registry).decode().splitlines() if not line.startswith("#")}


def test_leases_and_amounts_by_pool() -> None:
    registry = CollectorRegistry()
    metrics = SharesMetrics(registry)
    metrics.leases_are([lease("ada", NOW), lease("bea", NOW, gpus=2), lease("cy", NOW, began=False)])
    told = scraped(registry)
    assert 'remuda_leases{pool="gpu",profile="gpu",state="running"} 2.0' in told
    assert 'remuda_leases{pool="gpu",profile="gpu",state="held"} 1.0' in told
    assert 'remuda_granted_cores{pool="gpu"} 24.0' in told
    assert 'remuda_granted_gpus{pool="gpu"} 4.0' in told
    metrics.leases_are([])
    assert not [line for line in scraped(registry) if line.startswith(("remuda_leases", "remuda_granted"))]


def test_the_line_and_what_is_reserved_now_and_ahead() -> None:
    registry = CollectorRegistry()
    metrics = SharesMetrics(registry)
    over = replace(reservation("eve", 0, 1), over_at=SHARES_NOW)
    reservations = (reservation("ada", -1, 1), reservation("bob", 1, 2), reservation("cy", 2, 3), over)
    metrics.promises_are([waiting("1"), waiting("2", "bob")], reservations, SHARES_NOW)
    told = scraped(registry)
    assert 'remuda_waiting{profile="gpu"} 2.0' in told
    assert 'remuda_reservations{rule="gpus",state="now"} 1.0' in told
    assert 'remuda_reservations{rule="gpus",state="ahead"} 2.0' in told
    metrics.promises_are([], [], SHARES_NOW)
    assert not [line for line in scraped(registry) if line.startswith(("remuda_waiting", "remuda_reservations"))]


def test_refusals_by_rule_and_reason_and_how_long_decisions_take() -> None:
    registry = CollectorRegistry()
    metrics = SharesMetrics(registry)
    assert 'remuda_decision_seconds_count{outcome="refused"} 0.0' in scraped(registry), "there before the first one"
    metrics.decided(Admit(None), 0.004)
    metrics.decided(Deny(Refusal(Reason.OVER_QUOTA, "No.", "Wait."), "gpus"), 0.3)
    told = scraped(registry)
    assert 'remuda_refusals_total{reason="over-quota",rule="gpus"} 1.0' in told
    assert 'remuda_decision_seconds_bucket{le="0.005",outcome="admitted"} 1.0' in told
    assert 'remuda_decision_seconds_count{outcome="refused"} 1.0' in told

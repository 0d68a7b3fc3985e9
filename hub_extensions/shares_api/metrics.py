"""What the Hub's `/hub/metrics` says of leases and decisions, for Prometheus.

`decided` is called at every decision of a start, `leases_are` by the task that looks at the leases now and then: a
scrape reads what was last told, so that it neither waits for the database nor makes it work.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from prometheus_client import REGISTRY, CollectorRegistry, Histogram
from prometheus_client import Counter as CounterMetric
from prometheus_client.core import GaugeMetricFamily, Metric

from profiles.admission import Decision, Deny
from profiles.amounts import Amounts, total
from profiles.lease import Lease
from profiles.reservations import Reservation
from profiles.waiting import Waiting

#: A decision takes milliseconds; one that waits for its turn may take seconds.
BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)


class SharesMetrics:
    """One set, in one registry; the Hub's own unless a test gives another."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self._leases: tuple[Lease, ...] = ()
        self._waiting: Mapping[str, int] = {}
        self._reserved: Mapping[tuple[str, str], int] = {}
        self.refusals = CounterMetric(
            "remuda_refusals_total",
            "Starts that were refused, by the rule that refused and the reason code.",
            ["rule", "reason"],
            registry=registry,
        )
        self.seconds = Histogram(
            "remuda_decision_seconds",
            "How long the decision about a start took, waiting for its turn included, by outcome.",
            ["outcome"],
            buckets=BUCKETS,
            registry=registry,
        )
        for outcome in ("admitted", "refused"):
            self.seconds.labels(outcome)
        registry.register(self)

    def decided(self, decision: Decision, seconds: float) -> None:
        """A start was decided about; looking ahead does not count."""
        refused = isinstance(decision, Deny)
        self.seconds.labels("refused" if refused else "admitted").observe(seconds)
        if isinstance(decision, Deny):
            self.refusals.labels(decision.rule, str(decision.refusal.reason)).inc()

    def leases_are(self, leases: Iterable[Lease]) -> None:
        self._leases = tuple(leases)

    def promises_are(self, waiting: Iterable[Waiting], reservations: Iterable[Reservation], now: datetime) -> None:
        self._waiting = Counter(each.request.profile for each in waiting)
        states = ((each.rule, "now" if each.begins_at <= now else "ahead") for each in reservations if each.stands(now))
        self._reserved = Counter(states)

    def collect(self) -> Iterator[Metric]:
        """Called at each scrape. A pool that nobody is in any more is left out, not kept at its last value."""
        leases = self._leases
        meaning = "Machines that are granted, by profile, pool and state."
        count = _gauge("remuda_leases", meaning, "profile", "pool", "state")
        for labels, many in sorted(Counter((each.profile, each.pool, each.state.value) for each in leases).items()):
            count.add_metric(labels, many)
        yield count
        yield from _granted(leases)
        waiting = _gauge("remuda_waiting", "Places in line, by the profile that is waited for.", "profile")
        for profile, many in sorted(self._waiting.items()):
            waiting.add_metric([profile], many)
        reserved = _gauge("remuda_reservations", "Reservations that stand, by rule: now, or ahead.", "rule", "state")
        for labels, many in sorted(self._reserved.items()):
            reserved.add_metric(labels, many)
        yield from (waiting, reserved)

    def describe(self) -> Iterator[Metric]:
        """Names without values, so that registering does not collect."""
        return iter(())


def _granted(leases: tuple[Lease, ...]) -> Iterator[Metric]:
    by_pool: dict[str, Amounts] = {
        pool: total(each.amounts for each in leases if each.pool == pool) for pool in sorted({e.pool for e in leases})
    }
    cores = _gauge("remuda_granted_cores", "Cores that granted machines reserve, by pool.", "pool")
    memory = _gauge("remuda_granted_memory_bytes", "Memory that granted machines reserve, by pool.", "pool")
    gpus = _gauge("remuda_granted_gpus", "GPUs of granted machines, by pool; a MIG slice is one.", "pool")
    for pool, amounts in by_pool.items():
        cores.add_metric([pool], amounts.millicores / 1000)
        memory.add_metric([pool], amounts.memory)
        gpus.add_metric([pool], amounts.gpus)
    yield from (cores, memory, gpus)


def _gauge(name: str, meaning: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, meaning, labels=labels)


METRICS = SharesMetrics()


def described() -> tuple[tuple[str, str, str], ...]:
    """Name, kind and meaning of each metric, for the reference page."""
    registry = CollectorRegistry()
    SharesMetrics(registry)
    families = ((each.name, each.type, each.documentation) for each in registry.collect())
    return tuple((f"{name}_total" if kind == "counter" else name, kind, about) for name, kind, about in families)


def decided(decision: Decision, seconds: float) -> None:
    """As `SharesMetrics.decided`, of this Hub."""
    METRICS.decided(decision, seconds)


def promises_are(waiting: Iterable[Waiting], reservations: Iterable[Reservation], now: datetime) -> None:
    """As `SharesMetrics.promises_are`, of this Hub."""
    METRICS.promises_are(waiting, reservations, now)


def leases_are(leases: Iterable[Lease]) -> None:
    """As `SharesMetrics.leases_are`, of this Hub."""
    METRICS.leases_are(leases)

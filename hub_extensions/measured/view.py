"""PURE: one session -> its receipt: what ran, what it used of what it had, what it cost, what would have done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from hub_extensions.measured.figures import Measured
from hub_extensions.measured.receipt import Smaller
from hub_extensions.measured.words import number, percent
from hub_extensions.page_frame import words
from hub_extensions.page_frame.machine_words import Moment
from hub_extensions.page_frame.meters import Meter
from hub_extensions.page_frame.notice import Notice
from profiles.lease import Charge, Lease

MISSING = Notice(
    "There is no receipt of this session, or it is somebody else's.",
    "The page “Usage and cost” lists yours.",
    "no-receipt",
)


@dataclass(frozen=True)
class ReceiptPage:
    heading: str
    who: str
    server: str
    began: Moment | None
    ended: Moment | None
    how: str
    lasted: str
    price: str
    cost: str
    used: tuple[Meter, ...]
    covered: str
    smaller: str


def receipt_page(  # noqa: PLR0913 (a receipt has so many lines)
    lease: Lease,
    charge: Charge,
    *,
    ended: datetime | None,
    how: str,
    measured: Measured | None,
    smaller: Smaller | None,
    cost: str,
    now: datetime,
    timezone: str = "UTC",
) -> ReceiptPage:
    return ReceiptPage(
        heading=f"Receipt: {lease.display_name}",
        who=lease.user,
        server=lease.server,
        began=Moment.past(lease.began_at, now, timezone) if lease.began_at else None,
        ended=Moment.past(ended, now, timezone) if ended else None,
        how=how,
        lasted=words.duration(charge.seconds),
        price=words.price_per_hour(lease.price_per_hour),
        cost=cost,
        used=meters(measured, lease.amounts.gpus) if measured is not None and measured.covered_ms else (),
        covered=covered_words(measured, charge.seconds, running=ended is None),
        smaller=smaller_words(smaller) if smaller else "",
    )


def meters(one: Measured, gpus: int) -> tuple[Meter, ...]:
    """Bars show what decides about the size of a machine: the busiest minute, the most memory, the GPUs' time."""
    cores = one.has_millicores / 1000
    average = number(one.cpu_ms / one.covered_ms)
    drawn = [
        Meter(
            "Cores",
            f"{number(one.sustained_millicores / 1000)} of {number(cores)} in the busiest minute",
            _of_hundred(one.sustained_millicores, one.has_millicores),
            said=f"{average} on average, {number(one.peak_millicores / 1000)} for a moment.",
        ),
        Meter(
            "Memory",
            f"{words.memory(one.memory_peak)} of {words.memory(one.has_memory)} at most",
            _of_hundred(one.memory_peak, one.has_memory),
        ),
    ]
    share, memory = one.gpu_share, words.memory(one.gpu_memory_peak)
    label = "GPU" if gpus == 1 else "GPUs"
    if gpus and share is not None:
        said = "No program used it." if one.gpus_unused else f"At most {memory} of its memory."
        drawn.append(Meter(label, f"busy {percent(share)} of the time", _percent(share), said=said))
    elif gpus:
        said = f"At most {memory} of its memory." if one.gpu_memory_peak else ""
        drawn.append(Meter(label, "its time was not measured", None, said=said))
    return tuple(drawn)


def covered_words(one: Measured | None, seconds: int, *, running: bool = False) -> str:
    if one is None or not one.covered_ms:
        if running:
            return "Nothing is measured yet: the first report comes after a minute."
        return "What this machine used was not measured: its image is of an earlier version, or it ran for seconds."
    measured = min(one.covered_ms // 1000, seconds)
    if one.enough(seconds):
        return f"Measured inside the machine for {words.duration(measured)} of {words.duration(seconds)}."
    return (
        f"Measured for {words.duration(measured)} of {words.duration(seconds)}: "
        "too little to say whether a smaller machine would do."
    )


def smaller_words(found: Smaller) -> str:
    """`Small CPU (2 cores, 8 GiB) would have been enough for this session, and €1.20 cheaper.`"""
    plan = found.plan
    devices = (words.resource(name, count) for name, count in plan.extended_resources.items() if count)
    parts = ", ".join([words.cores(plan.cpu.limit.cores), plan.memory.limit.human, *devices])
    return f"{plan.display_name} ({parts}) would have been enough for this session, and {found.saves.human} cheaper."


def _of_hundred(used: int, had: int) -> int:
    return _percent(used / had) if had else 0


def _percent(share: float) -> int:
    return min(100, round(share * 100))

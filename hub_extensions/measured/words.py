"""PURE: what was measured, in the words of pages."""

from __future__ import annotations

from hub_extensions.measured.figures import Efficiency, Measured
from hub_extensions.page_frame import words

NOT_MEASURED, NOT_YET = "not measured", "not yet"


def number(value: float) -> str:
    """`0.35`, `2`, `12.5`: two decimals below ten, one above."""
    text = f"{value:.2f}" if value < 10 else f"{value:.1f}"
    return text.rstrip("0").rstrip(".")


def percent(share: float) -> str:
    return "under 1%" if 0 < share < 0.01 else f"{round(share * 100)}%"


def cores_used(one: Measured | None, *, running: bool = False) -> str:
    """`0.35 of 2`, on average. What runs may yet be measured: its first report comes after a minute."""
    if one is None or not one.covered_ms:
        return NOT_YET if running else NOT_MEASURED
    return f"{number(one.cpu_ms / one.covered_ms)} of {number(one.has_millicores / 1000)}"


def memory_used(one: Measured | None) -> str:
    """`1.2 GiB of 8 GiB`, at most; where nothing was measured, cores say so for all."""
    if one is None or not one.covered_ms:
        return ""
    return f"{words.memory(one.memory_peak)} of {words.memory(one.has_memory)}"


def gpus_used(one: Measured | None, has: int) -> str:
    """`35%` of the time; nothing for a machine without GPUs."""
    if not has or one is None or not one.covered_ms:
        return ""
    share = one.gpu_share
    return NOT_MEASURED if share is None else percent(share)


def shares_of(one: Efficiency | None) -> tuple[str, str, str]:
    """Cores, memory and GPUs used of those that there were; empty for GPUs where there were none."""
    if one is None or one.cores is None:
        return NOT_MEASURED, "", ""
    memory = "" if one.memory is None else percent(one.memory)
    return percent(one.cores), memory, "" if one.gpus is None else percent(one.gpus)

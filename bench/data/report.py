"""From samples to a table: p50, p99, memory, requests; who was first."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

Results = Mapping[str, Mapping[str, Mapping[str, Any]]]  # task → contender → what was measured
#: Which of ours stands beside which peers: those that give the same kind of frame.
OURS = {"pandas": "remuda", "arrow": "remuda (Arrow)", "polars": "remuda (Polars)"}


def percentile(samples: Sequence[float], share: float) -> float:
    """Nearest rank."""
    ordered = sorted(samples)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def best_of_ours(by: Mapping[str, Mapping[str, Any]]) -> float | None:
    found = [percentile(each["samples_s"], 0.5) for name, each in by.items() if _ours(name) and "samples_s" in each]
    return min(found) if found else None


def _ours(name: str) -> bool:
    return name.startswith("remuda")


def first(by: Mapping[str, Mapping[str, Any]]) -> tuple[str, float] | None:
    """The quickest at the median, and by how much it is before (or ours behind) the next."""
    timed = {name: percentile(each["samples_s"], 0.5) for name, each in by.items() if "samples_s" in each}
    if not timed:
        return None
    name = min(timed, key=lambda each: timed[each])
    others = [seconds for other, seconds in timed.items() if _ours(other) != _ours(name)]
    return name, (min(others) / timed[name] if others else math.nan)


def table(results: Results, titles: Mapping[str, str]) -> str:
    lines = []
    for task, by in results.items():
        lines += ["", f"### {titles.get(task, task)}", "", _HEAD, _RULE]
        lines += [_line(name, each, _least(results, name)) for name, each in by.items()]
        best = first(by)
        if best is not None:
            lines += ["", f"First: {best[0]}, {best[1]:.1f} times as fast as the best of the others."]
    return "\n".join(lines)


_HEAD = (
    "| | p50 s | p99 s | first call s | n | CPU s | peak MiB | of the result | GET | HEAD | LIST | PUT "
    "| server wrote / read MiB |"
)
_RULE = "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|"


def _least(results: Results, name: str) -> float:
    """What a load takes in memory whatever it loads: the library itself."""
    return float(results.get("tiny", {}).get(name, {}).get("peak_mib", 0))


def _line(name: str, each: Mapping[str, Any], least: float = 0) -> str:
    if "samples_s" not in each:
        why = each.get("cannot") or each.get("failed") or each.get("missing") or "?"
        return f"| {name} | {why} | | | | | | | | | | | |"
    samples = each["samples_s"]
    asked = each.get("requests", {})
    puts = sum(count for kind, count in asked.items() if kind in ("PutObject", "UploadPart", "CopyObject"))
    held = each.get("result_mib") or 0
    share = f"{(each['peak_mib'] - least) / held:.2f}×" if held >= 50 and "peak_mib" in each else ""
    extra = ", ".join(f"{key} {each[key]}" for key in ("torn", "lost", "errors", "commits_per_s") if key in each)
    cells = [
        f"**{name}**" if _ours(name) else name,
        f"{percentile(samples, 0.5):.4g}",
        f"{percentile(samples, 0.99):.4g}",
        f"{each['first_s']:.4g}",
        str(len(samples)),
        f"{each['cpu_s']:.3g}" if "cpu_s" in each else "",
        f"{each['peak_mib']:.0f}" if "peak_mib" in each else extra,
        share,
        str(asked.get("GetObject", 0)),
        str(asked.get("HeadObject", 0)),
        str(sum(count for kind, count in asked.items() if kind.startswith("List"))),
        str(puts),
        f"{each.get('sent_mib', 0):.0f} / {each.get('received_mib', 0):.0f}",
    ]
    return "| " + " | ".join(cells) + " |"

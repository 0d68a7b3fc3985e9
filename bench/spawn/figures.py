"""From samples to figures: p50, p90 and the ratio of ours to plain."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

#: `samples[figure][stack]`
Samples = Mapping[str, Mapping[str, Sequence[float]]]


def percentile(samples: Sequence[float], share: float) -> float:
    """Nearest-rank percentile, `share` in 0..1; no samples is an error, not a zero."""
    if not samples:
        raise ValueError("no samples")
    ordered = sorted(samples)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def summary(samples: Sequence[float]) -> dict[str, float]:
    figures = {"p50": percentile(samples, 0.5), "p90": percentile(samples, 0.9), "max": max(samples)}
    return {"n": len(samples), **{name: round(value, 4) for name, value in figures.items()}}


def summaries(samples: Samples) -> dict[str, dict[str, dict[str, float]]]:
    return {name: {stack: summary(of) for stack, of in by.items() if of} for name, by in samples.items()}


def ratio(by_stack: Mapping[str, Sequence[float]], share: float = 0.5) -> float | None:
    """Ours divided by plain; None where one of them has no samples, or plain's is 0."""
    plain, ours = by_stack.get("plain"), by_stack.get("ours")
    if not plain or not ours or not percentile(plain, share):
        return None
    return percentile(ours, share) / percentile(plain, share)


def ratios(samples: Samples) -> dict[str, float]:
    found = {name: ratio(by) for name, by in samples.items()}
    return {name: round(value, 3) for name, value in found.items() if value is not None}


def unit(figure: str) -> str:
    if "CPU" in figure:
        return "ms/s" if "quiet" in figure else "ms"
    return "" if "requests" in figure or "failed" in figure else "s"


def table(samples: Samples) -> str:
    """One line per figure with both stacks and the ratio of the medians; a single sample has no percentiles."""
    lines = [
        "| figure | unit | plain p50 | plain p90 | ours p50 | ours p90 | ours/plain |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    for figure, by_stack in samples.items():
        digits = 2 if unit(figure) == "s" else 0
        cells = [figure, unit(figure)]
        for stack in ("plain", "ours"):
            of = by_stack.get(stack) or []
            cells.append(f"{percentile(of, 0.5):.{digits}f}" if of else "–")
            cells.append(f"{percentile(of, 0.9):.{digits}f}" if len(of) > 1 else "–")
        of_medians = ratio(by_stack)
        cells.append("–" if of_medians is None else f"{of_medians:.2f}")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)

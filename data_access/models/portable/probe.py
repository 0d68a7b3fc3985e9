"""Run in a fresh environment: load an artifact, ask it its example, and say as JSON what was seen.

    python -m <this package>.probe FOLDER

FOLDER holds `model/`, `example/` and `probe.json` (format, options, how, methods, tolerance). The answer is the last
line of standard output, after a marker: libraries print what they like before.
"""

from __future__ import annotations

import json
import platform
import sys
import traceback
from pathlib import Path
from typing import Any

MARKER = "remuda-probe: "


def probe(folder: Path) -> dict[str, Any]:
    """`failed` is a sentence about where it ended; else `differences` and `deviation`."""
    told = json.loads((folder / "probe.json").read_text())
    seen: dict[str, Any] = {"python": platform.python_version(), "failed": None, "differences": [], "deviation": None}
    step = "the model can't be loaded"
    try:
        from .registry import load

        model = load(told["format"], folder / "model", told["options"])
        if told["how"] is None:
            return seen
        step = "the example can't be read"
        from . import calls, deviation, example

        kept = example.read(folder / "example", told["how"], tuple(told["methods"]), told["tolerance"])
        step = "the model does not answer to its example"
        answer = calls.observe(model, kept.data, kept.methods)
        found = deviation.deviation(kept.expected, answer, kept.tolerance)
        seen |= {"differences": list(found.differences), "deviation": min(found.largest, 1e308)}
    except Exception as error:
        seen |= {"failed": f"{step}: {type(error).__name__}: {error}", "trace": traceback.format_exc()[-4000:]}
    return seen


if __name__ == "__main__":
    print(MARKER + json.dumps(probe(Path(sys.argv[1]))))

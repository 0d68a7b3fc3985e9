"""One task by one contender, in this process alone: seconds, memory, requests. Prints one line of JSON."""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.data.contenders import CONTENDERS, Cannot, size
from bench.data.server import Observed
from bench.data.tasks import BY_NAME


def main() -> None:
    asked = json.loads(sys.argv[1])
    task, kind = BY_NAME[asked["task"]], CONTENDERS[asked["contender"]]
    server = Observed(**asked["server"])
    try:
        contender = kind(Path(asked["folder"]))
        frame = contender.frame(task.data.make(asked["rows"])) if task.store else None
        report = measured(lambda: task.call(contender, frame), server, task.most, asked["seconds"])
        contender.close()
    except Cannot as why:
        report = {"cannot": str(why)}
    except Exception as error:  # what a library can't do is a result too
        report = {"failed": f"{type(error).__name__}: {str(error).splitlines()[0][:200] if str(error) else ''}"}
    print("\n" + json.dumps(report))


def measured(call: Callable[[], Any], server: Observed, most: int, seconds: float) -> dict[str, Any]:
    """The first call is told apart; if it took long, it is the only one."""
    _forget_peak()
    base, samples, cpu = memory("VmRSS"), [], []
    work, rows, held = None, 0, 0
    began = time.monotonic()
    while len(samples) <= most and (len(samples) < 2 or time.monotonic() - began < seconds):
        gc.collect()
        mark, used, start = server.mark(), time.process_time(), time.perf_counter()
        result = call()
        samples.append(time.perf_counter() - start)
        cpu.append(time.process_time() - used)
        work = server.since(mark)
        if result is not None:
            rows, held = size(result)
        del result
        if len(samples) == 1:
            peak = memory("VmHWM")
            if samples[0] > seconds:
                break
    assert work is not None
    return {
        "first_s": round(samples[0], 4),
        "samples_s": [round(each, 4) for each in (samples[1:] or samples)],
        "cpu_s": round(min(cpu), 3),
        "base_mib": round(base, 1),
        "peak_mib": round(peak - base, 1),  # of the first call: nothing was there before it
        "result_mib": round(held / 1024**2, 2),
        "rows": rows,
        "requests": work.requests,
        "sent_mib": round(work.sent / 1024**2, 2),
        "received_mib": round(work.received / 1024**2, 2),
    }


def memory(what: str) -> float:
    """MiB."""
    text = Path("/proc/self/status").read_text()
    return int(text.partition(f"{what}:")[2].split()[0]) / 1024


def _forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")  # proc(5): resets VmHWM


if __name__ == "__main__":
    main()

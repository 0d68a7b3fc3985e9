"""`make test`: run every stage, bring up what it needs, and say what was skipped and why.

With CI=true nothing may be skipped: a missing need or a skipped test fails the run.
`python -m tools.testing STAGE …` runs some stages only.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from tools.testing.bytecode import environment
from tools.testing.needs import CACHE_BIN, ROOT
from tools.testing.stages import STAGES, Stage

#: For what a call said last; a program that it left running may hold its output open for ever.
TOLD_S = 10


@dataclass(frozen=True)
class Result:
    """Counts of one stage; `note` says why when it was skipped or failed as a whole."""

    stage: str
    passed: int
    failed: int
    skipped: int
    seconds: float
    note: str = ""


def counts(report: Path) -> tuple[int, int, int]:
    """(passed, failed, skipped) of a JUnit XML report; all zero if pytest died before it wrote one."""
    if not report.exists():
        return 0, 0, 0
    suites = list(ElementTree.parse(report).getroot().iter("testsuite"))  # noqa: S314 - our own file
    tests, failures, errors, skipped = (
        sum(int(suite.get(key, 0)) for suite in suites) for key in ("tests", "failures", "errors", "skipped")
    )
    return tests - failures - errors - skipped, failures + errors, skipped


def missing_need(stage: Stage) -> str | None:
    for need in stage.needs:
        if need.present():
            continue
        print(f"    {need.name}: not there yet, bringing it up", flush=True)
        if not need.provide():
            return f"{need.name} could not be had: {need.remedy}"
    return None


def call(command: tuple[str, ...], report: Path, stage: Stage) -> Result:
    """One of the stage's. Of several at once each prints by whole lines."""
    started = time.monotonic()
    words = [sys.executable, *command, *([f"--junitxml={report}"] if stage.is_pytest else [])]
    env = {**environment(), "PATH": f"{CACHE_BIN}{os.pathsep}{os.environ.get('PATH', '')}"}
    code = by_lines(words, env) if stage.beside else subprocess.run(words, cwd=ROOT, env=env, check=False).returncode
    passed, failed, skipped = counts(report) if stage.is_pytest else (int(code == 0), int(code != 0), 0)
    note = ""
    if code != 0 and failed == 0:
        failed, note = 1, f"exit status {code} without a failed test: it could not run"
    return Result(stage.name, passed, failed, skipped, time.monotonic() - started, note)


def by_lines(words: list[str], env: dict[str, str]) -> int:
    """Exit status."""
    process = subprocess.Popen(
        words, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    )

    def tell() -> None:
        for line in process.stdout or ():
            print(line, end="", flush=True)

    teller = threading.Thread(target=tell, daemon=True)
    teller.start()
    code = process.wait()
    teller.join(TOLD_S)
    return code


def run(stage: Stage, *, strict: bool) -> Result:
    started = time.monotonic()
    print(f"\n==> {stage.name}: {stage.what}", flush=True)
    if (note := missing_need(stage)) is not None:
        return Result(stage.name, 0, int(strict), int(not strict), time.monotonic() - started, note)
    with tempfile.TemporaryDirectory() as folder:
        with ThreadPoolExecutor(1 + len(stage.beside)) as pool:
            calls = (stage.command, *stage.beside)
            each = [pool.submit(call, command, Path(folder) / f"{n}.xml", stage) for n, command in enumerate(calls)]
        passed, failed, skipped, notes = 0, 0, 0, []
        for done in each:
            part = done.result()
            passed, failed, skipped = passed + part.passed, failed + part.failed, skipped + part.skipped
            notes += [part.note] if part.note else []
    note = "; ".join(notes)
    if strict and skipped:
        failed, note = failed + 1, f"{skipped} skipped, and CI=true skips nothing"
    return Result(stage.name, passed, failed, skipped, time.monotonic() - started, note)


def main(names: list[str]) -> int:
    strict = os.environ.get("CI", "").lower() in {"1", "true", "yes"}
    if unknown := set(names) - {stage.name for stage in STAGES}:
        print(f"no such stage: {', '.join(sorted(unknown))}. Stages: {', '.join(s.name for s in STAGES)}")
        return 2
    results = [run(stage, strict=strict) for stage in STAGES if not names or stage.name in names]
    print("\nstage             passed failed skipped  seconds")
    for result in results:
        print(
            f"{result.stage:<17} {result.passed:>6} {result.failed:>6} {result.skipped:>7} {result.seconds:>8.0f}"
            + (f"  {result.note}" if result.note else "")
        )
    passed, failed, skipped = (sum(getattr(r, key) for r in results) for key in ("passed", "failed", "skipped"))
    print(f"\n{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Proof that a version can be had again: a fresh environment from its lock, the model in it, the example's answer.

What runs there is a copy of `portable` and the artifact's files, and no other package than the locked ones.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_access.discover.words import counted
from data_access.errors import DataError, Reason
from data_access.models import layout, locking, portable, uv
from data_access.models.installed import content_in
from data_access.models.load import require_trust
from data_access.models.portable.probe import MARKER
from data_access.models.repository import Repository, temporary
from data_access.models.show import Sheet
from data_access.progress import Progress, progress
from data_access.workspace import Workspace

if TYPE_CHECKING:
    from data_access.models.artifact import EnvironmentLock, ModelVersion

_LONGEST_S = 1800
#: What a person who waits is told of each step.
_STEPS = {
    "files": "fetching its files",
    "environment": "building its environment",
    "packages": "comparing the packages",
    "example": "loading it there and asking its example",
}


@dataclass(frozen=True)
class Step:
    """One step of a verification; `ok` False stops what depends on it."""

    name: str
    ok: bool
    seen: str
    seconds: float = 0.0


@dataclass(frozen=True)
class Verification:
    """`ok`: the example's answer was had again, in an environment that has the locked packages."""

    version: ModelVersion
    steps: tuple[Step, ...]
    #: What is not as it was, without keeping the answer from being the same: another patch of Python, say.
    notes: tuple[str, ...] = ()
    #: The largest deviation of the answer, in units of the tolerance's rule.
    deviation: float | None = None

    @property
    def ok(self) -> bool:
        return all(step.ok for step in self.steps)

    def require(self) -> None:
        """Raises DataError(not-reproduced) unless `ok`."""
        if not self.ok:
            failed = "; ".join(f"{step.name}: {step.seen}" for step in self.steps if not step.ok)
            raise DataError(Reason.NOT_REPRODUCED, f"{self.version} was not reproduced: {failed}.", "See the report.")

    def sheet(self) -> Sheet:
        rows = tuple(
            (step.name, "ok" if step.ok else "DIFFERS", step.seen, f"{step.seconds:.1f} s") for step in self.steps
        )
        title = f"{self.version}: {'reproduced' if self.ok else 'NOT reproduced'}"
        return Sheet(
            title, ("step", "", "seen", "took"), rows, "; ".join(self.notes), widest=None,
            kinds=("text", "text", "sentence", "count"),
        )  # fmt: skip

    def __repr__(self) -> str:
        return self.sheet().text()

    def _repr_html_(self) -> str:
        return self.sheet().html()


def verify(  # noqa: PLR0913 - all but the first two are switches
    name: str | ModelVersion,
    version: int | str | None = None,
    *,
    trust_pickle: bool = False,
    everything: bool = False,
    offline: bool = False,
    workspace: Workspace | None = None,
) -> Verification:
    """Build the version's environment apart, load it there, and ask it its example; the report says what differs.

    The environment holds what the model needs, by the lock's hashes; with `everything`, all that was installed when it
    was saved. `offline` takes packages from uv's cache alone. Loading a pickle runs its code: `trust_pickle` as for
    `load_model`.

    Raises NotFoundError(unknown-model), CorruptError, DataError(unsafe-format, not-installed: uv,
    not-supported: a format or an artifact that can't be asked), UnreachableError: packages can't be had.
    """
    repository = Repository(workspace)
    found = repository.resolve(name, version)
    require_trust(found, trust_pickle)
    _require_askable(found)
    with (
        temporary() as scratch,
        progress(repository.workspace.settings, f"Verifying {found}", steps=len(_STEPS)) as bar,
    ):
        return _Run(repository, found, Path(scratch), bar).all(everything=everything, offline=offline)


def _require_askable(version: ModelVersion) -> None:
    why = None
    if version.format in ("torch-state", "files"):
        why = f"is kept as {version.format}, which holds no model that can be asked"
    elif version.example is None:
        why = "was saved without an example, so there is no answer to compare with"
    if why:
        raise DataError(Reason.NOT_SUPPORTED, f"{version} {why}.", "load_model compares its files with their hashes.")


class _Run:
    def __init__(self, repository: Repository, version: ModelVersion, folder: Path, bar: Progress) -> None:
        self._repository, self._version, self._folder, self._bar = repository, version, folder, bar
        self._steps: list[Step] = []
        self._notes: list[str] = []

    def all(self, *, everything: bool, offline: bool) -> Verification:
        self._timed("files", self._fetch)
        python = self._timed("environment", lambda: self._build(everything, offline))
        self._timed("packages", lambda: self._compare(python, everything))
        deviation = self._timed("example", lambda: self._ask(python))
        return Verification(self._version, tuple(self._steps), tuple(self._notes), deviation)

    def _timed(self, name: str, work: Callable[[], tuple[bool, str, Any]]) -> Any:
        self._bar.step(_STEPS[name], self._version.size if name == "files" else None)
        began = time.monotonic()
        ok, seen, value = work()
        self._steps.append(Step(name, ok, seen, time.monotonic() - began))
        return value

    def _fetch(self) -> tuple[bool, str, None]:
        for part in (layout.MODEL, layout.EXAMPLE, layout.ENVIRONMENT):
            self._repository.fetch(self._version, self._folder, part, self._bar.advance)
        return True, f"{counted(len(self._version.files), 'file')} as they were saved", None

    def _build(self, everything: bool, offline: bool) -> tuple[bool, str, Path]:
        lock = self._version.lock
        text = (self._folder / layout.LOCK).read_text()
        wanted = locking.chosen(lock, text, everything=everything)
        bare = sorted(name for (name, _), hashes in wanted.items() if not hashes)
        if bare:
            self._notes.append(f"no index had hashes of {_some(bare)} when it was saved; contents are compared instead")
        plan = self._folder / "requirements.lock"
        plan.write_text(locking.write(wanted))
        try:
            python = _python(self._folder / "venv", lock)
            uv.install(python, plan, hashed=not bare, offline=offline)
        except uv.UvError as error:
            raise _no_environment(self._version, error, offline) from error
        return (
            True,
            f"{len(wanted)} packages by {'hash' if not bare else 'version'}",
            python,
        )

    def _compare(self, python: Path, everything: bool) -> tuple[bool, str, None]:
        lock = self._version.lock
        there = _installed(python)
        expected = {each.name: each for each in lock.distributions if everything or each.needed}
        differ = []
        for name, each in expected.items():
            if each.source != "index":
                self._notes.append(f"{name} {each.version} was {lock.why_not.get(name, each.source)}, and is left out")
            elif name not in there:
                differ.append(f"{name} is missing")
            elif each.content and there[name] != each.content:
                differ.append(f"{name} {each.version} has other files than when it was saved")
        if differ:
            return False, "; ".join(differ), None
        return True, f"{len(there)} packages with the content that they had when it was saved", None

    def _ask(self, python: Path) -> tuple[bool, str, float | None]:
        answer = _probe(self._version, self._folder, python)
        wanted, got = self._version.lock.python, answer["python"]
        if wanted != got:
            self._notes.append(f"Python {got} instead of {wanted}")
        if answer["failed"]:
            return False, answer["failed"], None
        if answer["differences"]:
            return False, "; ".join(answer["differences"]), answer["deviation"]
        example = self._version.example
        assert example is not None
        told = f"{counted(example.rows, 'row')} answered as then, to {answer['deviation']:.2g}"
        told += f" (tolerance {example.tolerance:g})"
        return True, told, answer["deviation"]


def _python(folder: Path, lock: EnvironmentLock) -> Path:
    """The very version of Python where it is to be had, else the same minor one."""
    try:
        return uv.make(folder, lock.python)
    except uv.UvError:
        shutil.rmtree(folder, ignore_errors=True)
        return uv.make(folder, ".".join(lock.python.split(".")[:2]))


def _no_environment(version: ModelVersion, error: uv.UvError, offline: bool) -> DataError:
    if "interpreter" in error.said.lower() or "No download found" in error.said:
        return DataError(
            Reason.NOT_INSTALLED,
            f"{version} was made with Python {version.lock.python}, which can't be had here: {error.sentence}.",
            f"Install it: uv python install {version.lock.python}.",
        )
    if error.offline or offline:
        return uv.unreachable(error, f"Verifying {version}")
    return DataError(
        Reason.NOT_REPRODUCED,
        f"The environment of {version} can't be built again: {error.said[:1500]}.",
        "The index has other files than when it was saved, or none any more for this platform.",
    )


def _installed(python: Path) -> Mapping[str, str | None]:
    """Content by name, of an environment that is not ours: read from its files, nothing of it is run."""
    folders = sorted(python.parent.parent.glob("lib/python*/site-packages"))
    return {name: content for folder in folders for name, content in content_in(folder).items()}


def _probe(version: ModelVersion, folder: Path, python: Path) -> dict[str, Any]:
    assert version.example is not None
    (folder / "probe.json").write_text(
        json.dumps(
            {
                "format": version.format,
                "options": version.options,
                "how": version.example.how,
                "methods": version.example.methods,
                "tolerance": version.example.tolerance,
            }
        )
    )
    code = folder / "code-of-probe"
    shutil.copytree(
        Path(portable.__file__).parent, code / "remuda_portable", ignore=shutil.ignore_patterns("__pycache__")
    )
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV", "JUPYTER"))}
    try:
        done = subprocess.run(  # noqa: S603 - the interpreter that was just made, on our own module
            [str(python), "-m", "remuda_portable.probe", str(folder)],
            capture_output=True,
            text=True,
            check=False,
            timeout=_LONGEST_S,
            cwd=code,
            env=kept | {"PYTHONPATH": str(code), "PYTHONNOUSERSITE": "1", "PYTHONDONTWRITEBYTECODE": "1"},
        )
    except subprocess.TimeoutExpired:
        return {"python": version.lock.python, "failed": f"it did not answer within {_LONGEST_S} s"}
    for line in reversed(done.stdout.splitlines()):
        if line.startswith(MARKER):
            return json.loads(line.removeprefix(MARKER))
    died = f"the process ended with {done.returncode}: {(done.stderr or done.stdout).strip()[-500:]}"
    return {"python": version.lock.python, "failed": died, "differences": [], "deviation": None}


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")

"""What it takes to make a commit's rows again: the code, the inputs as they were, and what differs here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from data_access.errors import DataError
from data_access.provenance.capture import code
from data_access.provenance.lineage import anchor_of, inputs_of
from data_access.provenance.packages import environment
from data_access.tables.model import Anchor, Code, Commit, Environment

if TYPE_CHECKING:
    from data_access.tables.frames import Kind  # pyarrow is not needed to record anything
    from data_access.workspace import Workspace

#: Packages that are this product, and not on PyPI.
_OWN = {"remuda"}


@dataclass(frozen=True)
class Difference:
    """A package (or `python`, `platform`, `image`) whose version is another one here; None: not there."""

    name: str
    then: str | None
    now: str | None

    def __str__(self) -> str:
        return f"{self.name} {self.then or 'not there'} then, {self.now or 'not there'} now"


@dataclass(frozen=True)
class Reconstruction:
    """Prints what is needed; `load()` gives the inputs as they were.

    `differences` compares the environments: None when the commit says nothing about its own.
    """

    commit: Commit
    inputs: tuple[Anchor, ...]
    unreadable: Mapping[Anchor, str]
    differences: tuple[Difference, ...] | None
    here: Code
    workspace: Workspace

    @property
    def anchor(self) -> Anchor:
        return self.commit.anchor

    @property
    def code(self) -> Code:
        """Which code made it; its parts may be unknown."""
        return self.commit.code

    @property
    def environment(self) -> Environment | None:
        return self.commit.environment

    def load(self, into: Kind = "pandas") -> dict[str, Any]:
        """The inputs as frames, exactly as they were: by table, or by anchor where a table is among them twice.

        Raises what `load_dataframe` raises when one can't be read any more.
        """
        from data_access.tables.load import load_dataframe

        tables = [each.table for each in self.inputs]
        return {
            str(each.table if tables.count(each.table) == 1 else each): load_dataframe(
                each.table.database, each.table.table, as_of=each, into=into, workspace=self.workspace
            )
            for each in self.inputs
        }

    def install(self) -> str:
        """The command that gives this environment the versions of then; "" when nothing differs."""
        wanted = [f"{each.name}=={each.then}" for each in self._packages() if each.then and each.name not in _OWN]
        return f"uv pip install {' '.join(wanted)}" if wanted else ""

    def _packages(self) -> list[Difference]:
        return [each for each in self.differences or () if each.name not in ("python", "platform", "image")]

    def __str__(self) -> str:
        head = f"{self.anchor}\n  {self.commit.at:%Y-%m-%d %H:%M} UTC by {self.commit.by}, {self.commit.rows:,} rows"
        parts = [("code", self._code()), ("inputs", self._inputs()), ("environment", self._environment())]
        return "\n".join(
            [head, *(f"  {name:<12} {line}" for name, lines in parts for name, line in _margin(name, lines))]
        )

    __repr__ = __str__

    def _repr_html_(self) -> str:
        shown = ElementTree.Element("pre", {"class": "remuda-reconstruction"})
        shown.text = str(self)
        return ElementTree.tostring(shown, encoding="unicode")

    def _code(self) -> list[str]:
        made, lines = self.code, []
        if made.git_commit:
            same = "as here" if made.git_commit == self.here.git_commit else f"git checkout {made.git_commit}"
            lines.append(f"git {made.git_commit[:12]}{f' of {made.git_remote}' if made.git_remote else ''}; {same}")
        if made.dirty_diff:
            same = ", as here" if made.dirty_diff == self.here.dirty_diff else ""
            lines.append(f"with changes that were not committed: sha256 of the diff {made.dirty_diff[:16]}…{same}")
        if made.notebook:
            sha256 = f", sha256 {made.notebook_sha256[:16]}…" if made.notebook_sha256 else ""
            lines.append(f"notebook {made.notebook}{sha256}")
        if made.script:
            lines.append(f"script {made.script}")
        return lines or ["not known: it was run outside a repository, a notebook and a script"]

    def _inputs(self) -> list[str]:
        lines = [f"{each}{f'  {self.unreadable[each]}' if each in self.unreadable else ''}" for each in self.inputs]
        return lines or ["none were recorded"]

    def _environment(self) -> list[str]:
        made = self.environment
        if made is None or self.differences is None:
            return ["not recorded"]
        lines = [f"Python {made.python} on {made.platform}{f', image {made.image}' if made.image else ''}"]
        if not self.differences:
            return [*lines, "the same as here"]
        shown = [str(each) for each in self.differences if each.then]
        added = [each.name for each in self.differences if not each.then]
        lines += shown[:20] + ([f"and {len(shown) - 20} more"] if len(shown) > 20 else [])
        lines += [f"only now: {', '.join(added[:8])}{f' and {len(added) - 8} more' if len(added) > 8 else ''}"] * bool(
            added
        )
        return lines + ([self.install()] if self.install() else [])


def _margin(name: str, lines: Sequence[str]) -> list[tuple[str, str]]:
    return [(name if place == 0 else "", line) for place, line in enumerate(lines)]


def reconstruct(anchor: str | Anchor | Commit, *, workspace: Workspace | None = None) -> Reconstruction:
    """Code, inputs and environment of a commit (or of a table's present one), compared with what is here.

    Raises NotFoundError(unknown-table, unknown-commit), ForbiddenError, CorruptError, DataError(bad-argument).
    """
    from data_access.tables.snapshot import commit_at, open_snapshot
    from data_access.workspace import current

    workspace = workspace or current()
    made = anchor_of(workspace, anchor)
    commit = commit_at(workspace, workspace.metastore.table(made.table), made)
    wanted = inputs_of(workspace, commit)
    unreadable = {}
    for each in wanted:
        try:
            open_snapshot(workspace, each.table, each)
        except DataError as error:
            unreadable[each] = str(error)
    found = None if commit.environment is None else differences(commit.environment, environment())
    return Reconstruction(commit, wanted, unreadable, found, code(), workspace)


def differences(then: Environment, now: Environment) -> tuple[Difference, ...]:
    """What differs: Python, platform and image first, then packages by name. Pure."""
    first = [(name, getattr(then, name), getattr(now, name)) for name in ("python", "platform", "image")]
    names = sorted({*then.packages, *now.packages})
    rest = [(name, then.packages.get(name), now.packages.get(name)) for name in names]
    return tuple(Difference(name, before, after) for name, before, after in [*first, *rest] if before != after)

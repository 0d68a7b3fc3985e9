"""Make, change, copy and remove environments in a home. `remuda-env` is a thin command line over this."""

from __future__ import annotations

import json
import os
import shutil
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from environments import export, uv
from environments.catalogue import Catalogue
from environments.discovery import Environment, Reason
from environments.facts import MARKER, read_facts, read_json
from environments.failures import Failure, failure_from
from environments.machine import this_machine
from environments.repair import repair_interpreter
from environments.request import Request, channels_for, checked_name, mirrors_for

if TYPE_CHECKING:
    from environments.conda import CondaSource

Say = Callable[[str], None]


@dataclass(frozen=True)
class Place:
    """Where environments and caches are: all in the home, so on one file system."""

    home: Path
    environ: Mapping[str, str]

    @property
    def environments(self) -> Path:
        return Path(self.environ.get("REMUDA_ENVS") or self.home / "envs")

    @property
    def cache(self) -> Path:
        return Path(self.environ.get("RATTLER_CACHE_DIR") or self.home / ".cache/rattler/cache")

    def prefix(self, name: str) -> Path:
        return self.environments / checked_name(name)


class Workshop:
    """The operations, for one home. Every method raises Failure in plain words."""

    def __init__(self, place: Place, say: Say, *, bars: bool = False) -> None:
        self._place, self._say, self._bars = place, say, bars

    # --- finding -----------------------------------------------------------------------------------------------

    def all(self) -> tuple[Environment, ...]:
        """Every environment of the home, whoever made it."""
        return Catalogue(self._place.home, self._place.environ).refresh()

    def find(self, name: str) -> Environment:
        """One environment by name or by path. Raises Failure(unknown-environment)."""
        everything = self.all()
        for environment in everything:
            if name == environment.name or Path(name).expanduser() == environment.prefix:
                return environment
        known = ", ".join(environment.name for environment in everything) or "none yet"
        raise Failure("unknown-environment", f"There is no environment '{name}'.", f"There are: {known}.")

    # --- making ------------------------------------------------------------------------------------------------

    async def create(self, name: str, request: Request, channels: Sequence[str], *, cuda: str | None = None) -> Path:
        """A conda environment, with ipykernel when it has Python. All or nothing: a failure leaves no trace."""
        prefix = self._place.prefix(name)
        source = self._source(channels_for(channels, request, self._place.environ, self._place.home), cuda)
        if request.explicit:
            records, specs, kernel_from = await _explicit(source, request), [], "lock"
        else:
            specs = list(request.specs) or ["python"]
            records, specs, kernel_from = await self._solution(source, specs)
        with Building(prefix, self._say):
            self._say(f"Installing {len(records)} packages into {prefix}")
            await source.install(records, prefix, specs)
            self._finish(prefix, request, kernel_from)
        return prefix

    async def _solution(self, source: CondaSource, specs: list[str]) -> tuple[list[Any], list[str], str]:
        self._say(f"Looking for {', '.join(specs)} in {', '.join(source.channels)}")
        records = await source.solve(specs)
        names = {str(record.name.normalized) for record in records}
        if "python" not in names:
            return records, specs, "none"
        if "ipykernel" in names:
            return records, specs, "channel"
        if await source.offers("ipykernel"):
            specs = [*specs, "ipykernel"]
            return await source.solve(specs), specs, "channel"
        return records, specs, "pypi"

    def _finish(self, prefix: Path, request: Request, kernel_from: str) -> None:
        if request.pip:
            self._say(f"Installing {', '.join(request.pip)} from PyPI")
            uv.pip_install(prefix, request.pip, quiet=not self._bars)
        if request.variables:
            state = {"version": 1, "env_vars": dict(request.variables)}
            (prefix / "conda-meta" / "state").write_text(json.dumps(state))
        if kernel_from == "pypi" and not (read_facts_checked(prefix).has_ipykernel):
            self._add_kernel_from_pypi(prefix)

    def _add_kernel_from_pypi(self, prefix: Path) -> None:
        self._say("The channel has no ipykernel, which notebooks need: adding it from PyPI")
        try:
            uv.pip_install(prefix, ["ipykernel"], quiet=not self._bars)
        except Failure as failure:
            name = prefix.name
            self._say(f"ipykernel could not be added: {failure.sentence}")
            self._say(f"The environment works in terminals; for notebooks run `remuda-env add {name} ipykernel` later.")

    def create_with_uv(self, name: str, packages: Sequence[str], python: str | None) -> Path:
        """A venv with a Python of its own where that can be, and ipykernel. All or nothing."""
        prefix = self._place.prefix(name)
        with Building(prefix, self._say):
            self._say("Making the venv")
            if not uv.create_venv(prefix, python, self._place.home):
                self._say(
                    "It uses the image's Python: after an image upgrade with another minor version it has to be made "
                    "again. A conda environment (`remuda-env create` without --uv) has a Python of its own."
                )
            wanted = [*packages, "ipykernel"]
            self._say(f"Installing {', '.join(wanted)} from PyPI")
            uv.pip_install(prefix, wanted, quiet=not self._bars)
        return prefix

    # --- changing ----------------------------------------------------------------------------------------------

    async def add(self, name: str, packages: Sequence[str], channels: Sequence[str]) -> None:
        """Install more packages; those that are there stay as they are where the new ones allow it."""
        environment = self._changeable(name)
        if environment.facts.kind == "venv":
            self._say(f"Installing {', '.join(packages)} from PyPI")
            uv.pip_install(environment.prefix, packages, quiet=not self._bars)
            return
        from environments.conda import installed, requested

        source = self._source(channels_for(channels, Request(()), self._place.environ, self._place.home), None)
        present = installed(environment.prefix)
        specs = [*requested(present), *packages]
        self._say(f"Looking for {', '.join(packages)} in {', '.join(source.channels)}")
        try:
            records = await source.solve(specs, present)
        except Failure as failure:
            if failure.reason != "no-solution" or not await self._only_ipykernel_missing(source, packages):
                raise
            self._add_kernel_from_pypi(environment.prefix)
            return
        self._say(f"Installing {_change(present, records)}")
        await source.install(records, environment.prefix, specs)

    async def _only_ipykernel_missing(self, source: CondaSource, packages: Sequence[str]) -> bool:
        return list(packages) == ["ipykernel"] and not await source.offers("ipykernel")

    def _changeable(self, name: str) -> Environment:
        environment = self.find(name)
        allowed = (None, Reason.NEEDS_IPYKERNEL, Reason.NO_KERNEL)
        if environment.problem is not None and environment.problem.reason not in allowed:
            raise Failure(environment.problem.reason, environment.problem.sentence, environment.problem.remedy)
        return environment

    def repair(self, name: str) -> Path:
        """Point a venv to the image's Python of the same minor version; the interpreter now used."""
        environment = self.find(name)
        if environment.facts.interpreter_target is not None:
            return environment.facts.interpreter_target
        try:
            interpreter = repair_interpreter(environment.facts, dict(this_machine().pythons))
        except OSError as error:
            raise failure_from(error, "repairing") or Failure("repair-failed", f"{error}.", "") from error
        if interpreter is None:
            problem = environment.problem
            assert problem is not None
            raise Failure(problem.reason, problem.sentence, problem.remedy)
        return interpreter

    # --- copying, writing down, removing -----------------------------------------------------------------------

    async def clone(self, name: str, new: str) -> Path:
        """The same packages under another name, hardlinked from the cache where it still has them."""
        original = self.find(name)
        prefix = self._place.prefix(new)
        packages = export.pip_packages(original.facts)
        if original.facts.kind == "venv":
            with Building(prefix, self._say):
                python = None if original.facts.python is None else ".".join(original.facts.python.split(".")[:2])
                uv.create_venv(prefix, python, self._place.home)
                if packages:
                    self._say(f"Installing {len(packages)} packages from PyPI")
                    uv.pip_install(prefix, packages, quiet=not self._bars)
            return prefix
        from environments.conda import installed, requested, subdir

        records = installed(original.prefix)
        source = self._source(_channels_of(records) or ("conda-forge",), None)
        specs = requested(records)
        if any(record.subdir not in (subdir(), "noarch") for record in records):
            self._say(f"'{name}' was built for another kind of machine: looking for the same packages for this one")
            specs = specs or [f"{record.name.normalized}=={record.version}" for record in records]
            records = await source.solve(specs)
        with Building(prefix, self._say):
            self._say(f"Installing {len(records)} packages into {prefix}")
            await source.install(records, prefix, specs)
            if packages:
                uv.pip_install(prefix, packages, quiet=not self._bars)
            variables = read_json(original.prefix / "conda-meta/state")
            if variables:
                (prefix / "conda-meta/state").write_text(json.dumps(variables))
        return prefix

    def export(self, name: str, *, explicit: bool = False, asked_only: bool = False) -> str:
        """environment.yml, or an explicit lock of exact files."""
        environment = self.find(name)
        if environment.facts.kind == "venv":
            if explicit:
                raise Failure("not-conda", f"'{name}' is a venv: it has no explicit lock.", "Leave out --explicit.")
            return export.venv_yaml(environment)
        from environments.conda import installed, requested

        records = installed(environment.prefix)
        if explicit:
            return export.explicit_lock(records)
        return export.environment_yaml(environment, records, requested(records) if asked_only else None)

    def remove(self, name: str) -> Path:
        """Remove an environment. It disappears at once; its files go one by one after that."""
        environment = self.find(name)
        prefix = environment.prefix
        if not prefix.is_relative_to(self._place.home) and not prefix.is_relative_to(self._place.environments):
            raise Failure("not-yours", f"{prefix} is outside your home.", "Remove it with the tool that made it.")
        if (prefix / "envs").is_dir():
            raise Failure("has-others", f"{prefix} holds other environments.", "Remove those first, or use rm.")
        going = prefix.with_name(f".removing-{prefix.name}-{os.getpid()}")
        try:
            prefix.rename(going)
        except OSError as error:
            raise Failure("remove-failed", f"{prefix} cannot be removed: {error.strerror}.", "") from error
        shutil.rmtree(going, ignore_errors=True)
        return prefix

    def clean(self) -> int:
        """Empty the package caches and finish interrupted removals; the bytes freed. Environments keep their files."""
        leftovers = [*self._place.environments.glob(".removing-*"), self._place.cache]
        before = _free(self._place.home)
        for folder in leftovers:
            shutil.rmtree(folder, ignore_errors=True)
        uv.run_uv(["cache", "clean", "--quiet"], "emptying uv's cache", quiet=True)
        return max(0, _free(self._place.home) - before)

    def _source(self, channels: Sequence[str], cuda: str | None) -> CondaSource:
        from environments.conda import CondaSource, Progress

        mirrors = mirrors_for(self._place.environ, self._place.home)
        return CondaSource(channels, self._place.cache, mirrors, Progress(self._bars), cuda)


class Building:
    """Marks a prefix as unfinished while it is made, and takes it away again when that fails.

    A conda prefix cannot be built elsewhere and moved: its path is written into its files. So a marker tells the
    unfinished from the whole; a start that was killed leaves it, and the next `create` begins anew from the cache.
    """

    def __init__(self, prefix: Path, say: Say) -> None:
        self._prefix, self._marker, self._say = prefix, prefix / MARKER, say

    def __enter__(self) -> None:
        try:
            self._prefix.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._prefix.mkdir()
            except FileExistsError:
                self._take_over()
                self._prefix.mkdir()
            self._marker.parent.mkdir()
            started = datetime.now(UTC).isoformat(timespec="seconds")
            owner = {"host": socket.gethostname(), "pid": os.getpid(), "started": started}
            self._marker.write_text(json.dumps(owner))
        except OSError as error:
            raise failure_from(error, f"making {self._prefix}") or Failure(
                "create-failed", f"{self._prefix} cannot be made: {error.strerror}.", ""
            ) from error

    def _take_over(self) -> None:
        name = self._prefix.name
        if not self._marker.exists():
            if any(self._prefix.iterdir()):
                raise Failure(
                    "exists",
                    f"There is already an environment '{name}' in {self._prefix}.",
                    f"Choose another name, add to it (`remuda-env add {name} …`) or `remuda-env remove {name}` first.",
                )
        elif _alive(owner := read_json(self._marker)):
            raise Failure(
                "being-made",
                f"'{name}' is being made right now, by process {owner.get('pid')} since {owner.get('started')}.",
                f"Wait for it; if that machine is gone, `remuda-env remove {name}`.",
            )
        else:
            self._say(f"Beginning anew: making '{name}' was interrupted before")
        shutil.rmtree(self._prefix)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if error is None:
            self._marker.unlink()
            if not any(self._marker.parent.iterdir()):  # a venv is no conda prefix
                self._marker.parent.rmdir()
            return
        shutil.rmtree(self._prefix, ignore_errors=True)
        if isinstance(error, OSError) and (known := failure_from(error, f"making {self._prefix}")):
            raise known from error


def _alive(owner: Mapping[str, Any]) -> bool:
    """Whether the process that makes a prefix may still be at it; one on another machine is given an hour."""
    try:
        if owner.get("host") == socket.gethostname():
            os.kill(int(owner["pid"]), 0)
            return int(owner["pid"]) != os.getpid()
        started = datetime.fromisoformat(str(owner["started"]))
    except (KeyError, ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return (datetime.now(UTC) - started).total_seconds() < 3600


async def _explicit(source: CondaSource, request: Request) -> list[Any]:
    """The records of a lock's URLs: solved from their channels with every name, version and build pinned."""
    from environments.conda import CondaSource

    channels, specs = export.pins_of_lock(request.explicit)
    pinned = CondaSource.__new__(CondaSource)
    pinned.__dict__.update(source.__dict__)
    pinned.channels = channels
    return await pinned.solve(specs)


def read_facts_checked(prefix: Path) -> Any:
    """The facts of a prefix that was just made."""
    facts = read_facts(prefix)
    assert facts is not None, f"{prefix} was installed and is no environment"
    return facts


def _channels_of(records: Sequence[Any]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(record.channel) for record in records if record.channel))


def _change(before: Sequence[Any], after: Sequence[Any]) -> str:
    had = {str(record.name.normalized): str(record.version) for record in before}
    changes = [
        f"{name} {version}" + (f" (was {had[name]})" if name in had else "")
        for record in after
        if had.get(name := str(record.name.normalized)) != (version := str(record.version))
    ]
    return ", ".join(changes) or "nothing new"


def _free(folder: Path) -> int:
    numbers = os.statvfs(folder)
    return numbers.f_bavail * numbers.f_frsize

"""Solve and install conda packages with py-rattler: the only module that imports it."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rattler import Channel, Client, Gateway, MatchSpec, PrefixRecord, VirtualPackage, install, solve
from rattler.config import Config
from rattler.exceptions import GatewayError, InvalidMatchSpecError, SolverError
from rattler.networking.middleware import MirrorMiddleware, RetryMiddleware
from rattler.platform import Subdir

from environments.failures import Failure, failure_from, no_solution

Record = Any
"""rattler's RepoDataRecord."""


@dataclass(frozen=True)
class Progress:
    """How a long operation is told: bars on a terminal, or nothing."""

    bars: bool


class CondaSource:
    """Channels, with the package cache in the home: on the environments' own file system, so files are hardlinked."""

    def __init__(
        self, channels: Sequence[str], cache: Path, mirrors: dict[str, list[str]], progress: Progress, cuda: str | None
    ) -> None:
        self.channels = tuple(channels)
        self._cache, self._progress = cache, progress
        self._client = Client([RetryMiddleware(3), *([MirrorMiddleware(mirrors)] if mirrors else [])])
        self._gateway = Gateway(cache_dir=cache / "repodata", client=self._client, show_progress=progress.bars)
        if cuda:
            os.environ["CONDA_OVERRIDE_CUDA"] = cuda

    async def solve(self, specs: Sequence[str], locked: Sequence[Record] = ()) -> list[Record]:
        """The packages that satisfy the specs. Raises Failure."""
        parsed = [parse_spec(spec) for spec in specs]
        try:
            solution: list[Record] = await solve(
                [Channel(channel) for channel in self.channels],
                parsed,
                gateway=self._gateway,
                platforms=_platforms(),
                locked_packages=list(locked),
                virtual_packages=VirtualPackage.detect(),
            )
        except SolverError as error:
            raise no_solution(tuple(specs), error, self.channels) from error
        except Exception as error:
            raise failure_from(error, "looking for packages") or _unknown(error) from error
        return solution

    async def offers(self, name: str) -> bool:
        """Whether a channel has a package of this name for this machine."""
        try:
            found = await self._gateway.query(
                [Channel(channel) for channel in self.channels], _platforms(), [name], recursive=False
            )
        except GatewayError as error:
            raise failure_from(error, "looking for packages") or _unknown(error) from error
        return any(len(records) for records in found)

    async def install(self, records: Sequence[Record], prefix: Path, specs: Sequence[str]) -> None:
        """Make the prefix contain exactly these packages. Raises Failure; the prefix may then be half-way."""
        config = Config()
        config.set("allow-symbolic-links", "false")  # a cleaned cache must not break environments
        try:
            await install(
                list(records),
                prefix,
                cache_dir=self._cache / "pkgs",
                show_progress=self._progress.bars,
                client=self._client,
                config=config,
            )
        except Exception as error:
            raise failure_from(error, "installing packages") or _unknown(error) from error
        finally:
            if self._progress.bars:
                print(file=sys.stderr, flush=True)  # rattler leaves the cursor behind its last bar
        _note_requested(prefix, specs)


def _note_requested(prefix: Path, specs: Sequence[str]) -> None:
    """Write down in each package's record what was asked for, as conda does: `export --asked` and `add` need it.

    py-rattler 0.28 takes this as an argument of `install` but refuses its own type for it.
    """
    asked: dict[str, list[str]] = {}
    for spec in specs:
        name = parse_spec(spec).name
        if name is not None:
            asked.setdefault(str(name.normalized), []).append(spec)
    for record in installed(prefix):
        wanted = asked.get(str(record.name.normalized), [])
        if list(record.requested_specs) != wanted:
            record.requested_specs = wanted
            record.write_to_path(prefix / "conda-meta" / _record_name(record), pretty=True)


def _record_name(record: PrefixRecord) -> str:
    return f"{record.name.normalized}-{record.version}-{record.build}.json"


def _platforms() -> list[Any]:
    return [Subdir.current(), Subdir("noarch")]


def subdir() -> str:
    """conda's name for this machine: linux-64, linux-aarch64."""
    return str(Subdir.current())


def parse_spec(text: str) -> MatchSpec:
    """A package spec as conda writes it. Raises Failure(bad-spec)."""
    try:
        return MatchSpec(_with_equals_fixed(text), strict=False)
    except (InvalidMatchSpecError, ValueError) as error:
        raise Failure(
            "bad-spec",
            f"'{text}' is not a package spec: {error}.",
            "Write for example numpy, numpy=2.1, 'numpy>=2,<3' or conda-forge::numpy.",
        ) from error


def _with_equals_fixed(text: str) -> str:
    """`numpy == 2` as people write it."""
    return re.sub(r"\s*(==|>=|<=|!=|~=|=|>|<)\s*", r"\1", text.strip())


def installed(prefix: Path) -> list[PrefixRecord]:
    """What conda packages a prefix holds. Raises Failure when a record cannot be read."""
    records: list[PrefixRecord] = []
    for file in sorted((prefix / "conda-meta").glob("*.json")):
        try:
            records.append(PrefixRecord.from_path(file))
        except Exception as error:
            raise Failure(
                "broken-record", f"{file} cannot be read: {error}.", "Remove the environment and make it again."
            ) from error
    return records


def requested(records: Iterable[PrefixRecord]) -> list[str]:
    """The specs that a person once asked for, without those that only came along."""
    specs: list[str] = []
    for record in records:
        specs.extend(spec for spec in record.requested_specs if spec not in specs)
    return specs


def _unknown(error: BaseException) -> Failure:
    return Failure("failed", f"{type(error).__name__}: {error}.", "Run again with --verbose for the details.")

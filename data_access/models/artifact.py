"""What a kept model is, as values. No I/O, no clock; the codec is `codec.py`, the places are in `layout.py`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from data_access.tables.model import Anchor, Code, Environment


@dataclass(frozen=True)
class ArtifactFile:
    """`path` is relative to the version's folder: `model/model.onnx`, `example/input.parquet`, `environment/…`."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Field:
    """One column of an input or output; `type` is Arrow's text."""

    name: str
    type: str


@dataclass(frozen=True)
class ExampleRecord:
    """An input and what the model answered. `how` restores the input's kind (see `portable.frames`)."""

    rows: int
    methods: tuple[str, ...]
    how: Mapping[str, Any]
    input: tuple[Field, ...]
    output: tuple[Field, ...]
    tolerance: float
    #: How far the kept model was from the one that was given, in units of the tolerance's rule (`portable.deviation`).
    deviation: float | None = None


Source = Literal["index", "url", "local", "editable"]


@dataclass(frozen=True)
class Distribution:
    """An installed package. `content` is a sha256 over what its RECORD says of its files, so that two installations of
    the same wheel have the same one whoever installed it; None where there is no RECORD."""

    name: str
    version: str
    content: str | None
    source: Source
    needed: bool  # by the model, or by what it needs


@dataclass(frozen=True)
class EnvironmentLock:
    """`python` is the full version. `hashed`: how many packages the lock file has an index's hashes of.

    `why_not` says, package by package or for all (""), why there are none. The lock itself is
    `environment/requirements.lock`, in pip's format.
    """

    python: str
    platform: str
    distributions: tuple[Distribution, ...]
    hashed: int
    why_not: Mapping[str, str] = field(default_factory=dict)

    @property
    def needed(self) -> tuple[Distribution, ...]:
        return tuple(each for each in self.distributions if each.needed)


@dataclass(frozen=True)
class InputRecord:
    """Data that the model was made from. `pin` is the pin's id, which keeps gc away; else `why_not` says why not."""

    anchor: Anchor
    pin: str | None
    why_not: str = ""


@dataclass(frozen=True)
class ModelVersion:
    """One version of a model: immutable. `str()` is `name@version`, which every call here takes."""

    name: str
    version: int
    id: str  # ULID
    at: datetime  # UTC
    by: str
    model_class: str  # of what was given: sklearn.linear_model._logistic.LogisticRegression
    format: str
    risk: str | None  # None: loading runs no code of the artifact
    options: Mapping[str, Any]  # of the format, for loading
    files: tuple[ArtifactFile, ...]
    #: Formats that were tried before, and why they were not taken.
    refused: Mapping[str, str]
    example: ExampleRecord | None
    metrics: Mapping[str, float]
    params: Mapping[str, Any]
    tags: Mapping[str, str]
    notes: str
    seed: int | None
    inputs: tuple[InputRecord, ...]
    parent: str | None  # name@version
    code: Code
    environment: Environment
    lock: EnvironmentLock
    url: str = ""  # where it lies; not in the manifest, so that a folder may be copied
    digest: str = ""  # sha256 of the manifest

    @property
    def safe(self) -> bool:
        return self.risk is None

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(each.size for each in self.files)

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"

    def __repr__(self) -> str:
        from data_access.models.show import describe

        return describe(self).text()

    def _repr_html_(self) -> str:
        from data_access.models.show import describe

        return describe(self).html()


@dataclass(frozen=True)
class AliasChange:
    """One move of an alias; `before` and `after` are versions, None where it was not set, or was taken away."""

    name: str
    alias: str
    number: int
    before: int | None
    after: int | None
    by: str
    at: datetime
    why: str = ""
    #: sha256 of the manifest that it points at: a version that was replaced behind our back is noticed.
    digest: str | None = None

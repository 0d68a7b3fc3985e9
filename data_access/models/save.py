"""Keeping a model, with everything that made it."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from data_access.errors import DataError, Reason
from data_access.models import choose, layout, locking, origins
from data_access.models.artifact import (
    ExampleRecord,
    Field,
    InputRecord,
    ModelVersion,
)
from data_access.models.portable import example as examples
from data_access.models.portable import registry
from data_access.models.portable.refusal import Refusal
from data_access.models.reference import checked_name
from data_access.models.repository import Repository, temporary
from data_access.progress import Progress, progress
from data_access.tables.ids import ulid
from data_access.tables.model import Anchor, Code
from data_access.workspace import Workspace

TOLERANCE = 1e-5
#: Longer differences are named by their digest only.
MOST_DIFF_BYTES = 4 * 1024**2


class UnsafeFormatWarning(UserWarning):
    """A model was kept in a form that runs code when it is loaded."""


class NotPinnedWarning(UserWarning):
    """Data that a model was made from may be removed by gc."""


def save_model(  # noqa: PLR0913 - one call keeps all that there is to know
    model: Any,
    name: str,
    *,
    metrics: Mapping[str, float] | None = None,
    params: Mapping[str, Any] | None = None,
    inputs: Any = None,
    example: Any = None,
    format: str | None = None,
    tags: Mapping[str, str] | None = None,
    notes: str = "",
    seed: int | None = None,
    parent: str | ModelVersion | None = None,
    tolerance: float = TOLERANCE,
    workspace: Workspace | None = None,
) -> ModelVersion:
    """Keep a model as the next version of `name`: immutable, with code, data, environment and an example as proof.

    `inputs`: anchors of the tables it was made from; by default what this session has loaded, `()` for none. They are
    pinned, so that gc keeps those batches. `example`: an input as the model takes it (its first 1,000 rows are kept);
    what the model answers is kept too, and the files are read back and asked before anything is published. `format`:
    one of `formats()`; by default the library's own, ONNX where it reproduces the example, and a pickle only when
    nothing else does (UnsafeFormatWarning). `params` default to the model's own. `parent`: the
    version that this one was made from.

    Raises DataError(bad-name, bad-argument, unsavable, not-installed), NotFoundError(unknown-model) of a parent,
    ForbiddenError, UnreachableError. What raised is not kept, and no version is half there.
    """
    if model is None:
        raise DataError(
            Reason.BAD_ARGUMENT, f"There is no model to keep as '{name}': it is None.",
            "Give what was fitted: fit() of some libraries returns nothing.",
        )  # fmt: skip
    repository = Repository(workspace)
    given = _Given(
        checked_name(name),
        origins.metrics_of(metrics),
        origins.params_of(model, params),
        {str(key): str(value) for key, value in (tags or {}).items()},
        origins.anchors_of(repository.workspace, inputs),
        str(repository.resolve(parent)) if parent is not None else None,
    )
    with (
        temporary() as scratch,
        progress(repository.workspace.settings, f"Saving model {given.name}", steps=4) as bar,
    ):
        folder = Path(scratch)
        kept = _kept(model, folder, example, format, _checked_tolerance(tolerance), bar)
        bar.step("locking the environment")
        draft = _draft(model, folder, kept, given, notes, seed, repository)
        version = _publish(repository, folder, draft, given.inputs, bar)
    _warn(version)
    return version


@dataclass(frozen=True)
class _Given:
    name: str
    metrics: Mapping[str, float]
    params: Mapping[str, Any]
    tags: Mapping[str, str]
    inputs: tuple[Anchor, ...]
    parent: str | None


@dataclass(frozen=True)
class _Kept:
    written: choose.Written
    example: examples.Example | None


def _checked_tolerance(tolerance: float) -> float:
    if not 0 <= tolerance < 1:
        raise DataError(
            Reason.BAD_ARGUMENT,
            f"A tolerance of {tolerance} is no share between 0 and 1.",
            f"The default is {TOLERANCE}.",
        )
    return float(tolerance)


def _kept(  # noqa: PLR0913, PLR0917 - what was given, and where it goes
    model: Any, folder: Path, given: Any, format_: str | None, tolerance: float, bar: Progress
) -> _Kept:
    bar.step("asking the example")
    example = None if given is None else _example(model, given, tolerance)
    (folder / layout.MODEL).mkdir()
    bar.step("writing it" if example is None else "writing it, reading it back and asking again")
    written = choose.write(model, folder / layout.MODEL, example, format_)
    if example is not None:
        (folder / layout.EXAMPLE).mkdir()
        examples.write(example, folder / layout.EXAMPLE)
    return _Kept(written, example)


def _example(model: Any, given: Any, tolerance: float) -> examples.Example:
    asked = model
    if type(model).__module__.partition(".")[0] == "onnx":
        from data_access.models.portable.onnx_model import of_proto

        asked = of_proto(model)
    try:
        return examples.make(asked, given, tolerance)
    except Refusal as error:
        raise DataError(
            Reason.BAD_ARGUMENT,
            f"The example can't be used: {error}.",
            "Give a frame, an array, a list or a dict of them, and a model that answers with one.",
        ) from error
    except Exception as error:
        raise DataError(
            Reason.BAD_ARGUMENT,
            f"The model does not answer to its example: {type(error).__name__}: {str(error)[:500]}.",
            "Give as example= what you give to the model itself.",
        ) from error


def _draft(  # noqa: PLR0913, PLR0917 - the parts of a manifest meet here
    model: Any, folder: Path, kept: _Kept, given: _Given, notes: str, seed: int | None, repository: Repository
) -> ModelVersion:
    from data_access import provenance

    written, example = kept.written, kept.example
    locked = locking.lock(_modules(model, written, example))
    (folder / layout.ENVIRONMENT).mkdir()
    (folder / layout.LOCK).write_text(locked.text)
    code = _keep_code(folder)
    now = repository.workspace.now()
    return ModelVersion(
        name=given.name,
        version=0,
        id=ulid(now),
        at=now,
        by=repository.workspace.user,
        model_class=_class_of(model),
        format=written.format.name,
        risk=written.format.risk,
        options=written.options,
        files=(),
        refused=written.refused,
        example=_recorded(example, written.deviation),
        metrics=given.metrics,
        params=given.params,
        tags=given.tags,
        notes=notes,
        seed=seed,
        inputs=(),
        parent=given.parent,
        code=code,
        environment=provenance.environment(),
        lock=locked.record,
    )


def _class_of(model: Any) -> str:
    kind = model if callable(model) and hasattr(model, "__qualname__") else type(model)
    return f"{kind.__module__}.{kind.__qualname__}"


def _modules(model: Any, written: choose.Written, example: examples.Example | None) -> set[str]:
    """What a process must import to load this and ask it."""
    modules = {"pyarrow", "numpy", *written.format.needs_to_load, *written.options.get("modules", ())}
    if written.format.name not in ("onnx", "files"):
        modules |= registry.traits(model).roots
    if example is not None:
        kinds = {example.how["kind"], *(each["kind"] for each in example.how.get("notes", ()))}
        of_kind = {"pandas": "pandas", "series": "pandas", "polars": "polars", "tensor": "torch"}
        modules |= {of_kind[kind] for kind in kinds if kind in of_kind}
    return modules


def _recorded(example: examples.Example | None, deviation: float | None) -> ExampleRecord | None:
    if example is None:
        return None
    return ExampleRecord(
        rows=example.table.num_rows,
        methods=example.methods,
        how=example.how,
        input=tuple(Field(each.name, str(each.type)) for each in example.table.schema),
        output=tuple(Field(each.name, str(each.type)) for each in example.expected.schema),
        tolerance=example.tolerance,
        deviation=deviation,
    )


def _keep_code(folder: Path) -> Code:
    """The code that runs, and its difference to the commit as a file, where that is not too long."""
    from data_access import provenance

    for _ in range(3):  # somebody may save a file between the two
        diff, code = provenance.uncommitted(), provenance.code()
        if code.dirty_diff is None:
            break
        if hashlib.sha256(diff).hexdigest() == code.dirty_diff:
            if len(diff) <= MOST_DIFF_BYTES:
                (folder / layout.CODE).mkdir()
                (folder / layout.DIFF).write_bytes(diff)
            break
    return code


def _publish(
    repository: Repository, folder: Path, draft: ModelVersion, anchors: Sequence[Anchor], bar: Progress
) -> ModelVersion:
    number = repository.claim(draft.name, draft.id)
    version = replace(draft, version=number)
    sizes = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    inputs: tuple[InputRecord, ...] = ()
    try:
        inputs = origins.pinned(repository.workspace, anchors, f"model {version}")
        bar.step("storing the files", sizes)
        files = repository.upload(draft.name, number, folder, bar.advance)
    except BaseException:
        with suppress(DataError):  # what can't be removed has no manifest: nobody sees it
            repository.discard(draft.name, number, folder)
            origins.unpinned(repository.workspace, inputs)
        raise
    # Should this fail, all stays as it is: the request may have arrived, and then the version is there.
    return repository.publish(replace(version, files=files, inputs=inputs))


def _warn(version: ModelVersion) -> None:
    if version.risk:
        tried = "; ".join(f"not {name}: {why}" for name, why in version.refused.items())
        warnings.warn(
            f"{version} is kept as {version.format}: {version.risk}. Whoever loads it must say trust_pickle=True."
            + (f" ({tried}.)" if tried else ""),
            UnsafeFormatWarning,
            stacklevel=3,
        )
    for each in version.inputs:
        if each.pin is None:
            warnings.warn(
                f"{version} is kept, but {each.anchor} could not be pinned, so gc may remove it: {each.why_not}",
                NotPinnedWarning,
                stacklevel=3,
            )

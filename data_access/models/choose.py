"""The format of an artifact: the first candidate that takes the model and gives it back the same."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from data_access.errors import DataError, Reason
from data_access.models.portable import registry
from data_access.models.portable.deviation import deviation
from data_access.models.portable.example import Example
from data_access.models.portable.refusal import Refusal
from data_access.names import did_you_mean

#: Loaded, these give something that can't be asked: weights, a path.
_NOT_ASKED = ("torch-state", "files")


@dataclass(frozen=True)
class Written:
    """A model in files, proved by its example where there is one: `deviation` is how far it is from what was given."""

    format: registry.Format
    options: Mapping[str, Any]
    deviation: float | None
    refused: Mapping[str, str] = field(default_factory=dict)


def write(model: Any, folder: Path, example: Example | None, wanted: str | None) -> Written:
    """Into an empty `folder`. Raises DataError(unsavable, not-installed, bad-argument)."""
    if wanted is not None and wanted not in registry.FORMATS:
        raise DataError(
            Reason.BAD_ARGUMENT, f"There is no format '{wanted}'.", did_you_mean(wanted, list(registry.FORMATS))
        )
    traits = registry.traits(model)
    refused: dict[str, str] = {}
    for name in [wanted] if wanted else registry.candidates(traits):
        format_ = registry.FORMATS[name]
        if missing := registry.missing(format_, traits.roots):
            refused[name] = f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not installed here"
            continue
        shutil.rmtree(folder)
        folder.mkdir()
        try:
            options = registry.bound(format_.save)(model, folder, example)
            found = _prove(format_, folder, options, example)
        except Refusal as error:
            refused[name] = str(error)
            continue
        return Written(format_, options, found, refused)
    raise _none(model, refused, wanted)


def _prove(format_: registry.Format, folder: Path, options: Mapping[str, Any], example: Example | None) -> float | None:
    """Read back and asked again. Raises Refusal: it is not the same."""
    if example is None or format_.name in _NOT_ASKED:
        return None
    from data_access.models.portable.calls import observe

    try:
        seen = observe(registry.load(format_.name, folder, options), example.data, example.methods)
    except Exception as error:  # anything at all: this format does not give the model back
        raise Refusal(f"read back, it fails: {type(error).__name__}: {str(error)[:300]}") from error
    found = deviation(example.expected, seen, example.tolerance)
    if not found.agrees:
        raise Refusal(f"read back, it answers differently: {'; '.join(found.differences[:2])}")
    return found.largest


def _none(model: Any, refused: Mapping[str, str], wanted: str | None) -> DataError:
    what = f"{type(model).__module__}.{type(model).__qualname__}"
    if wanted is None:
        tried = "; ".join(f"{name}: {why}" for name, why in refused.items())
        return DataError(
            Reason.UNSAVABLE,
            f"A {what} could be kept in no format ({tried}).",
            'Install what is missing, or keep files that you wrote yourself: save_model(folder, name, format="files").',
        )
    why = refused[wanted]
    missing = "not installed" in why
    return DataError(
        Reason.NOT_INSTALLED if missing else Reason.UNSAVABLE,
        f"A {what} can't be kept as {wanted}: {why}.",
        "Install that first, or leave format= out." if missing else "Leave format= out for the next best one.",
    )

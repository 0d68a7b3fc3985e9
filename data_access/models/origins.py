"""What a model was made from: data, pinned so that gc keeps them; code, with what was not committed; parameters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from data_access.errors import DataError, Reason
from data_access.models import codec
from data_access.models.artifact import InputRecord
from data_access.tables.model import Anchor
from data_access.workspace import Workspace


def anchors_of(workspace: Workspace, given: Any) -> tuple[Anchor, ...]:
    """From what `inputs=` takes: an anchor, a commit, a table's name (its present commit), or several; None: what the
    session has read.

    Raises DataError(bad-argument, bad-name), NotFoundError(unknown-table).
    """
    from data_access import provenance

    if given is None:
        return provenance.inputs_now()
    if isinstance(given, Mapping):
        given = list(given.values())
    several = given if isinstance(given, (list, tuple, set, frozenset)) else [given]
    with provenance.inputs(*several, workspace=workspace) as anchors:
        return anchors


def pinned(workspace: Workspace, anchors: Iterable[Anchor], holder: str) -> tuple[InputRecord, ...]:
    """A pin in each table; where there can be none, the record says why. Never raises DataError."""
    return tuple(_pinned(workspace, each, holder) for each in anchors)


def _pinned(workspace: Workspace, anchor: Anchor, holder: str) -> InputRecord:
    from data_access.tables.pins import pin

    try:
        return InputRecord(anchor, pin(workspace, anchor, f"kept by {workspace.user}", holder=holder))
    except DataError as error:
        return InputRecord(anchor, None, str(error))


def unpinned(workspace: Workspace, inputs: Iterable[InputRecord]) -> None:
    """Take these pins away, where that is allowed: what stays only keeps data longer. Never raises DataError."""
    from data_access.tables.pins import unpin

    for each in inputs:
        if each.pin is not None:
            with suppress(DataError):
                unpin(workspace, each.anchor.table, each.pin)


def params_of(model: Any, given: Mapping[str, Any] | None) -> dict[str, Any]:
    """What was given; else what the model says of itself (`get_params`), but for its parts."""
    if given is not None:
        return {str(key): codec.plain(value) for key, value in given.items()}
    try:
        own = model.get_params()
    except Exception:  # not every class with such a method is an estimator
        return {}
    if not isinstance(own, Mapping):
        return {}
    return {str(key): codec.plain(value) for key, value in own.items() if _is_setting(value)}


def _is_setting(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return all(_is_setting(each) for each in value)
    return value is None or isinstance(value, (bool, int, float, str)) or getattr(value, "ndim", None) == 0


def metrics_of(given: Mapping[str, Any] | None) -> dict[str, float]:
    """Raises DataError(bad-argument): what is no number."""
    found = {}
    for key, value in (given or {}).items():
        try:
            found[str(key)] = float(value)
        except (TypeError, ValueError) as error:
            raise DataError(
                Reason.BAD_ARGUMENT,
                f"The metric '{key}' is {str(value)[:80]!r}, which is no number.",
                "Keep text in tags= or notes=.",
            ) from error
    return found

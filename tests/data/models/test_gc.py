"""What a model was made from stays: its batches are read as they were after gc has taken the rest."""

from __future__ import annotations

import time
from collections.abc import Callable

import pandas as pd
import pytest

from data_access import anchor, gc, inputs, load_dataframe, models, release, store_dataframe
from data_access.errors import DataError, ForbiddenError, Reason
from data_access.provenance import forget_reads
from data_access.tables.model import Anchor
from data_access.workspace import Workspace

MakeWorkspace = Callable[..., Workspace]
pytestmark = pytest.mark.filterwarnings("ignore::data_access.models.save.UnsafeFormatWarning")


def mean(rows: pd.DataFrame) -> float:
    return float(rows["amount"].mean())


def _store(workspace: Workspace, amount: float) -> Anchor:
    frame = pd.DataFrame({"day": ["2026-11-20", "2026-11-21"], "amount": [amount, amount + 1]})
    return store_dataframe(frame, "sandbox_ann", "orders", partition_by=["day"], workspace=workspace).anchor


@pytest.mark.parametrize("workspace", ["sqlite+local", "sqlite+s3", "hive+s3"], indirect=True)
def test_batches_of_a_model_outlive_gc(workspace: Workspace) -> None:
    workspace = _without_grace(workspace)
    first, second, third = (_store(workspace, amount) for amount in (1.0, 10.0, 100.0))
    rows = load_dataframe("sandbox_ann", "orders", as_of=first, workspace=workspace)
    kept = models.save_model(mean, "mean", inputs=first, example=rows, workspace=workspace)
    assert [(each.anchor, each.why_not) for each in kept.inputs] == [(first, "")]
    _collect(workspace, gone=second)
    again = load_dataframe("sandbox_ann", "orders", as_of=kept.inputs[0].anchor, workspace=workspace)
    pd.testing.assert_frame_equal(again, rows)
    assert load_dataframe("sandbox_ann", "orders", workspace=workspace)["amount"].tolist() == [100.0, 101.0]
    assert third.number == 3
    models.delete_version("mean", 1, workspace=workspace)
    _collect(workspace, gone=first)


def test_giving_an_anchor_back_does_not_let_the_models_data_go(workspaces: MakeWorkspace) -> None:
    ann = _without_grace(workspaces("sqlite", "local"))
    _store(ann, 1.0)
    held = anchor("sandbox_ann.orders", workspace=ann)
    models.save_model(mean, "mean", inputs=held, workspace=ann)
    second = _store(ann, 10.0)
    _store(ann, 100.0)
    release(held, workspace=ann)
    _collect(ann, gone=second)
    assert load_dataframe("sandbox_ann", "orders", as_of=held, workspace=ann)["amount"].tolist() == [1.0, 2.0]


def test_what_the_session_read_is_what_it_was_made_from(workspaces: MakeWorkspace) -> None:
    ann = workspaces("sqlite", "local")
    first = _store(ann, 1.0)
    forget_reads()
    with inputs(workspace=ann):
        load_dataframe("sandbox_ann", "orders", workspace=ann)
        kept = models.save_model(mean, "mean", workspace=ann)
    assert [each.anchor for each in kept.inputs] == [first]
    assert models.save_model(mean, "mean", inputs=(), workspace=ann).inputs == ()
    by_name = models.save_model(mean, "mean", inputs=["sandbox_ann.orders"], workspace=ann)
    assert [each.anchor for each in by_name.inputs] == [first]
    assert "sandbox_ann.orders" in repr(models.compare("mean@1", "mean@2", workspace=ann))


def test_what_cant_be_pinned_is_said(workspaces: MakeWorkspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table that this user may only read: the model is kept, and nobody believes that its data are safe."""
    ann = workspaces("sqlite", "local")
    first = _store(ann, 1.0)
    put = ann.storage.put

    def read_only(url: str, data: object, *, if_absent: bool = False) -> None:
        if "/_remuda/pins/" in url:
            raise ForbiddenError(Reason.FORBIDDEN, f"You may not write {url}.", "Ask its owner.")
        put(url, data, if_absent=if_absent)  # type: ignore[arg-type]

    monkeypatch.setattr(ann.storage, "put", read_only)
    with pytest.warns(models.NotPinnedWarning, match="gc may remove it: You may not write"):
        kept = models.save_model(mean, "mean", inputs=[first], workspace=ann)
    assert kept.inputs[0].pin is None
    assert "NOT safe from gc: You may not write" in repr(models.model_version("mean", workspace=ann))


def test_data_that_is_gone_is_said(workspaces: MakeWorkspace) -> None:
    ann = workspaces("sqlite", "local")
    gone = Anchor.parse("sandbox_ann.orders@1:01JDB0000000000000000000A1")
    with pytest.warns(models.NotPinnedWarning):
        kept = models.save_model(mean, "mean", inputs=[gone], workspace=ann)
    assert kept.inputs[0].why_not


def _without_grace(workspace: Workspace) -> Workspace:
    from dataclasses import replace

    return replace(workspace, settings=workspace.settings.model_copy(update={"gc_grace_hours": 0.0}))


def _collect(workspace: Workspace, gone: Anchor) -> None:
    """gc until this commit can't be read any more; ages are by the storage's clock, which counts in seconds."""
    ends = time.monotonic() + 60
    while time.monotonic() < ends:
        gc("sandbox_ann.orders", keep_days=0, workspace=workspace)
        try:
            load_dataframe("sandbox_ann", "orders", as_of=gone, workspace=workspace)
        except DataError:
            gc("sandbox_ann.orders", keep_days=0, workspace=workspace)  # the second removes the files
            return
    raise AssertionError(f"gc did not give up {gone}")

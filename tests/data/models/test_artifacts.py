"""Keeping, finding, loading and pointing at models, on disks and on a real S3 server."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from data_access import models
from data_access.errors import ConflictError, CorruptError, DataError, NotFoundError, Reason
from data_access.models import layout
from data_access.models.portable.onnx_model import OnnxModel
from data_access.models.repository import Repository
from data_access.workspace import Workspace
from tests.data.models.trained import FRAME, forest, pipeline

MakeWorkspace = Callable[..., Workspace]
pytestmark = pytest.mark.filterwarnings("ignore::data_access.models.save.UnsafeFormatWarning")


def _double(values: list[float]) -> list[float]:
    return [2 * value for value in values]


def _save_quick(workspace: Workspace, name: str = "quick", **more: Any) -> models.ModelVersion:
    return models.save_model(_double, name, example=[1.0, 2.5], workspace=workspace, inputs=(), **more)


@pytest.fixture
def ann(workspaces: MakeWorkspace) -> Workspace:
    return workspaces("sqlite", "local", user="ann")


def test_a_pipeline_becomes_onnx_and_answers_the_same(workspace: Workspace) -> None:
    model = pipeline()
    kept = models.save_model(
        model, "churn", metrics={"auc": np.float32(0.5)}, seed=7, example=FRAME.head(60), inputs=(), workspace=workspace
    )
    assert (kept.format, kept.safe, kept.version, kept.by) == ("onnx", True, 1, "ann")
    assert kept.example is not None
    assert [each.name for each in kept.example.input] == ["age", "visits", "plan"]
    assert kept.params["logisticregression__C"] == 1.0
    again = models.load_model("churn", workspace=workspace)
    assert isinstance(again, OnnxModel)
    assert (again.predict(FRAME) == model.predict(FRAME)).all()
    np.testing.assert_allclose(again.predict_proba(FRAME), model.predict_proba(FRAME), atol=1e-6)
    assert again.predict(FRAME).dtype.kind == "U"
    assert models.model_version("churn@1", workspace=workspace) == kept


def test_onnx_takes_frames_of_any_kind_in_any_order_of_columns(ann: Workspace) -> None:
    model = pipeline()
    models.save_model(model, "churn", example=FRAME.head(60), inputs=(), workspace=ann)
    again = models.load_model("churn", workspace=ann)
    expected = model.predict(FRAME).tolist()
    turned = FRAME[["plan", "visits", "age"]]
    assert again.predict(turned).tolist() == expected
    assert again.predict(pl.from_pandas(turned)).tolist() == expected
    assert again.predict(turned.astype({"plan": "category"})).tolist() == expected
    with pytest.raises(DataError, match=r"; plan is not there\. Give a frame that has it too") as caught:
        again.predict(FRAME[["age", "visits"]])
    assert caught.value.reason == Reason.BAD_ARGUMENT


def test_the_layout_that_keeps_a_forest_the_same_is_found(ann: Workspace) -> None:
    model, x = forest()
    kept = models.save_model(model, "forest", example=x[:100], inputs=(), workspace=ann)
    again = models.load_model(kept, workspace=ann)
    assert kept.options["varied"] == {"rows": 2000, "differ": 0}
    assert (again.predict(x) == model.predict(x)).all()
    with pytest.raises(DataError, match=r"4 columns .*, not 2"):
        again.predict(x[:, :2])


def test_a_model_that_answers_differently_as_onnx_is_no_onnx(ann: Workspace) -> None:
    """The example is proof: a tolerance that no float32 meets, on a model that has no double form."""
    from sklearn.ensemble import GradientBoostingRegressor

    x = np.random.default_rng(0).normal(size=(300, 3))
    model = GradientBoostingRegressor().fit(x, np.exp(x[:, 0]) / 3)
    with pytest.warns(models.UnsafeFormatWarning, match="trust_pickle=True"):
        exact = models.save_model(model, "prices", example=x[:50], tolerance=0.0, inputs=(), workspace=ann)
    assert exact.format == "cloudpickle"
    assert "predict differs" in exact.refused["onnx"]
    assert models.save_model(model, "prices", example=x[:50], inputs=(), workspace=ann).format == "onnx"


def test_a_pickle_is_never_loaded_unasked(ann: Workspace, tmp_path: Path) -> None:
    witness = tmp_path / "it-ran"

    class Bomb:
        def __reduce__(self) -> Any:
            return (Path.touch, (witness,))

        def predict(self, data: Any) -> Any:
            return data

    with pytest.warns(models.UnsafeFormatWarning):
        kept = models.save_model(Bomb(), "bomb", inputs=(), workspace=ann)
    assert not kept.safe
    for load in (models.load_model, models.verify, lambda *a, **k: models.export(*a, 1, tmp_path / "out", **k)):
        with pytest.raises(DataError) as caught:
            load("bomb", workspace=ann)
        assert caught.value.reason is Reason.UNSAFE_FORMAT
        assert "ann made it on" in str(caught.value)
    assert not witness.exists()
    models.load_model("bomb", trust_pickle=True, workspace=ann)
    assert witness.exists()


def test_a_notebooks_own_class_and_module_travel_inside(ann: Workspace) -> None:
    class Mean:
        def fit(self, values: Any) -> Mean:
            self.mean = float(np.mean(values))
            return self

        def predict(self, data: Any) -> Any:
            return np.full(len(data), self.mean) * _double([1.0])[0]

    with pytest.warns(models.UnsafeFormatWarning):
        kept = models.save_model(Mean().fit([1, 2, 6]), "mean", example=np.zeros(3), inputs=(), workspace=ann)
    assert kept.format == "cloudpickle"
    assert kept.options["carries"] == [__name__]
    assert models.load_model("mean", trust_pickle=True, workspace=ann).predict([0]).tolist() == [6.0]


def test_eight_savers_at_once_get_eight_versions(workspace: Workspace) -> None:
    start = threading.Barrier(8)

    def save(number: int) -> int:
        start.wait()
        return _save_quick(workspace, notes=str(number)).version

    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(save, range(8)))
    assert sorted(numbers) == list(range(1, 9))
    there = models.versions("quick", workspace=workspace)
    assert [each.version for each in there] == list(range(8, 0, -1))
    assert {each.version: each.notes for each in there} == dict(zip(numbers, map(str, range(8)), strict=True))


def test_what_is_not_finished_is_not_there(ann: Workspace) -> None:
    _save_quick(ann)
    repository = Repository(ann)
    assert repository.claim("quick", "01JDB0000000000000000000A1") == 2  # its saver ended here
    assert [each.version for each in models.versions("quick", workspace=ann)] == [1]
    assert models.load_model("quick", trust_pickle=True, workspace=ann)([1]) == [2]
    with pytest.raises(NotFoundError, match=r"no version 2\. Versions are 1"):
        models.load_model("quick", 2, workspace=ann)
    assert _save_quick(ann).version == 3


def test_a_failed_upload_leaves_nothing_to_see(ann: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    put = ann.storage.put
    sent: list[str] = []

    def failing(url: str, data: Any, *, if_absent: bool = False) -> None:
        if url.endswith("requirements.lock"):
            raise DataError(Reason.DISK_FULL, f"There is no room left for {url}.", "Free some space.")
        sent.append(url)
        put(url, data, if_absent=if_absent)

    monkeypatch.setattr(ann.storage, "put", failing)
    with pytest.raises(DataError, match="no room left"):
        _save_quick(ann)
    assert any("/quick/1/" in url for url in sent)
    place = Repository(ann).place
    assert list(ann.storage.list(place.folder("quick", 1) + "/")) == []
    assert models.models(workspace=ann) == ()


def test_a_lost_answer_to_the_manifest_is_found_out(ann: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """The store did put it; the retry inside the storage finds it there and says so."""
    put = ann.storage.put

    def repeating(url: str, data: Any, *, if_absent: bool = False) -> None:
        put(url, data, if_absent=if_absent)
        if if_absent and data:
            put(url, data, if_absent=True)

    monkeypatch.setattr(ann.storage, "put", repeating)
    assert _save_quick(ann).version == 1
    assert models.set_alias("quick", "production", 1, workspace=ann).number == 1
    assert len(models.alias_history("quick", workspace=ann)) == 1


def test_one_flipped_bit_is_seen(workspace: Workspace) -> None:
    kept = models.save_model(pipeline(), "churn", example=FRAME.head(60), inputs=(), workspace=workspace)
    url = f"{kept.url}/model/model.onnx"
    content = bytearray(workspace.storage.get(url))
    content[len(content) // 2] ^= 1
    workspace.storage.put(url, bytes(content))
    with pytest.raises(CorruptError, match=r"model\.onnx is not what ann saved on") as caught:
        models.load_model("churn", workspace=workspace)
    assert "instead of" in str(caught.value)
    with pytest.raises(CorruptError):
        models.verify("churn", workspace=workspace)
    workspace.storage.delete([url])
    with pytest.raises(CorruptError, match="is gone, though the manifest names it"):
        models.load_model("churn", workspace=workspace)


def test_a_manifest_that_was_changed_behind_an_alias_is_seen(ann: Workspace) -> None:
    kept = _save_quick(ann)
    models.set_alias("quick", "production", kept, workspace=ann)
    url = f"{kept.url}/{layout.MANIFEST}"
    ann.storage.put(url, bytes(ann.storage.get(url)).replace(b'"by": "ann"', b'"by": "eve"'))
    with pytest.raises(CorruptError, match="not what it was when 'production' was pointed at it"):
        models.load_model("quick@production", trust_pickle=True, workspace=ann)


def test_aliases_move_and_remember(workspaces: MakeWorkspace) -> None:
    ann, bob = workspaces("sqlite", "local", user="ann"), workspaces("sqlite", "local", user="bob")
    first, second = _save_quick(ann), _save_quick(ann, parent="quick@1")
    assert second.parent == "quick@1"
    models.set_alias("quick", "production", first, workspace=ann)
    models.set_alias("quick", "production", "latest", why="better on Mondays", workspace=bob)
    assert models.model_version("quick@production", workspace=ann) == second
    models.remove_alias("quick", "production", workspace=ann)
    moves = [(each.before, each.after, each.by, each.why) for each in models.alias_history("quick", workspace=ann)]
    assert moves == [(2, None, "ann", ""), (1, 2, "bob", "better on Mondays"), (None, 1, "ann", "")]
    with pytest.raises(NotFoundError, match=r"no alias 'production'\. Versions are 1 to 2"):
        models.load_model("quick@production", workspace=ann)
    models.set_alias("quick", "candidate", 1, workspace=ann)
    with pytest.raises(NotFoundError, match="Did you mean candidate"):
        models.remove_alias("quick", "candidat", workspace=ann)
    assert "candidate" in repr(models.versions("quick", workspace=ann))
    assert models.models(workspace=ann)[0].aliases == {"candidate": 1}


def test_moves_at_once_are_one_after_the_other(workspace: Workspace) -> None:
    for _ in range(2):
        _save_quick(workspace)
    start = threading.Barrier(8)

    def move(number: int) -> None:
        start.wait()
        models.set_alias("quick", "production", number % 2 + 1, workspace=workspace)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(move, range(8)))
    moves = sorted(models.alias_history("quick", "production", workspace=workspace), key=lambda each: each.number)
    assert [each.number for each in moves] == list(range(1, 9))
    assert [each.before for each in moves] == [None, *(each.after for each in moves[:-1])]


def test_a_move_that_believed_otherwise_is_refused(ann: Workspace) -> None:
    for _ in range(3):
        _save_quick(ann)
    models.set_alias("quick", "production", 1, expected=None, workspace=ann)
    start = threading.Barrier(2)

    def move(number: int) -> str:
        start.wait()
        try:
            models.set_alias("quick", "production", number, expected=1, workspace=ann)
        except ConflictError as error:
            return str(error)
        return ""

    with ThreadPoolExecutor(2) as pool:
        told = sorted(pool.map(move, (2, 3)))
    assert told[0] == ""
    assert "points at version" in told[1]
    assert "not at version 1: ann moved it at" in told[1]


def test_only_what_nothing_points_at_is_deleted(ann: Workspace) -> None:
    _save_quick(ann)
    _save_quick(ann, parent="quick@1")
    models.set_alias("quick", "production", 2, workspace=ann)
    with pytest.raises(ConflictError, match="what production points at"):
        models.delete_version("quick", 2, workspace=ann)
    with pytest.raises(ConflictError, match="the parent of quick@2"):
        models.delete_version("quick", 1, workspace=ann)
    models.remove_alias("quick", "production", workspace=ann)
    models.delete_version("quick", 2, workspace=ann)
    assert [each.version for each in models.versions("quick", workspace=ann)] == [1]
    assert list(ann.storage.list(Repository(ann).place.folder("quick", 2) + "/")) == []
    assert _save_quick(ann).version == 3
    with pytest.raises(DataError, match="delete by number"):
        models.delete_version("quick", "production", workspace=ann)  # type: ignore[arg-type]


def test_files_are_kept_as_they_are(workspace: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "weights"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "w.bin").write_bytes(bytes(range(256)))
    (folder / "config.json").write_text("{}")
    kept = models.save_model(folder, "weights", tags={"stage": "raw"}, inputs=(), workspace=workspace)
    assert (kept.format, kept.safe) == ("files", True)
    again = models.load_model("weights", workspace=workspace)
    assert (again / "deep" / "w.bin").read_bytes() == bytes(range(256))
    models.save_model(str(folder / "config.json"), "weights", inputs=(), workspace=workspace)
    assert models.load_model("weights", workspace=workspace).read_text() == "{}"
    with pytest.raises(DataError, match="does not exist"):
        models.save_model(tmp_path / "gone", "weights", inputs=(), workspace=workspace)


def test_models_lie_where_the_settings_say(workspaces: MakeWorkspace, tmp_path: Path) -> None:
    ann = workspaces("sqlite", "local", models=str(tmp_path / "elsewhere"))
    kept = _save_quick(ann)
    assert kept.url == f"file://{tmp_path}/elsewhere/quick/1"
    assert [each.name for each in models.models(workspace=ann)] == ["quick"]


def test_what_is_wrong_is_told_before_anything_is_written(ann: Workspace) -> None:
    model = pipeline()
    for wrong, told in (
        ({"name": "a/b"}, "no name for a model"),
        ({"metrics": {"auc": "high"}}, "no number"),
        ({"parent": "gone@1"}, "no model 'gone'"),
        ({"format": "onx"}, "Did you mean onnx"),
        ({"format": "xgboost"}, "can't be kept as xgboost"),
        ({"tolerance": 7}, "between 0 and 1"),
        ({"example": object()}, "example can't be used"),
        ({"example": pd.DataFrame({"other": [1]})}, "does not answer to its example"),
    ):
        with pytest.raises(DataError, match=told):
            models.save_model(model, **({"name": "m", "workspace": ann, "inputs": ()} | wrong))
    assert models.models(workspace=ann) == ()
    assert list(ann.storage.list(Repository(ann).place.root + "/")) == []


def test_names_that_differ_in_capitals_are_refused(ann: Workspace) -> None:
    _save_quick(ann, "Churn")
    with pytest.raises(DataError, match="Save as 'Churn'"):
        _save_quick(ann, "churn")


def test_the_record_says_what_made_it(ann: Workspace) -> None:
    kept = models.save_model(pipeline(), "churn", example=FRAME.head(60), seed=7, inputs=(), workspace=ann)
    needed = {each.name for each in kept.lock.needed}
    assert {"onnxruntime", "numpy", "pyarrow", "pandas"} <= needed
    assert not needed & {"jupyterlab", "scikit-learn", "ruff"}
    assert all(each.content for each in kept.lock.needed)
    lock = models.environment_of("churn", workspace=ann)
    assert f"# Python {kept.lock.python}" in lock
    assert kept.lock.hashed == 0 or "--hash=sha256:" in lock
    assert kept.code.git_commit
    told = repr(kept)
    assert "churn@1" in told
    assert "seed" in told
    assert "<table>" in kept._repr_html_()


def test_two_versions_side_by_side(ann: Workspace) -> None:
    for c, auc in ((1.0, 0.91), (0.01, 0.87)):
        models.save_model(pipeline(c), "churn", example=FRAME.head(60), metrics={"auc": auc}, inputs=(), workspace=ann)
    found = models.compare("churn@1", "churn", workspace=ann)
    assert [(each.section, each.what) for each in found.differences] == [
        ("metrics", "auc"),
        ("params", "logisticregression__C"),
    ]
    assert "-4.40%" in repr(found)

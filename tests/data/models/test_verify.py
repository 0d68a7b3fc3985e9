"""A version rebuilt apart: a really fresh environment, by hash, without anything of this one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from data_access import models
from data_access.errors import CorruptError, DataError, Reason, UnreachableError
from data_access.models import codec, layout, locking
from data_access.workspace import Workspace
from tests.data.models.trained import FRAME, pipeline

FACTOR = 3  # what the function of the notebook reaches for
MakeWorkspace = Callable[..., Workspace]
pytestmark = pytest.mark.filterwarnings("ignore::data_access.models.save.UnsafeFormatWarning")


@pytest.fixture
def ann(workspaces: MakeWorkspace) -> Workspace:
    return workspaces("sqlite", "local", user="ann")


def _rewrite(workspace: Workspace, kept: models.ModelVersion, **changes: Any) -> None:
    """The manifest as it would be, had it been saved like that."""
    workspace.storage.put(f"{kept.url}/{layout.MANIFEST}", codec.encode(replace(kept, **changes)))


@pytest.mark.parametrize("workspace", ["sqlite+local", "sqlite+s3"], indirect=True)
def test_onnx_is_reproduced_in_a_fresh_environment(workspace: Workspace) -> None:
    kept = models.save_model(pipeline(), "churn", example=FRAME.head(60), inputs=(), workspace=workspace)
    report = models.verify("churn", workspace=workspace)
    assert report.ok, repr(report)
    assert [step.name for step in report.steps] == ["files", "environment", "packages", "example"]
    needed = [each for each in kept.lock.needed if each.source == "index"]
    assert report.steps[1].seen == f"{len(needed)} packages by hash"
    assert f"{len(needed)} packages with the content" in report.steps[2].seen
    assert report.deviation is not None
    assert report.deviation < 1e-6
    report.require()
    assert "<table>" in report._repr_html_()


def test_code_of_a_notebook_is_reproduced_where_there_is_no_notebook(ann: Workspace) -> None:
    def spread(values: Any) -> Any:
        return np.asarray(values) * FACTOR

    models.save_model(spread, "spread", example=np.array([1.0, 2.0]), inputs=(), workspace=ann)
    report = models.verify("spread", trust_pickle=True, workspace=ann)
    assert report.ok, repr(report)


def test_another_answer_is_reported_and_not_raised(ann: Workspace) -> None:
    """A model that answers by where it runs: what the example is there to find."""

    def moody(values: Any) -> Any:
        return np.asarray(values) + (0 if "pytest" in __import__("sys").modules else 1)

    models.save_model(moody, "moody", example=np.array([1.0, 2.0]), inputs=(), workspace=ann)
    report = models.verify("moody", trust_pickle=True, workspace=ann)
    assert not report.ok
    assert [step.ok for step in report.steps] == [True, True, True, False]
    assert "2 instead of 1" in report.steps[-1].seen
    with pytest.raises(DataError) as caught:
        report.require()
    assert caught.value.reason is Reason.NOT_REPRODUCED


def test_what_is_missing_in_the_lock_is_reported(ann: Workspace) -> None:
    """Had the lock forgotten a package, the fresh environment would not have it: nothing of this one leaks in."""
    kept = models.save_model(pipeline(), "churn", example=FRAME.head(60), inputs=(), workspace=ann)
    forgotten = tuple(
        replace(each, needed=each.needed and each.name != "onnxruntime") for each in kept.lock.distributions
    )
    _rewrite(ann, kept, lock=replace(kept.lock, distributions=forgotten))
    report = models.verify("churn", workspace=ann)
    assert not report.ok
    assert "No module named 'onnxruntime'" in report.steps[-1].seen


def test_a_package_with_other_files_is_reported(ann: Workspace) -> None:
    kept = models.save_model(pipeline(), "churn", example=FRAME.head(60), inputs=(), workspace=ann)
    patched = tuple(
        replace(each, content="0" * 64) if each.name == "numpy" else each for each in kept.lock.distributions
    )
    _rewrite(ann, kept, lock=replace(kept.lock, distributions=patched))
    report = models.verify("churn", workspace=ann)
    assert [step.name for step in report.steps if not step.ok] == ["packages"]
    assert "numpy" in report.steps[2].seen
    assert "other files than when it was saved" in report.steps[2].seen


def test_a_wheel_of_another_hash_is_not_installed(ann: Workspace) -> None:
    """The lock's file is held by the manifest's sha256, and packages by the lock's."""
    kept = models.save_model(pipeline(), "churn", example=FRAME.head(60), inputs=(), workspace=ann)
    text = models.environment_of("churn", workspace=ann)
    entries = {
        key: ("sha256:" + "0" * 64,) if key[0] == "numpy" else hashes for key, hashes in locking.parse(text).items()
    }
    tampered = locking.write(entries)
    ann.storage.put(f"{kept.url}/{layout.LOCK}", tampered.encode())
    with pytest.raises(CorruptError, match=r"requirements\.lock is not what ann saved"):
        models.verify("churn", workspace=ann)
    files = tuple(
        replace(each, size=len(tampered.encode()), sha256=hashlib.sha256(tampered.encode()).hexdigest())
        if each.path == layout.LOCK
        else each
        for each in kept.files
    )
    _rewrite(ann, kept, files=files)
    with pytest.raises(DataError, match="numpy") as caught:
        models.verify("churn", workspace=ann)
    assert caught.value.reason is Reason.NOT_REPRODUCED


def test_without_an_index_the_error_says_so(ann: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    models.save_model(pipeline(), "churn", example=FRAME.head(60), inputs=(), workspace=ann)
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "empty"))
    with pytest.raises(UnreachableError, match="not in uv's cache") as caught:
        models.verify("churn", offline=True, workspace=ann)
    assert "Verifying churn@1" in str(caught.value)
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://ann:s3cret@127.0.0.1:9/simple")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    with pytest.raises(UnreachableError, match="does not answer") as caught:
        models.verify("churn", workspace=ann)
    assert "s3cret" not in str(caught.value)


def test_without_an_index_a_model_is_kept_and_verified_by_content(
    ann: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    """No hashes of an index then; the contents of what was installed hold the fresh environment instead."""
    locking._answered.clear()
    with monkeypatch.context() as offline:
        offline.setenv("UV_CACHE_DIR", str(tmp_path / "empty"))
        offline.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
        offline.setenv("UV_HTTP_RETRIES", "0")
        kept = models.save_model(pipeline(), "churn", example=FRAME.head(60), inputs=(), workspace=ann)
    assert kept.lock.hashed == 0
    assert kept.lock.why_not[""] == "the package index does not answer"
    assert "# no hash: numpy==" in models.environment_of("churn", workspace=ann)
    report = models.verify("churn", workspace=ann)
    assert report.ok, repr(report)
    assert "contents are compared instead" in "; ".join(report.notes)


def test_what_cant_be_asked_is_told(ann: Workspace, tmp_path: Any) -> None:
    models.save_model(pipeline(), "silent", inputs=(), workspace=ann)
    with pytest.raises(DataError, match="without an example") as caught:
        models.verify("silent", trust_pickle=True, workspace=ann)
    assert caught.value.reason is Reason.NOT_SUPPORTED
    (tmp_path / "w.json").write_text(json.dumps({}))
    models.save_model(tmp_path / "w.json", "files", inputs=(), workspace=ann)
    with pytest.raises(DataError, match="no model that can be asked"):
        models.verify("files", workspace=ann)


def test_a_python_that_is_not_here_is_told(ann: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_PYTHON_DOWNLOADS", "never")
    kept = models.save_model(pipeline(), "churn", example=FRAME.head(60), inputs=(), workspace=ann)
    _rewrite(ann, kept, lock=replace(kept.lock, python="3.99.1"))
    with pytest.raises(DataError, match=r"made with Python 3\.99\.1") as caught:
        models.verify("churn", workspace=ann)
    assert caught.value.reason is Reason.NOT_INSTALLED
    minor = ".".join(kept.lock.python.split(".")[:2])
    _rewrite(ann, kept, lock=replace(kept.lock, python=f"{minor}.999"))
    report = models.verify("churn", workspace=ann)
    assert report.ok, repr(report)
    assert f"instead of {minor}.999" in "; ".join(report.notes)

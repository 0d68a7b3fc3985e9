"""Who made what from what, told by commits that were really made; and having it again."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace

import pandas as pd
import pytest

from data_access import history, inputs, lineage, load_dataframe, reconstruct, rollback, store_dataframe
from data_access.errors import NotFoundError
from data_access.names import TableName
from data_access.provenance import code, forget_reads, reads
from data_access.provenance.lineage import contributors
from data_access.tables.model import Anchor, Commit
from data_access.workspace import Workspace

MINE = "sandbox_ann"


@pytest.fixture(params=["sqlite+local"])
def ann(request: pytest.FixtureRequest, workspaces, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setattr(reads, "_session", reads._Reads())
    return workspaces(*request.param.split("+"))


def store(ann: Workspace, table: str, frame: pd.DataFrame, **how: object) -> Commit:
    return store_dataframe(frame, MINE, table, workspace=ann, **how)


def load(ann: Workspace, table: str, **how: object) -> pd.DataFrame:
    return load_dataframe(MINE, table, workspace=ann, **how)


def days(*numbers: int, amount: float = 1.0) -> pd.DataFrame:
    return pd.DataFrame({"amount": [amount] * len(numbers), "day": [dt.date(2026, 11, each) for each in numbers]})


def test_loads_of_the_session_are_inputs_of_what_is_stored_after(ann: Workspace) -> None:
    orders = store(ann, "orders", days(1))
    assert orders.inputs == ()
    store(ann, "report", load(ann, "orders"))
    forget_reads()
    apart = store(ann, "apart", days(1))
    assert apart.inputs == ()
    told = lineage(f"{MINE}.report", workspace=ann)
    assert told.root.inputs[0].anchor == orders.anchor
    assert re.fullmatch(
        r"sandbox_ann\.report@1, .* UTC by ann, 1 rows, .*\n"
        r"└── sandbox_ann\.orders@1, .* UTC by ann, 1 rows, .* \(loaded in the session before\)\n"
        r"What is marked .* name what a store is made from with inputs\(…\)\.",
        str(told),
    )


def test_what_was_said_is_told_apart_from_what_was_only_loaded(ann: Workspace) -> None:
    one, two = store(ann, "one", days(1)), store(ann, "two", days(1))
    assert one.inputs_named is None, "nothing was loaded, so there is nothing to say"
    load(ann, "one")
    with inputs(two, workspace=ann):
        said = store(ann, "out", days(1), partition_by=["day"])
    only_loaded = store(ann, "out", days(2), partition_by=["day"])
    assert (said.inputs_named, only_loaded.inputs_named) == (True, False)
    told = lineage(f"{MINE}.out", workspace=ann)
    assert {each.anchor: each.loaded for each in told.root.inputs} == {one.anchor: True, two.anchor: False}
    assert told._repr_html_().count("loaded in the session before") == 2  # at the table, and what it means below
    assert "inputs(" not in str(lineage(f"{MINE}.out@1", workspace=ann))
    shown = history(f"{MINE}.out", workspace=ann).to_frame()["from"].tolist()
    assert shown == [f"{MINE}.one@1 (loaded before)", f"{MINE}.two@1"]
    with inputs(one, workspace=ann):
        store(ann, "out", days(3), partition_by=["day"])
    assert not any(each.loaded for each in lineage(f"{MINE}.out", workspace=ann).root.inputs), "a commit names it"


def test_a_scope_says_it_exactly(ann: Workspace) -> None:
    one, two = store(ann, "one", days(1)), store(ann, "two", days(1))
    load(ann, "one")
    with inputs(f"{MINE}.two", workspace=ann):
        assert store(ann, "out", days(1)).inputs == (two.anchor,)
        load(ann, "one")
        assert store(ann, "out", days(1)).inputs == (two.anchor, one.anchor)
    with pytest.raises(NotFoundError), inputs(f"{MINE}.tow", workspace=ann):
        pass


def test_every_partition_counts_that_is_still_there(ann: Workspace) -> None:
    sources = {}
    for number in (1, 2, 3):
        sources[number] = store(ann, f"raw{number}", days(number)).anchor
        with inputs(sources[number]):
            store(ann, "all", days(number), partition_by=["day"])
    assert set(lineage(f"{MINE}.all", workspace=ann).anchors()[1:]) == set(sources.values())
    with inputs():
        store(ann, "all", days(2, amount=2.0))  # replaced, from nothing
    assert set(lineage(f"{MINE}.all", workspace=ann).anchors()[1:]) == {sources[1], sources[3]}
    rollback(f"{MINE}.all", 2, workspace=ann)
    assert set(lineage(f"{MINE}.all", workspace=ann).anchors()[1:]) == {sources[1], sources[2]}
    assert set(lineage(f"{MINE}.all@3", workspace=ann).anchors()[1:]) == set(sources.values())


def test_levels_repetitions_and_what_is_gone(ann: Workspace) -> None:
    raw = store(ann, "raw", days(1))
    with inputs(raw):
        left, right = store(ann, "left", days(1)), store(ann, "right", days(1))
    gone = Anchor(TableName(MINE, "never"), 1, raw.id)
    with inputs(left, right, gone):
        store(ann, "top", days(1))
    told = str(lineage(f"{MINE}.top", workspace=ann)).splitlines()
    assert [line.split(",")[0].split(" (")[0] for line in told] == [
        f"{MINE}.top@1",
        f"├── {MINE}.left@1",
        f"│   └── {MINE}.raw@1",
        f"├── {MINE}.right@1",
        f"│   └── {MINE}.raw@1",
        f"└── {MINE}.never@1",
    ]
    assert told[4].endswith("(see above)")
    assert "never" in told[5].partition("(")[2]
    shallow = lineage(f"{MINE}.top", depth=1, workspace=ann)
    assert "(made from 1 more)" in str(shallow)
    html = lineage(f"{MINE}.top", workspace=ann)._repr_html_()
    assert html.count("<li") == len(told)
    assert str(raw.anchor) in html
    with pytest.raises(NotFoundError):
        lineage(f"{MINE}.nothing", workspace=ann)


def test_reconstruct_gives_the_inputs_as_they_were(ann: Workspace) -> None:
    first = pd.DataFrame({"x": pd.array([1, None], "Int64"), "c": pd.Categorical(["b", "a"], ["b", "a"], ordered=True)})
    store(ann, "orders", first)
    store(ann, "customers", days(1))
    made = store(ann, "report", load(ann, "orders").join(load(ann, "customers")))
    store(ann, "orders", first.assign(x=7))
    again = reconstruct(made.anchor, workspace=ann)
    assert again.anchor == made.anchor
    assert again.code == code()
    frames = again.load()
    assert list(frames) == [f"{MINE}.orders", f"{MINE}.customers"]
    pd.testing.assert_frame_equal(frames[f"{MINE}.orders"], first)
    pd.testing.assert_frame_equal(frames[f"{MINE}.customers"], days(1))
    assert again.differences == ()
    assert "the same as here" in str(again)
    assert "inputs       sandbox_ann.orders@1:" in str(again)
    assert again._repr_html_().startswith("<pre")
    assert reconstruct(str(made.anchor), workspace=ann).inputs == again.inputs


def test_the_same_table_twice_is_told_apart(ann: Workspace) -> None:
    then, now = store(ann, "orders", days(1)), store(ann, "orders", days(2))
    with inputs(then, now):
        made = store(ann, "change", days(3))
    frames = reconstruct(made, workspace=ann).load(into="polars")
    assert {name: frame["day"].to_list() for name, frame in frames.items()} == {
        str(then.anchor): [dt.date(2026, 11, 1)],
        str(now.anchor): [dt.date(2026, 11, 2)],
    }


def test_what_differs_here_and_how_to_have_it(ann: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    from data_access import provenance
    from data_access.provenance import reconstruction

    made = store(ann, "orders", days(1))
    here = provenance.environment()
    packages = {**here.packages, "pandas": "99.0", "remuda": "99.0", "new-one": "1.0"}
    del packages["polars"]
    monkeypatch.setattr(reconstruction, "environment", lambda: replace(here, python="3.99.0", packages=packages))
    again = reconstruct(made, workspace=ann)
    then = here.packages
    assert str(again.differences[0]) == f"python {here.python} then, 3.99.0 now"
    assert again.install() == f"uv pip install pandas=={then['pandas']} polars=={then['polars']}"
    assert f"pandas {then['pandas']} then, 99.0 now" in str(again)
    assert f"polars {then['polars']} then, not there now" in str(again)
    assert "only now: new-one" in str(again)
    assert again.install() in str(again)


def test_contributors_of_a_table_without_partitions_stop_at_the_last_overwrite(ann: Workspace) -> None:
    commits = [store(ann, "t", days(1)), store(ann, "t", days(1)), store(ann, "t", days(2), mode="append")]
    assert [each.number for each in contributors(iter(reversed(commits)), 3)] == [3, 2]

"""Finding tables and taking them elsewhere, over real metastores and storages."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas
import pyarrow as pa
import pytest

from data_access import (
    anchor,
    browse,
    checks,
    copy,
    gc,
    load_dataframe,
    move,
    preview,
    release,
    search,
    store_dataframe,
    tag,
    untag,
    where_is,
)
from data_access.discover import facts
from data_access.errors import DataError, ForbiddenError, NotFoundError, Reason
from data_access.metastore.base import DatabaseRecord
from data_access.names import TableName
from data_access.provenance import forget_reads, inputs_now
from data_access.workspace import Workspace

Make = Callable[..., Workspace]
ORDERS = pa.table({"day": ["2026-11-19"] * 3 + ["2026-11-20"] * 2, "shop": list("abcab"), "amount": [1.5, 2, 3, 4, 5]})


@pytest.fixture(autouse=True)
def anew() -> None:
    facts.forget()


@pytest.fixture
def shop(workspace: Workspace) -> Workspace:
    """sandbox_ann with orders (two commits, a tag) and shops."""
    about = {"amount": "In euros, with VAT"}
    store_dataframe(ORDERS, "sandbox_ann.orders", partition_by=["day"], comments=about, workspace=workspace)
    last = ORDERS.slice(3).set_column(2, "amount", pa.array([40.0, 50.0]))
    store_dataframe(last, "sandbox_ann.orders", message="corrected", workspace=workspace)
    tag("sandbox_ann.orders", "q3-report", 1, workspace=workspace)
    towns = pa.table({"shop": ["a"], "town": ["Ghent"]})
    store_dataframe(towns, "sandbox_ann.shops", workspace=workspace)
    return workspace


def values(table: str, workspace: Workspace, **how: Any) -> list[dict[str, Any]]:
    return load_dataframe(table, into="arrow", workspace=workspace, **how).to_pylist()


class Counted:
    """A metastore that counts how often it is asked."""

    def __init__(self, metastore: Any) -> None:
        self._metastore = metastore
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._metastore, name)
        if not callable(found):
            return found

        def asked(*given: Any) -> Any:
            self.asked.append(name)
            return found(*given)

        return asked


def test_browse_shows_what_there_is(shop: Workspace) -> None:
    [database] = browse(workspace=shop).rows
    assert (database["database"], database["kind"], database["tables"], database["owner"]) == (
        "sandbox_ann", "your sandbox", 2, "ann",
    )  # fmt: skip
    orders, shops = browse("sandbox_ann", workspace=shop).rows
    assert (orders["rows"], orders["partitioned by"], orders["by"], shops["rows"]) == (5, "day", "ann", 1)
    assert orders["changed"] <= shops["changed"]
    table = browse("sandbox_ann.orders", workspace=shop)
    assert table.facts["tags"] == "q3-report"
    assert table.facts["changed"].endswith("by ann: corrected")
    assert [(row["column"], row["type"], row["partition"]) for row in table.section("Columns")] == [
        ("shop", "string", None), ("amount", "float64", None), ("day", "string", "yes"),
    ]  # fmt: skip
    assert [row["exact_type"] for row in table.section("Columns")][1] == "double"
    assert "exact_type" not in repr(table)
    assert [(row["day"], row["rows"]) for row in table.section("Partitions")] == [("2026-11-20", 2), ("2026-11-19", 3)]
    assert "In euros" in repr(table)
    assert "In euros" in table._repr_html_()
    assert isinstance(table.to_frame("Partitions"), pandas.DataFrame)


@pytest.mark.parametrize("name", ["sandbox_an", "sandbox_ann.ordrs"])
def test_what_is_not_there_has_near_names(shop: Workspace, name: str) -> None:
    with pytest.raises(NotFoundError) as caught:
        browse(name, workspace=shop)
    assert "Did you mean" in caught.value.remedy


@pytest.mark.parametrize("words", ["ORDERS", "vat", "amount euros", "q3", "ordres"])
def test_search_finds_by_any_word(shop: Workspace, words: str) -> None:
    assert search(words, workspace=shop).rows[0]["where"] == "sandbox_ann.orders"


def test_search_asks_little_and_remembers_shortly(shop: Workspace) -> None:
    counted = Counted(shop.metastore)
    asking = replace(shop, metastore=counted)
    search("orders", tags=False, workspace=asking)
    assert sorted(counted.asked) == ["database", "databases", "records"]
    search("shops", tags=False, workspace=asking)
    assert len(counted.asked) == 3


def test_a_database_that_may_not_be_seen_hides_no_other(shop: Workspace) -> None:
    class Closed(Counted):
        def records(self, database: str) -> Any:
            if database == "secret":
                raise ForbiddenError(Reason.FORBIDDEN, "You may not look into 'secret'.", "Ask.")
            return self._metastore.records(database)

    shop.metastore.create_database(DatabaseRecord("secret", f"{shop.warehouse}/secret"))
    closed = replace(shop, metastore=Closed(shop.metastore))
    rows = {row["database"]: row for row in browse(workspace=closed).rows}
    assert rows["secret"]["comment"] == "You may not look into 'secret'."
    assert rows["sandbox_ann"]["tables"] == 2
    assert search("orders", workspace=closed).rows


def test_where_is(shop: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes/orders.csv").write_text("a\n1\n")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden/orders.csv").write_text("a\n1\n")
    found = where_is("orders", workspace=shop).rows
    assert [(row["name"], row["kind"], row["commit"], row["by"]) for row in found if row["kind"] == "table"] == [
        ("sandbox_ann.orders", "table", 2, "ann")
    ]
    assert [row["place"] for row in found if row["kind"] == "file"] == [str(tmp_path / "notes/orders.csv")]
    assert len(where_is("sandbox_ann.*", workspace=shop).rows) == 2
    root = shop.metastore.table(TableName("sandbox_ann", "orders")).root
    assert [row["name"] for row in where_is(f"{root}/day=2026-11-20/x", workspace=shop).rows] == ["sandbox_ann.orders"]
    assert "search(" in where_is("nothing", workspace=shop).note


def test_preview_is_small(shop: Workspace, tmp_path: Path) -> None:
    forget_reads()
    assert len(preview("sandbox_ann.orders", 2, workspace=shop)) == 2
    assert inputs_now() == (), "a look is no input of what is stored next"
    assert preview("sandbox_ann.orders@1", workspace=shop)["amount"].max() == 5
    ORDERS.to_pandas().to_csv(tmp_path / "o.csv", index=False)
    copy(tmp_path / "o.csv", f"{shop.warehouse}/raw/o.csv", workspace=shop)
    assert len(preview(f"{shop.warehouse}/raw/", 3, workspace=shop)) == 3
    assert len(preview(f"{shop.warehouse}/raw/o.csv", 3, workspace=shop)) == 3


def test_a_table_is_copied_as_a_commit(shop: Workspace) -> None:
    done = copy("sandbox_ann.orders", "sandbox_ann.again", workspace=shop)
    assert done.commit is not None
    assert [(each.table.table, each.number) for each in done.commit.inputs] == [("orders", 2)]
    assert values("sandbox_ann.again", shop) == values("sandbox_ann.orders", shop)
    assert browse("sandbox_ann.again", workspace=shop).section("Columns")[1]["comment"] == "In euros, with VAT"
    with pytest.raises(DataError) as caught:
        copy("sandbox_ann.orders", "sandbox_ann.again", workspace=shop)
    assert caught.value.reason is Reason.ALREADY_THERE
    copy("sandbox_ann.orders@q3-report", "sandbox_ann.again", overwrite=True, verify="sha256", workspace=shop)
    assert values("sandbox_ann.again", shop) == values("sandbox_ann.orders", shop, as_of=1)
    assert values("sandbox_ann.again", shop, as_of=1) == values("sandbox_ann.orders", shop)
    gc("sandbox_ann.orders", keep_days=0, workspace=shop)
    assert len(values("sandbox_ann.again", shop)) == 5  # its files are its own


def test_a_copy_within_a_storage_reads_no_row(shop: Workspace) -> None:
    class Blind:
        def __init__(self, storage: Any) -> None:
            self._storage = storage

        def __getattr__(self, name: str) -> Any:
            return getattr(self._storage, name)

        def get(self, url: str, *span: int) -> memoryview:
            assert not url.endswith(".parquet")
            return self._storage.get(url, *span)

        get_many = get_ranges = None

    copy("sandbox_ann.orders", "sandbox_ann.again", workspace=replace(shop, storage=Blind(shop.storage)))
    assert len(values("sandbox_ann.again", shop)) == 5


def test_a_copy_to_production_is_checked(shop: Workspace) -> None:
    shop.metastore.create_database(DatabaseRecord("sales", f"{shop.warehouse}/sales"))
    with pytest.raises(ForbiddenError):
        copy("sandbox_ann.orders", "sales.orders", workspace=shop)
    granted = replace(shop, settings=shop.settings.model_copy(update={"grants": {"sales": ("ann",)}}))
    with pytest.raises(DataError) as caught:
        copy("sandbox_ann.orders", "sales.orders", workspace=granted)
    assert caught.value.reason is Reason.CHECKS_NEEDED
    store_dataframe(ORDERS, "sales.orders", partition_by=["day"], checks=[checks.not_null("amount")], workspace=granted)
    checks.set_checks("sales", "orders", [checks.in_range("amount", 0, 10)], workspace=granted)
    with pytest.raises(DataError) as caught:
        copy("sandbox_ann.orders", "sales.orders", overwrite=True, workspace=granted)
    assert caught.value.reason is Reason.CHECK_FAILED
    copy("sandbox_ann.orders@1", "sales.orders", overwrite=True, workspace=granted)


def test_a_table_is_moved_once_it_is_proven(shop: Workspace) -> None:
    untag("sandbox_ann.orders", "q3-report", workspace=shop)
    before = values("sandbox_ann.orders", shop)
    done = move("sandbox_ann.orders", "sandbox_ann.sold", workspace=shop)
    assert values("sandbox_ann.sold", shop) == before
    assert "history" in done.note
    with pytest.raises(NotFoundError):
        load_dataframe("sandbox_ann.orders", workspace=shop)
    bob = replace(shop, user="bob")
    with pytest.raises(ForbiddenError):
        move("sandbox_ann.sold", "sandbox_bob.sold", workspace=bob)
    assert copy("sandbox_ann.sold", "sandbox_bob.sold", workspace=bob).commit is not None


def test_a_table_that_somebody_holds_is_not_moved(shop: Workspace) -> None:
    untag("sandbox_ann.orders", "q3-report", workspace=shop)
    held = anchor("sandbox_ann.orders", note="for the report", workspace=shop)
    with pytest.raises(DataError, match="is held and was not dropped: commit") as caught:
        move("sandbox_ann.orders", "sandbox_ann.sold", workspace=shop)
    assert caught.value.reason is Reason.HELD
    with pytest.raises(NotFoundError):  # nothing was copied either
        load_dataframe("sandbox_ann.sold", workspace=shop)
    release(held, workspace=shop)
    move("sandbox_ann.orders", "sandbox_ann.sold", workspace=shop)


def test_tables_go_to_files_and_back(shop: Workspace, tmp_path: Path) -> None:
    for name in ("o.parquet", "o.csv.gz", "o.jsonl"):
        copy("sandbox_ann.orders@1", tmp_path / name, workspace=shop)
        assert len(preview(str(tmp_path / name), workspace=shop)) == 5
    copy(tmp_path / "o.parquet", "sandbox_ann.back", workspace=shop)
    assert values("sandbox_ann.back", shop) == values("sandbox_ann.orders", shop, as_of=1)
    done = copy("sandbox_ann.orders", f"{tmp_path}/out/", verify="sha256", workspace=shop)
    assert done.files == 2
    assert (tmp_path / "out/day=2026-11-20/part-00000.parquet").exists()
    assert copy("sandbox_ann.orders", f"{tmp_path}/out/", resume=True, workspace=shop).skipped == 2
    copy(f"{tmp_path}/out/", f"{shop.warehouse}/raw/orders/", workspace=shop)
    move(f"{shop.warehouse}/raw/orders/", f"{tmp_path}/home/", verify="sha256", workspace=shop)
    assert len(list((tmp_path / "home").rglob("*.parquet"))) == 2
    assert not list(shop.storage.list(f"{shop.warehouse}/raw/"))


# The command line


@pytest.fixture
def run(workspaces: Make, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    workspace = workspaces("sqlite", "local")
    store_dataframe(ORDERS, "sandbox_ann.orders", partition_by=["day"], message="first", workspace=workspace)
    store_dataframe(ORDERS.slice(3), "sandbox_ann.orders", workspace=workspace)
    checks.set_checks("sandbox_ann", "orders", [checks.in_range("amount", 0, 4)], workspace=workspace)
    environment = {
        **os.environ, "REMUDA_DATA_METASTORE": workspace.settings.metastore, "REMUDA_DATA_USER": "ann",
        "REMUDA_DATA_WAREHOUSE": workspace.settings.warehouse or "", "HOME": str(tmp_path), "COLUMNS": "120",
    }  # fmt: skip

    def run(*given: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "data_access", *given], env=environment, input=stdin, capture_output=True, text=True,
            check=False, cwd=Path(__file__).parents[3],
        )  # fmt: skip

    return run


def test_the_command_line(run: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path) -> None:
    def value(*given: str, code: int = 0, stdin: str = "") -> Any:
        done = run("--json", *given, stdin=stdin)
        assert (done.returncode, done.stderr) == (code, ""), done
        return json.loads(done.stdout)

    assert [row["table"] for row in value("ls", "sandbox_ann")] == ["orders"]
    table = value("ls", "sandbox_ann.orders")
    assert (table["rows"], len(table["partitions"])) == (5, 2)
    assert [row["number"] for row in value("history", "sandbox_ann.orders")][-1] == 1
    assert value("head", "sandbox_ann.orders", "-n", "1") == [{"shop": "a", "amount": 1.5, "day": "2026-11-19"}]
    assert value("search", "shop")[0]["where"] == "sandbox_ann.orders"
    assert value("where", "orders")[0]["name"] == "sandbox_ann.orders"
    assert value("tag", "sandbox_ann.orders", "v1", "1")["anchor"].startswith("sandbox_ann.orders@1:")
    assert list(value("tag", "sandbox_ann.orders")) == ["v1"]
    assert value("check", "sandbox_ann.orders", code=1)["passed"] is False
    count = "select count(*) as n from sandbox_ann.orders where day = $day"
    assert value("sql", "-", "--param", "day=2026-11-20", stdin=count) == [{"n": 2}]
    assert value("sql", "from sandbox_ann.orders", "-o", str(tmp_path / "x.csv"))["rows"] == 5
    assert value("copy", str(tmp_path / "x.csv"), "sandbox_ann.copied")["files"] == 1
    assert value("rollback", "sandbox_ann.orders", "v1", "-m", "why")["restores"] == 1
    assert value("gc", "sandbox_ann.orders")["dry_run"] is True
    difference = value("diff", "sandbox_ann.orders", "1", "2", "--key", "shop")
    assert [each["what"] for each in difference["partitions"]] == ["changed"]
    assert difference["rows"] == {"added": [], "removed": [], "changed": []}
    assert value("models") == []


def test_the_command_line_refuses_in_two_lines(run: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    done = run("history", "sandbox_ann.ordrs")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[1] == "Did you mean orders?"
    assert len(done.stderr.splitlines()) == 2
    assert run("history", "no such.name!").returncode == 2
    shown = run("history", "sandbox_ann.orders").stdout
    assert "first" in shown

"""What the command line takes. Imports nothing but argparse, so that help comes at once."""

from __future__ import annotations

import argparse
from typing import Any

_EXAMPLES = """\
examples:
  data-access ls                              databases
  data-access ls sales.orders                 one table: columns, partitions, size, freshness
  data-access search customer country         which tables have these words
  data-access head s3://lake/raw/x.csv.gz     the first rows of a table, a file or a folder
  data-access history sales.orders --json
  data-access rollback sandbox_ann.orders 41
  data-access gc sandbox_ann.orders           what would go; --yes lets it go
  data-access copy https://example.org/flights.csv.gz data/
  data-access sql "select day, sum(amount) from sales.orders group by day" --output days.csv

exit codes:
  0 done   1 refused, or a check failed   2 the command line is wrong   130 interrupted

Errors are two lines on standard error: what happened, and what to do. Settings come from REMUDA_DATA_… variables and
~/.config/remuda/data.yaml.
"""


def parser() -> argparse.ArgumentParser:
    main = argparse.ArgumentParser(
        prog="data-access",
        description="Find, look at, check and take back data: tables on S3, files, databases.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[_common(False)],
    )
    verbs = main.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _Verbs(verbs, _common(argparse.SUPPRESS)).add_all()
    return main


def _common(default: Any) -> argparse.ArgumentParser:
    """What may stand before and after the verb; a default after it would undo what was said before."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true", default=default, help="one JSON value, for programs")
    common.add_argument("--debug", action="store_true", default=default, help="show where an error came from")
    return common


class _Verbs:
    def __init__(self, verbs: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser):
        self._verbs, self._common = verbs, common

    def add_all(self) -> None:
        self._find()
        self._past()
        self._keep()
        self._move()
        self._ask()

    def _verb(self, name: str, what: str, example: str = "", also: tuple[str, ...] = ()) -> argparse.ArgumentParser:
        return self._verbs.add_parser(
            name,
            aliases=also,
            help=what,
            description=f"{what[0].upper()}{what[1:]}.",
            epilog=f"example:\n  {example}" if example else None,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            parents=[self._common],
        )

    def _find(self) -> None:
        verb = self._verb("ls", "databases, the tables of one, or one table", "data-access ls sales.orders")
        verb.add_argument("name", nargs="?", metavar="DATABASE[.TABLE]")
        verb = self._verb(
            "head", "the first rows of a table, file or folder", "data-access head sales.orders@42 --rows 3"
        )
        verb.add_argument("what", metavar="TABLE|PATH")
        verb.add_argument("-n", "--rows", type=_positive, default=10, help="how many (10)")
        verb = self._verb("where", "where something of this name is", "data-access where 'ord*'", ("where-is",))
        verb.add_argument("name", metavar="NAME|PATH")
        verb = self._verb(
            "search", "tables by words in names, columns, comments and tags", "data-access search customer country"
        )
        verb.add_argument("words", nargs="+", metavar="WORD")
        verb.add_argument("--tags", action="store_true", help="also in tags, however many tables there are")
        verb.add_argument("-n", "--limit", type=_positive, default=50, help="how many (50)")

    def _past(self) -> None:
        verb = self._verb("history", "who changed a table, when and how", "data-access history sales.orders -n 5")
        verb.add_argument("table", metavar="TABLE")
        verb.add_argument("-n", "--limit", type=_positive, default=100, help="how many commits (100)")
        verb.add_argument("--all", action="store_true", help="all commits")
        verb = self._verb("diff", "what changed between two commits of a table", "data-access diff sales.orders 41 42")
        verb.add_argument("table", metavar="TABLE[@COMMIT]")
        verb.add_argument("before", type=_as_of, nargs="?", metavar="COMMIT", help="needed unless TABLE names it")
        verb.add_argument("after", type=_as_of, nargs="?", metavar="COMMIT", help="the present one when left out")
        verb.add_argument("--rows", action="store_true", help="also compare the rows of changed partitions")
        verb.add_argument("--key", action="append", default=[], metavar="COLUMN", help="columns that name a row")
        verb = self._verb(
            "rollback", "make a table what it was at an earlier commit", "data-access rollback sandbox_ann.orders 41"
        )
        verb.add_argument("table", metavar="TABLE")
        verb.add_argument("to", type=_as_of, metavar="COMMIT", help="its number, a tag, an anchor or a time")
        verb.add_argument("-m", "--message", default="", help="why")
        verb = self._verb(
            "tag", "name a commit, which gc then keeps; without NAME: list", "data-access tag sales.orders q3 42"
        )
        verb.add_argument("table", metavar="TABLE")
        verb.add_argument("name", nargs="?", metavar="NAME")
        verb.add_argument("commit", nargs="?", type=_as_of, metavar="COMMIT", help="the present one when left out")
        verb.add_argument("-m", "--note", default="", help="why")
        verb.add_argument("--move", action="store_true", help="take the name from another commit")
        verb.add_argument("--delete", action="store_true", help="take the name away")

        verb = self._verb(
            "anchor", "hold a commit, so that gc keeps it", "data-access anchor sales.orders 42 -m 'report of June'"
        )
        verb.add_argument("table", metavar="TABLE[@COMMIT]")
        verb.add_argument("commit", nargs="?", type=_as_of, metavar="COMMIT", help="the present one when left out")
        verb.add_argument("-m", "--note", default="", help="why")
        verb.add_argument("--release", action="store_true", help="give back what you hold of that commit")
        verb = self._verb("lineage", "what a table was made from", "data-access lineage sales.report@3")
        verb.add_argument("table", metavar="TABLE[@COMMIT]")
        verb.add_argument("--depth", type=_positive, default=8, help="so many levels (8)")

    def _keep(self) -> None:
        verb = self._verb(
            "gc", "what of a table's past can go; with --yes it goes", "data-access gc sandbox_ann.orders --yes"
        )
        verb.add_argument("table", metavar="TABLE")
        whether = verb.add_mutually_exclusive_group()
        whether.add_argument("--yes", action="store_true", help="remove; without it nothing is changed")
        whether.add_argument("--dry-run", action="store_true", help="change nothing, as without --yes")
        verb.add_argument("--keep-days", type=float, default=30, help="commits replaced later than that stay (30)")
        verb.add_argument("--keep-last", type=_positive, default=1, help="so many last commits stay (1)")
        verb = self._verb(
            "drop", "remove a table with all its history, for good", "data-access drop sandbox_ann.orders --yes"
        )
        verb.add_argument("table", metavar="TABLE")
        verb.add_argument("--yes", action="store_true", help="do not ask; needed where nobody can be asked")
        verb = self._verb("check", "judge a table by its checks", "data-access check sales.orders --as-of 42")
        verb.add_argument("table", metavar="TABLE")
        verb.add_argument("--as-of", type=_as_of, help="a commit's number, a tag, an anchor or a time")

    def _move(self) -> None:
        for name, what in (
            ("copy", "copy a table, a file, a folder or a download"),
            ("move", "copy, verify, then remove the source"),
        ):
            verb = self._verb(name, what, f"data-access {name} data/ s3://lake/raw/flights/")
            verb.add_argument("source", metavar="SOURCE", help="a table, a path, s3://…, http(s)://…")
            verb.add_argument("target", metavar="TARGET", help="a table, a path or s3://…")
            verb.add_argument("--overwrite", action="store_true", help="replace what is there")
            verb.add_argument("--resume", action="store_true", help="leave files that are there with the same size")
            verb.add_argument(
                "--verify", choices=("size", "sha256"), default="size", help="how a copy is proven (size)"
            )
            verb.add_argument("-m", "--message", default="", help="of the commit, where the target is a table")
            if name == "copy":
                verb.add_argument("--sha256", metavar="HEX", help="what a download has to be")

    def _ask(self) -> None:
        verb = self._verb(
            "sql",
            "one query over tables, configured databases and files",
            'data-access sql "select count(*) from sales.orders where day = \\$day" --param day=2026-11-20',
        )
        verb.add_argument("query", metavar="QUERY", help="a SELECT in DuckDB's SQL; - reads it from standard input")
        verb.add_argument("--param", type=_pair, action="append", default=[], metavar="NAME=VALUE", help="fills $NAME")
        verb.add_argument(
            "--as-of", type=_pair, action="append", default=[], metavar="TABLE=COMMIT", help="read a past commit"
        )
        verb.add_argument("-o", "--output", metavar="FILE", help="write there: .parquet, .csv, .jsonl …")
        verb.add_argument("-n", "--rows", type=_positive, default=1000, help="how many rows are shown at most (1000)")
        verb = self._verb("models", "kept models, or the versions of one", "data-access models churn")
        verb.add_argument("name", nargs="?", metavar="MODEL")
        self._verb(
            "tutorial", "put the notebook of the first fifteen minutes into this folder", "cd ~ && data-access tutorial"
        )


def _positive(text: str) -> int:
    if not text.lstrip("+").isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be 1 or more, not '{text}'")
    return int(text)


def _as_of(text: str) -> int | str:
    return int(text) if text.isdigit() else text


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise argparse.ArgumentTypeError(f"'{text}' is not NAME=VALUE")
    return name, value

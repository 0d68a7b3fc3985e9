"""What each verb does: call the module's own function, and say what came of it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import data_access as api
from data_access.cli.hints import in_shell, listing_in_shell
from data_access.cli.output import Answer, width
from data_access.cli.tutorial import tutorial
from data_access.cli.values import commit_value, named, origin_value, table_value
from data_access.discover.listing import Head, Listing, Section, as_text
from data_access.errors import DataError, Reason
from data_access.tables import snapshot
from data_access.workspace import current


def _ls(given: argparse.Namespace) -> Answer:
    database, dot, _ = (given.name or "").partition(".")
    workspace = current()
    if given.json and dot and database not in workspace.settings.databases:
        return Answer(table_value(workspace, given.name), "")
    found = api.browse(given.name)
    if len(found.sections) == 1 and not found.sections[0].title:
        keys = "partitioned by"
        rows = [{**row, keys: (row[keys] or "").split(", ") if row[keys] else []} if keys in row else row
                for row in found.rows]  # fmt: skip
        return Answer(rows, _text(found))
    sections = {each.title.lower(): found.section(each.title) for each in found.sections}
    return Answer({"name": found.title, **found.facts, **sections}, _text(found))


def _head(given: argparse.Namespace) -> Answer:
    import pyarrow as pa

    return _rows(pa.Table.from_pandas(api.preview(given.what, given.rows), preserve_index=None))


def _where(given: argparse.Namespace) -> Answer:
    return _listing(api.where_is(given.name))


def _search(given: argparse.Namespace) -> Answer:
    return _listing(api.search(" ".join(given.words), limit=given.limit, tags=given.tags or None))


def _history(given: argparse.Namespace) -> Answer:
    found = api.history(given.table, limit=None if given.all else given.limit)
    commits = [{**commit_value(each), "readable": found.is_readable(each)} for each in found]
    return Answer(commits, _text(found.listing()))


def _diff(given: argparse.Namespace) -> Answer:
    table, at, _ = given.table.partition("@")
    commits = [each for each in (given.table if at else None, given.before, given.after) if each is not None]
    if not 1 <= len(commits) <= 2:
        raise DataError(
            Reason.BAD_ARGUMENT, f"diff compares one commit with the present one, or two; these are {len(commits)}.",
            f"Write: data-access diff {table} 41, or: data-access diff {table} 41 42.",
        )  # fmt: skip
    found = api.diff(*(_at(table, each) for each in commits), rows=given.rows, keys=given.key or None)
    value: dict[str, Any] = {
        "from": found.a.anchor, "to": found.b.anchor, "columns": found.columns,
        "partitions": [
            {**vars(each), "partition": named(found.b.schema, each.partition)} for each in found.partitions
        ],
    }  # fmt: skip
    if found.rows is not None:
        kinds = {"added": found.rows.added, "removed": found.rows.removed, "changed": found.rows.changed}
        value["rows"] = {kind: rows.to_pylist() for kind, rows in kinds.items() if rows is not None}
    return Answer(value, _text(found.listing()))


def _at(table: str, commit: int | str) -> str:
    """A commit as text, for whoever takes no table beside it."""
    return commit if isinstance(commit, str) and "@" in commit else f"{table}@{commit}"


def _rollback(given: argparse.Namespace) -> Answer:
    commit = api.rollback(given.table, given.to, message=given.message)
    text = f"{commit.table} is what it was at commit {commit.restores}; this is commit {commit.number}."
    if not given.json:
        with suppress(DataError):  # it is done, whether or not what it changed can be shown
            text += f"\n\n{_text(api.diff(f'{commit.table}@{commit.number - 1}', commit).listing())}"
    return Answer(commit_value(commit), text)


def _tag(given: argparse.Namespace) -> Answer:
    if given.name is None:
        found = api.tags(given.table)
        return Answer({name: str(anchor) for name, anchor in found.items()}, _text(found.listing()))
    if given.delete:
        api.untag(given.table, given.name)
        return Answer({"deleted": given.name}, f"{given.table} has no tag {given.name} any more.")
    anchor = api.tag(given.table, given.name, given.commit, note=given.note, move=given.move)
    return Answer(
        {"tag": given.name, "anchor": str(anchor)}, f"{given.name} is commit {anchor.number} of {anchor.table}."
    )


def _anchor(given: argparse.Namespace) -> Answer:
    table, at, commit = given.table.partition("@")
    which = given.table if ":" in commit else given.commit if not at else int(commit) if commit.isdigit() else commit
    if not given.release:
        held = api.anchor(table, as_of=which, note=given.note)
        return Answer({"anchor": str(held)}, f"{held} is held until: data-access anchor {held} --release")
    if which is None:
        raise DataError(
            Reason.BAD_ARGUMENT, f"'{given.table}' names no commit to let go of.",
            f"Write: data-access anchor {table} 41 --release.",
        )  # fmt: skip
    workspace = current()
    record, _ = snapshot.head_of(workspace, api.TableName.parse(table))
    of = snapshot.commit_at(workspace, record, which).anchor
    count = api.release(of)
    told = f"{count} of your anchors on {of} {'is' if count == 1 else 'are'} given back."
    return Answer({"anchor": str(of), "released": count}, told)


def _lineage(given: argparse.Namespace) -> Answer:
    from data_access.provenance.lineage import lineage

    found = lineage(given.table, depth=given.depth)
    return Answer(origin_value(found.root), str(found))


def _gc(given: argparse.Namespace) -> Answer:
    found = api.gc(given.table, dry_run=not given.yes, keep_days=given.keep_days, keep_last=given.keep_last)
    value = {
        "table": found.table, "dry_run": found.dry_run, "given_up": found.given_up,
        "bytes_removed": found.bytes_removed, "removed": found.removed, "kept": found.kept,
    }  # fmt: skip
    hint = "" if given.yes else "\n--yes lets it go."
    return Answer(value, _text(found.listing()) + hint)


def _drop(given: argparse.Namespace) -> Answer:
    if not given.yes:
        _ask(given.table)
    done = api.drop_table(given.table)
    return Answer(done, in_shell(str(done)))


def _ask(table: str) -> None:
    """Raises DataError where the answer is not the table's name."""
    name = api.TableName.parse(table)
    if not sys.stdin.isatty():
        raise DataError(
            Reason.BAD_ARGUMENT, f"{name} was not dropped: nobody can be asked here.", "--yes drops it unasked."
        )
    print(
        f"{name} goes with all its history, and there is no way back. Its name, to drop it: ", end="", file=sys.stderr
    )
    sys.stderr.flush()
    if sys.stdin.readline().strip() != str(name):
        raise DataError(Reason.BAD_ARGUMENT, f"{name} was not dropped.", "Its name has to be typed, or --yes given.")


def _check(given: argparse.Namespace) -> Answer:
    report = api.checks.check(given.table, as_of=given.as_of)
    value = {"table": given.table, "passed": bool(report), "checks": [each.record() for each in report]}
    return Answer(value, str(report), failed=not report)


def _copy(given: argparse.Namespace) -> Answer:
    done = api.copy(
        given.source, given.target, overwrite=given.overwrite, resume=given.resume, verify=given.verify,
        sha256=given.sha256, message=given.message,
    )  # fmt: skip
    return _copied(done)


def _move(given: argparse.Namespace) -> Answer:
    done = api.move(
        given.source, given.target, overwrite=given.overwrite, resume=given.resume, verify=given.verify,
        message=given.message,
    )  # fmt: skip
    return _copied(done)


def _copied(done: Any) -> Answer:
    value = {name: each for name, each in vars(done).items() if name != "commit"}
    value["commit"] = None if done.commit is None else str(done.commit.anchor)
    return Answer(value, str(done))


def _sql(given: argparse.Namespace) -> Answer:
    query = sys.stdin.read() if given.query == "-" else given.query
    as_of = {name: int(when) if when.isdigit() else when for name, when in given.as_of}
    params = dict(given.param) or None
    if given.output:
        frame = api.sql(query, params=params, as_of=as_of)
        api.save(frame, given.output)
        return Answer({"file": given.output, "rows": len(frame)}, f"{len(frame):,} rows in {given.output}.")
    return _rows(api.sql(query, into="arrow", params=params, as_of=as_of), most=given.rows)


def _models(given: argparse.Namespace) -> Answer:
    found = api.models.models() if given.name is None else api.models.versions(given.name)
    return Answer(list(found), str(found))


def _listing(found: Listing) -> Answer:
    return Answer(found.rows, _text(found))


def _text(found: Listing) -> str:
    return as_text(listing_in_shell(found), width())


def _rows(table: Any, most: int | None = None) -> Answer:
    """A table of values; numbers to the right."""
    import pyarrow as pa

    shown = table if most is None else table.slice(0, most)
    heads = tuple(
        Head(field.name, "count" if pa.types.is_integer(field.type) or pa.types.is_floating(field.type) else "text")
        for field in shown.schema
    )
    values = shown.to_pylist() if len(set(shown.column_names)) == shown.num_columns else _renamed(shown).to_pylist()
    rows = tuple(tuple(_told(each) for each in row.values()) for row in values)
    left = table.num_rows - shown.num_rows
    note = f"{left:,} more rows; --rows shows more, --output writes all." if left else ""
    return Answer(values, as_text(Listing("", (Section("", heads, rows, note),)), width()))


def _renamed(table: Any) -> Any:
    """JSON's objects have each name once; `select a.id, b.id` has one twice."""
    seen: dict[str, int] = {}
    names = []
    for name in table.column_names:
        seen[name] = seen.get(name, 0) + 1
        names.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return table.rename_columns(names)


def _told(value: Any) -> str:
    return "null" if value is None else str(value)


COMMANDS: dict[str, Callable[[argparse.Namespace], Answer]] = {
    "ls": _ls, "head": _head, "where": _where, "where-is": _where, "search": _search, "history": _history,
    "diff": _diff, "rollback": _rollback, "tag": _tag, "anchor": _anchor, "lineage": _lineage, "gc": _gc,
    "drop": _drop, "check": _check, "copy": _copy, "move": _move, "sql": _sql, "models": _models, "tutorial": tutorial,
}  # fmt: skip

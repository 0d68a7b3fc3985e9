"""What each verb does: call the module's own function, and say what came of it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Any

import data_access as api
from data_access.cli.output import Answer, width
from data_access.cli.tutorial import tutorial
from data_access.discover.listing import Head, Listing, Section, as_text


def _ls(given: argparse.Namespace) -> Answer:
    found = api.browse(given.name)
    if len(found.sections) == 1 and not found.sections[0].title:
        return Answer(found.rows, as_text(found, width()))
    sections = {each.title.lower(): found.section(each.title) for each in found.sections}
    return Answer({"name": found.title, **found.facts, **sections}, as_text(found, width()))


def _head(given: argparse.Namespace) -> Answer:
    import pyarrow as pa

    return _rows(pa.Table.from_pandas(api.preview(given.what, given.rows), preserve_index=None))


def _where(given: argparse.Namespace) -> Answer:
    return _listing(api.where_is(given.name))


def _search(given: argparse.Namespace) -> Answer:
    return _listing(api.search(" ".join(given.words), limit=given.limit))


def _history(given: argparse.Namespace) -> Answer:
    found = api.history(given.table, limit=None if given.all else given.limit)
    commits = [{**_commit(each), "readable": found.is_readable(each)} for each in found]
    return Answer(commits, as_text(found.listing(), width()))


def _diff(given: argparse.Namespace) -> Answer:
    after = None if given.after is None else _at(given.table, given.after)
    found = api.diff(_at(given.table, given.before), after, rows=given.rows, keys=given.key or None)
    value: dict[str, Any] = {
        "from": found.a.anchor, "to": found.b.anchor, "columns": found.columns, "partitions": found.partitions,
    }  # fmt: skip
    if found.rows is not None:
        kinds = {"added": found.rows.added, "removed": found.rows.removed, "changed": found.rows.changed}
        value["rows"] = {kind: table.to_pylist() for kind, table in kinds.items() if table is not None}
    return Answer(value, as_text(found.listing(), width()))


def _at(table: str, commit: int | str) -> str:
    """A commit as text, for whoever takes no table beside it."""
    return commit if isinstance(commit, str) and "@" in commit else f"{table}@{commit}"


def _rollback(given: argparse.Namespace) -> Answer:
    commit = api.rollback(given.table, given.to, message=given.message)
    text = f"{commit.table} is what it was at commit {commit.restores}; this is commit {commit.number}."
    return Answer(_commit(commit), text)


def _tag(given: argparse.Namespace) -> Answer:
    if given.name is None:
        found = api.tags(given.table)
        return Answer({name: str(anchor) for name, anchor in found.items()}, as_text(found.listing(), width()))
    if given.delete:
        api.untag(given.table, given.name)
        return Answer({"deleted": given.name}, f"{given.table} has no tag {given.name} any more.")
    anchor = api.tag(given.table, given.name, given.commit, note=given.note, move=given.move)
    return Answer(
        {"tag": given.name, "anchor": str(anchor)}, f"{given.name} is commit {anchor.number} of {anchor.table}."
    )


def _gc(given: argparse.Namespace) -> Answer:
    found = api.gc(given.table, dry_run=not given.yes, keep_days=given.keep_days, keep_last=given.keep_last)
    value = {
        "table": found.table, "dry_run": found.dry_run, "given_up": found.given_up,
        "bytes_removed": found.bytes_removed, "removed": found.removed, "kept": found.kept,
    }  # fmt: skip
    hint = "" if given.yes else "\n--yes lets it go."
    return Answer(value, as_text(found.listing(), width()) + hint)


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
    return Answer(found.rows, as_text(found, width()))


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


def _commit(commit: Any) -> dict[str, Any]:
    """A commit as `--json` gives it: what `history` shows, and its schema as name → type."""
    return {
        "table": commit.table, "number": commit.number, "id": commit.id, "anchor": str(commit.anchor),
        "at": commit.at, "by": commit.by, "operation": commit.operation, "mode": commit.mode,
        "message": commit.message, "rows": commit.rows, "bytes": commit.bytes, "files": commit.files,
        "changed": commit.changed, "inputs": [str(each) for each in commit.inputs], "checks": commit.checks,
        "restores": commit.restores,
        "columns": {each.name: each.arrow for each in (*commit.schema.columns, *commit.schema.partition_by)},
    }  # fmt: skip


COMMANDS: dict[str, Callable[[argparse.Namespace], Answer]] = {
    "ls": _ls, "head": _head, "where": _where, "search": _search, "history": _history, "diff": _diff,
    "rollback": _rollback, "tag": _tag, "gc": _gc, "check": _check, "copy": _copy, "move": _move, "sql": _sql,
    "models": _models, "tutorial": tutorial,
}  # fmt: skip

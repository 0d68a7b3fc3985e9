"""`search` and `where_is`: what is meant by a few words, and where something is."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from data_access.discover import facts
from data_access.discover.catalog import kind_of
from data_access.discover.listing import Head, Listing, Section
from data_access.discover.place import ObjectPlace, place_of
from data_access.discover.ranking import Document, Entry, Hit, match, rank
from data_access.errors import DataError
from data_access.location import FORMATS
from data_access.metastore.base import TableRecord
from data_access.names import near
from data_access.texts import shortened
from data_access.workspace import Workspace

SHOWN = 50
#: Tags are objects of each table: with more tables than this they are only asked for with `tags=True`.
TAGGED = 300
#: Places of one table that are named, of those where words are found.
_PLACES_SHOWN = 6
#: Entries of the home that `where_is` looks at, and how deep.
_FILES, _DEPTH = 20_000, 4
_PASSED_BY = {"node_modules", "site-packages", "__pycache__", "envs", "lib", "lib64", "warehouse"}

_HITS = (Head("where", "code"), Head("found"), Head("changed", "time"), Head("owner"), Head("comment"))
_PLACES = (
    Head("name", "code"), Head("kind"), Head("commit", "number"), Head("changed", "time"), Head("by"),
    Head("size", "size"), Head("place", "code"),
)  # fmt: skip


def search(query: str, *, tags: bool | None = None, limit: int = SHOWN, workspace: Workspace | None = None) -> Listing:
    """Tables whose name, columns, comments, owner or tags have these words, in any case; the best first.

        search("orders")        search("customer country")

    Several words are all meant; where no table has all, those with most are given. What only resembles a word counts
    where nothing has it. Two metastore calls per database, and their answers are kept for half a minute.
    """
    from data_access.workspace import current

    workspace = workspace or current()
    found = facts.databases(workspace)
    records = [record for each in found for record in each.tables]
    with_tags = tags if tags is not None else len(records) <= TAGGED
    named = _tags(workspace, records) if with_tags else {}
    documents = [_document(workspace, record, named.get(str(record.name), ())) for record in records]
    documents += [_empty(each.record.name, each.record.comment) for each in found if not each.tables]
    documents += [_empty(name, each.comment) for name, each in workspace.settings.databases.items()]
    hits = rank(documents, query)
    rows = tuple(_hit_row(hit) for hit in hits[:limit])
    note = "" if rows else _nothing(query, [record.name.table for record in records])
    note += f"{len(hits) - limit:,} more; another word would narrow it." if len(hits) > limit else ""
    if not with_tags:
        note += (
            f"{' ' if note else ''}Tags were not looked at, with {len(records):,} tables: search(…, tags=True) does."
        )
    return Listing(f"Search: {query}", (Section("", _HITS, rows, ""),), note=note, now=workspace.now())


def _document(workspace: Workspace, record: TableRecord, tags: Sequence[str]) -> Document:
    known = facts.of_record(record)
    entries = [Entry("table", record.name.table), Entry("database", record.name.database)]
    entries += [Entry("comment", known.comment)] if known.comment else []
    entries += [Entry("owner", known.owner)] if known.owner else []
    entries += [Entry("tag", tag) for tag in tags]
    for column in known.columns:
        entries.append(Entry("column", column.name, column.name))
        entries += [Entry("comment", column.comment, column.name)] if column.comment else []
    foreign = kind_of(record.name.database, workspace.settings, workspace.user) == "sandbox"
    return Document(str(record.name), tuple(entries), known.changed, foreign)


def _empty(name: str, comment: str | None) -> Document:
    return Document(name, (Entry("table", name), *([Entry("comment", comment)] if comment else [])))


def _tags(workspace: Workspace, records: Sequence[TableRecord]) -> dict[str, tuple[str, ...]]:
    from data_access.tables.tags import tags

    def of(record: TableRecord) -> tuple[str, ...]:
        try:
            return tuple(tags(str(record.name), workspace=workspace))
        except DataError:  # what can't be read can't be found by it
            return ()

    ours = [record for record in records if record.head is not None]
    found = facts.kept(workspace, "tags", lambda: facts.in_parallel(of, ours))
    return {str(record.name): named for record, named in zip(ours, found, strict=False)}


def _hit_row(hit: Hit) -> tuple[object, ...]:
    document = hit.document
    places = (*hit.because, *hit.others)
    said = {entry.text for entry in places[:_PLACES_SHOWN]}
    comment = next((each.text for each in document.entries if each.what == "comment" and not each.name), None)
    owner = next((each.text for each in document.entries if each.what == "owner"), None)
    return document.name, _because(places), document.fresh, owner, None if comment in said else comment


def _because(places: Sequence[Entry]) -> str:
    """`name; columns wind_dir, wind_gust and wind_speed; and 2 more`."""
    named: dict[str, list[str]] = {}
    for each in places[:_PLACES_SHOWN]:
        named.setdefault(each.what, []).append(_text(each))
    told = [_told(what, list(dict.fromkeys(texts))) for what, texts in named.items()]
    more = len(places) - _PLACES_SHOWN
    return "; ".join([*told, *([f"and {more:,} more"] if more > 0 else [])])


def _text(entry: Entry) -> str:
    if entry.what != "comment":
        return entry.text
    text = shortened(entry.text, 80)
    return f"{entry.name}: “{text}”" if entry.name else f"“{text}”"


def _told(what: str, texts: Sequence[str]) -> str:
    if what == "table":
        return "name"
    if what == "comment":
        return "; ".join(texts)
    return f"{what} {texts[0]}" if len(texts) == 1 else f"{what}s {', '.join(texts[:-1])} and {texts[-1]}"


def _nothing(query: str, names: Sequence[str]) -> str:
    close = near(query.lower(), names)
    meant = f" Did you mean {' or '.join(close)}?" if close else ""
    return f"Nothing found.{meant} browse() shows all there is."


def where_is(what: str | os.PathLike[str], *, workspace: Workspace | None = None) -> Listing:
    """Where something of this name is: tables in every database, configured databases, and files near you.

        where_is("orders")     where_is("sales.ord*")     where_is("s3://lake/warehouse/sales/orders/day=…/part-0.parquet")

    An address or a path is answered with the table that it belongs to. Files are looked for in the current folder and
    the home, four folders deep.
    """
    from data_access.workspace import current

    workspace = workspace or current()
    text = os.fspath(what)
    records = [record for each in facts.databases(workspace) for record in each.tables]
    if "/" in text:
        place = place_of(text)
        matching = [each for each in records if isinstance(place, ObjectPlace) and _holds(each, place.url)]
        return _placed(workspace, text, matching, [], [])
    pattern = text.casefold()
    matching = [each for each in records if _named(pattern, each)]
    elsewhere, trouble = _in_databases(workspace, pattern)
    return _placed(workspace, text, matching, elsewhere + _files_named(pattern), trouble)


def _named(pattern: str, record: TableRecord) -> bool:
    """By the table's name, or database and name; `*` and `?` stand for any letters."""
    name = str(record.name) if "." in pattern else record.name.table
    return fnmatchcase(name, pattern) or ("." not in pattern and match(pattern, name) >= 3.0)


def _holds(record: TableRecord, url: str) -> bool:
    return any(
        url.rstrip("/") == place.rstrip("/") or url.startswith(f"{place.rstrip('/')}/")
        for place in (record.root, record.location)
    )


Row = tuple[object, ...]


def _placed(
    workspace: Workspace, text: str, records: Sequence[TableRecord], others: list[Row], trouble: list[str]
) -> Listing:
    rows: list[Row] = [
        (str(each.name), each.kind, each.commit, each.changed, each.by or each.owner, each.bytes, each.location)
        for each in facts.with_commits(workspace, records[:SHOWN])
    ]
    rows += others
    note = "" if rows else f"Nothing is named so. search('{text}') also looks into columns and comments."
    note = " ".join([note, *trouble]).strip()
    return Listing(f"Where is {text}?", (Section("", _PLACES, tuple(rows)),), note=note, now=workspace.now())


def _in_databases(workspace: Workspace, pattern: str) -> tuple[list[Row], list[str]]:
    from data_access.query.postgres import Postgres

    def ask(name: str) -> tuple[list[Row], str]:
        database = None
        try:
            database = Postgres(name, workspace.settings.databases[name])
            found = facts.kept(workspace, f"tables of {name}", database.tables)
        except DataError as error:
            return [], error.sentence
        finally:
            if database is not None:
                database.close()
        rows: list[Row] = []
        for each in found:
            full, short = f"{name}.{each['name']}", each["name"].rpartition(".")[2].casefold()
            if fnmatchcase(short, pattern) or fnmatchcase(full.casefold(), pattern) or match(pattern, short) >= 3.0:
                rows.append((full, each["kind"], None, None, each["owner"], each["size"], database.place))
        return rows, ""

    answers = facts.in_parallel(ask, sorted(workspace.settings.databases))
    return [row for rows, _ in answers for row in rows], [said for _, said in answers if said]


def _files_named(pattern: str) -> list[Row]:
    from datetime import UTC, datetime

    rows: list[Row] = []
    for path in _files():
        stem = path.name.removesuffix(".gz").rpartition(".")[0].casefold()
        if fnmatchcase(stem, pattern) or fnmatchcase(path.name.casefold(), pattern) or match(pattern, stem) >= 3.0:
            status = path.stat()
            changed = datetime.fromtimestamp(status.st_mtime, UTC)
            rows.append((path.name, "file", None, changed, None, status.st_size, str(path)))
    return rows[:SHOWN]


def _files() -> Iterator[Path]:
    """Data files of the current folder and the home; not those of environments, caches and hidden folders."""
    seen: set[Path] = set()
    left = _FILES
    for start in dict.fromkeys((Path.cwd(), Path.home())):
        for folder, folders, names in os.walk(start):
            depth = len(Path(folder).relative_to(start).parts)
            folders[:] = sorted(each for each in folders if depth < _DEPTH and not _passed_by(Path(folder) / each))
            left -= len(names) + len(folders)
            if left < 0:
                return
            for name in sorted(names):
                path = Path(folder) / name
                if path not in seen and name.lower().removesuffix(".gz").endswith(tuple(FORMATS)):
                    seen.add(path)
                    yield path


def _passed_by(folder: Path) -> bool:
    return folder.name.startswith(".") or folder.name in _PASSED_BY or (folder / "pyvenv.cfg").exists()

"""Iceberg tables of the metastore, read by pyiceberg; no other module of ours uses it for tables.

A record of the metastore (Hive's, Glue's) names the table's metadata file, which is all that a read needs: no catalog
of pyiceberg's is asked. Only read: Iceberg's own programs write.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from data_access.errors import CorruptError, DataError, ForbiddenError, NotFoundError, Reason, UnreachableError
from data_access.metastore.base import TableRecord
from data_access.names import did_you_mean
from data_access.tables import predicate
from data_access.tables.model import Anchor
from data_access.tables.predicate import Predicate, columns_of, expression
from data_access.tables.where import column, predicate_of
from data_access.workspace import Workspace

if TYPE_CHECKING:
    from pyiceberg.expressions import BooleanExpression
    from pyiceberg.table import StaticTable, Table
    from pyiceberg.table.snapshots import Snapshot

METADATA = "metadata_location"


def load_arrow(  # noqa: PLR0913
    workspace: Workspace,
    record: TableRecord,
    columns: Sequence[str] | None = None,
    where: object = None,
    as_of: Any = None,
    *,
    limit: int | None = None,
) -> pa.Table:
    """The table, or the part that is asked for; `columns` in their order.

    `where` as for `load_dataframe`; `as_of`: a snapshot's id, the name of a tag or branch, an aware datetime (the
    newest snapshot that is not later), or an anchor of a table that was read. Raises DataError: unknown-column,
    bad-predicate, unknown-commit, bad-argument, corrupt, forbidden, unreachable.
    """
    from data_access.provenance import note_read

    table = IcebergTable(workspace, record, as_of)
    if table.anchor is not None:
        note_read(table.anchor)
    names = table.schema.names if columns is None else [column(name, table.schema).name for name in columns]
    wanted = predicate_of(where, table.schema)
    needed = list(dict.fromkeys([*names, *columns_of(wanted)]))
    read = table.batches(needed, wanted, limit=limit if wanted is None else None)
    if wanted is None:
        return read.read_all().select(names)
    kept = pa.Table.from_batches(
        [each for batch in read for each in pa.Table.from_batches([batch]).filter(expression(wanted)).to_batches()],
        read.schema,
    )
    return kept.select(names) if limit is None else kept.select(names).slice(0, limit)


class IcebergTable:
    """One table at one of its snapshots; a source of `sql`, too."""

    def __init__(self, workspace: Workspace, record: TableRecord, as_of: Any = None) -> None:
        self.record = record
        with _told(record):
            self._table = _opened(workspace, record)
            self._snapshot = snapshot_at(self._table, record, as_of)
            self.schema = _schema(self._table, self._at())

    @property
    def anchor(self) -> Anchor | None:
        """Which snapshot this is, by its sequence number and id; None of a table that has none yet."""
        if self._snapshot is None:
            return None
        return Anchor(self.record.name, self._snapshot.sequence_number or 0, str(self._snapshot.snapshot_id))

    def open(self, columns: list[str], filter_: pc.Expression | None) -> pa.RecordBatchReader:
        """At least the rows that pass the filter; files and row groups that can't hold one are left out."""
        from data_access.query.filters import understood
        from data_access.query.lake import predicate_from

        tree = None if filter_ is None else understood(filter_, self.schema)
        return self.batches(columns, None if tree is None else predicate_from(tree, self.schema))

    def batches(
        self, columns: Sequence[str], where: Predicate | None, limit: int | None = None
    ) -> pa.RecordBatchReader:
        """At least the rows that are wanted, with these columns in their order."""
        fields = pa.schema([self.schema.field(name) for name in columns])
        return pa.RecordBatchReader.from_batches(fields, self._scanned(fields, where, limit))

    def _scanned(self, fields: pa.Schema, where: Predicate | None, limit: int | None) -> Iterator[pa.RecordBatch]:
        with _told(self.record):
            scan = self._table.scan(
                row_filter=pushed(where), selected_fields=tuple(fields.names), limit=limit, **self._at()
            )
            for batch in scan.to_arrow_batch_reader():
                yield from pa.Table.from_batches([batch]).select(fields.names).cast(fields).to_batches()

    def _at(self) -> dict[str, Any]:
        return {} if self._snapshot is None else {"snapshot_id": self._snapshot.snapshot_id}


def _opened(workspace: Workspace, record: TableRecord) -> StaticTable:
    from pyiceberg.table import StaticTable

    location = record.parameters.get(METADATA)
    if not location:
        raise CorruptError(
            Reason.CORRUPT,
            f"{record.name} says that it is an Iceberg table, but not where its metadata are.",
            f"Its parameter '{METADATA}' is missing: repair it with the program that made it.",
        )
    return StaticTable.from_metadata(location, properties(workspace))


def properties(workspace: Workspace) -> dict[str, str]:
    """How pyiceberg reaches S3: the same server and the same chain of credentials as everything else here."""
    from data_access.storage.credentials import Chain, NoCredentialsError, server

    chain = Chain()
    where = server(workspace.settings.s3, chain)
    found = {
        "py-io-impl": "pyiceberg.io.pyarrow.PyArrowFileIO",
        "s3.region": where.region,
        "s3.force-virtual-addressing": str(not where.path_style).lower(),
    }
    if where.endpoint:
        found["s3.endpoint"] = where.endpoint
    if chain.anonymous:
        return {**found, "s3.anonymous": "true"}
    try:
        key = chain()
    except NoCredentialsError:
        return found  # a table on disk needs none; S3 says itself that it wants some
    found |= {"s3.access-key-id": key["access_key_id"], "s3.secret-access-key": key["secret_access_key"]}
    return found | ({"s3.session-token": key["token"]} if key["token"] else {})


def snapshot_at(table: Table, record: TableRecord, as_of: Any) -> Snapshot | None:
    """Raises NotFoundError(unknown-commit), DataError(bad-argument)."""
    if as_of is None:
        return table.current_snapshot()
    if isinstance(as_of, str) and "@" in as_of:
        as_of = _anchor(as_of)
    if isinstance(as_of, Anchor):
        as_of = int(as_of.id) if as_of.id.isdigit() else as_of.id
    if isinstance(as_of, datetime):
        if as_of.tzinfo is None:
            raise _bad(as_of, "it has no time zone.")
        found = table.snapshot_as_of_timestamp(int(as_of.timestamp() * 1000))
    elif isinstance(as_of, int) and not isinstance(as_of, bool):
        found = table.snapshot_by_id(as_of)
    elif isinstance(as_of, str):
        found = table.snapshot_by_name(as_of)
    else:
        raise _bad(as_of, f"a {type(as_of).__name__} names none.")
    if found is None:
        named = [str(each.snapshot_id) for each in table.snapshots()] + list(table.metadata.refs)
        raise NotFoundError(
            Reason.UNKNOWN_COMMIT,
            f"The Iceberg table {record.name} has no snapshot {as_of}.",
            did_you_mean(str(as_of), named),
        )
    return found


def _anchor(text: str) -> Anchor:
    try:
        return Anchor.parse(text)
    except ValueError as error:
        raise _bad(text, "an anchor looks like sales.orders@3:4358109269873137077.") from error


def _bad(as_of: object, why: str) -> DataError:
    return DataError(
        Reason.BAD_ARGUMENT,
        f"as_of={as_of!r} names no snapshot: {why}",
        "Give a snapshot's id, a tag or branch, or an aware datetime.",
    )


def _schema(table: Table, at: dict[str, Any]) -> pa.Schema:
    """What batches have, without Iceberg's numbers of fields, which no reader of ours needs."""
    from pyiceberg.io.pyarrow import schema_to_pyarrow

    found = schema_to_pyarrow(table.scan(**at).projection(), include_field_ids=False)
    return pa.schema([pa.field(each.name, _small(each.type), each.nullable) for each in found])


def _small(kind: pa.DataType) -> pa.DataType:
    """Texts and bytes with short offsets, as our own tables have them; nested types as they are."""
    return {pa.large_string(): pa.string(), pa.large_binary(): pa.binary()}.get(kind, kind)


# Which rows


def pushed(where: Predicate | None) -> BooleanExpression:  # noqa: PLR0911 - a case each
    """What pyiceberg is told: lets pass all that `where` does, perhaps more. Pure."""
    from pyiceberg import expressions

    ice: Any = expressions  # by their types they take none of the arguments that their __init__ takes

    match where:
        case predicate.And(parts):
            return _all([pushed(part) for part in parts])
        case predicate.Or(parts):
            return _any([pushed(part) for part in parts])
        case predicate.Not(predicate.IsNull(name)):
            return ice.NotNull(name)
        case predicate.IsNull(name):
            return ice.IsNull(name)
        case predicate.IsNan(name):
            return ice.IsNaN(name)
        case predicate.Compare(name, operator, value):
            literal = _literal(value)
            return ice.AlwaysTrue() if literal is None else _compare(operator)(name, literal)
        case predicate.Among(name, values):
            literals = [_literal(value) for value in values]
            return ice.AlwaysTrue() if any(each is None for each in literals) else ice.In(name, literals)
        case predicate.Like(name, _, _) if where.prefix:
            return ice.StartsWith(name, where.prefix)
    return ice.AlwaysTrue()


def _all(parts: Sequence[BooleanExpression]) -> BooleanExpression:
    from pyiceberg.expressions import AlwaysTrue, And

    given = [part for part in parts if not isinstance(part, AlwaysTrue)]
    return And(*given) if len(given) > 1 else given[0] if given else AlwaysTrue()


def _any(parts: Sequence[BooleanExpression]) -> BooleanExpression:
    from pyiceberg.expressions import AlwaysTrue, Or

    if any(isinstance(part, AlwaysTrue) for part in parts):
        return AlwaysTrue()
    return Or(*parts) if len(parts) > 1 else parts[0]


def _compare(operator: str) -> Any:
    from pyiceberg import expressions as ice

    return {
        "=": ice.EqualTo, "!=": ice.NotEqualTo, "<": ice.LessThan, "<=": ice.LessThanOrEqual,
        ">": ice.GreaterThan, ">=": ice.GreaterThanOrEqual,
    }[operator]  # fmt: skip


def _literal(value: pa.Scalar) -> Any:
    """None for what Iceberg's literals don't hold exactly, such as nanoseconds."""
    if pa.types.is_timestamp(value.type) and value.type.unit == "ns":
        return None
    python = value.as_py()
    return python if isinstance(python, bool | int | float | str | bytes | Decimal | date | datetime) else None


# What went wrong


@contextmanager
def _told(record: TableRecord) -> Iterator[None]:
    """pyiceberg's and Arrow's exceptions as ours."""
    from pyiceberg import exceptions

    try:
        yield
    except DataError:
        raise
    except FileNotFoundError as error:
        raise CorruptError(
            Reason.CORRUPT,
            f"A file of the Iceberg table {record.name} is gone: {_line(error)}.",
            "Roll the table back, or repair it, with the program that made it.",
        ) from error
    except PermissionError as error:
        raise _forbidden(record, error) from error
    except exceptions.NotInstalledError as error:
        raise DataError(
            Reason.NOT_INSTALLED, f"{record.name} can't be read here: {_line(error)}.", "Install it."
        ) from error
    except (exceptions.ValidationError, pa.ArrowInvalid, pa.ArrowNotImplementedError, ValueError, KeyError) as error:
        raise CorruptError(
            Reason.CORRUPT,
            f"The Iceberg table {record.name} can't be read: {_line(error)}.",
            f"Its metadata are at {record.parameters.get(METADATA)}; check it with the program that made it.",
        ) from error
    except OSError as error:
        if "ACCESS_DENIED" in str(error) or "HTTP response code 403" in str(error):
            raise _forbidden(record, error) from error
        raise UnreachableError(
            Reason.UNREACHABLE, f"The files of {record.name} can't be reached: {_line(error)}.", "Try again later."
        ) from error


def _forbidden(record: TableRecord, error: Exception) -> ForbiddenError:
    return ForbiddenError(
        Reason.FORBIDDEN, f"You may not read the files of {record.name}: {_line(error)}.", "Ask your admin for access."
    )


def _line(error: Exception) -> str:
    text = str(error).splitlines()
    return text[0].rstrip(".") if text else type(error).__name__

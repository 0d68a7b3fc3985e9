"""Which rows two tables don't share. Pure, on Arrow.

Rows are compared by a digest of their values, column by column, so that any type is compared, nested ones too; NaN is
equal to NaN and null to null.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

import pyarrow as pa

from data_access.errors import DataError, Reason
from data_access.names import did_you_mean

#: Rows turned into Python values at once.
CHUNK = 65_536


def compare(before: pa.Table, after: pa.Table, keys: Sequence[str]) -> tuple[pa.Table, pa.Table, pa.Table | None]:
    """Rows of `after` that are new, rows of `before` that are gone, and rows of `after` whose key was there with other
    values (None without keys). Columns that one lacks are not compared.

    Raises DataError(unknown-column), DataError(bad-argument) when keys don't name one row each.
    """
    shared = [name for name in before.column_names if name in after.column_names]
    for key in keys:
        if key not in shared:
            raise DataError(
                Reason.UNKNOWN_COLUMN, f"keys names '{key}', which is not in both.", did_you_mean(key, shared)
            )
    before = _as_now(before, after)
    if keys:
        return _by_key(before, after, shared, list(keys))
    left = Counter(_digests(before, shared))
    added = []
    for index, digest in enumerate(_digests(after, shared)):
        if left[digest]:
            left[digest] -= 1
        else:
            added.append(index)
    where = defaultdict(list)
    for index, digest in enumerate(_digests(before, shared)):
        if left[digest]:
            where[digest].append(index)
    removed = sorted(index for digest, indices in where.items() for index in indices[-left[digest] :])
    return after.take(pa.array(added, pa.int64())), before.take(pa.array(removed, pa.int64())), None


def _as_now(before: pa.Table, after: pa.Table) -> pa.Table:
    """With the types of `after`, where those were widened since: 1 and 1.0 are no difference."""
    types = {field.name: field.type for field in after.schema}
    fields = [field.with_type(types.get(field.name, field.type)) for field in before.schema]
    try:
        return before.cast(pa.schema(fields))
    except pa.ArrowInvalid:  # another column of the same name: then its values differ
        return before


def _by_key(
    before: pa.Table, after: pa.Table, shared: Sequence[str], keys: list[str]
) -> tuple[pa.Table, pa.Table, pa.Table]:
    was, now = (dict(_keyed(table, shared, keys)) for table in (before, after))
    for table, found in ((before, was), (after, now)):
        if len(found) != table.num_rows:
            raise DataError(
                Reason.BAD_ARGUMENT,
                f"{', '.join(keys)} does not name one row each: {table.num_rows - len(found):,} rows share one.",
                "Add columns to keys=, or leave it out.",
            )
    added = [index for key, (index, _) in now.items() if key not in was]
    removed = [index for key, (index, _) in was.items() if key not in now]
    changed = [index for key, (index, digest) in now.items() if key in was and was[key][1] != digest]
    return (
        after.take(pa.array(added, pa.int64())),
        before.take(pa.array(removed, pa.int64())),
        after.take(pa.array(changed, pa.int64())),
    )


def _keyed(table: pa.Table, shared: Sequence[str], keys: Sequence[str]) -> Iterator[tuple[bytes, tuple[int, bytes]]]:
    digests = zip(_digests(table, keys), _digests(table, shared), strict=True)
    return ((key, (index, whole)) for index, (key, whole) in enumerate(digests))


def _digests(table: pa.Table, names: Sequence[str]) -> Iterator[bytes]:
    """One per row; values are compared as Python shows them."""
    for batch in table.select(list(names)).to_batches(max_chunksize=CHUNK):
        columns = [each.to_pylist() for each in batch.columns]
        for row in zip(*columns, strict=True):
            yield hashlib.blake2b(repr(row).encode("utf-8", "surrogatepass"), digest_size=16).digest()

"""What a new column has to satisfy: its name, its type, and how it is remembered. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pyarrow as pa

from data_access.errors import Reason, SchemaError
from data_access.tables.hive_types import wrong_name
from data_access.tables.stored_schema import CATEGORIES_LIMIT, categories_of, counting

#: The folder of a batch is `batch_id=…`: a column of that name would be read from the path by others.
RESERVED = "batch_id"


def check_names(names: Sequence[str], there: Iterable[str] = ()) -> list[tuple[str, str]]:
    """(what is wrong, what to do) of new columns' names, beside those that are there."""
    wrong = []
    seen = {name.lower(): name for name in there}
    for name in names:
        known = seen.setdefault(name.lower(), name)
        if name.lower() == RESERVED:
            wrong.append((f"Column '{name}' has the name of the folders of batches", "Rename it."))
        elif why := wrong_name(name):
            wrong.append((f"Column {name!r} can't have that name: {why}", "Rename it."))
        elif known != name:
            wrong.append((f"Columns '{known}' and '{name}' differ in case only, which Hive ignores", "Rename one."))
    duplicates = sorted({name for name in names if list(names).count(name) > 1})
    wrong.extend((f"There are several columns '{name}'", "Rename or drop all but one.") for name in duplicates)
    return wrong


def told(wrong: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """One problem as sentence and remedy; several as lines, each with its own remedy."""
    if len(wrong) == 1:
        return f"{wrong[0][0]}.", wrong[0][1]
    lines = "\n".join(f"  - {what}. {remedy}" for what, remedy in wrong)
    return f"{len(wrong)} columns can't be stored:\n{lines}", "\nNothing was written."


def logical_field(field: pa.Field) -> pa.Field:
    """What a reader gets back; indices of a dictionary whose categories are not known before can count any number."""
    if not pa.types.is_dictionary(field.type):
        return field.with_type(counting(field.type))
    if categories_of(field) is not None:
        return field
    if field.type.ordered:
        raise SchemaError(
            Reason.UNSUPPORTED_TYPE,
            f"Column '{field.name}' is an ordered categorical whose order is not known or too long to keep"
            f" ({CATEGORIES_LIMIT // 1024} KiB).",
            "Store it from one frame with fewer categories, or as text: .astype(str).",
        )
    return field.with_type(counting(field.type))

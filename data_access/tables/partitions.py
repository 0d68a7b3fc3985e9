"""Values of partitions: as Python has them, as canonical text, as Hive writes them into a path. Pure.

| Hive type | canonical text |
|---|---|
| tinyint … bigint | decimal digits: `1`, `-7`; never `01` or `+1` |
| boolean | `true`, `false` |
| date | `2026-11-20` |
| string | itself; neither empty nor `__HIVE_DEFAULT_PARTITION__`, which is how Hive writes null |

null is None. A manifest keeps canonical text, the metastore the same with null as `__HIVE_DEFAULT_PARTITION__`; only a
folder's name is escaped, and where it would be longer than a file system takes, shortened (`path_of`). Nothing reads a
value back from a folder's name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from data_access.tables.model import PartitionValues
from data_access.tables.partition_selection import Selection, selector
from data_access.tables.partition_values import NULL, canonical, canonical_value, typed

__all__ = [
    "NULL",
    "Selection",
    "canonical",
    "canonical_value",
    "escape",
    "from_hive",
    "hive_values",
    "path_of",
    "selector",
    "typed",
    "unescape",
]

#: What Hive escapes in a path (org.apache.hadoop.hive.common.FileUtils), as %XX.
ESCAPED = frozenset([*map(chr, range(1, 32)), *"\"#%'*/:=?\\{[]^\x7f"])
#: Bytes in a name of a file or folder on Linux' file systems; for all partition columns together less, since a key
#: on S3 has 1,024 bytes, of which root, batch and file need theirs.
SEGMENT_LIMIT, PATH_LIMIT = 255, 640


def hive_values(values: PartitionValues) -> tuple[str, ...]:
    """As a metastore has them."""
    return tuple(NULL if value is None else value for value in values)


def from_hive(values: Sequence[str]) -> PartitionValues:
    """From a metastore."""
    return tuple(None if value == NULL else value for value in values)


def escape(text: str) -> str:
    """As Hive writes it into a path."""
    return "".join(f"%{ord(each):02X}" if each in ESCAPED else each for each in text)


def unescape(text: str) -> str:
    """From a path that Hive wrote; a % without two hex digits behind it stays."""
    out, rest = [], text
    while "%" in rest:
        before, _, rest = rest.partition("%")
        out.append(before)
        code = rest[:2]
        if len(code) == 2 and all(each in "0123456789abcdefABCDEF" for each in code):
            out.append(chr(int(code, 16)))
            rest = rest[2:]
        else:
            out.append("%")
    return "".join([*out, rest])


def path_of(keys: Sequence[str], values: PartitionValues) -> str:
    """The folder of a partition, relative to the table's root: `day=2026-11-20/shop=a%2Fb`; "" without keys.

    A segment that would be longer than file systems take is cut and ends in `=` and 16 hex digits of the value's
    sha256: `=` never occurs in an escaped value, so no other value has that folder.
    """
    limit = min(SEGMENT_LIMIT, PATH_LIMIT // len(keys)) if keys else 0
    return "/".join(_segment(key, value, limit) for key, value in zip(keys, hive_values(values), strict=True))


def _segment(key: str, value: str, limit: int) -> str:
    segment = f"{escape(key)}={escape(value)}"
    if len(segment.encode()) <= limit:
        return segment
    mark = f"={hashlib.sha256(value.encode()).hexdigest()[:16]}"
    kept = f"{escape(key)}=" if len(escape(key).encode()) + 1 + len(mark) <= limit else ""
    room = limit - len(kept.encode()) - len(mark)
    for each in value:
        piece = escape(each)
        room -= len(piece.encode())
        if room < 0:
            break
        kept += piece
    return kept + mark

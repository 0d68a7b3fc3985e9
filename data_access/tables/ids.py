"""ULIDs: names of commits and batches that sort by the time they were made.

48 bits of milliseconds, 80 of chance, in Crockford's base 32: https://github.com/ulid/spec.
"""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime

_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")


def ulid(now: datetime) -> str:
    """A new one; `now` is aware."""
    value = int(now.timestamp() * 1000) << 80 | int.from_bytes(os.urandom(10), "big")
    return "".join(_DIGITS[value >> shift & 31] for shift in range(125, -1, -5))


def is_ulid(text: str) -> bool:
    return _ULID.fullmatch(text) is not None


def ulid_time(text: str) -> datetime:
    """When it was made, by the clock of whoever made it. Raises ValueError."""
    if not is_ulid(text):
        raise ValueError(f"'{text}' is no ULID")
    milliseconds = 0
    for digit in text[:10]:
        milliseconds = milliseconds << 5 | _DIGITS.index(digit)
    return datetime.fromtimestamp(milliseconds / 1000, UTC)

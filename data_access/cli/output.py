"""An answer as text for people or as JSON for programs."""

from __future__ import annotations

import base64
import dataclasses
import json
import math
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any


@dataclass(frozen=True)
class Answer:
    """`value` is what `--json` gives, `text` what a person reads; `failed` makes the exit code 1."""

    value: Any
    text: str
    failed: bool = False


def write(answer: Answer, *, as_json: bool) -> None:
    if as_json:
        json.dump(plain(answer.value), sys.stdout, ensure_ascii=False, indent=2 if sys.stdout.isatty() else None)
        print()
    elif answer.text:
        print(answer.text)
    sys.stdout.flush()


def plain(value: Any) -> Any:  # noqa: PLR0911 - a case each
    """As JSON has it: times as ISO 8601, durations in seconds, decimals and what else has no JSON type as text, bytes
    as base64. Pure."""
    if value is None or isinstance(value, bool | int | str):
        return value.value if isinstance(value, Enum) else value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, bytes | memoryview):
        return base64.b64encode(value).decode()
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        if _is_name(value):
            return str(value)
        return {each.name: plain(getattr(value, each.name)) for each in dataclasses.fields(value)}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(each) for each in value]
    return str(value)


def _is_name(value: Any) -> bool:
    """Tables and anchors are what they are written as."""
    return type(value).__name__ in ("TableName", "Anchor")


def width() -> int:
    """Of the terminal; where there is none, wide enough that nothing is cut in a file or a pipe."""
    return shutil.get_terminal_size((120, 24)).columns if sys.stdout.isatty() else 10_000

"""Types of columns in words: one set of them, wherever a person reads them. Pure.

`int64` and `float64` are called what pandas, Polars and Arrow call them; whether a text's offsets are long, and which
integers number the categories, is nothing to know about a column. Arrow's texts and Hive's are both understood; what is
not is left as it is.
"""

from __future__ import annotations

import re
from functools import lru_cache

_NAMES = {
    "halffloat": "float16", "float": "float32", "double": "float64", "large_string": "string", "string_view": "string",
    "large_binary": "binary", "binary_view": "binary", "date32[day]": "date", "date64[ms]": "date",
    "tinyint": "int8", "smallint": "int16", "int": "int32", "integer": "int32", "bigint": "int64", "boolean": "bool",
}  # fmt: skip
_NESTED = re.compile(r"(\w+)<(.*)>(?:\[(\d+)\])?", re.DOTALL)
_CATEGORIES = re.compile(r"values=(.*), indices=\w+, ordered=(0|1|true|false)", re.DOTALL)
_LISTS = {"list", "large_list", "list_view", "large_list_view", "fixed_size_list", "array"}


@lru_cache(maxsize=4096)
def in_words(of: str) -> str:
    """`dictionary<values=large_string, indices=int8, ordered=0>` → `categorical of string`."""
    text = of.strip().removesuffix(" not null")
    if text.lower() in _NAMES:
        return _NAMES[text.lower()]
    if found := re.fullmatch(r"decimal\d*\((\d+), ?(\d+)\)", text):
        return f"decimal({found[1]}, {found[2]})"
    if found := re.fullmatch(r"time(?:32|64)(\[\w+\])", text):
        return f"time{found[1]}"
    if found := re.fullmatch(r"fixed_size_binary\[(\d+)\]", text):
        return f"binary[{found[1]}]"
    nested = _NESTED.fullmatch(text)
    return text if nested is None else _nested(text, nested[1], nested[2], nested[3])


def _nested(text: str, kind: str, inner: str, length: str | None) -> str:
    if kind == "dictionary" and (found := _CATEGORIES.fullmatch(inner)):
        return f"{'ordered ' if found[2] in ('1', 'true') else ''}categorical of {in_words(found[1])}"
    parts = _parts(inner)
    if kind in _LISTS and len(parts) == 1:
        return f"list{f'[{length}]' if length else ''} of {in_words(_type_of(parts[0]))}"
    if kind == "map" and len(parts) == 2:
        return f"map of {in_words(parts[0])} to {in_words(_NAMED_VALUES.sub('', parts[1]))}"
    if kind == "struct":
        fields = (each.partition(":") for each in parts)
        return f"struct({', '.join(f'{name.strip()}: {in_words(type_)}' for name, _, type_ in fields if type_)})"
    return text


#: Arrow says how a map's values are called, where it is not `value`.
_NAMED_VALUES = re.compile(r" \('.*'\)$")


def _type_of(item: str) -> str:
    """Of `item: string`; Hive names no items."""
    name, colon, type_ = item.partition(": ")
    return type_ if colon and "<" not in name else item


def _parts(inner: str) -> list[str]:
    """At the commas that are in no brackets."""
    parts, depth, start = [], 0, 0
    for at, sign in enumerate(inner):
        if sign in "<([":
            depth += 1
        elif sign in ">)]":
            depth -= 1
        elif sign == "," and depth == 0:
            parts.append(inner[start:at].strip())
            start = at + 1
    return [*parts, inner[start:].strip()]

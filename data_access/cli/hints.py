"""What the module says in Python, said as commands: the terminal's hints name what can be typed there. Pure."""

from __future__ import annotations

import re
from dataclasses import replace

from data_access.discover.listing import Listing

#: Public verb → command, and what stands after its arguments.
_COMMANDS = {
    "anchor": ("anchor", ""), "browse": ("ls", ""), "copy": ("copy", ""), "diff": ("diff", ""),
    "drop_table": ("drop", ""), "gc": ("gc", ""), "history": ("history", ""), "lineage": ("lineage", ""),
    "move": ("move", ""), "preview": ("head", ""), "release": ("anchor", "--release"), "rollback": ("rollback", ""),
    "search": ("search", ""), "sql": ("sql", ""), "tag": ("tag", ""), "tags": ("tag", ""), "untag": ("tag", "--delete"),
    "where_is": ("where", ""),
}  # fmt: skip
_CALL = re.compile(rf"(?<![\w.])({'|'.join(_COMMANDS)})\(([^()]*)\)")
_KEYWORD = re.compile(r"(?<![\w-])(overwrite|resume|move)=True")
_PLACEHOLDERS = {"table": "TABLE", "name": "NAME", "commit": "COMMIT", "anchor": "ANCHOR"}


def in_shell(text: str) -> str:
    """`history("sales.orders") lists them.` → `data-access history sales.orders lists them.`"""
    return _KEYWORD.sub(lambda found: f"--{found[1]}", _CALL.sub(_command, text))


def listing_in_shell(listing: Listing) -> Listing:
    """Its notes."""
    sections = tuple(replace(each, note=in_shell(each.note)) for each in listing.sections)
    return replace(listing, sections=sections, note=in_shell(listing.note))


def _command(found: re.Match[str]) -> str:
    command, after = _COMMANDS[found[1]]
    words = [_word(each.strip(), of=found[1]) for each in found[2].split(",") if each.strip()]
    return " ".join(filter(None, ["data-access", command, *words, after]))


def _word(argument: str, *, of: str) -> str:
    name, equals, value = argument.partition("=")
    if equals and name.isidentifier():
        if (name, value) == ("limit", "None"):
            return "--all"
        return f"--{name.replace('_', '-')}" + ("" if value == "True" else f" {value.strip(chr(34) + chr(39))}")
    word = argument.strip("\"'")
    if of == "search" and word != argument:
        return word  # words, each of its own
    word = _PLACEHOLDERS.get(word, word)
    return f"'{word}'" if re.search(r"[\s*?$&;|<>\"]", word) else word

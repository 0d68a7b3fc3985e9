"""One parser for a choice of machine, whatever way it came: form, query, REST body, PATCH, or a replay of the last one.

It decides only what was *said*. Whether this person may have it is `profiles.resolve.resolve`, at every start.
Anything that cannot be read raises `MalformedChoice` and nothing else: no value is guessed, trimmed or dropped,
apart from the options of cards that were not chosen, which a form always posts.

Accepted
--------
form, query   `profile`, `option.<profile>.<option>`, `rescue`, `run_for` (`4h`); also KubeSpawner's
              `profile-option-<profile>--<option>`
stored, REST  `{"profile": "gpu", "options": {"gpus": "2"}, "rescue": true, "run_for": "4h"}`; numbers may be JSON
              integers (seconds, for `run_for`), and KubeSpawner's flat `profile-option-<profile>--<option>` keys may
              stand in place of `options`
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from profiles.choice import MachineChoice, run_for_of
from profiles.quantity import BadQuantity, Duration
from profiles.refusal import Reason, Refusal

#: The characters of profile and option names; `fullmatch`, never `match` (an unanchored `^ok` admits `ok;anything`).
NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,62}[A-Za-z0-9])?")
MAX_VALUE = 256  # characters of one option's value; image references fit
MAX_OPTIONS = 32
MAX_FIELDS = 1024  # of a whole form: a catalog's every card posts its selects
#: Fields of the page's form that are about the page and not about the machine.
PAGE_FIELDS = frozenset({"_xsrf", "next", "for_user"})

_KEYS = frozenset({"profile", "options", "rescue", "run_for"})
_FIELDS = frozenset({"profile", "rescue", "run_for"})
_FORM_OPTION = "option."
_FLAT_OPTION = "profile-option-"
_YES = frozenset({"1", "true", "on", "yes"})
_NO = frozenset({"", "0", "false", "off", "no"})


class MalformedChoice(ValueError):
    """The choice cannot be read; `refusal` says why in words for the person who sent it."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.refusal = Refusal(
            reason=Reason.MALFORMED_CHOICE,
            sentence=f"The choice of machine could not be read: {problem}.",
            remedy="Open the spawn page and choose a machine there.",
        )


def from_form(formdata: Mapping[str, list[str]]) -> MachineChoice:
    """The spawn page's form, as JupyterHub hands it over: every field a list of strings."""
    return _from_fields(formdata)


def from_query(query: Mapping[str, Any]) -> MachineChoice:
    """A spawn link's query (JupyterHub has taken `opt-` off): lists of strings, or plain strings."""
    return _from_fields(query)


def from_user_options(stored: Mapping[str, Any] | None) -> MachineChoice:
    """A REST body, a PATCH, or the options JupyterHub stored at the last start. None and {}: the default machine."""
    if stored is None:
        return MachineChoice(profile=None, options={})
    if not isinstance(stored, Mapping):
        raise MalformedChoice(f"expected an object with 'profile' and 'options', not {_kind(stored)}")
    if len(stored) > MAX_FIELDS:
        raise MalformedChoice(f"it has {len(stored)} fields, more than the {MAX_FIELDS} allowed")
    for key in stored:
        if not isinstance(key, str) or not (key in _KEYS or key.startswith(_FLAT_OPTION)):
            raise MalformedChoice(f"{_quoted(key)} is not a field of a choice")
    profile = _profile(stored.get("profile"))
    options = _options(stored.get("options"))
    flat = _flat_options(stored, profile)
    if options and flat:
        raise MalformedChoice("options are given twice, as 'options' and as 'profile-option-…' fields")
    return _choice(profile, options or flat, _rescue(stored.get("rescue", False)), _run_for(stored.get("run_for")))


def _from_fields(fields: Mapping[str, Any]) -> MachineChoice:
    if not isinstance(fields, Mapping):
        raise MalformedChoice(f"expected form fields, not {_kind(fields)}")
    if len(fields) > MAX_FIELDS:
        raise MalformedChoice(f"it has {len(fields)} fields, more than the {MAX_FIELDS} allowed")
    for key in fields:
        if not isinstance(key, str) or not (
            key in PAGE_FIELDS | _FIELDS or key.startswith((_FORM_OPTION, _FLAT_OPTION))
        ):
            raise MalformedChoice(f"{_quoted(key)} is not a field of a choice")
    profile = _profile(_single(fields["profile"], "profile") if "profile" in fields else None)
    options = _form_options(fields, profile)
    flat = _flat_options(fields, profile)
    if options and flat:
        raise MalformedChoice("options are given twice, as 'option.…' and as 'profile-option-…' fields")
    run_for = _run_for(_single(fields["run_for"], "run_for") if "run_for" in fields else None)
    return _choice(profile, options or flat, _rescue_field(fields.get("rescue", ())), run_for)


def _form_options(fields: Mapping[str, Any], profile: str | None) -> dict[str, str]:
    """Only the chosen card's selects count; the page posts those of every card."""
    prefix = f"{_FORM_OPTION}{profile}."
    return {
        _name(key[len(prefix) :], "option"): _value(_single(value, key), key)
        for key, value in fields.items()
        if profile is not None and key.startswith(prefix)
    }


def _flat_options(fields: Mapping[str, Any], profile: str | None) -> dict[str, str]:
    prefix = f"{_FLAT_OPTION}{profile}--"
    return {
        _name(key[len(prefix) :], "option"): _value(_single(value, key), key)
        for key, value in fields.items()
        if profile is not None and key.startswith(prefix)
    }


def _choice(
    profile: str | None, options: dict[str, str], rescue: bool, run_for: Duration | None
) -> MachineChoice:
    if len(options) > MAX_OPTIONS:
        raise MalformedChoice(f"it sets {len(options)} options, more than the {MAX_OPTIONS} allowed")
    return MachineChoice(profile=profile, options=options, rescue=rescue, run_for=run_for)


def _profile(value: Any) -> str | None:
    """None and "" both mean the catalog's default machine."""
    if value is None or (isinstance(value, str) and value == ""):
        return None
    if not isinstance(value, str):
        raise MalformedChoice(f"'profile' must be the name of a machine, not {_kind(value)}")
    return _name(value, "machine")


def _options(value: Any) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise MalformedChoice(f"'options' must be an object of names and values, not {_kind(value)}")
    if len(value) > MAX_OPTIONS:
        raise MalformedChoice(f"it sets {len(value)} options, more than the {MAX_OPTIONS} allowed")
    return {_name(name, "option"): _value(chosen, str(name)) for name, chosen in value.items()}


def _name(value: Any, what: str) -> str:
    if not isinstance(value, str) or not NAME.fullmatch(value):
        raise MalformedChoice(f"{_quoted(value)} is not the name of {'an' if what[0] in 'aeiou' else 'a'} {what}")
    return value


def _value(value: Any, where: str) -> str:
    # bool is an int to Python, and `true` was never one of an option's choices.
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**9:
        return str(value)
    if not isinstance(value, str):
        raise MalformedChoice(f"{_quoted(where)} must be one of its listed choices, not {_kind(value)}")
    if not value or len(value) > MAX_VALUE or not value.isprintable() or value != value.strip():
        raise MalformedChoice(f"{_quoted(where)} has the value {_quoted(value)}, which no listed choice has")
    return value


def _single(value: Any, where: str) -> Any:
    """The one value of a form field; stored options have plain values already."""
    if not isinstance(value, (list, tuple)):
        return value
    if len(value) != 1:
        raise MalformedChoice(f"{_quoted(where)} was given {len(value)} times instead of once")
    return value[0]


def _run_for(value: Any) -> Duration | None:
    try:
        return run_for_of(value)
    except BadQuantity as e:
        raise MalformedChoice(f"'run_for' must be a length such as '4h', not {_quoted(value)}") from e


def _rescue(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in _YES | _NO:
        return value.lower() in _YES
    raise MalformedChoice(f"'rescue' must be true or false, not {_quoted(value)}")


def _rescue_field(value: Any) -> bool:
    """A hidden field and its checkbox may both be posted: one yes is a yes."""
    values = value if isinstance(value, (list, tuple)) else [value]
    if len(values) > 2:
        raise MalformedChoice(f"'rescue' was given {len(values)} times instead of once")
    return True in {_rescue(each) for each in values}  # a set: each one is read, also after the first yes


def _kind(value: Any) -> str:
    kinds: dict[type, str] = {bool: "true or false", int: "a number", float: "a number", str: "text", bytes: "bytes"}
    if value is None:
        return "nothing"
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, (list, tuple, set, frozenset)):
        return "a list"
    return kinds.get(type(value), "something else")


def _quoted(value: Any) -> str:
    """What was sent, short and printable: it ends up in a page, a log and a terminal."""
    if not isinstance(value, str):
        return _kind(value)
    short = value if len(value) <= 40 else value[:40] + "…"
    return "'" + "".join(c if c.isprintable() else "�" for c in short) + "'"

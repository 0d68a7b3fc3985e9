"""Why a format does not take a model, and why a model does not take data."""

from __future__ import annotations

from collections.abc import Callable


class Refusal(Exception):
    """One half of a sentence: "the conversion gives no probabilities"."""


def _value_error(sentence: str, remedy: str) -> Exception:
    return ValueError(f"{sentence} {remedy}")


#: (what is wrong, what to do) → the error to raise. `data_access` puts its own here; a copy elsewhere has Python's.
unfit: Callable[[str, str], Exception] = _value_error

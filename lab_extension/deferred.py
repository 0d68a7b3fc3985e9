"""Import a module now and its heavy dependencies only when something really uses them.

JupyterHub's single-user extension imports the Hub's database layer (SQLAlchemy, Alembic), its web handlers and aiohttp,
0.35 s of a 1.2 s start, for names it never touches before the first request. While such a module is imported, stand-ins
take the place of the heavy ones. A stand-in loads the real module at the first attribute it does not know, so a newer
JupyterHub that needs more still works: it is only slower. Afterwards the stand-ins leave `sys.modules`: whoever
imports SQLAlchemy later gets SQLAlchemy.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any


class StandIn(ModuleType):
    """A module that becomes the real one at the first attribute that it was not given."""

    def __getattr__(self, name: str) -> object:
        if name.startswith("__") and name.endswith("__"):  # the import system asks for these; no one else does
            raise AttributeError(name)
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        try:
            return getattr(importlib.import_module(self.__name__), name)
        except ImportError as error:
            raise AttributeError(f"{self.__name__}.{name}: {error}") from error


@contextmanager
def deferred(stand_ins: Mapping[str, Mapping[str, object]]) -> Iterator[None]:
    """Shadow modules by name while importing others; `stand_ins` gives the names that are needed at import time.

    A module that is loaded already is left alone.
    """
    placed: dict[str, StandIn] = {}
    for name, names in stand_ins.items():
        if name in sys.modules:
            continue
        module = StandIn(name, doc=f"Stands in for {name} until it is used.")
        module.__spec__ = ModuleSpec(name, loader=None)
        module.__dict__.update(names)
        placed[name] = sys.modules[name] = module
    try:
        yield
    finally:
        for name, module in placed.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]


def late_function(module: str, name: str, *, unless_installed: object = None) -> Callable[..., Any]:
    """A function that is imported when it is first called; where the module is missing, the answer is a given one."""

    def call(*arguments: Any, **named: Any) -> Any:
        try:
            function = getattr(importlib.import_module(module), name)
        except ImportError:
            if unless_installed is None:
                raise
            return unless_installed
        return function(*arguments, **named)

    call.__name__ = name
    return call


def late_class(module: str, name: str) -> type:
    """A class whose instances are made when something is first asked of them.

    Instances given to one another's constructors, alone or in a mapping, are made together.
    """

    class Late:
        def __init__(self, *arguments: Any, **named: Any) -> None:
            self.__dict__["_late"] = (arguments, named)

        def __getattr__(self, attribute: str) -> Any:
            return getattr(_made(self), attribute)

        def _make(self) -> Any:
            if "_real" not in self.__dict__:
                arguments, named = self.__dict__["_late"]
                real = getattr(importlib.import_module(module), name)
                self.__dict__["_real"] = real(*map(_made, arguments), **{k: _made(v) for k, v in named.items()})
            return self.__dict__["_real"]

    Late.__name__ = Late.__qualname__ = name
    return Late


def _made(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _made(item) for key, item in value.items()}
    return value._make() if "_late" in getattr(value, "__dict__", {}) else value

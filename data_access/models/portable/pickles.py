"""Pickle, joblib and cloudpickle: they keep anything, and loading one runs whatever its author put in.

Code of notebooks and of modules that are in no installed package travels inside a cloudpickle; the rest is by name.
"""

from __future__ import annotations

import pickle
import pickletools
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .example import Example
from .refusal import Refusal

FILE = "model.pkl"


def save_cloudpickle(model: Any, folder: Path, example: Example | None) -> dict[str, Any]:
    import cloudpickle

    try:
        content = cloudpickle.dumps(model)
        own = own_modules(modules_in(content))
        if own:
            with _by_value(own):
                content = cloudpickle.dumps(model)
    except Exception as error:  # whatever __reduce__ of any class raises
        raise Refusal(f"cloudpickle does not take it: {error}") from error
    (folder / FILE).write_bytes(content)
    return {"modules": sorted(modules_in(content)), "carries": own}


def save_pickle(model: Any, folder: Path, example: Example | None) -> dict[str, Any]:
    try:
        content = pickle.dumps(model, protocol=5)
    except Exception as error:
        raise Refusal(f"pickle does not take it: {error}") from error
    return _keep(content, folder)


def save_joblib(model: Any, folder: Path, example: Example | None) -> dict[str, Any]:
    import joblib

    try:
        modules = modules_in(pickle.dumps(model, protocol=5))
        joblib.dump(model, folder / FILE)
    except Exception as error:
        raise Refusal(f"joblib does not take it: {error}") from error
    return {"modules": sorted(modules), "carries": []}


def load_pickle(folder: Path, options: Mapping[str, Any]) -> Any:
    """Runs the artifact's code: only called where somebody said so."""
    with (folder / FILE).open("rb") as file:
        return pickle.load(file)  # noqa: S301 - `load_model` asked for trust before


def load_joblib(folder: Path, options: Mapping[str, Any]) -> Any:
    import joblib

    return joblib.load(folder / FILE)


def _keep(content: bytes, folder: Path) -> dict[str, Any]:
    modules = modules_in(content)
    if "__main__" in modules:
        raise Refusal("it holds classes or functions of this notebook, which a pickle only names")
    (folder / FILE).write_bytes(content)
    return {"modules": sorted(modules), "carries": []}


def modules_in(content: bytes) -> set[str]:
    """The modules that a pickle names, without loading it.

    STACK_GLOBAL takes its module from the stack; every text of the form of a loaded module's name is counted.
    """
    found: set[str] = set()
    for opcode, argument, _ in pickletools.genops(content):
        if opcode.name == "GLOBAL":
            found.add(str(argument).partition(" ")[0])
        elif isinstance(argument, str) and argument in sys.modules and opcode.name.endswith("UNICODE"):
            found.add(argument)
    return found


def own_modules(modules: set[str]) -> list[str]:
    """Those that are files of the user's: neither installed nor Python's own. Sorted."""
    installed = tuple(str(Path(sysconfig.get_path(name))) for name in ("purelib", "platlib", "stdlib"))
    own = []
    for name in modules:
        file = getattr(sys.modules.get(name), "__file__", None)
        if name != "__main__" and file and file.endswith(".py") and not file.startswith(installed):
            own.append(name)
    return sorted(own)


@contextmanager
def _by_value(modules: list[str]) -> Iterator[None]:
    import cloudpickle

    known = cloudpickle.list_registry_pickle_by_value()
    fresh = [sys.modules[name] for name in modules if name not in known]
    for module in fresh:
        cloudpickle.register_pickle_by_value(module)
    try:
        yield
    finally:
        for module in fresh:
            cloudpickle.unregister_pickle_by_value(module)

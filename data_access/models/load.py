"""Loading a model: whole or not at all, and never with code of somebody else unless told to."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from pathlib import Path
from typing import Any

from data_access.errors import CorruptError, DataError, ForbiddenError, Reason
from data_access.models import layout
from data_access.models.artifact import ModelVersion
from data_access.models.portable import refusal, registry
from data_access.models.repository import Repository, temporary
from data_access.progress import progress
from data_access.workspace import Workspace

#: Formats whose files are used as long as the model is.
_STAYS = ("files", "tensorflow")


def _unfit(sentence: str, remedy: str) -> Exception:
    return DataError(Reason.BAD_ARGUMENT, sentence, remedy)


refusal.unfit = _unfit  # what is asked of a model here is refused as everything else is


def load_model(
    name: str | ModelVersion,
    version: int | str | None = None,
    *,
    trust_pickle: bool = False,
    into: Any = None,
    workspace: Workspace | None = None,
) -> Any:
    """A model by name and version or alias: `load_model("churn", 3)`, `load_model("churn@production")`; the newest.

    Every file is compared with its sha256 first. Of format `onnx` you get an `OnnxModel`, of `files` a path, of
    `torch-state` the weights, or `into` (a module of the same shape) with them. `trust_pickle=True` says that you trust
    its author: pickles run code when they are loaded.

    Raises NotFoundError(unknown-model), ForbiddenError(unsafe-format), CorruptError, DataError(not-installed).
    """
    repository = Repository(workspace)
    found = repository.resolve(name, version)
    require_trust(found, trust_pickle)
    format_ = format_of(found)
    if into is not None and found.format != "torch-state":
        raise DataError(
            Reason.BAD_ARGUMENT, f"{found} is kept as {found.format}, which needs no into=.", "Leave into= out."
        )
    with temporary() as scratch:
        target = Path(scratch) if found.format not in _STAYS else _lasting()
        with progress(repository.workspace.settings, f"Loading {found}", size=found.size) as bar:
            folder = repository.fetch(found, target, layout.MODEL, bar.advance)
        return _loaded(found, format_, folder, {} if into is None else {"into": into})


def format_of(version: ModelVersion) -> registry.Format:
    """Raises DataError(unknown-format): a newer version of this module wrote it."""
    if version.format not in registry.FORMATS:
        raise DataError(
            Reason.UNKNOWN_FORMAT,
            f"{version} is kept as {version.format}, which this version of data_access does not know.",
            "Update data_access.",
        )
    return registry.FORMATS[version.format]


def require_trust(version: ModelVersion, trusted: bool) -> None:
    """Raises ForbiddenError(unsafe-format): what the risk is, who made it and when, and how to say that you trust them.

    The format's own risk counts, whatever the manifest says of itself.
    """
    risk = format_of(version).risk
    if risk is None or trusted:
        return
    raise ForbiddenError(
        Reason.UNSAFE_FORMAT,
        f"{version} is kept as {version.format}: {risk}. {version.by} made it on {version.at:%Y-%m-%d}"
        + (f" with {version.code.git_commit[:12]}" if version.code.git_commit else "")
        + f"; anybody who may write to {version.url} could have.",
        "If you trust them, say trust_pickle=True. Saved with example=, most models need no pickle.",
    )


def _loaded(version: ModelVersion, format_: registry.Format, folder: Path, more: dict[str, Any]) -> Any:
    try:
        return registry.load(format_.name, folder, version.options, **more)
    except ImportError as error:
        raise DataError(
            Reason.NOT_INSTALLED,
            f"{version} needs {error.name or error}, which is not installed here; it was made with "
            f"{_made_with(version, error.name)}.",
            "Install it, or take the environment of the model: environment_of() has its lock.",
        ) from error
    except Exception as error:  # each library raises its own
        raise CorruptError(
            Reason.UNREADABLE,
            f"{version} can't be loaded with what is installed here: {type(error).__name__}: {str(error)[:500]}.",
            f"Its files are as they were saved, with {_made_with(version, None)}; verify() loads it with just that.",
        ) from error


def _made_with(version: ModelVersion, module: str | None) -> str:
    top = (module or "").partition(".")[0].replace("_", "-").lower()
    named = [each for each in version.lock.needed if not top or each.name == top] or list(version.lock.needed)
    shown = ", ".join(f"{each.name} {each.version}" for each in named[:8])
    return f"Python {version.lock.python}, {shown}" if shown else f"Python {version.lock.python}"


def _lasting() -> Path:
    """A folder until this process ends."""
    folder = Path(tempfile.mkdtemp(prefix="remuda-model-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder

"""Models, kept with what made them.

    from data_access import models

    kept = models.save_model(forest, "churn", metrics={"auc": 0.91}, example=frame.head(100))
    models.set_alias("churn", "production", kept)
    models.load_model("churn@production").predict(frame)

An artifact is an immutable folder below `settings.models`: files with their sha256, an example with the answer that
the model gave, the environment locked with hashes, code, data anchors, parameters and metrics. `manifest.json`, put
last and only if absent, is the commit point.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from data_access.models.aliases import alias_history, remove_alias, set_alias
    from data_access.models.artifact import AliasChange, ModelVersion
    from data_access.models.comparison import Comparison, compare
    from data_access.models.delete import delete_version
    from data_access.models.describe import diff_of, environment_of, formats, model_version
    from data_access.models.exports import export
    from data_access.models.listing import models, versions
    from data_access.models.load import load_model
    from data_access.models.save import NotPinnedWarning, UnsafeFormatWarning, save_model
    from data_access.models.verification import Verification, verify

_FROM = {
    "aliases": ("alias_history", "remove_alias", "set_alias"),
    "artifact": ("AliasChange", "ModelVersion"),
    "comparison": ("Comparison", "compare"),
    "delete": ("delete_version",),
    "describe": ("diff_of", "environment_of", "formats", "model_version"),
    "exports": ("export",),
    "listing": ("models", "versions"),
    "load": ("load_model",),
    "save": ("NotPinnedWarning", "UnsafeFormatWarning", "save_model"),
    "verification": ("Verification", "verify"),
}
_WHERE = {name: module for module, names in _FROM.items() for name in names}

__all__ = [  # noqa: RUF022 - by module
    "alias_history", "remove_alias", "set_alias", "AliasChange", "ModelVersion", "Comparison", "compare",
    "delete_version", "diff_of", "environment_of", "formats", "model_version", "export", "models", "versions",
    "load_model", "NotPinnedWarning", "UnsafeFormatWarning", "save_model", "Verification", "verify",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_WHERE[name]}"), name)

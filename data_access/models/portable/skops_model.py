"""skops: scikit-learn models without pickle. Types that skops does not know are not trusted on anybody's behalf."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .example import Example
from .refusal import Refusal

FILE = "model.skops"


def save(model: Any, folder: Path, example: Example | None) -> dict[str, Any]:
    """Raises Refusal: it holds types that only a pickle can hold."""
    import skops.io

    skops.io.dump(model, folder / FILE)
    unknown = skops.io.get_untrusted_types(file=folder / FILE)
    if unknown:
        raise Refusal(f"skops does not trust {', '.join(unknown[:3])}{' and more' if len(unknown) > 3 else ''}")
    return {}


def load(folder: Path, options: Mapping[str, Any]) -> Any:
    import skops.io

    return skops.io.load(folder / FILE)

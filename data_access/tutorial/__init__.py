"""A year of flights: the notebook of the first fifteen minutes, and how it comes into one's own folder."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from data_access.errors import DataError, Reason

NAME = "flights.ipynb"


def bring(folder: Path) -> Path:
    """Copy the notebook into a folder. Raises DataError(already-there, unsavable); what is there is never replaced."""
    content = resources.files(__name__).joinpath(NAME).read_bytes()
    target = folder / NAME
    try:
        with target.open("xb") as file:
            file.write(content)
    except FileExistsError as error:
        raise DataError(
            Reason.ALREADY_THERE,
            f"{target} is there already, perhaps with work of yours.",
            "Go on with it; or rename it, and run this again for a fresh one.",
        ) from error
    except OSError as error:
        raise DataError(
            Reason.UNSAVABLE,
            f"{target} can't be written: {error.strerror}.",
            "Change to a folder of yours, such as your home, and run this again.",
        ) from error
    return target

"""`data-access tutorial`: the notebook of the first fifteen minutes, in the current folder."""

from __future__ import annotations

import argparse
from pathlib import Path

from data_access.cli.output import Answer


def tutorial(given: argparse.Namespace) -> Answer:
    from data_access.tutorial import bring

    target = bring(Path.cwd())
    return Answer({"notebook": str(target)}, f"{target} is a year of flights: open it and run its cells.")

"""`python -m spawner.explain PAGE`: write the reference tables into the page, below its generated mark."""

from __future__ import annotations

import sys
from pathlib import Path

from spawner.explain.reference import reference_table

MARK = "<!-- The tables are generated: python -m spawner.explain docs/reference/explanations.md -->\n"


def with_tables(page: str) -> str:
    """The page with everything below the mark made anew."""
    head, mark, _ = page.partition(MARK)
    if not mark:
        raise SystemExit(f"the page lacks the line {MARK.strip()!r}: put it where the tables begin")
    return f"{head}{MARK}\n{reference_table()}"


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m spawner.explain PAGE\n")
        return 2
    page = Path(arguments[0])
    page.write_text(with_tables(page.read_text()))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

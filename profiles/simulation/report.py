"""The report of a comparison: a page with tables and plots, and the same as JSON. Texts out; `command` writes them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from string import Template
from xml.etree import ElementTree as ET

from profiles.ledger_csv import write_ledger
from profiles.simulation import tables
from profiles.simulation.charts import Compared, charts


def report(compared: Compared, about: str) -> dict[str, str]:
    """Contents by name of the file. The ledger is that of the first, for `replay` and for spreadsheets."""
    plots = charts(compared)
    many = [figures for figures, _ in compared]
    page = Template(files(__package__).joinpath("report.html").read_text(encoding="utf-8"))
    figures = "\n".join(f"<figure>{plot}</figure>" for plot in plots.values())
    whole = page.substitute(
        title=escape(f"What if: {', '.join(each.name for each in many)}"),
        about=escape(about),
        plots=figures,
        starts=_table(tables.starts(many)),
        line=_table(tables.line(many)),
        promises=_table(tables.promises(many)),
        rules=_table(tables.rules(many)),
        pools=_table(tables.pools(many)),
        groups=_table(tables.groups(many)),
    )
    numbers = {"about": about, "compared": [each.to_dict() for each in many]}
    return {
        "report.html": whole,
        "report.json": json.dumps(numbers, indent=2, ensure_ascii=False) + "\n",
        "ledger.csv": "".join(write_ledger(compared[0][1].entries)),
        **{f"{name}.svg": plot for name, plot in plots.items()},
    }


def _table(rows: Sequence[Sequence[str]]) -> str:
    """The first row has the heads, the first column the names."""
    if len(rows) < 2:
        return "<p>None.</p>"
    right = tables.to_the_right(rows)
    root = ET.Element("div", {"class": "scroll"})
    table = ET.SubElement(root, "table")
    head = ET.SubElement(ET.SubElement(table, "thead"), "tr")
    for number, cell in enumerate(rows[0]):
        ET.SubElement(head, "th", {"scope": "col", "class": _kind(cell, right[number])}).text = cell
    body = ET.SubElement(table, "tbody")
    for row in rows[1:]:
        line = ET.SubElement(body, "tr")
        ET.SubElement(line, "th", {"scope": "row"}).text = row[0]
        for number, cell in enumerate(row[1:], start=1):
            ET.SubElement(line, "td", {"class": _kind(cell, right[number])}).text = cell
    return ET.tostring(root, encoding="unicode", method="html")


def _kind(cell: str, to_the_right: bool) -> str:
    """Sentences may be broken, ids may not."""
    return "number" if to_the_right else "text" if " " in cell else "rule"

"""How `search` says where it found the words."""

from __future__ import annotations

from data_access.discover.finding import _because
from data_access.discover.ranking import Entry


def test_every_place_is_named_or_counted() -> None:
    winds = [Entry("column", f"wind_{each}", f"wind_{each}") for each in ("dir", "speed", "gust")]
    name, comment = Entry("table", "wind"), Entry("comment", "As measured", "wind_dir")
    assert _because(winds[:1]) == "column wind_dir"
    assert (
        _because([name, *winds, comment]) == "name; columns wind_dir, wind_speed and wind_gust; wind_dir: “As measured”"
    )
    many = [Entry("column", f"w{each}") for each in range(9)]
    assert _because(many) == "columns w0, w1, w2, w3, w4 and w5; and 3 more"

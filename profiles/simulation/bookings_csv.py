"""Who wanted to reserve what, as CSV: beside a ledger, which knows only what ran.

One line for each; `COLUMNS` in any order, `MORE_COLUMNS` where they are there, all others are ignored.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from profiles.choice import MachineChoice
from profiles.csv_cells import BadCell, LedgerErrors, Row, RowError, groups_of, plain, table_of, time_of
from profiles.fields import quoted
from profiles.model import Catalog
from profiles.person import Person
from profiles.simulation.visit import Booking

COLUMNS = ("user", "groups", "profile", "begins_at", "ends_at")
MORE_COLUMNS = ("made_at", "options")
#: Where the file does not say when it was made.
MADE_BEFORE = timedelta(days=1)


def read_bookings(
    text: str, catalog: Catalog, file: str = "reservations", admins: frozenset[str] = frozenset()
) -> tuple[Booking, ...]:
    """In the order in which they were made. Raises `LedgerErrors` with every mistake."""
    header, rows = table_of(text, COLUMNS, file, f"the first line names the columns: {', '.join(COLUMNS)}")
    bookings: list[Booking] = []
    errors: list[RowError] = []
    for line, cells in rows:
        row = _Row(file, line, dict(zip(header, cells, strict=False)), [])
        booking = row.booking(catalog, admins) if row.is_whole(header, cells) else None
        if booking is not None:
            bookings.append(booking)
        errors += row.errors
    if errors:
        raise LedgerErrors(errors)
    return tuple(sorted(bookings, key=lambda booking: booking.made_at))


class _Row(Row):
    def booking(self, catalog: Catalog, admins: frozenset[str]) -> Booking | None:
        user, profile = (self.text(name, "every reservation has one") for name in ("user", "profile"))
        begins_at, ends_at, made_at = (self.read(name, time_of) for name in ("begins_at", "ends_at", "made_at"))
        options = self.read("options", _options)
        for name, at in (("begins_at", begins_at), ("ends_at", ends_at)):
            if at is None and not any(error.column == name for error in self.errors):
                self.wrong(name, "it is empty", "every reservation has one")
        if profile and profile not in catalog.profiles:
            self.wrong("profile", f"there is no machine {quoted(profile)}", "name one of the catalog")
        self._check_times(made_at, begins_at, ends_at)
        if self.errors or begins_at is None or ends_at is None:
            return None
        return Booking(
            id=f"reserved-{self.line}",
            person=Person(user, frozenset(groups_of(plain(self.cells["groups"]))), user in admins),
            choice=MachineChoice(profile, options or {}),
            made_at=begins_at - MADE_BEFORE if made_at is None else made_at,
            begins_at=begins_at,
            ends_at=ends_at,
        )

    def _check_times(self, made_at: datetime | None, begins_at: datetime | None, ends_at: datetime | None) -> None:
        if begins_at is not None and ends_at is not None and ends_at <= begins_at:
            self.wrong("ends_at", "it is not after the beginning", "check both times and their zones")
        if begins_at is not None and made_at is not None and made_at > begins_at:
            self.wrong("made_at", "it is after the beginning", "check both times and their zones")


def _options(text: str) -> dict[str, str]:
    options = {}
    for each in filter(None, (part.strip() for part in plain(text).split(";"))):
        name, equals, value = each.partition("=")
        if not equals or not name or not value:
            raise BadCell(f"{quoted(each)} is not an option and its choice", "write gpus=2, several with ;")
        options[name.strip()] = value.strip()
    return options

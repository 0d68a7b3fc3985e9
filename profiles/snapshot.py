"""What decisions are made by: everything that is granted, used up, approved and promised at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from profiles.frozen import EMPTY
from profiles.grants import Grant
from profiles.lease import Charge
from profiles.lease_book import LeaseBook
from profiles.pots import Pot
from profiles.reservations import Reservation
from profiles.waiting import Waiting


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is granted, used up, approved and promised at one moment. `spent` is the ledger's part of each budget's
    window; a pot that is not in it has spent nothing. `grants` are those of the person who asks; `reservations` and
    `waiting` everybody's, `waiting` in the order of the line."""

    book: LeaseBook
    spent: Mapping[Pot, Charge] = field(default_factory=lambda: EMPTY)
    grants: tuple[Grant, ...] = ()
    reservations: tuple[Reservation, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    thought: dict[object, object] = field(default_factory=dict, compare=False, repr=False)
    """What was worked out before, with what it was made of: `owners_first` takes what is still true."""
    others: Mapping[Pot, tuple[str, ...]] = field(default_factory=lambda: EMPTY)
    """Currencies other than the catalog's in which something of `spent` was billed: it counts as it stands."""

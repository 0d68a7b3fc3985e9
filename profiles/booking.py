"""What admins allow for later, as models: what can be reserved, what is lent, how a queue keeps its places."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field, model_validator

from profiles import fields as f
from profiles.access import Access
from profiles.base import Model
from profiles.caps import Caps, Length, PositiveLength
from profiles.fields import wrong
from profiles.quantity import Duration

#: A reservation that is shorter is a slip of the pen.
SHORTEST = Duration(300)
Few = Annotated[int, Field(ge=1, le=1000)]


class Borrowing(Model):
    """A group may take more than its share while others leave theirs idle, and gives it back when they want it."""

    within: f.Id = Field(description="The quota with `per: hub` that all shares lie within; it always holds.")
    most: Caps = Field(default=Caps(), description="At most so much more than the share; left out: all that is idle.")
    notice: Length = Field(
        default=Duration(900),
        description="How long before a borrowed machine is stopped its person is told, when the owner wants it back.",
        validate_default=True,
    )


class Reservable(Caps):
    """Machines that can be reserved. The amounts are what there is of them: all that run and all that is reserved
    stay within."""

    #: What runs counts, whoever it belongs to (`caps.About`).
    users: ClassVar[tuple[str, ...]] = ()
    groups: ClassVar[tuple[str, ...]] = ()

    profiles: tuple[f.Id, ...] = Field(default=(), description="These machines; empty: all.")
    pools: tuple[f.Id, ...] = Field(default=(), description="Machines in these pools; empty: all.")
    who: Access = Field(default=Access(everyone=True), description="Who may reserve; left out: everyone.")
    at_most: Caps = Field(default=Caps(), description="At most so much reserved at once; left out: all there is.")
    longest: PositiveLength = Field(
        default=Duration(8 * 3600), description="The longest reservation.", validate_default=True
    )
    ahead: PositiveLength = Field(
        default=Duration(14 * 86400), description="How far ahead one may reserve.", validate_default=True
    )
    per_person: Few = Field(default=3, description="How many reservations a person may have ahead.")
    clear_before: Length = Field(
        default=Duration(600),
        description="So long before a reservation begins what it needs is free: machines of others stop.",
        validate_default=True,
    )
    notice: Length = Field(
        default=Duration(3600),
        description="Whoever runs on what gets reserved is told so long before; what is reserved at shorter notice has "
        "to fit beside what runs.",
        validate_default=True,
    )
    no_show: PositiveLength = Field(
        default=Duration(1800),
        description="A reservation that nobody has taken up so long after its beginning is released.",
        validate_default=True,
    )
    warm_before: Length = Field(
        default=Duration(0),
        description="So long before it begins an autoscaled pool is asked for a node; `0s`: not at all.",
        validate_default=True,
    )

    @model_validator(mode="after")
    def _sensible(self) -> Reservable:
        if not self.says_something:
            raise wrong("it does not say how much there is", "give servers, cores, memory, gpus or devices")
        if self.longest < SHORTEST:
            raise wrong(
                f"the longest reservation would be {self.longest.human}; a number alone counts seconds",
                'write a length of 5 minutes or more, such as "8h"',
            )
        there = dict(self.limits())
        for name, most in self.at_most.limits():
            if most > there.get(name, most):
                raise wrong(f"atMost has more {name} than there are", "lower atMost, or raise what there is")
        if self.longest > self.ahead:
            raise wrong(
                f"the longest reservation ({self.longest.human}) is longer than one may reserve ahead "
                f"({self.ahead.human})",
                "lower longest, or raise ahead",
            )
        return self


class Queue(Model):
    """Places of those who wait for something that others have."""

    keep_for: PositiveLength = Field(
        default=Duration(600),
        description="How long a machine is kept for whoever is called, before the next one is.",
        validate_default=True,
    )
    per_person: Few = Field(default=3, description="How many places a person may have.")
    enabled: bool = Field(default=True, description="Whether people may wait in line.")

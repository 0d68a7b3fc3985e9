"""Amounts that rules limit, lengths of time that they give, and whom and what a rule is about."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, Protocol

from pydantic import AfterValidator, Field

from profiles import fields as f
from profiles.base import Model
from profiles.fields import wrong
from profiles.frozen import EMPTY
from profiles.quantity import Cpu, Duration, Memory

Per = Literal["user", "group", "profile", "hub"]
LONGEST = Duration(366 * 86400)


def _at_most_a_year(length: Duration) -> Duration:
    if length > LONGEST:
        raise wrong(f"{length.human} are more than a year", 'write a length such as "4h"')
    return length


Length = Annotated[Duration, AfterValidator(_at_most_a_year)]
PositiveLength = Annotated[f.PositiveTime, AfterValidator(_at_most_a_year)]


class Caps(Model):
    """At most so much at once. What is left out is not limited."""

    servers: f.Count | None = Field(default=None, description="Running or starting servers.")
    cores: Cpu | None = Field(default=None, description="Cores that the machines reserve (their `cpu.request`).")
    memory: Memory | None = Field(default=None, description="Memory that the machines reserve.")
    gpus: f.Count | None = Field(default=None, description="GPUs of every kind; a MIG slice counts as one.")
    devices: f.Resources = Field(
        default=EMPTY, description="Devices by kind, such as `nvidia.com/mig-1g.5gb: 4`."
    )

    def limits(self) -> Iterator[tuple[str, int]]:
        """`("gpus", 2)`: what is limited, cores in thousandths, memory in bytes, devices by their names."""
        if self.servers is not None:
            yield "servers", self.servers
        if self.cores is not None:
            yield "cores", self.cores.millicores
        if self.memory is not None:
            yield "memory", self.memory.bytes
        if self.gpus is not None:
            yield "gpus", self.gpus
        yield from self.devices.items()

    @property
    def says_something(self) -> bool:
        return bool(self.devices) or any(
            value is not None for value in (self.servers, self.cores, self.memory, self.gpus)
        )


class Scope(Model):
    """Who shares one pot, and which people and machines a rule is about."""

    per: Per = Field(description="Who shares: each `user`, each `group`, each `profile`, or the whole `hub`.")
    users: tuple[f.Text, ...] = Field(default=(), description="Only these people; empty: everyone.")
    groups: tuple[f.Text, ...] = Field(default=(), description="Only members of these groups; empty: everyone.")
    profiles: tuple[f.Id, ...] = Field(default=(), description="Only these machines; empty: all.")
    pools: tuple[f.Id, ...] = Field(default=(), description="Only machines in these pools; empty: all.")


class About(Protocol):
    """Which people and machines something is about; empty: all of them."""

    @property
    def users(self) -> tuple[str, ...]: ...
    @property
    def groups(self) -> tuple[str, ...]: ...
    @property
    def profiles(self) -> tuple[str, ...]: ...
    @property
    def pools(self) -> tuple[str, ...]: ...

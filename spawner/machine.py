"""What every Remuda spawner knows about machines: the catalog, the choice, and what is running now.

`CatalogMixin` goes in front of a JupyterHub `Spawner` class. Without a catalog it steps aside entirely.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar
from uuid import uuid4

from traitlets import Any as AnyTrait
from traitlets import Instance, TraitError, Unicode, default, validate

from profiles.choice import MachineChoice
from profiles.machine import RunningMachine
from profiles.model import Catalog, HomePolicy
from profiles.person import Person
from profiles.plan import MachinePlan
from profiles.refusal import Refusal
from profiles.resolve import resolve
from spawner.choice import MalformedChoice, from_form, from_query, from_user_options
from spawner.gated import GateMixin
from spawner.refused import Explained, Problem, RefusedStart

T = TypeVar("T")


class CatalogMixin(GateMixin):
    """The choice is re-read and re-authorised at every start, whatever way it came."""

    catalog = AnyTrait(
        None,
        allow_none=True,
        help="""
        The machines on offer: a `profiles.model.Catalog`, or a callable that returns one (called for every
        spawner, and again at every start, so that an edited catalog takes effect without a restart; it is also
        cheaper, as traitlets copies configured objects but not functions).

        None: this class behaves exactly as the spawner it extends.
        """,
    ).tag(config=True)

    home = Instance(
        HomePolicy,
        allow_none=True,
        help="The one home each user has on every machine: its size, storage class, access mode and mount path.",
    ).tag(config=True)

    default_image = Unicode(
        "",
        help="Image for profiles that name none. Empty: the spawner's own default.",
    ).tag(config=True)

    #: Why the last start or run ended badly; kept over stops and hub restarts until the next start.
    failure: Explained | None = None
    #: What this server runs on, from the moment it is chosen until it has stopped.
    machine: RunningMachine | None = None
    #: Identifies one start; also a label of its pod. Empty while nothing is running.
    spawn_id: str = ""
    #: The choice of the last machine that came up, for "go back to the machine you had".
    last_good_choice: MachineChoice | None = None

    _catalog_source: Callable[[], Catalog | None] | None = None

    @validate("catalog")
    def _catalog_called(self, proposal: Any) -> Catalog | None:
        value = proposal["value"]
        if callable(value):
            self._catalog_source = value
            value = value()
        if value is not None and not isinstance(value, Catalog):
            raise TraitError(f"{type(self).__name__}.catalog must be a Catalog or return one, not {type(value)}")
        return value

    @default("apply_user_options")
    def _applied_by_choose(self) -> Callable[..., None] | None:
        # JupyterHub warns about "unhandled user_options" at every start unless somebody handles them.
        return None if self.catalog is None else _leave_to_choose

    @property
    def person(self) -> Person:
        """The user as profiles see one: groups are those of this moment."""
        groups = getattr(self.user, "groups", None) or ()
        return Person(
            name=self.user.name,
            groups=frozenset(getattr(group, "name", group) for group in groups),
            admin=bool(getattr(self.user, "admin", False)),
        )

    def choose(self) -> MachinePlan:
        """Resolve `user_options` against the catalog and this person, or raise `RefusedStart`."""
        if self._catalog_source is not None:
            self.catalog = self._catalog_source
        try:
            choice = from_user_options(self.user_options)
        except MalformedChoice as e:
            self._back_to_the_last_good_choice()
            raise self._refused(e.refusal) from e
        outcome = resolve(self.catalog, choice, self.person)
        if isinstance(outcome, Refusal):
            raise self._refused(outcome)
        return outcome

    def _back_to_the_last_good_choice(self) -> None:
        """JupyterHub keeps what was sent before anybody has read it, and takes it for every start that says nothing: a
        mistake in one body would be told to each of them. What can be read and is refused stays the choice."""
        kept = self.last_good_choice.to_user_options() if self.last_good_choice is not None else {}
        self.user_options = kept
        if self.orm_spawner is not None:
            self.orm_spawner.user_options = kept

    async def foresee(self, plan: MachinePlan) -> Refusal | None:
        """Why a start of this plan would be refused at once; asked before a switch stops what is running."""
        return await self.gate_foresees(plan)

    def begin_machine(self, plan: MachinePlan, *, started_at: datetime | None = None) -> RunningMachine:
        """A new start on `plan`: a fresh spawn id, and no trace of the last failure."""
        self.spawn_id = str(uuid4())
        self.failure = None
        self.machine = RunningMachine.of(plan, self.spawn_id, started_at)
        return self.machine

    def machine_is_up(self, now: datetime, **changes: Any) -> None:
        """The server answers: its clock starts, and its choice is one to come back to. How long it was to run is not:
        nobody's next machine stops because the last one was to."""
        if self.machine is None:
            return
        self.machine = replace(self.machine, started_at=self.machine.started_at or now, **changes)
        self.last_good_choice = MachineChoice(profile=self.machine.profile_id, options=dict(self.machine.options))
        self._forget_run_for()

    def _forget_run_for(self) -> None:
        """JupyterHub takes the options of the last start for each that brings none."""
        options = self.user_options
        if isinstance(options, Mapping) and "run_for" in options:
            self.user_options = {name: value for name, value in options.items() if name != "run_for"}
            if self.orm_spawner is not None:
                self.orm_spawner.user_options = self.user_options

    def _refused(self, refusal: Refusal) -> RefusedStart:
        self.failure = refusal
        return RefusedStart(refusal)

    # The ways in: one parser for all of them.

    def run_options_from_form(self, form_data: Mapping[str, list[str]]) -> Any:
        if self.catalog is None:
            return super().run_options_from_form(form_data)
        try:
            return from_form(form_data).to_user_options()
        except MalformedChoice as e:
            raise RefusedStart(e.refusal) from e

    def options_from_query(self, query_data: Mapping[str, list[str]]) -> Any:
        if self.catalog is None:
            return super().options_from_query(query_data)
        try:
            return from_query(query_data).to_user_options()
        except MalformedChoice as e:
            raise RefusedStart(e.refusal) from e

    # State: JSON in the hub's database.

    def get_state(self) -> dict[str, Any]:
        state: dict[str, Any] = super().get_state()
        if self.machine is not None:
            state["machine"] = self.machine.to_dict()
        if self.spawn_id:
            state["spawn_id"] = self.spawn_id
        if self.failure is not None:
            state["failure"] = {key: str(getattr(self.failure, key)) for key in ("reason", "sentence", "remedy")}
        if self.last_good_choice is not None:
            state["last_good_choice"] = self.last_good_choice.to_user_options()
        return state

    def load_state(self, state: dict[str, Any]) -> None:
        super().load_state(state)
        self.machine = _read(RunningMachine.from_dict, state.get("machine"))
        self.spawn_id = str(state.get("spawn_id") or "")
        self.failure = _read(lambda kept: Problem(**kept), state.get("failure"))
        self.last_good_choice = _read(from_user_options, state.get("last_good_choice"))

    def clear_state(self) -> None:
        super().clear_state()  # which tells the gate of the end, by the start's id
        self.machine = None
        self.spawn_id = ""


def _leave_to_choose(spawner: Any, user_options: dict[str, Any]) -> None:
    """`choose()` applies the options at start, where they are authorised."""


def _read(parse: Callable[[Any], T], kept: Any) -> T | None:
    """State of another version may not parse; that must never keep a hub from starting."""
    if not kept:
        return None
    try:
        return parse(kept)
    except (KeyError, TypeError, ValueError, MalformedChoice):
        return None

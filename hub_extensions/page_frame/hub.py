"""What every handler of ours asks of JupyterHub: a server by name, its links, its state, its last choice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from jupyterhub.utils import maybe_future, url_escape_path, url_path_join
from markupsafe import Markup
from tornado import web
from tornado.httputil import url_concat

from hub_extensions.audit.watch import Watched
from hub_extensions.keep_on.known import known_kept
from hub_extensions.page_frame.form import with_pressed_button
from hub_extensions.page_frame.gate import FORESEEN, foreseen, gate_of
from hub_extensions.page_frame.machine_words import timezone_of
from hub_extensions.page_frame.notice import Notice, passed_on
from hub_extensions.page_frame.routes import static_version
from hub_extensions.page_frame.server import Links, ServerNow, ServerState
from hub_extensions.switch.board import SwitchBoard, switch_board
from profiles.admission import Decision, Deny
from profiles.choice import MachineChoice, readable_run_for
from profiles.lease import Request
from profiles.person import Person
from profiles.plan import MachinePlan
from profiles.refusal import Reason, Refusal
from profiles.resolve import resolve

K = TypeVar("K")


def utc(moment: datetime | None) -> datetime | None:
    """JupyterHub's database keeps naive UTC."""
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment


def stored_choice(stored: Mapping[str, Any] | None) -> MachineChoice | None:
    """The last choice, for preselection only: what cannot be read is left out, and every start decides again."""
    if not isinstance(stored, Mapping) or not isinstance(stored.get("profile"), str):
        return None
    options = stored.get("options")
    kept = {str(name): str(value) for name, value in options.items()} if isinstance(options, Mapping) else {}
    return MachineChoice(stored["profile"], kept, run_for=readable_run_for(stored.get("run_for")))


def last_choice(spawner: Any) -> MachineChoice | None:
    return stored_choice(spawner.user_options or getattr(spawner.orm_spawner, "user_options", None))


class RefusedChoice(web.HTTPError):
    """A choice that a start would refuse, refused before the start."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(403 if refusal.reason is Reason.FORBIDDEN_PROFILE else 400, "%s", refusal.message)
        self.explained = refusal


class PageHandler(Watched):
    """Mixed into JupyterHub's handlers, in front."""

    @property
    def now(self) -> datetime:
        return datetime.now(UTC)

    @property
    def timezone(self) -> str:
        """The hub's: what times are in wherever no script turns them into the reader's own."""
        return timezone_of(getattr(getattr(self.current_user, "spawner", None), "catalog", None))

    @property
    def switches(self) -> SwitchBoard:
        return switch_board(self.settings)

    def user_named(self, user_name: str) -> Any:
        user = self.current_user if user_name == self.current_user.name else self.find_user(user_name)
        if user is None:
            raise web.HTTPError(404, f"No such user: {user_name}")
        return user

    async def checked(
        self, user: Any, spawner: Any, form: Mapping[str, list[str]]
    ) -> tuple[dict[str, Any], MachinePlan]:
        """The options and the plan of a posted form, decided as the start will decide it again.

        Asked first, so that the answer does not depend on how soon a start refuses. Raises `RefusedChoice`, or what
        the spawner raises for a form it cannot read.
        """
        options = await maybe_future(spawner.run_options_from_form(form))
        if self.authenticator.refresh_pre_spawn and await self.refresh_auth(user, force=True) is None:
            raise web.HTTPError(403, "Your login has expired. Log in again, and repeat the start.")
        choice = stored_choice(options) or MachineChoice()
        outcome = resolve(spawner.catalog, replace(choice, rescue=options.get("rescue") is True), spawner.person)
        if isinstance(outcome, Refusal):
            raise RefusedChoice(outcome)
        decision = (await self.foreseen(spawner, {"": outcome}, switch=spawner.ready)).get("")
        if isinstance(decision, Deny):
            raise RefusedChoice(decision.refusal)
        return options, outcome

    async def foreseen(
        self, spawner: Any, plans: Mapping[K, MachinePlan], person: Person | None = None, *, switch: bool = False
    ) -> dict[K, Decision]:
        """What the gate would say to each of these machines; empty without a gate. `switch`: instead of the one that
        runs, which is given back. `person`: instead of the server's owner."""
        gate = gate_of(self.settings)
        if gate is None or spawner.catalog is None:
            return {}
        lease_id = (getattr(spawner, "spawn_id", "") if switch else "") or FORESEEN
        asks, server = person or spawner.person, spawner.name or ""
        requests = {key: Request.of(lease_id, asks, server, plan) for key, plan in plans.items()}
        return await foreseen(gate, requests, spawner.catalog.policies, self.now)

    def posted_form(self) -> dict[str, list[str]]:
        """The form as text; what is not UTF-8 becomes a character that no name has."""
        fields = with_pressed_button(self.request.body_arguments)
        return {name: [value.decode("utf8", "replace") for value in values] for name, values in fields.items()}

    def spawner_named(self, user: Any, server_name: str) -> Any:
        if server_name and server_name not in user.orm_user.orm_spawners:
            raise web.HTTPError(404, f"{user.name} has no such server {server_name}")
        return user.spawners[server_name]

    def hub_path(self, room: str, user: Any, server_name: str = "", **query: str) -> str:
        """`/hub/<room>/<user>[/<server>]?…`, empty query values left out."""
        path = url_path_join(self.hub.base_url, room, user.escaped_name, url_escape_path(server_name))
        return url_concat(path, {name: value for name, value in query.items() if value})

    def follow(self, user: Any, server_name: str, notice: str = "", next_url: str = "") -> None:
        """Redirect to the page that follows the start, stop or switch under way."""
        self.redirect(self.hub_path("spawn-pending", user, server_name, next=next_url, notice=notice))

    def links(self, user: Any, server_name: str) -> Links:
        return Links(
            home=url_path_join(self.hub.base_url, "home"),
            open=user.server_url(server_name),
            start=self.hub_path("spawn", user, server_name),
            switch=self.hub_path("switch", user, server_name),
            stop=self.hub_path("stop", user, server_name),
            follow=self.hub_path("spawn-pending", user, server_name),
        )

    def server_now(self, user: Any, server_name: str) -> ServerNow:
        spawner = user.spawners[server_name] if server_name in user.orm_user.orm_spawners else user.spawner
        return ServerNow(
            name=server_name,
            display_name=getattr(spawner.orm_spawner, "display_name", None) or server_name,
            state=self.state_of(user, spawner),
            machine=spawner.machine,
            last_activity=utc(spawner.orm_spawner.last_activity),
            links=self.links(user, server_name),
            kept_until=known_kept(self.settings).until(spawner.machine),
        )

    def state_of(self, user: Any, spawner: Any) -> ServerState:
        if self.switches.get((user.name, spawner.name)):
            return ServerState.SWITCHING
        if spawner.pending == "stop":
            return ServerState.STOPPING
        if spawner.ready:
            return ServerState.RUNNING
        return ServerState.STARTING if spawner.pending else ServerState.STOPPED

    @property
    def passed_notice(self) -> Notice | None:
        return passed_on(self.get_argument("notice", None))

    @property
    def xsrf(self) -> str:
        return self.xsrf_token.decode("ascii")


def framed(title: str, html: Markup, refresh_s: int | None = None) -> dict[str, Any]:
    """What `remuda_page.html` needs around a page's HTML."""
    return {
        "title": title,
        "html": html,
        "refresh_s": refresh_s,
        "css_version": static_version("pages.css"),
        "js_version": static_version("pages.js"),
    }

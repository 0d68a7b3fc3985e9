"""The spawn page: JupyterHub's own handler, with our page around it and a kind answer to a second tab."""

from __future__ import annotations

from typing import Any

from jupyterhub.handlers.pages import SpawnHandler
from jupyterhub.scopes import needs_scope
from tornado import web
from tornado.httputil import url_concat

from hub_extensions.approvals.notices import notices_for
from hub_extensions.page_frame.gate import gate_of
from hub_extensions.page_frame.hub import PageHandler, framed, last_choice, stored_choice
from hub_extensions.page_frame.notice import Notice, Tone, notice_of_error
from hub_extensions.page_frame.unmade import forget, is_unmade, spawner_for
from hub_extensions.spawn_page.form import render_spawn
from hub_extensions.spawn_page.outlook import chosen_in, live_cards
from hub_extensions.spawn_page.view import SpawnPage


class SpawnPageHandler(PageHandler, SpawnHandler):
    """Refusals come back to the page with the choice kept; whoever is second follows the first."""

    @needs_scope("servers")
    async def _get(self, user_name: str, server_name: str, display_name: str) -> None:
        user = self.user_named(user_name)
        if self.switches.get((user.name, server_name)):
            self.follow(user, server_name, next_url=self.get_argument("next", ""))
            return
        # JupyterHub takes every query for a start; this one only shows a machine as chosen.
        chosen, unmade = chosen_in(self) is not None, is_unmade(user, server_name)
        if unmade and user.spawner.catalog is not None and (chosen or not self._asks_for_a_start()):
            await self._check_named_server_request(user, server_name, display_name)
            self.finish(await self._page(user, server_name, self.passed_notice))
            return
        if chosen and not unmade and not user.spawners[server_name].active:
            self.finish(await self._page(user, server_name, None))
            return
        await super()._get(user_name=user_name, server_name=server_name, display_name=display_name)
        if unmade and self._asks_for_a_start() and self.get_status() < 500:  # what came up badly stays, with why
            forget(self.db, user, server_name)

    def _asks_for_a_start(self) -> bool:
        return bool(set(self.request.query_arguments) - {"next", "display_name"})

    @needs_scope("servers")
    async def _post(self, user_name: str, server_name: str, display_name: str) -> None:
        user = self.user_named(user_name)
        unmade = is_unmade(user, server_name)
        if unmade:
            display_name = self.get_query_argument("display_name", "") or display_name
        if server_name:
            await self._check_named_server_request(user, server_name, display_name)
        if unmade:
            spawner = spawner_for(user, server_name)
        else:
            spawner = user.get_or_create_spawner(server_name, display_name, replace_failed=True)
        if self._second(user, spawner):
            return
        form = self.posted_form()
        try:
            options, _ = await self.checked(user, spawner, form)
            spawner = user.get_or_create_spawner(server_name, display_name)
            pending_url = self._get_pending_url(user, server_name)
            await self._wrap_spawn_single_user(user, server_name, display_name, spawner, pending_url, options)
        except Exception as error:
            if unmade and getattr(error, "status_code", 500) < 500:
                forget(self.db, user, server_name)
            await self._refused(user, server_name, form, error)

    async def _wrap_spawn_single_user(  # noqa: PLR0913, PLR0917 (JupyterHub's signature)
        self, user: Any, server_name: str, display_name: str, spawner: Any, pending_url: str, options: Any = None
    ) -> None:
        try:
            await super()._wrap_spawn_single_user(user, server_name, display_name, spawner, pending_url, options)
        except web.HTTPError:
            # Two requests may pass the first look; the one that loses is told which machine won.
            if not self._second(user, user.spawners[server_name]):
                raise

    def _second(self, user: Any, spawner: Any) -> bool:
        """Whether this server is starting, stopping, switching or running already; then the answer is on its way."""
        next_url = self._validate_next_url(self.get_argument("next", ""))
        if self.switches.get((user.name, spawner.name)):
            self.follow(user, spawner.name, "already-switching", next_url)
        elif spawner.pending:
            notice = "still-stopping" if spawner.pending == "stop" else "already-starting"
            self.follow(user, spawner.name, notice, next_url)
        elif spawner.ready:
            self.redirect(url_concat(self.links(user, spawner.name).home, {"notice": "already-running"}))
        else:
            return False
        return True

    async def _refused(self, user: Any, server_name: str, form: dict[str, list[str]], error: Exception) -> None:
        self.log.warning("Start of %s refused: %s", ":".join(filter(None, (user.name, server_name))), error)
        if isinstance(error, web.HTTPError):
            self.set_status(error.status_code)
            for name, value in (getattr(error, "headers", None) or {}).items():
                self.set_header(name, value)
        else:
            self.set_status(500)
        notice = notice_of_error(error)
        self.finish(await self._page(user, server_name, notice, posted=_posted(form)))

    async def _render_form(
        self, for_user: Any, spawner_options_form: str, message: str = "", html_message: str = ""
    ) -> str:
        """Called by JupyterHub's `_get`; a message is there when a spawn link's choice was refused."""
        said = None
        if message:
            failure = self._spawner(for_user).failure
            reason = str(failure.reason) if failure and failure.sentence in message else "refused-link"
            said = Notice(message, "", reason, Tone.DANGER)
        return await self._page(for_user, self._server_name, said or self.passed_notice)

    async def _page(self, user: Any, server_name: str, notice: Notice | None, posted: Any = None) -> str:
        spawner = spawner_for(user, server_name)
        choice = stored_choice(posted) or chosen_in(self) or last_choice(spawner) or spawner.last_good_choice
        called = self.get_query_argument("display_name", "") if is_unmade(user, server_name) else ""
        page = SpawnPage(
            heading="Pick a machine",
            cards=await live_cards(self, user, spawner, choice),
            action=self.hub_path("spawn", user, server_name, next=self.get_argument("next", ""), display_name=called),
            xsrf=self.xsrf,
            notice=notice,
            news=await self._news(user),
            for_user=user.name if user.name != self.current_user.name else None,
            server_name=server_name,
        )
        auth_state = await user.get_auth_state()
        remuda = framed("Pick a machine", render_spawn(page))
        return await self.render_template(
            "spawn.html", for_user=user, auth_state=auth_state, spawner=spawner, remuda=remuda
        )

    async def _news(self, user: Any) -> tuple[Notice, ...]:
        """What one's asks were answered, as on home: here is where a yes is of use."""
        if user.name != self.current_user.name or user.spawner.catalog is None:
            return ()
        policies = user.spawner.catalog.policies
        return await notices_for(gate_of(self.settings), user.spawner.person, policies, self.now)

    @property
    def _server_name(self) -> str:
        return self.path_args[1] if len(self.path_args) > 1 else ""

    def _spawner(self, user: Any) -> Any:
        return user.spawners[self._server_name]


def _posted(form: dict[str, list[str]]) -> dict[str, Any] | None:
    """The refused choice, to show the page as the person left it."""
    profile = next(iter(form.get("profile", [])), None)
    prefix = f"option.{profile}."
    options = {
        name.removeprefix(prefix): values[0] for name, values in form.items() if name.startswith(prefix) and values
    }
    run_for = next(iter(form.get("run_for", [])), None)
    return {"profile": profile, "options": options, "run_for": run_for} if profile else None

"""GET shows the machines to switch to; POST checks the choice, and only then touches the machine that is running."""

from __future__ import annotations

import asyncio
from typing import Any

from jupyterhub.handlers.base import BaseHandler
from jupyterhub.scopes import needs_scope
from jupyterhub.utils import url_path_join
from tornado import web

from hub_extensions.page_frame.hub import PageHandler, RefusedChoice, framed, last_choice
from hub_extensions.page_frame.machine_words import of_running
from hub_extensions.page_frame.notice import Notice, notice_of_error
from hub_extensions.spawn_page.outlook import chosen_in, live_cards
from hub_extensions.switch.board import Switch
from hub_extensions.switch.destination import own_destination
from hub_extensions.switch.flow import carry_out
from hub_extensions.switch.view import SwitchPage, render_switch
from profiles.lease import Request
from profiles.plan import MachinePlan


class SwitchHandler(PageHandler, BaseHandler):
    @web.authenticated
    def get(self, user_name: str | None = None, server_name: str = "") -> Any:
        return self._get(user_name=user_name or self.current_user.name, server_name=server_name)

    @web.authenticated
    def post(self, user_name: str | None = None, server_name: str = "") -> Any:
        return self._post(user_name=user_name or self.current_user.name, server_name=server_name)

    @needs_scope("servers")
    async def _get(self, user_name: str, server_name: str) -> None:
        user = self.user_named(user_name)
        spawner = self.spawner_named(user, server_name)
        if spawner.ready:
            await spawner.poll_and_notify()  # a machine that died is not one to switch from
        spawner = self.spawner_named(user, server_name)
        if self._under_way(user, spawner):
            return
        if not spawner.ready:
            self.redirect(self.hub_path("spawn", user, server_name, next=self._destination(user, server_name)))
            return
        self.finish(await self._page(user, spawner, self.passed_notice))

    @needs_scope("servers")
    async def _post(self, user_name: str, server_name: str) -> None:
        user = self.user_named(user_name)
        spawner = self.spawner_named(user, server_name)
        if self._under_way(user, spawner):
            return
        try:
            _, plan = await self.checked(user, spawner, self.posted_form())
            refusal = await spawner.foresee(plan)
            if refusal is not None:
                raise RefusedChoice(refusal)  # noqa: TRY301
        except Exception as error:
            self.log.warning("Switch of %s refused: %s", spawner._log_name, error)
            self.set_status(getattr(error, "status_code", 500))
            self.finish(await self._page(user, spawner, notice_of_error(error)))
            return
        if self._under_way(user, self.spawner_named(user, server_name)):
            return
        self._begin(user, spawner, plan)
        next_url = self._destination(user, server_name) or user.server_url(server_name)
        self.follow(user, server_name, next_url=next_url)

    def _under_way(self, user: Any, spawner: Any) -> bool:
        """A start, stop or switch that is going on is followed, not disturbed: the first tab wins."""
        switching = self.switches.get((user.name, spawner.name))
        if not switching and not spawner.pending:
            return False
        notice = (
            "already-switching" if switching else "still-stopping" if spawner.pending == "stop" else "already-starting"
        )
        self.follow(user, spawner.name, notice, self._destination(user, spawner.name))
        return True

    def _begin(self, user: Any, spawner: Any, plan: MachinePlan) -> None:
        wanted = plan.choice.to_user_options()
        leaving = spawner.machine.display_name if spawner.machine else "your machine"
        switch = Switch(wanted=wanted, wanted_name=plan.display_name, leaving_name=leaving, since=self.now)
        key = (user.name, spawner.name)
        self.switches.begin(key, switch)
        # Should the hub restart in between, the spawn page offers the wanted machine first.
        spawner.orm_spawner.user_options = wanted
        self.db.commit()
        self.log.info("Switching %s from %s to %s", spawner._log_name, leaving, plan.display_name)
        place = Request.of(spawner.spawn_id, spawner.person, spawner.name or "", plan)
        self.switches.hold(asyncio.ensure_future(carry_out(self.switches, key, switch, self, user, place)))

    def _destination(self, user: Any, server_name: str) -> str:
        """`next` when it leads to this very server or to the home page; else nothing."""
        server_path = url_path_join(user.base_url, server_name, "/")
        local = self._validate_next_url(self.get_argument("next", ""))
        return own_destination(local, server_path=server_path, hub_path=self.hub.base_url)

    async def _page(self, user: Any, spawner: Any, notice: Notice | None) -> str:
        machine = spawner.machine
        choice = chosen_in(self) or last_choice(spawner)
        current = machine.profile_id if machine else None
        next_url = self._destination(user, spawner.name)
        page = SwitchPage(
            cards=await live_cards(self, user, spawner, choice, current=current, verb="Switch"),
            current=of_running(machine, spawner.catalog) if machine else None,
            action=self.hub_path("switch", user, spawner.name, next=next_url),
            back_url=next_url or self.links(user, spawner.name).home,
            hidden=(("_xsrf", self.xsrf),),
            notice=notice,
            for_user=user.name if user.name != self.current_user.name else None,
            server_name=spawner.name,
        )
        return await self.render_template("remuda_page.html", remuda=framed("Switch machine", render_switch(page)))

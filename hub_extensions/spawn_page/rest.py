"""`POST …/server`: who asks for another machine than the one that starts already hears so (JupyterHub says 202 to
everyone, whatever they asked for), and a start that is refused says its reason in the answer's body, too."""

from __future__ import annotations

from jupyterhub.apihandlers.users import UserServerAPIHandler
from jupyterhub.scopes import needs_scope
from jupyterhub.user import User
from tornado import web

from hub_extensions.page_frame.hub import PageHandler, stored_choice
from hub_extensions.page_frame.menu import Menu
from hub_extensions.page_frame.unmade import forget, is_unmade
from profiles.machine import RunningMachine


class ServerHandler(PageHandler, UserServerAPIHandler):
    """The same request once more joins the start under way, as in JupyterHub; one for another machine hears 409."""

    @needs_scope("start:servers")
    async def post(self, user_name: str, server_name: str = "") -> None:
        try:
            await self._start(user_name, server_name)
        except web.HTTPError as error:
            if not error.reason:
                raise
            self._say(error)

    async def _start(self, user_name: str, server_name: str) -> None:
        self._refuse_another(user_name, server_name)
        user = self.find_user(user_name) if server_name else None
        unmade = user is not None and is_unmade(user, server_name)
        try:
            await super().post(user_name, server_name)
        except web.HTTPError as error:
            if unmade and error.status_code < 500:  # what came up badly stays, with why
                forget(self.db, user, server_name)
            if error.status_code == 400:
                self._refuse_another(user_name, server_name)  # both had passed the first look
            raise

    def _say(self, error: web.HTTPError) -> None:
        """As JupyterHub would, with the stable reason, which alone is in its status line otherwise."""
        message = getattr(error, "jupyterhub_message", "") or error.get_message()
        for name, value in (getattr(error, "headers", None) or {}).items():
            self.set_header(name, value)
        self.set_header("Content-Type", "application/json")
        self.set_status(error.status_code, error.reason)
        self.write({"status": error.status_code, "message": message, "reason": str(error.reason)})

    def _refuse_another(self, user_name: str, server_name: str) -> None:
        me = self.current_user
        # One's own server, which is the rule, needs no look into the database.
        user = me if isinstance(me, User) and me.name == user_name else self.find_user(user_name)
        if user is None or server_name not in user.orm_user.orm_spawners:
            return
        spawner = user.spawners[server_name]
        machine = getattr(spawner, "machine", None)
        if spawner.pending != "spawn" or machine is None:
            return
        wanted = stored_choice(self.get_server_json_body()["user_options"])
        plan = Menu(spawner.catalog, spawner.person).plan(wanted)
        if wanted is None or (plan and RunningMachine.of(plan, "").asked_for == machine.asked_for):
            return
        raise web.HTTPError(
            409,
            f"{machine.display_name} is starting for you already, so nothing else was started. "
            "Wait for it, or stop it first.",
            reason="already-starting",
        )

"""Somebody comes to another's server with a token: no page of the Hub sees it, only the server's question who that is.

Servers ask with the visitor's token and show their own beside it (`lab_extension.visits`). Both are tokens of this Hub,
so that nobody can be named as a visitor whose token is not in that server's hands. What a server does not ask about is
not seen: whoever runs something else in their machine decides by themselves whom that lets in.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote

from jupyterhub import orm
from jupyterhub.apihandlers.users import SelfAPIHandler
from jupyterhub.scopes import Scope, check_scope_filter

from hub_extensions.audit.entry import Action
from hub_extensions.audit.watch import note

TOKEN_HEADER, NAME_HEADER = "X-Remuda-Server-Token", "X-Remuda-Server-Name"
#: One entry for each token and server in so long.
ONCE_IN = timedelta(hours=1)
#: When each was noted last, among the Hub's tornado settings.
SEEN = "remuda_tokens_seen"


class WatchedSelfHandler(SelfAPIHandler):
    """`GET /hub/api/user`: JupyterHub's own answer, with one thing to note afterwards."""

    async def get(self) -> None:
        await super().get()
        shown = self.request.headers.get(TOKEN_HEADER)
        if shown:
            await self._note(shown, unquote(self.request.headers.get(NAME_HEADER, ""))[:255])

    async def _note(self, shown: str, server_name: str) -> None:
        token, own = self.get_token(), orm.APIToken.find(self.db, shown)
        if token is None or own is None or own.user is None:
            return
        server = own.user.orm_spawners.get(server_name)
        # A browser's session was noted when the Hub let it in; who has no right to come in is sent away by the server.
        by_browser = token.oauth_client is not None and token.oauth_client.identifier != "jupyterhub"
        if server is None or by_browser or not self._may_enter(server):
            return
        seen: dict[tuple[str, int], datetime] = self.settings.setdefault(SEEN, {})
        if is_first(seen, (token.api_id, server.id), datetime.now(UTC)):
            details = {"token": token.api_id, "note": token.note or ""}
            await note(self, Action.SERVER_ENTERED, self.find_user(own.user.name), server_name, more=details)

    def _may_enter(self, server: orm.Spawner) -> bool:
        given: Any = self.parsed_scopes.get("access:servers")
        return given == Scope.ALL or (isinstance(given, Mapping) and check_scope_filter(given, server, "server"))


def is_first(seen: dict[tuple[str, int], datetime], visit: tuple[str, int], now: datetime) -> bool:
    """Within `ONCE_IN`; `seen` is brought up to date, and forgets what is older."""
    for old in [each for each, at in seen.items() if now - at >= ONCE_IN]:
        del seen[old]
    if visit in seen:
        return False
    seen[visit] = now
    return True

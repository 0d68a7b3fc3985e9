"""A server shows its own token beside a visitor's, and to nobody else."""

from __future__ import annotations

from typing import Any

from jupyterhub.services.auth import HubAuth

from lab_extension.visits import NAME_HEADER, TOKEN_HEADER, show_whose_server


class Asking(HubAuth):
    """Keeps what would be sent."""

    async def _api_request(self, method: str, url: str, /, **more: Any) -> dict[str, Any]:
        asked.append((method, url, dict(more.get("headers") or {})))
        return {"name": "ada"}


asked: list[tuple[str, str, dict[str, str]]] = []


async def test_a_question_about_a_visitor_says_whose_server_asks() -> None:
    auth = Asking(api_token="own", api_url="http://hub/hub/api")
    show_whose_server(auth, "träin/1")
    asked.clear()
    assert await auth.user_for_token("theirs", use_cache=False, sync=False) == {"name": "ada"}
    await auth.user_for_token("own", use_cache=False, sync=False)
    await auth._api_request("POST", "http://hub/hub/api/oauth2/token", headers={})
    (_, url, shown), (_, _, own), (_, _, other) = asked
    assert url == "http://hub/hub/api/user"
    assert shown == {"Authorization": "token theirs", TOKEN_HEADER: "own", NAME_HEADER: "tr%C3%A4in/1"}
    assert TOKEN_HEADER not in own
    assert TOKEN_HEADER not in other

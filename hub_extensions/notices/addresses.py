"""Where somebody's mail goes: an admin's own function, the login's `auth_state` or a template, in this order."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from jupyterhub import orm
from traitlets import Callable, default
from traitlets.config import LoggingConfigurable

from hub_extensions.notices.values import ADDRESS, Email


class NoticeMail(LoggingConfigurable):
    """For `hub.extraConfig`: `c.NoticeMail.address_of = lambda user: …`."""

    address_of = Callable(
        help="The e-mail address of a JupyterHub user, or None to go by `hub.notices.email`. May be a coroutine.",
    ).tag(config=True)

    @default("address_of")
    def _nobody_knows(self) -> Any:
        return lambda user: None


async def address_of(app: Any, name: str, email: Email, hook: NoticeMail) -> str | None:
    """None: nobody of that name has an account, or no address."""
    account = orm.User.find(app.db, name)
    if account is None:
        return None
    user = app.users[account]
    told = hook.address_of(user)
    told = await told if inspect.isawaitable(told) else told
    if not told and email.address_field is not None:
        told = found_in(await user.get_auth_state(), email.address_field)
    if not told and email.address_template is not None:
        told = email.address_template.replace("{username}", name)
    return told if isinstance(told, str) and ADDRESS.fullmatch(told) else None


def found_in(state: Any, field: str) -> Any:
    """`oauth_user.email` in nested mappings."""
    for part in field.split("."):
        state = state.get(part) if isinstance(state, Mapping) else None
    return state

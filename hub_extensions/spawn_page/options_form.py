"""`Spawner.options_form`: what tells JupyterHub that there is a choice to make, and what other pages may insert."""

from __future__ import annotations

from typing import Any

from hub_extensions.page_frame.hub import last_choice
from hub_extensions.spawn_page.form import render_cards
from hub_extensions.spawn_page.view import cards_for


def options_form(spawner: Any) -> str:
    """The cards as HTML with every live value escaped: JupyterHub inserts a form as it is."""
    if spawner.catalog is None:
        return ""
    choice = last_choice(spawner) or spawner.last_good_choice
    return str(render_cards(cards_for(spawner.catalog, spawner.person, choice), "Choose a machine"))

"""PURE: the switch page."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from hub_extensions.page_frame.machine_words import Field, MachineWords
from hub_extensions.page_frame.notice import Notice
from hub_extensions.page_frame.render import render
from hub_extensions.spawn_page.form import render_cards
from hub_extensions.spawn_page.view import Cards


@dataclass(frozen=True)
class SwitchPage:
    cards: Cards
    current: MachineWords | None
    action: str
    back_url: str
    hidden: tuple[Field, ...]
    notice: Notice | None = None
    for_user: str | None = None
    server_name: str = ""


def render_switch(page: SwitchPage) -> Markup:
    return render("switch.html", page=page, cards_html=render_cards(page.cards, "Choose the machine to switch to"))

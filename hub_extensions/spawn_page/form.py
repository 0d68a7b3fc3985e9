"""PURE: the spawn page's HTML."""

from __future__ import annotations

import json
from dataclasses import asdict

from markupsafe import Markup

from hub_extensions.page_frame.render import render
from hub_extensions.spawn_page.view import ASKABLE, Card, Cards, SpawnPage


def render_spawn(page: SpawnPage) -> Markup:
    return render("spawn.html", page=page, cards_html=render_cards(page.cards, "Choose a machine"))


def render_cards(cards: Cards, legend: str) -> Markup:
    return render("machine_cards.html", cards=cards, legend=legend, variants_json=variants_json, askable=ASKABLE)


def variants_json(card: Card) -> str:
    """Facts by chosen option values, for the script that keeps the card true while options change."""
    return json.dumps({key: asdict(facts) for key, facts in (card.variants or {}).items()}, ensure_ascii=False)

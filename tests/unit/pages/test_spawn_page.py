from __future__ import annotations

import json
from dataclasses import replace

import pytest

from hub_extensions.page_frame.form import with_pressed_button
from hub_extensions.page_frame.notice import Notice, Tone
from hub_extensions.spawn_page.form import render_cards, render_spawn
from hub_extensions.spawn_page.view import MAX_VARIANTS, Card, SpawnPage, cards_for
from profiles.choice import MachineChoice
from profiles.model import Catalog
from profiles.person import Person
from tests.unit.pages.reading import Element, assert_accessible, read


def page(catalog: Catalog, person: Person, last: MachineChoice | None = None, **more: object) -> Element:
    spawn = SpawnPage("Pick a machine", cards_for(catalog, person, last), "/hub/spawn/ada?next=%2Fx", "token", **more)  # type: ignore[arg-type]
    return read(str(render_spawn(spawn)))


def card(catalog: Catalog, person: Person, profile_id: str, last: MachineChoice | None = None) -> Card:
    return next(c for c in cards_for(catalog, person, last).cards if c.profile_id == profile_id)


def selected(catalog: Catalog, person: Person, last: MachineChoice | None = None, **more: str) -> str | None:
    return next((c.profile_id for c in cards_for(catalog, person, last, **more).cards if c.selected), None)  # type: ignore[arg-type]


def test_the_page_is_one_accessible_form(catalog: Catalog, ada: Person) -> None:
    html = page(catalog, ada)
    assert_accessible(html)
    form = html.one("form")
    assert form["action"] == "/hub/spawn/ada?next=%2Fx"
    assert form["method"] == "post"
    assert html.one("fieldset").all("legend")
    radios = html.all("input", type="radio")
    assert [radio["value"] for radio in radios] == ["small", "many", "gpu", "big"]
    assert {radio["name"] for radio in radios} == {"profile"}


def test_enter_is_the_selected_radio_button_not_the_first_card(catalog: Catalog, ada: Person) -> None:
    first = page(catalog, ada).all("button")[0]
    assert first["type"] == "submit"
    assert not first.has("name")
    assert first["tabindex"] == "-1"


def test_each_open_card_starts_with_one_click(catalog: Catalog, ada: Person) -> None:
    buttons = page(catalog, ada).all("button", name="start")
    assert [(b["value"], b.text) for b in buttons] == [
        ("small", "Start Small CPU"),
        ("many", "Start Many cores"),
        ("gpu", "Start GPU"),
    ]


def test_a_card_says_what_the_machine_is(catalog: Catalog, ada: Person) -> None:
    small, gpu = card(catalog, ada, "small").facts, card(catalog, ada, "gpu").facts
    assert (small.cores, small.cores_note) == ("2 cores", "0.5 cores guaranteed")
    assert (small.memory, small.memory_note) == ("4 GiB", "2 GiB guaranteed")
    assert small.price == "€0.05 per hour"
    assert small.limits == ("Stops after 2 hours without activity",)
    assert (gpu.cores, gpu.cores_note, gpu.accelerators) == ("8 cores", "", ("1 NVIDIA GPU",))
    assert gpu.limits == ("Stops after 30 minutes without activity", "Stops 8 hours after its start")


def test_a_machine_without_limits_runs_until_it_is_stopped(catalog: Catalog, ada: Person) -> None:
    assert card(catalog, Person("r", frozenset({"research"})), "big").facts.limits == ("Runs until you stop it",)


def test_the_radio_button_is_described_by_purpose_facts_and_price(catalog: Catalog, ada: Person) -> None:
    html = page(catalog, ada)
    radio = html.one("input", type="radio", value="gpu")
    described = " ".join(html.one(id=target).text for target in radio["aria-describedby"].split())
    for words in ("Training.", "8 cores", "32 GiB", "1 NVIDIA GPU", "€2.50 per hour"):
        assert words in described


class TestLocked:
    def test_it_is_visible_with_reason_and_remedy_and_not_selectable(self, catalog: Catalog, ada: Person) -> None:
        html = page(catalog, ada)
        radio = html.one("input", type="radio", value="big")
        assert radio.has("disabled")
        assert not radio.has("checked")
        lock = html.one(cls="rm-lock")
        assert lock["id"] in radio["aria-describedby"]
        assert lock["data-rm-reason"] == "forbidden-profile"
        assert "research" in lock.text
        assert "administrator" in lock.text
        assert not html.all("button", value="big")
        assert not [s for s in html.all("select") if "big" in s["name"]]
        assert "€4.20 per hour" in html.text

    def test_it_is_open_to_the_group(self, catalog: Catalog) -> None:
        html = page(catalog, Person("bea", frozenset({"research"})))
        assert not html.all(cls="rm-lock")
        assert not html.one("input", type="radio", value="big").has("disabled")

    def test_nothing_open_is_said(self, catalog: Catalog, ada: Person) -> None:
        locked = {"big": catalog.profiles["big"]}
        html = page(catalog.model_copy(update={"profiles": locked, "default_profile": None}), ada)
        assert "None of these machines is open to you" in html.text
        assert not html.all("input", checked="")
        empty = page(catalog.model_copy(update={"profiles": {}, "default_profile": None}), ada)
        assert "No machine is set up" in empty.text


class TestPreselected:
    def test_the_default_when_there_was_no_choice(self, catalog: Catalog, ada: Person) -> None:
        assert selected(catalog, ada) == "small"

    def test_the_first_open_one_without_a_default(self, catalog: Catalog, ada: Person) -> None:
        without = catalog.model_copy(update={"default_profile": None})
        assert selected(without, ada) == "small"

    def test_the_last_choice(self, catalog: Catalog, ada: Person) -> None:
        last = MachineChoice("gpu", {"gpus": "3"})
        assert selected(catalog, ada, last) == "gpu"
        gpu = card(catalog, ada, "gpu", last)
        assert [item.value for item in gpu.options[0].items if item.selected] == ["3"]
        assert gpu.facts.price == "€7.50 per hour"
        assert gpu.facts.accelerators == ("3 NVIDIA GPUs",)

    @pytest.mark.parametrize("gone", [MachineChoice("removed"), MachineChoice("big"), MachineChoice(None)])
    def test_never_what_is_gone_or_locked(self, catalog: Catalog, ada: Person, gone: MachineChoice) -> None:
        assert selected(catalog, ada, gone) == "small"

    @pytest.mark.parametrize("options", [{"gpus": "99"}, {"gone": "1"}, {"gpus": ""}])
    def test_options_that_are_gone_fall_back_to_the_default(
        self, catalog: Catalog, ada: Person, options: dict[str, str]
    ) -> None:
        gpu = card(catalog, ada, "gpu", MachineChoice("gpu", options))
        assert gpu.selected
        assert [item.value for item in gpu.options[0].items if item.selected] == ["1"]

    def test_a_switch_does_not_preselect_the_machine_one_is_on(self, catalog: Catalog, ada: Person) -> None:
        assert selected(catalog, ada, MachineChoice("small"), current="small") == "many"
        assert selected(catalog, ada, MachineChoice("gpu"), current="gpu") == "small"
        only = catalog.model_copy(update={"profiles": {"small": catalog.profiles["small"]}})
        assert selected(only, ada, current="small") == "small"


class TestOptions:
    def test_selects_are_named_after_profile_and_option(self, catalog: Catalog, ada: Person) -> None:
        html = page(catalog, ada)
        names = [select["name"] for select in html.all("select")]
        assert names == ["option.many.memory", "option.many.image", "option.gpu.gpus"]
        gpus = html.one("select", name="option.gpu.gpus")
        assert [option.text for option in gpus.all("option")] == ["1", "2 (+€2.50/h)", "3 (+€5.00/h)", "4 (+€7.50/h)"]

    def test_every_combination_carries_its_exact_facts(self, catalog: Catalog, ada: Person) -> None:
        html = page(catalog, ada)
        cards = [element for element in html.all(cls="rm-card") if element.has("data-rm-variants")]
        many = json.loads(cards[0]["data-rm-variants"])
        assert set(many) == {"64\nplain", "64\ngeo", "128\nplain", "128\ngeo"}
        assert many["128\ngeo"]["memory"] == "128 GiB"
        assert many["128\ngeo"]["price"] == "€1.20 per hour"

    def test_too_many_combinations_are_not_listed(self, catalog: Catalog, ada: Person) -> None:
        many = catalog.profiles["many"]
        choices = {str(n): many.options["image"].choices["plain"] for n in range(MAX_VARIANTS)}
        wide = many.options["image"].model_copy(update={"choices": choices, "default": "0"})
        options = {**many.options, "wide": wide}
        profiles = {"many": many.model_copy(update={"options": options})}
        crowded = catalog.model_copy(update={"profiles": profiles, "default_profile": "many"})
        assert card(crowded, ada, "many").variants is None
        assert len(read(str(render_cards(cards_for(crowded, ada), "x"))).all("select")) == 3


def test_nothing_an_admin_or_a_user_writes_becomes_html(nasty_catalog: Catalog, nasty: str) -> None:
    notice = Notice(nasty, nasty, nasty, Tone.DANGER)
    html = page(nasty_catalog, Person(nasty), notice=notice, for_user=nasty, server_name=nasty)
    assert not html.all("script")
    assert "49" not in html.text
    assert html.text.count("{{ 7 * 7 }}") >= 8
    assert_accessible(html)


def test_a_refusal_is_an_alert_with_its_code(catalog: Catalog, ada: Person) -> None:
    html = page(catalog, ada, notice=Notice("No.", "Ask.", "forbidden-profile", Tone.DANGER))
    alert = html.one(role="alert")
    assert alert.text == "No. Ask. Reason code: forbidden-profile"


def test_an_admin_sees_for_whom_the_machine_is(catalog: Catalog, ada: Person) -> None:
    assert "For ada , server second ." in page(catalog, ada, for_user="ada", server_name="second").text


class TestPressedButton:
    def test_the_pressed_button_wins_over_the_radio_button(self) -> None:
        fields = {"profile": [b"small"], "start": [b"gpu"], "option.gpu.gpus": [b"2"]}
        assert with_pressed_button(fields) == {"profile": [b"gpu"], "option.gpu.gpus": [b"2"]}

    def test_enter_leaves_the_radio_button(self) -> None:
        assert with_pressed_button({"profile": [b"small"], "start": [b""]}) == {"profile": [b"small"]}
        assert with_pressed_button({"profile": [b"small"]}) == {"profile": [b"small"]}

    def test_two_pressed_buttons_are_left_for_the_parser_to_refuse(self) -> None:
        assert with_pressed_button({"start": [b"a", b"b"]})["profile"] == [b"a", b"b"]


def test_the_current_machine_is_marked_on_the_switch_page(catalog: Catalog, ada: Person) -> None:
    cards = cards_for(catalog, ada, current="small", verb="Switch")
    html = read(str(render_cards(cards, "Choose")))
    assert html.one(cls="rm-current").one("label").text == "Small CPU"
    assert "You are here" in html.one(cls="rm-current").text
    assert [b.text for b in html.all("button", name="start")] == ["Switch Small CPU", "Switch Many cores", "Switch GPU"]
    assert replace(cards, verb="Start").selectable


def test_answers_to_asks_are_told_before_the_cards(catalog: Catalog, ada: Person) -> None:
    news = (Notice("bea said yes: you may have GPU until 14:05 UTC.", "“Have fun”", "ask-granted"),)
    html = page(catalog, ada, news=news)
    assert "bea said yes" in html.one(role="status").text
    assert_accessible(html)

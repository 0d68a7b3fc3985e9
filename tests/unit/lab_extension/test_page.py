"""What Lab's page is told about the machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lab_extension.machine import details_of, label_of, machine_from, price_of
from lab_extension.page import LABEXTENSIONS, preload_names, switch_url, with_remuda

GPU = {
    "display_name": "GPU",
    "price_per_hour": {"amount": "2.5", "currency": "EUR", "human": "€2.50"},
    "cpu_cores": 8.0,
    "memory_bytes": 32 * 1024**3,
    "gpus": 1,
    "started_at": "2026-01-31T09:30:12+00:00",
}
HUB = {"hubPrefix": "/hub/", "hubHost": "", "hubUser": "ada", "hubServerUser": "ada", "hubServerName": ""}


def test_a_machine_in_words() -> None:
    machine = machine_from({"REMUDA_MACHINE": json.dumps(GPU)})
    assert machine is not None
    assert label_of(machine) == "GPU · €2.50/h"
    assert details_of(machine) == "8 cores · 32 GiB · 1 GPU · since 2026-01-31 09:30 UTC"


@pytest.mark.parametrize(
    ("price", "words"),
    [
        ("0.48 EUR", "0.48 EUR"),
        ({"amount": "3", "currency": "USD"}, "3.00 USD"),
        ({"amount": "0.005", "currency": "EUR"}, "0.005 EUR"),  # from a Hub that does not say it in words
        ({"amount": "0.005", "currency": "EUR", "human": "€0.005"}, "€0.005"),
        ({"amount": "0", "currency": "EUR", "human": "€0.00"}, None),
        ({"amount": "NaN", "currency": "EUR"}, None),
        ("", None),
        (None, None),
        ({}, None),
    ],
)
def test_prices(price: Any, words: str | None) -> None:
    assert price_of({"price_per_hour": price}) == words


@pytest.mark.parametrize("text", ["", "nope", "[]", "{}", "null"])
def test_no_machine_is_no_error(text: str) -> None:
    assert machine_from({"REMUDA_MACHINE": text}) is None
    assert machine_from({}) is None
    told = json.loads(with_remuda(dict(HUB), {"REMUDA_MACHINE": text}, [])["remuda"])
    assert told == {"notices": []}


@pytest.mark.parametrize(
    ("change", "url"),
    [
        ({}, "/hub/switch"),
        ({"hubServerName": "big one"}, "/hub/switch/ada/big%20one"),
        ({"hubUser": "admin"}, "/hub/switch/ada"),
        ({"hubServerUser": "a/b", "hubUser": "admin"}, "/hub/switch/a%2Fb"),
        ({"hubHost": "https://hub.example"}, "https://hub.example/hub/switch"),
        ({"hubPrefix": ""}, None),
    ],
)
def test_the_way_to_another_machine(change: dict[str, str], url: str | None) -> None:
    assert switch_url({**HUB, **change}) == url


def test_what_others_configured_stays() -> None:
    config = {**HUB, "disabledExtensions": ["@x/y"], "theme": "dark", "federated_extensions": [{"name": "z"}]}
    told = with_remuda(config, {"REMUDA_MACHINE": json.dumps(GPU)}, ["Your home is full."])
    assert told["theme"] == "dark"
    assert told["federated_extensions"] == [{"name": "z"}]
    assert told["disabledExtensions"] == ["@x/y", "@jupyterlab/apputils-extension:announcements"]
    assert json.loads(told["remuda"])["notices"] == ["Your home is full."]
    assert config["disabledExtensions"] == ["@x/y"], "the given configuration is not changed"


def test_the_front_end_is_where_its_package_file_says() -> None:
    package = json.loads((LABEXTENSIONS / "remuda/package.json").read_text())
    build = package["jupyterlab"]["_build"]
    entry = (LABEXTENSIONS / "remuda" / build["load"]).read_text()
    assert f"_JUPYTERLAB.{package['name']} = container" in entry
    assert build["extension"] in entry


def test_the_core_is_asked_for_at_once(tmp_path: Path) -> None:
    for name in ("jlab_core.12ab.js", "jlab_core.12ab.js.map", "main.ff.js"):
        (tmp_path / name).touch()
    assert preload_names(tmp_path) == ("jlab_core.12ab.js?v=12ab",)
    assert preload_names(tmp_path / "missing") == ()

# ruff: noqa: E501 - a table reads best with a case on a line
"""Documents over documents, profiles over what they extend: what merges, what replaces, and that inputs stay whole."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from profiles.catalog import CatalogErrors, Document, from_mapping, load_catalog, read_documents
from profiles.frozen import FrozenDict, freeze, thaw
from profiles.model import Catalog, HomePolicy, Profile
from profiles.overlay import lay_over
from profiles.quantity import Cpu, Duration, Memory


def load(text: str, **more: Any) -> Catalog:
    return load_catalog(Document("my.yaml", text), **more)


@pytest.mark.parametrize(
    ("base", "overlay", "merged"),
    [
        ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"c": 3}}, {"a": {"b": 1, "c": 3}}),
        ({"a": 1, "b": 2}, {"a": None}, {"b": 2}),
        ({"a": {"b": 1}}, {"a": {"b": None}}, {"a": {}}),
        ({}, {"a": None, "b": {"c": None}}, {"b": {}}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": {"b": 1}}, {"a": 2}, {"a": 2}),
        ({"a": 2}, {"a": {"b": 1}}, {"a": {"b": 1}}),
        ({"allow": {"groups": ["a"]}}, {"allow": {"users": ["b"]}}, {"allow": {"users": ["b"]}}),
        ({"cpu": 2}, {"cpu": {"limit": 4}}, {"cpu": {"request": 2, "limit": 4}}),
        ({"cpu": {"request": 1, "limit": 2}}, {"cpu": 4}, {"cpu": 4}),
        ({"o": {"range": {"to": 4}}}, {"o": {"choices": {"a": {}}}}, {"o": {"choices": {"a": {}}}}),
        ({"o": {"choices": {"a": {}}}}, {"o": {"range": {"to": 4}}}, {"o": {"range": {"to": 4}}}),
        ({"o": {"range": {"to": 4}}}, {"o": {"range": {"from": 2}}}, {"o": {"range": {"to": 4, "from": 2}}}),
    ],
)
def test_what_merges_and_what_replaces(base: Any, overlay: Any, merged: Any) -> None:
    assert lay_over(base, overlay) == merged


TREES = st.recursive(
    st.none() | st.integers(0, 3) | st.lists(st.integers(0, 3), max_size=2),
    lambda inner: st.dictionaries(st.sampled_from("abc") | st.sampled_from(["cpu", "allow"]), inner, max_size=3),
    max_leaves=10,
)
MAPPINGS = st.dictionaries(st.sampled_from("abcd"), TREES, max_size=4)


@given(MAPPINGS, MAPPINGS, MAPPINGS)
def test_laying_over_changes_no_input_and_nothing_added_changes_nothing(base: Any, overlay: Any, other: Any) -> None:
    before = copy.deepcopy((base, overlay))
    merged = lay_over(base, overlay)
    assert (base, overlay) == before
    assert lay_over(merged, {}) == merged
    assert lay_over(merged, overlay) == merged, "twice is once"
    assert not _nulls(lay_over({}, merged))
    lay_over(merged, other)
    assert (base, overlay) == before


def _nulls(value: Any) -> bool:
    return value is None or (isinstance(value, Mapping) and any(_nulls(item) for item in value.values()))


def test_the_same_id_changes_a_shipped_machine_key_by_key() -> None:
    gpu = load("profiles: {gpu: {pricePerHour: 2.90, memory: {limit: 48Gi}, env: {A: 1}}}").profiles["gpu"]
    assert gpu.price_per_hour == Decimal("2.90"), "never 2.8999999"
    assert (gpu.memory.request, gpu.memory.limit) == (Memory.parse("32Gi"), Memory.parse("48Gi"))
    assert gpu.env == {"A": "1"}
    assert gpu.idle_timeout == Duration(3600), "what is not said stays"


def test_extends_inherits_all_but_name_and_whether_it_is_shown() -> None:
    catalog = load(
        """
        profiles:
          gpu: {enabled: false, allow: {groups: [ml]}, env: {A: a, B: b}}
          big: {extends: gpu, memory: 128Gi, env: {B: null, C: c}, idleTimeout: null}
          bigger: {extends: big, memory: 256Gi, allow: {everyone: true}}
        """
    )
    big, bigger = catalog.profiles["big"], catalog.profiles["bigger"]
    assert "gpu" not in catalog.profiles
    assert (big.enabled, big.display_name, big.pool) == (True, "", "gpu")
    assert big.env == {"A": "a", "C": "c"}
    assert big.idle_timeout is None
    assert big.allow.groups == ("ml",)
    assert bigger.memory.request == Memory.parse("256Gi")
    assert (bigger.allow.everyone, bigger.allow.groups) == (True, ()), "allow is never merged"
    assert list(bigger.options["gpus"].choices) == ["1", "2", "3", "4"]


def test_a_null_takes_away_what_is_inherited_from_another_file() -> None:
    first = Document("first", "profiles: {big: {extends: gpu, idleTimeout: null, options: {gpus: null}}}")
    second = Document("second", "profiles: {gpu: {idleTimeout: 3h}, big: {memory: 64Gi}}")
    big = load_catalog(first, second).profiles["big"]
    assert (big.idle_timeout, big.options) == (None, {})
    assert load_catalog(first, second).profiles["gpu"].idle_timeout == Duration(3 * 3600)


def test_order_of_definition_does_not_matter_for_extends() -> None:
    text = (
        "profiles: {a: {extends: b, displayName: A}, b: {extends: c, displayName: B}, c: {extends: gpu, memory: 1Gi}}"
    )
    assert load(text).profiles["a"].memory.limit == Memory.parse("1Gi")


def test_null_takes_a_machine_or_an_option_away() -> None:
    catalog = load("profiles: {gpu: null, many-core: {options: {memory: null}}}")
    assert list(catalog.profiles) == ["small-cpu", "many-core"]
    assert catalog.profiles["many-core"].options == {}


@pytest.mark.parametrize(
    "text", ["", "profiles:\n", "pools:\nprofiles:\ncurrency:\ndefaultProfile:\n", "{}", "# nothing"]
)
def test_saying_nothing_changes_nothing(text: str) -> None:
    assert load(text) == load_catalog()


def test_without_shipped_machines_everything_is_ones_own() -> None:
    text = "pools: {p: {}}\nprofiles: {mine: {pool: p, cpu: 500m, memory: 1Gi}}"
    catalog = load(text, base=())
    assert (list(catalog.profiles), catalog.default_profile, catalog.currency) == (["mine"], None, "EUR")


def test_no_default_can_be_asked_for() -> None:
    assert load('defaultProfile: ""').default_profile is None
    assert load("defaultProfile: null").default_profile == "small-cpu", "null at the top says nothing"


@pytest.mark.parametrize(
    ("pool", "selector", "keys"),
    [
        ("{}", {"remuda.dev/pool": "p"}, ["remuda.dev/pool"]),
        ("{nodeSelector: {}}", {}, ["remuda.dev/pool"]),
        ("{nodeSelector: {a: b}}", {"a": "b"}, ["remuda.dev/pool"]),
        ("{tolerations: []}", {"remuda.dev/pool": "p"}, []),
        ("{tolerations: [{operator: Exists}]}", {"remuda.dev/pool": "p"}, [None]),
    ],
)
def test_where_nodes_are_when_nothing_is_said(pool: str, selector: dict[str, str], keys: list[str | None]) -> None:
    made = load(f"pools: {{p: {pool}}}").pools["p"]
    assert made.node_selector == selector
    assert [toleration.key for toleration in made.tolerations] == keys


def test_the_charts_own_keys_are_left_to_the_chart() -> None:
    text = "hub: {x: 1}\nsingleuser: {}\ncull: {}\nshippedProfiles: true\npools: {gpu: {placeholders: {replicas: 2}}}"
    assert load(text) == load_catalog()


def test_ids_that_yaml_reads_as_numbers_are_text() -> None:
    text = "profiles: {gpu: {options: {n: {default: 2, choices: {1: {}, 2: {}}}}}}"
    option = load(text).profiles["gpu"].options["n"]
    assert (option.default, list(option.choices)) == ("2", ["1", "2"])


@pytest.mark.parametrize(
    ("shorthand", "default", "choices", "dearest"),
    [
        ("{to: 3, sets: cpu, pricePerHourEach: 0.1}", "1", ["1", "2", "3"], "0.2"),
        ("{from: 8, to: 32, step: 8, sets: memory, unit: Gi, pricePerHourEach: '0.01'}", "8Gi", ["8Gi", "16Gi", "24Gi", "32Gi"], "0.24"),
        ("{from: 0, to: 2, sets: extendedResources.amd.com/gpu}", "0", ["0", "1", "2"], "0"),
        ("{to: 64, sets: cpu}", "1", [str(n) for n in range(1, 65)], "0"),
    ],
)  # fmt: skip
def test_a_range_is_written_out(shorthand: str, default: str, choices: list[str], dearest: str) -> None:
    option = load(f"profiles: {{gpu: {{options: {{n: {{range: {shorthand}}}}}}}}}").profiles["gpu"].options["n"]
    assert (option.default, list(option.choices)) == (default, choices)
    assert option.choices[choices[-1]].price_per_hour == Decimal(dearest)


def test_a_range_takes_its_default_with_or_without_the_unit() -> None:
    for written in ("16", "16Gi"):
        text = f"{{default: {written}, range: {{from: 8, to: 16, step: 8, sets: memory, unit: Gi}}}}"
        assert load(f"profiles: {{gpu: {{options: {{n: {text}}}}}}}").profiles["gpu"].options["n"].default == "16Gi"


def test_files_of_a_folder_are_read_in_the_order_of_their_names(tmp_path: Any) -> None:
    (tmp_path / "b.yaml").write_text("profiles: {gpu: {pricePerHour: 3}}")
    (tmp_path / "a.yml").write_text("profiles: {gpu: {pricePerHour: 2, purpose: From a.}}")
    (tmp_path / "notes.txt").write_text("{")
    gpu = load_catalog(*read_documents(tmp_path)).profiles["gpu"]
    assert (gpu.price_per_hour, gpu.purpose) == (Decimal(3), "From a.")


def test_a_mapping_given_is_not_changed_and_not_shared() -> None:
    given = {"profiles": {"gpu": {"env": {"A": "a"}, "volumes": [{"name": "v", "emptyDir": {}}]}}}
    before = copy.deepcopy(given)
    catalog = load_catalog(from_mapping("settings", given))
    assert given == before
    given["profiles"]["gpu"]["env"] = {"A": "changed"}
    given["profiles"]["gpu"]["volumes"] = []
    assert catalog.profiles["gpu"].env == {"A": "a"}
    assert catalog.profiles["gpu"].volumes == ({"name": "v", "emptyDir": {}},)


def test_nothing_of_a_catalog_can_be_changed() -> None:
    gpu = load_catalog().profiles["gpu"]
    for mapping in (load_catalog().profiles, load_catalog().pools, gpu.options, gpu.env, gpu.options["gpus"].choices):
        with pytest.raises(TypeError, match="shared"):
            mapping["x"] = None  # type: ignore[index]
    with pytest.raises(ValueError, match="frozen"):
        gpu.pool = "general"  # type: ignore[misc]


@given(
    st.recursive(
        st.integers() | st.text(max_size=3), lambda i: st.lists(i, max_size=3) | st.dictionaries(st.text(max_size=2), i)
    )
)
def test_frozen_and_thawed_again_is_the_same_and_ones_own(value: Any) -> None:
    frozen = freeze(value)
    assert thaw(frozen) == value
    assert hash(frozen) == hash(freeze(copy.deepcopy(value)))
    if isinstance(frozen, FrozenDict):
        assert copy.deepcopy(frozen) is frozen
        thaw(frozen)["mine"] = 1
        assert thaw(frozen) == value


def test_python_may_use_attribute_names_yaml_may_not() -> None:
    made = Profile(pool="p", cpu=2, memory="1Gi", price_per_hour=1, idle_timeout="1h")  # type: ignore[arg-type]
    assert (made.cpu.limit, made.idle_timeout) == (Cpu(2000), Duration(3600))
    with pytest.raises(CatalogErrors, match="pricePerHour"):
        load("profiles: {gpu: {price_per_hour: 1}}")


@pytest.mark.parametrize(
    ("home", "told"),
    [
        ({"claimNameTemplate": "home"}, "everybody would share one home"),
        ({"claimNameTemplate": "home-{username}-{servername}"}, "another home"),
        ({"size": 10}, "10Gi"),
        ({"size": "10GB"}, 'did you mean "10Gi"'),
        ({"mountPath": "home"}, "begin it with /"),
        ({"accessMode": "RWX"}, "ReadWriteMany"),
        ({"acessMode": "ReadWriteOnce"}, "Extra inputs"),
    ],
)
def test_a_home_that_would_lose_or_share_work_is_refused(home: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        HomePolicy.model_validate(home)


def test_a_home_when_nothing_is_said() -> None:
    home = HomePolicy()  # type: ignore[call-arg]
    assert (home.size, home.access_mode, home.mount_path) == (Memory.parse("10Gi"), "ReadWriteMany", "/home/jovyan")
    assert home.keep_when_user_removed


def test_the_readme_example_loads() -> None:
    from pathlib import Path

    readme = (Path(__file__).resolve().parents[3] / "README.md").read_text(encoding="utf-8")
    example = next(block for block in readme.split("```yaml")[1:] if "profiles:" in block).split("```")[0]
    catalog = load_catalog(from_mapping("README", yaml.safe_load(example)))
    assert catalog.pools["gpu"].node_selector == {"cloud.example/pool": "a100"}
    assert catalog.profiles["gpu-large"].allow.groups == ("ml-team",)

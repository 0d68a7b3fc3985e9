# ruff: noqa: E501 - a table reads best with a case on a line
"""A broken catalog: every mistake, with file, profile, field, and what to write instead."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from profiles.catalog import CatalogErrors, Document, from_mapping, load_catalog, shipped_documents
from profiles.person import Person
from profiles.problems import CatalogError, nearest
from profiles.resolve import options_for


def mistakes(text: str, *, shipped: bool = True) -> list[str]:
    with pytest.raises(CatalogErrors) as refused:
        load_catalog(Document("my.yaml", text), base=None if shipped else ())
    return [str(error) for error in refused.value.errors]


def mistakes_in(mapping: dict[str, Any]) -> list[str]:
    with pytest.raises(CatalogErrors) as refused:
        load_catalog(from_mapping("my.yaml", mapping))
    return [str(error) for error in refused.value.errors]


def only(text: str) -> str:
    found = mistakes(text)
    assert len(found) == 1, found
    return found[0]


def test_a_wrong_extends_does_not_hide_the_profiles_other_mistakes() -> None:
    found = mistakes("profiles: {mine: {extends: gpuu, memory: 8GB, pool: nowhere, colour: red}}")
    assert len(found) == 4, found
    for told in ('did you mean "gpu"?', 'did you mean "8Gi"?', "nowhere", "colour"):
        assert any(told in each for each in found), told


def machine(fields: str, pool: str = "general") -> dict[str, Any]:
    """One more machine, sound but for these fields."""
    return {"profiles": {"mine": {"pool": pool, "cpu": 2, "memory": "8Gi"} | yaml.safe_load(f"{{{fields}}}")}}


@pytest.mark.parametrize(
    ("fields", "field", "told"),
    [
        # amounts
        ("cpu: lots", "cpu", "500m"),
        ("cpu: {request: 4, limit: 2}", "cpu", "limit 2 is less than request 4"),
        ("cpu: {request: 4, limit: x}", "cpu.limit", "'x' is not an amount of cpu"),
        ("cpu: {request: -1}", "cpu.request", "negative"),
        ("cpu: 0", "cpu", "needs some cpu"),
        ("cpu: []", "cpu", "not a mapping"),
        ("cpu: true", "cpu", "500m"),
        ("memory: {limit: x}", "memory.limit", "8Gi"),
        ("memory: null", "memory", "it is missing"),
        ("cpu: {}", "cpu", "no amount is given"),
        ("cpu: {requests: 1, limit: 2}", "cpu.requests", 'did you mean "request"?'),
        ("memory: 8", "memory", 'give the unit, such as "8Gi"'),
        ("memory: 8GB", "memory", 'did you mean "8Gi"?'),
        ("memory: 512m", "memory", 'write "512Mi"'),
        ("memory: {request: 8Gi, limit: 4Gi}", "memory", "limit 4Gi is less than request 8Gi"),
        # price
        ("pricePerHour: -1", "pricePerHour", "negative"),
        ('pricePerHour: "0,48"', "pricePerHour", "write a number such as 0.48"),
        ("pricePerHour: 2,90", "90", "write decimals with a point"),
        ("pricePerHour: 1 EUR", "pricePerHour", "without the currency"),
        ("pricePerHour: .nan", "pricePerHour", "not a price"),
        ("pricePerHour: .inf", "pricePerHour", "not a price"),
        ("pricePerHour: true", "pricePerHour", "not a price"),
        ("pricePerHour: 0.0000001", "pricePerHour", "six decimals"),
        ("pricePerHour: 1000001", "pricePerHour", "more than 1000000"),
        # names
        ("pool: genral", "pool", 'did you mean "general"?'),
        ("pool: basement", "pool", "define it under pools"),
        ("pool: 3", "pool", "no pool '3'"),
        ("extends: small", "extends", 'did you mean "small-cpu"?'),
        ("extends: zzzz", "extends", "extend one of"),
        ("idleTimeOut: 3h", "idleTimeOut", 'did you mean "idleTimeout"?'),
        ("idle_timeout: 3h", "idle_timeout", 'did you mean "idleTimeout"?'),
        ("price: 3", "price", "no such key"),
        ("idle_timeout: null", "idle_timeout", 'did you mean "idleTimeout"?'),
        ("gpu: 3", "gpu", "no such key"),
        # time
        ("idleTimeout: soon", "idleTimeout", "30m"),
        ("maxLifetime: -1h", "maxLifetime", "negative"),
        ("startTimeout: 0", "startTimeout", "there is no time in it"),
        ("startTimeout: never", "startTimeout", "not a length of time"),
        # devices
        ("extendedResources: {gpu: 1}", "extendedResources.gpu", "nvidia.com/gpu"),
        ("extendedResources: {cpu: 1}", "extendedResources.cpu", "use the field cpu"),
        ("extendedResources: {kubernetes.io/x: 1}", "extendedResources.kubernetes.io/x", "Kubernetes' own"),
        ("extendedResources: {nvidia.com/gpu: 0.5}", "extendedResources.nvidia.com/gpu", "these are counted"),
        ("extendedResources: {nvidia.com/gpu: -1}", "extendedResources.nvidia.com/gpu", "less than 0"),
        ("extendedResources: {nvidia.com/gpu: true}", "extendedResources.nvidia.com/gpu", "whole number"),
        ("extendedResources: {nvidia.com/gpu: 99999999}", "extendedResources.nvidia.com/gpu", "more than"),
        ("extendedResources: [nvidia.com/gpu]", "extendedResources", "not a mapping"),
        # image
        ('image: "Has Space:1"', "image", "not an image reference"),
        ("image: []", "image", "not text"),
        ("imagePullPolicy: always", "imagePullPolicy", "'Always'"),
        # who
        ("allow: {groups: []}", "allow", "nobody may use it"),
        ("allow: {everyone: false}", "allow", "enabled: false"),
        ("allow: {everyone: true, groups: [a]}", "allow", "still some are named"),
        ("allow: everyone", "allow", "not a mapping"),
        ("allow: {groups: ml-team}", "allow.groups", "write a list"),
        ("allow: {group: [a]}", "allow.group", 'did you mean "groups"?'),
        ("allow: {everyone: 3}", "allow.everyone", "true or false"),
        ("enabled: perhaps", "enabled", "true or false"),
        # text
        ("displayName: on", "displayName", 'put it in quotes: "true", "on", "yes"'),
        ('displayName: "a\\nb"', "displayName", "one line"),
        ("env: {A: yes}", "env.A", "put it in quotes"),
        ("env: {A: 1.10}", "env.A", "put it in quotes"),
        ("env: {A: {b: c}}", "env.A", "not text"),
        ("env: {1A: x}", "env.1A", "environment variable"),
        ("env: {JUPYTERHUB_API_TOKEN: x}", "env.JUPYTERHUB_API_TOKEN", "set by the hub"),
        ("env: [A=1]", "env", "not a mapping"),
        ("labels: {app: x}", "labels.app", "the hub's own"),
        ("labels: {remuda.dev/x: x}", "labels.remuda.dev/x", "the hub's own"),
        ("labels: {a: b c}", "labels.a", "a value of a label"),
        ("labels: {a/b/c: b}", "labels.a/b/c", "Kubernetes name"),
        ("annotations: {hub.jupyter.org/x: x}", "annotations.hub.jupyter.org/x", "the hub's own"),
        # volumes
        ("volumes: [{name: a, hostPath: {path: /}}]", "volumes.0", "not admitted by Pod Security"),
        ("volumes: [{name: a}]", "volumes.0", "0 kinds"),
        ("volumes: [{emptyDir: {}}]", "volumes.0", "name of a volume"),
        ("volumes: {a: b}", "volumes", "write a list"),
        ("volumes: [a]", "volumes.0", "not a mapping"),
        ("volumes: [{name: a, emptyDir: {}}, {name: a, emptyDir: {}}]", "volumes.1", "two volumes are called 'a'"),
        ("volumeMounts: [{name: a, mountPath: /x}]", "volumeMounts.0.name", "no volume 'a'"),
        ("volumeMounts: [{name: a}]", "volumeMounts.0", "no mountPath"),
        ("volumes: [{name: a, emptyDir: {}}], volumeMounts: [{name: a, mountPath: x}]", "volumeMounts.0", "begin mountPath"),
        (
            "volumes: [{name: a, emptyDir: {}}], volumeMounts: [{name: a, mountPath: /x}, {name: a, mountPath: /x}]",
            "volumeMounts.1.mountPath",
            "already",
        ),
        # options
        ("options: {o: {choices: {a: {}}}}", "options.o", "no default"),
        ("options: {o: {default: b, choices: {a: {}}}}", "options.o", "'b' is not among the choices"),
        ("options: {o: {default: a, choices: {}}}", "options.o", "nothing to choose"),
        ("options: {o: {default: a}}", "options.o", "nothing to choose"),
        ("options: {o: {default: a, choices: [a]}}", "options.o.choices", "not a mapping"),
        ("options: {o.p: {default: a, choices: {a: {}}}}", "options.o.p", "an id of an option"),
        ("options: {o--p: {default: a, choices: {a: {}}}}", "options.o--p", "an id of an option"),
        ('options: {o: {default: a, choices: {a: {}, "b c": {}}}}', "options.o.choices.b c", "an id of a choice"),
        ("options: {o: {default: a, choices: {a: {cpu: 3}}}}", "options.o.choices.a.cpu", "no such key"),
        ("options: {o: {default: a, choices: {a: {overrides: {pool: gpu}}}}}", "options.o.choices.a.overrides.pool", "no such"),
        (
            "options: {o: {default: a, choices: {a: {overrides: {cpu: {request: 3, limit: 1}}}}}}",
            "options.o.choices.a.overrides.cpu",
            "limit 1 is less",
        ),
        ("options: {o: {default: a, choices: {a: {pricePerHour: -1}}}}", "options.o.choices.a.pricePerHour", "negative"),
        (
            "options: {o: {default: a, choices: {a: {overrides: {memory: 4Gi}}}}, p: {default: b, choices: {b: {overrides: {memory: 8Gi}}}}}",
            "options.p",
            "both set memory",
        ),
        (
            "options: {o: {default: a, choices: {a: {overrides: {env: {X: a}}}}}, p: {default: b, choices: {b: {overrides: {env: {X: b}}}}}}",
            "options.p",
            "both set env.X",
        ),
        # ranges
        ("options: {o: {range: {to: 4}}}", "options.o.range.sets", "missing"),
        ("options: {o: {range: {to: 4, sets: pool}}}", "options.o.range.sets", "a range cannot set"),
        ("options: {o: {range: {to: 4, sets: extendedResources.}}}", "options.o.range.sets", "a range cannot set"),
        ("options: {o: {range: {to: 4, sets: extendedResources.gpu}}}", "options.o.range.sets", "nvidia.com/gpu"),
        ("options: {o: {range: {to: 4, sets: memory}}}", "options.o", "add unit: Gi"),
        ("options: {o: {range: {to: 4, sets: cpu, unit: Gi}}}", "options.o", "unit counts only"),
        ("options: {o: {range: {from: 4, to: 1, sets: cpu}}}", "options.o", "swap from and to"),
        ("options: {o: {range: {to: 65, sets: cpu}}}", "options.o", "65 choices"),
        ("options: {o: {range: {to: 99999999999, sets: cpu}}}", "options.o", "at most 64"),
        ("options: {o: {range: {to: 4, step: 0, sets: cpu}}}", "options.o.range.step", "less than 1"),
        ("options: {o: {range: {to: four, sets: cpu}}}", "options.o.range.to", "whole number"),
        ("options: {o: {default: 9, range: {to: 4, sets: cpu}}}", "options.o", "not among the choices"),
        ("options: {o: {default: a, choices: {a: {}}, range: {to: 4, sets: cpu}}}", "options.o", "both choices and range"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_profile(fields: str, field: str, told: str) -> None:
    found = mistakes_in(machine(fields))
    assert len(found) == 1, found
    error = found[0]
    assert error.startswith(f"my.yaml: profile 'mine': field '{field}': "), error
    assert told in error
    assert " — " in error


@pytest.mark.parametrize(
    ("text", "place", "told"),
    [
        ("profile: {}", "field 'profile'", 'did you mean "profiles"?'),
        ("Pools: {}", "field 'Pools'", 'did you mean "pools"?'),
        ("whatever: {}", "field 'whatever'", "one of: currency, defaultProfile, pools, profiles"),
        ("currency: euro", "field 'currency'", "write its three letters"),
        ("currency: 3", "field 'currency'", "not text"),
        ("defaultProfile: many", "field 'defaultProfile'", "one of: small-cpu, many-core, gpu"),
        ("defaultProfile: smal-cpu", "field 'defaultProfile'", 'did you mean "small-cpu"?'),
        ("defaultProfile: [a]", "field 'defaultProfile'", "not text"),
        ("profiles: [a]", "field 'profiles'", "not a mapping"),
        ("profiles: {a: b}", "profile 'a'", "not a mapping"),
        ("pools: 3", "field 'pools'", "not a mapping"),
        ("pools: {a: [b]}", "pool 'a'", "not a mapping"),
        ("pools: {gpu: {taints: []}}", "pool 'gpu': field 'taints'", "no such key"),
        ("pools: {gpu: {nodeselector: {}}}", "pool 'gpu': field 'nodeselector'", 'did you mean "nodeSelector"?'),
        ("pools: {gpu: {nodeSelector: {a b: c}}}", "pool 'gpu': field 'nodeSelector.a b'", "Kubernetes name"),
        ("pools: {gpu: {tolerations: [{operator: Exists, value: x}]}}", "pool 'gpu': field 'tolerations.0'", "no value"),
        ("pools: {gpu: {tolerations: [{}]}}", "pool 'gpu': field 'tolerations.0'", "needs a key"),
        ("pools: {gpu: {tolerations: [{key: a, effect: noschedule}]}}", "pool 'gpu': field 'tolerations.0.effect'", "NoSchedule"),
        ("pools: {gpu: {tolerations: [{key: a, tolerationSeconds: 3}]}}", "pool 'gpu': field 'tolerations.0'", "NoExecute"),
        ("pools: {Bad_Id: {}}", "pool 'Bad_Id'", "not an id"),
        ("pools: {gpu: {autoscaled: {largestNode: {cpu: x}}}}", "pool 'gpu': field 'autoscaled.largestNode.cpu'", "500m"),
        ("pools: {gpu: {autoscaled: {largestnode: {}}}}", "pool 'gpu': field 'autoscaled.largestnode'", "largestNode"),
        ("profiles: {a--b: {extends: gpu}}", "profile 'a--b'", "not an id"),
        ("profiles: {yes: {extends: gpu, displayName: x.y}, y.z: {extends: gpu}}", "profile 'y.z'", "not an id"),
        (f"profiles: {{{'a' * 64}: {{extends: gpu}}}}", f"profile '{'a' * 64}'", "64 characters"),
        ("profiles: {small-cpu: {enabled: false}}", "field 'defaultProfile'", "is not enabled"),
        ("profiles: {small-cpu: null}", "field 'defaultProfile'", "no profile 'small-cpu'"),
        ("profiles: {small-cpu: {allow: {groups: [a]}}}", "field 'defaultProfile'", "only members of a may use"),
        ("profiles: {mine: {extends: gpu, displayName: gpu}}", "profile 'mine': field 'displayName'", "also the name"),
        ("profiles: {mine: {extends: mine}}", "profile 'mine': field 'extends'", "mine → mine"),
    ],
)  # fmt: skip
def test_a_mistake_elsewhere(text: str, place: str, told: str) -> None:
    error = only(text)
    assert place in error, error
    assert told in error, error


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("profiles: {", "not YAML: "),
        ("a: b\n  c: d\n", "my.yaml:2: not YAML"),
        ("pools:\n\tgpu: {}\n", "my.yaml:2: not YAML"),
        ("a: 'b\n", "not YAML"),
        ("- a\n- b\n", "the document is a list, not a mapping"),
        ("just text", "the document is a single value"),
        ("a: 1\n---\nb: 2\n", "several documents in one file"),
        ("profiles: !!python/object:os.system {}", "not YAML"),
        ("a: 2024-99-99", "cannot be read"),
        ("a: &x [*x]", "an alias contains itself"),
        ("profiles: {a: &b {c: *b}}", "an alias contains itself"),
        ("a: " + "[" * 2000 + "]" * 2000, "nested more than 100 deep"),
        ("\x00", "not YAML"),
        ("a: &a [x,x,x,x,x,x,x,x,x]\n" + "\n".join(
            f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 9)}]" for i in range(8)
        ), "unfold"),
    ],
    ids=range(14),
)  # fmt: skip
def test_what_is_not_even_yaml(text: str, told: str) -> None:
    found = mistakes(text)
    assert any(told in error for error in found), found


def test_a_key_written_twice_is_told_with_both_lines() -> None:
    text = "profiles:\n  mine: {extends: gpu, displayName: A}\n  mine: {extends: gpu, displayName: B}\n"
    assert only(text) == (
        "my.yaml:3: profile 'mine': the key 'mine' is written twice, first on line 2 — keep one of them"
    )
    text = "profiles:\n  gpu:\n    cpu: 8\n    cpu: 9\n"
    assert only(text).startswith(
        "my.yaml:4: profile 'gpu': field 'cpu': the key 'cpu' is written twice, first on line 3"
    )


def test_yaml_merge_keys_are_no_duplicates() -> None:
    text = """
    profiles:
      a: &a {pool: general, cpu: 1, memory: 1Gi}
      b: {<<: *a, displayName: B}
    """
    assert load_catalog(Document("my.yaml", text)).profiles["b"].display_name == "B"


@pytest.mark.parametrize("length", [2, 3, 5])
def test_a_circle_is_told_once_and_whole(length: int) -> None:
    names = [f"p{i}" for i in range(length)]
    links = {name: {"extends": names[(i + 1) % length]} for i, name in enumerate(names)}
    links["outside"] = {"extends": "p0"}
    with pytest.raises(CatalogErrors) as refused:
        load_catalog(from_mapping("my.yaml", {"profiles": links}))
    (error,) = refused.value.errors
    assert " → ".join([*names, "p0"]) in error.problem


def test_a_missing_base_is_told_once_and_hides_nothing() -> None:
    found = mistakes("profiles: {a: {extends: nope}, b: {extends: a}, c: {extends: gpu, cpu: x}}")
    assert len(found) == 2
    assert "profile 'a': field 'extends'" in found[0]
    assert "profile 'c': field 'cpu" in found[1]


def test_everything_wrong_is_said_at_once() -> None:
    text = """
currency: euros
defaultProfile: none
profile: {}
pools:
  gpu: {nodeselector: {}}
  gpu: {zones: a}
profiles:
  gpu: {pricePerHour: -1, cpu: {request: 99}, idle_timeout: 1h}
  other: {pool: gpus, memory: 1GB}
  a: {extends: b}
  b: {extends: a}
"""
    found = "\n".join(mistakes(text))
    for told in (
        "field 'currency'", "field 'defaultProfile'", "field 'profile'", "written twice", "field 'zones'",
        "field 'pricePerHour'", "limit 8 is less than request 99", "field 'idle_timeout'", "field 'pool'",
        "profile 'other': field 'cpu': it is missing", "field 'memory'", "a → b → a",
    ):  # fmt: skip
        assert told in found, told


def test_an_error_names_the_file_to_open() -> None:
    first = Document("first.yaml", "profiles: {mine: {extends: gpu, memory: x}}")
    second = Document("second.yaml", "profiles: {mine: {cpu: y}, gpu: {memory: {request: 99Gi}}}")
    with pytest.raises(CatalogErrors) as refused:
        load_catalog(first, second)
    where = {(error.file, error.subject, error.field) for error in refused.value.errors}
    assert where == {
        ("first.yaml", "profile 'mine'", "memory"),
        ("second.yaml", "profile 'mine'", "cpu"),
        ("second.yaml", "profile 'gpu'", "memory"),
    }


def test_an_inherited_mistake_is_told_once_where_it_was_written() -> None:
    found = mistakes("profiles: {gpu: {pricePerHour: -1}, a: {extends: gpu}, b: {extends: a}}")
    assert found == [
        "my.yaml: profile 'gpu': field 'pricePerHour': the price -1 is negative — write 0 for a machine that costs nothing"
    ]


def test_a_template_need_not_be_whole_but_must_be_right() -> None:
    sound = "profiles: {base: {enabled: false, env: {A: b}}, mine: {extends: base, pool: gpu, cpu: 1, memory: 1Gi}}"
    catalog = load_catalog(Document("my.yaml", sound))
    assert catalog.profiles["mine"].env == {"A": "b"}
    assert "base" not in catalog.profiles
    found = mistakes(
        "profiles: {base: {enabled: false, pricePerHour: -1}, mine: {extends: base, pool: gpu, cpu: 1, memory: 1Gi}}"
    )
    assert len(found) == 1
    assert "profile 'base': field 'pricePerHour'" in found[0]


def test_no_machine_at_all_is_a_mistake() -> None:
    for text in ("", "profiles: {}", "pools: {a: {}}", "profiles: {a: {enabled: false}}"):
        assert "there is no machine to choose" in mistakes(text, shipped=False)[0]


LARGE = {"cpu": 8, "memory": "64Gi", "extendedResources": {"nvidia.com/gpu": 2}}


@pytest.mark.parametrize(
    ("fields", "field", "told"),
    [
        ("cpu: 16", "cpu", "16 requested, and the pool's largest node has 8"),
        ("memory: 65Gi", "memory", "65Gi requested"),
        ("extendedResources: {nvidia.com/gpu: 3}", "extendedResources.nvidia.com/gpu", "3 requested"),
        ("extendedResources: {amd.com/gpu: 1}", "extendedResources.amd.com/gpu", "has 0"),
        (
            "options: {g: {default: a, choices: {a: {}, b: {overrides: {extendedResources: {nvidia.com/gpu: 4}}}}}}",
            "options.g.choices.b.overrides.extendedResources.nvidia.com/gpu",
            "4 requested",
        ),
    ],
)
def test_a_machine_larger_than_the_largest_node_is_told_at_boot(fields: str, field: str, told: str) -> None:
    pools = {"large": {"autoscaled": {"largestNode": LARGE}}}
    found = mistakes_in(machine(fields, pool="large") | {"pools": pools})
    assert len(found) == 1
    assert f"field '{field}'" in found[0]
    assert told in found[0]


def test_an_error_is_one_line_however_nasty_what_was_written() -> None:
    nasty = "<script>\n\x1b[31m" + "x" * 500
    with pytest.raises(CatalogErrors) as refused:
        load_catalog(
            from_mapping("my.yaml", {"profiles": {"gpu": {"image": nasty, "cpu": nasty, "imagePullPolicy": nasty}}})
        )
    assert len(refused.value.errors) >= 3
    for error in refused.value.errors:
        assert "\n" not in str(error)
        assert len(str(error)) < 400
    assert str(refused.value).count("\n") == len(refused.value.errors) - 1


@pytest.mark.parametrize(
    ("name", "meant"),
    [("idle_timeout", "idleTimeout"), ("IDLETIMEOUT", "idleTimeout"), ("pol", "pool"), ("displayname", "displayName")],
)
def test_near_misses(name: str, meant: str) -> None:
    assert nearest(name, ["pool", "idleTimeout", "displayName"], "-") == f'did you mean "{meant}"?'
    assert nearest("zzz", ["pool"], "remove it") == "remove it"


FIELDS = st.sampled_from(
    [
        "extends", "enabled", "displayName", "purpose", "pool", "cpu",
        "memory", "request", "limit", "extendedResources", "image", "pricePerHour",
        "allow", "groups", "idleTimeout", "env", "volumes", "volumeMounts",
        "options", "default", "choices", "range", "sets", "overrides",
        "nodeSelector", "tolerations",
    ]
)  # fmt: skip
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=6)
    | st.sampled_from(["8Gi", "gpu", "2"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(FIELDS | st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(FIELDS | st.text(max_size=4), JSON, max_size=4), st.dictionaries(FIELDS, JSON, max_size=3))
def test_any_mapping_is_a_catalog_or_a_list_of_plain_mistakes(fields: dict[str, Any], pool: dict[str, Any]) -> None:
    document = from_mapping("fuzz", {"profiles": {"mine": fields}, "pools": {"mine": pool}})
    try:
        catalog = load_catalog(document)
    except CatalogErrors as e:
        assert e.errors
        for error in e.errors:
            assert isinstance(error, CatalogError)
            assert error.problem
            assert error.remedy
    else:
        assert "small-cpu" in catalog.profiles
        for offer in options_for(catalog, Person("ada")):
            assert offer.plan or offer.locked, "a catalog that loads can be resolved"


@given(st.text(max_size=60))
def test_any_text_is_a_catalog_or_a_list_of_plain_mistakes(text: str) -> None:
    try:
        load_catalog(Document("fuzz", text))
    except CatalogErrors as e:
        assert all("\n" not in str(error) for error in e.errors)


def test_what_is_shipped_has_no_mistakes() -> None:
    assert list(load_catalog().profiles) == ["small-cpu", "many-core", "gpu"]
    assert [document.name for document in shipped_documents()] == [
        "shipped pools.yaml", "shipped small-cpu.yaml", "shipped many-core.yaml", "shipped gpu.yaml",
    ]  # fmt: skip

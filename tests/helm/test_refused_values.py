"""Values the chart refuses, and whether the message helps."""

from __future__ import annotations

from typing import Any

import pytest

from hub_extensions.settings_file import SettingsDocument, parse_settings
from hub_extensions.setup import load_machines
from profiles.catalog import CatalogErrors
from tests.helm.helm_chart import Refused, render

SCHEMA: dict[str, tuple[dict[str, Any], list[str]]] = {
    "misspelt section": ({"hubb": {}}, ["hubb"]),
    "misspelt key": ({"hub": {"concurentSpawnLimit": 5}}, ["/hub", "concurentSpawnLimit"]),
    "misspelt deep key": ({"proxy": {"service": {"nodePort": {"http": 1}}}}, ["/proxy/service", "nodePort"]),
    "misspelt profile field": ({"profiles": {"gpu": {"pricePerHuor": 3}}}, ["/profiles/gpu", "pricePerHuor"]),
    "misspelt pool field": ({"pools": {"gpu": {"nodeSelectors": {}}}}, ["/pools/gpu", "nodeSelectors"]),
    "wrong type": ({"hub": {"activeServerLimit": "many"}}, ["/hub/activeServerLimit", "integer"]),
    "wrong choice": ({"hub": {"db": {"type": "postgress"}}}, ["/hub/db/type", "postgres"]),
    "wrong access mode": (
        {"singleuser": {"storage": {"dynamic": {"storageAccessModes": ["RWX"]}}}},
        ["storageAccessModes", "ReadWriteMany"],
    ),
    "wrong memory": ({"profiles": {"gpu": {"memory": {"limit": "8 gigs"}}}}, ["/profiles/gpu/memory/limit"]),
    "wrong size": ({"singleuser": {"storage": {"capacity": "10GB"}}}, ["/singleuser/storage/capacity"]),
    "negative placeholders": ({"pools": {"gpu": {"placeholders": {"replicas": -1}}}}, ["replicas", "minimum"]),
    "misspelt data setting": ({"data": {"settings": {"metastor": "x"}}}, ["/data/settings", "metastor"]),
    "who writes is not a value": ({"data": {"settings": {"user": "ann"}}}, ["/data/settings", "user"]),
    "a way to nowhere": ({"data": {"reach": [{"cidr": "10.0.0.7/32"}]}}, ["/data/reach/0", "ports"]),
    "quota below zero": ({"policies": {"quotas": {"a": {"per": "user", "servers": -1}}}}, ["/servers", "minimum"]),
    "quota for nobody": ({"policies": {"quotas": {"a": {"servers": 1}}}}, ["/policies/quotas/a", "per"]),
    "quota per team": ({"policies": {"quotas": {"a": {"per": "team", "servers": 1}}}}, ["/per", "group"]),
    "misspelt quota": ({"policies": {"quotas": {"a": {"per": "user", "server": 1}}}}, ["/policies/quotas/a", "server"]),
    "misspelt policy": ({"policies": {"quota": {}}}, ["/policies", "quota"]),
    "a rule's id that is none": ({"policies": {"quotas": {"Big GPU": {}}}}, ["/policies/quotas", "Big GPU"]),
    "budget that is no number": ({"policies": {"budgets": {"a": {"per": "user", "money": "200 EUR"}}}}, ["/money"]),
    "warning after the end": (
        {"policies": {"budgets": {"a": {"per": "user", "money": 1, "warnAt": [110]}}}},
        ["/warnAt", "maximum"],
    ),
    "misspelt approval": ({"policies": {"approvals": {"a": {"profile": ["gpu"]}}}}, ["/approvals/a", "profile"]),
    "hours on no day": ({"profiles": {"gpu": {"hours": {"days": ["monday"]}}}}, ["/profiles/gpu/hours/days", "monday"]),
    "hours without minutes": ({"profiles": {"gpu": {"hours": {"from": "8"}}}}, ["/profiles/gpu/hours/from"]),
    "set by the chart": ({"hub": {"connectUrl": "http://x"}}, ["connectUrl"]),
    "name template that would mix people's homes": (
        {"singleuser": {"storage": {"dynamic": {"pvcNameTemplate": "home"}}}},
        ["pvcNameTemplate"],
    ),
}

CHECKS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "ids that are none": (
        {"profiles": {"Big GPU": {"extends": "gpu"}}, "pools": {"gpu_nodes": {"nodeSelector": {"a": "b"}}}},
        ["profiles: 'Big GPU' is not an id", "pools: 'gpu_nodes' is not an id", "such as gpu-large"],
    ),
    "url with sqlite": ({"hub": {"db": {"url": "postgresql://a@b/c"}}}, ["hub.db.url", "set hub.db.type to postgres"]),
    "postgres without url": ({"hub": {"db": {"type": "postgres"}}}, ["hub.db.url is empty", "postgresql+psycopg://"]),
    "postgres with another's url": (
        {"hub": {"db": {"type": "postgres", "url": "mysql://a@b/c"}}},
        ["does not begin with postgresql://"],
    ),
    "a driver the image does not have": (
        {"hub": {"db": {"type": "postgres", "url": "postgresql+psycopg2://a@b/c"}}},
        ["write postgresql+psycopg://"],
    ),
    "password in the url": (
        {"hub": {"db": {"type": "postgres", "url": "postgresql://a:secret@b/c"}}},
        ["contains a password", "hub.db.passwordSecret"],
    ),
    "two passwords": (
        {
            "hub": {
                "db": {
                    "type": "postgres",
                    "url": "postgresql://a@b/c",
                    "password": "x",
                    "passwordSecret": {"name": "s"},
                }
            }
        },
        ["both given"],
    ),
    "https without a host": (
        {"proxy": {"https": {"enabled": True, "secret": {"name": "t"}}}},
        ["proxy.https.hosts is empty"],
    ),
    "https without a certificate": (
        {"proxy": {"https": {"enabled": True, "hosts": ["a.b"]}}},
        ["proxy.https.secret.name is empty"],
    ),
    "https by hand without a key": (
        {"proxy": {"https": {"enabled": True, "type": "manual", "hosts": ["a.b"]}}},
        ["proxy.https.manual.key"],
    ),
    "tls twice": (
        {
            "ingress": {"enabled": True},
            "proxy": {"https": {"enabled": True, "hosts": ["a.b"], "secret": {"name": "t"}}},
        },
        ["both end TLS"],
    ),
    "no port left": ({"proxy": {"service": {"disableHttpPort": True}}}, ["no port would be left"]),
    "node ports without a node port service": (
        {"proxy": {"service": {"type": "ClusterIP", "nodePorts": {"http": 30080}}}},
        ["set the type to NodePort"],
    ),
    "dummy authenticator": (
        {"hub": {"config": {"JupyterHub": {"authenticator_class": "dummy"}}}},
        ["lets anyone in", "hub.allowDummyAuthenticator"],
    ),
    "nobody can log in": ({"hub": {"config": {"JupyterHub": {"authenticator_class": "null"}}}}, ["nobody can log in"]),
    "spawner replaced": ({"hub": {"config": {"JupyterHub": {"spawner_class": "kubespawner"}}}}, ["spawner_class"]),
    "rights the hub does not have": (
        {"hub": {"config": {"KubeSpawner": {"enable_user_namespaces": True}}}},
        ["hub.config.KubeSpawner", "rights over Secrets"],
    ),
    "a way to everywhere": (
        {"data": {"reach": [{"ports": [9000]}]}},
        ["data.reach[0] names no pods and no addresses", "podLabels"],
    ),
    "pods and addresses in one": (
        {"data": {"reach": [{"cidr": "10.0.0.7/32", "podLabels": {"a": "b"}, "ports": [1]}]}},
        ["write two entries"],
    ),
    "passwords that everybody reads": (
        {
            "data": {
                "settings": {
                    "metastore": "postgresql://u:secret@db/tables",
                    "databases": {"crm": {"url": "postgresql://u:secret@db/crm"}},
                }
            }
        },
        ["data.settings.metastore contains a password", "data.settings.databases.crm.url", "~/.pgpass"],
    ),
    "database by the back door": ({"hub": {"config": {"JupyterHub": {"db_url": "sqlite://"}}}}, ["use hub.db.type"]),
    "profile without a pool": (
        {"profiles": {"gpu": {"pool": "gpus"}}},
        ["profiles.gpu.pool: there is no pool 'gpus'", "general"],
    ),
    "extends nothing": ({"profiles": {"big": {"extends": "gpuu"}}}, ["there is no profile 'gpuu'"]),
    "default profile that is hidden": (
        {"defaultProfile": "gpu", "profiles": {"gpu": {"enabled": False}}},
        ["'gpu' is not an enabled profile"],
    ),
    "no machine at all": ({"shippedProfiles": False}, ["no profile is enabled"]),
    "rules about what is not there": (
        {
            "policies": {
                "quotas": {"a": {"per": "user", "servers": 1, "profiles": ["gpuu"], "pools": ["cellar"]}},
                "approvals": {"b": {"profiles": ["gpu", "large"]}},
            }
        },
        [
            "policies.quotas.a.profiles: there is no profile 'gpuu': choose among gpu, many-core, small-cpu",
            "policies.quotas.a.pools: there is no pool 'cellar': choose among",
            "policies.approvals.b.profiles: there is no profile 'large'",
        ],
    ),
    "two units": (
        {"policies": {"budgets": {"a": {"per": "user", "money": 10, "gpuHours": 4}}}},
        ["policies.budgets.a: give exactly one of money, machineHours, gpuHours; there are money and gpuHours"],
    ),
    "no unit": ({"policies": {"budgets": {"a": {"per": "user"}}}}, ["policies.budgets.a: give exactly one", "is none"]),
    "a quota of nothing": ({"policies": {"quotas": {"a": {"per": "hub"}}}}, ["policies.quotas.a limits nothing"]),
    "a machine's budget": (
        {"policies": {"budgets": {"a": {"per": "profile", "money": 1}}}},
        ["policies.budgets.a.per", "belongs to people"],
    ),
    "overrides for people of a group's rule": (
        {
            "policies": {
                "quotas": {"a": {"per": "group", "gpus": 2, "overrides": {"users": {"ada": {"gpus": 4}}}}},
                "budgets": {"b": {"per": "hub", "money": 2, "overrides": {"groups": {"ml": 4}}}},
            }
        },
        [
            "policies.quotas.a.overrides.users has no meaning with per: group: write per: user, or remove them",
            "policies.budgets.b.overrides.groups has no meaning with per: hub: remove them",
        ],
    ),
    "placeholders without priorities": (
        {"pools": {"gpu": {"placeholders": {"replicas": 1}}}, "scheduling": {"podPriority": {"enabled": False}}},
        ["scheduling.podPriority.enabled"],
    ),
    "existing secret and another key": (
        {"hub": {"existingSecret": "s"}, "proxy": {"secretToken": "d" * 64}},
        ["would not be used"],
    ),
    "z2jh's profile list": (
        {"singleuser": {"profileList": [{"display_name": "GPU"}]}},
        ["singleuser.profileList", "profiles", "tools.chart_schema.from_z2jh"],
    ),
    "z2jh's profile list by the back door": (
        {"hub": {"config": {"KubeSpawner": {"profile_list": [{"display_name": "GPU"}]}}}},
        ["hub.config.KubeSpawner.profile_list"],
    ),
    "z2jh's placeholders": (
        {"scheduling": {"userPlaceholder": {"enabled": True, "replicas": 3}}},
        ["pools.<name>.placeholders"],
    ),
    "z2jh's automatic https": (
        {
            "proxy": {
                "https": {
                    "enabled": True,
                    "hosts": ["a.b"],
                    "secret": {"name": "t"},
                    "letsencrypt": {"contactEmail": "a@b"},
                }
            }
        },
        ["cert-manager"],
    ),
}


#: What neither schema nor templates can see: the hub does not start with it. `python -m profiles check` says the same.
HUB: dict[str, tuple[dict[str, Any], str]] = {
    "unknown time zone": (
        {"policies": {"timezone": "Europe/Berln"}},
        "settings: catalog: field 'policies.timezone': 'Europe/Berln' is not a time zone — "
        "write it as in the tz database: Europe/Berlin, UTC",
    ),
    "budget without a price": (
        {
            "profiles": {"free": {"extends": "small-cpu", "pricePerHour": 0, "options": None, "displayName": "Free"}},
            "policies": {"budgets": {"a": {"per": "user", "money": 10, "profiles": ["free"]}}},
        },
        "settings: catalog: field 'policies.budgets.a.money': it is in money, and no machine that it is about has a "
        "price — give pricePerHour to the profiles, or count machineHours",
    ),
    "window that is none": (
        {"policies": {"budgets": {"a": {"per": "user", "money": 10, "window": "fortnight"}}}},
        "settings: catalog: field 'policies.budgets.a.window': 'fortnight' is not a window of time — write day, week "
        "or month for the calendar's, or a length such as 30d for a sliding one",
    ),
}


@pytest.mark.parametrize("name", HUB)
def test_the_hub_says_what_the_chart_cannot_see(name: str) -> None:
    values, expected = HUB[name]
    settings = parse_settings(SettingsDocument("settings.yaml", render(values).settings_text))
    with pytest.raises(CatalogErrors) as refused:
        load_machines(settings.catalog, shipped=settings.shipped_profiles)
    assert [str(error) for error in refused.value.errors] == [expected]


@pytest.mark.parametrize("name", SCHEMA)
def test_the_schema_names_the_key(name: str) -> None:
    values, expected = SCHEMA[name]
    with pytest.raises(Refused) as refused:
        render(values)
    message = str(refused.value)
    assert "schema" in message
    for part in expected:
        assert part in message, message


@pytest.mark.parametrize("name", CHECKS)
def test_the_chart_says_what_to_do(name: str) -> None:
    values, expected = CHECKS[name]
    with pytest.raises(Refused) as refused:
        render(values)
    for part in expected:
        assert part in str(refused.value), str(refused.value)


def test_all_problems_are_told_at_once() -> None:
    values = {
        "hub": {"db": {"type": "postgres"}},
        "proxy": {"https": {"enabled": True}},
        "singleuser": {"profileList": [{}]},
    }
    with pytest.raises(Refused) as refused:
        render(values)
    for part in ("hub.db.url is empty", "proxy.https.hosts", "proxy.https.secret.name", "singleuser.profileList"):
        assert part in str(refused.value)

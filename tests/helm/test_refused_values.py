"""Values the chart refuses, and whether the message helps."""

from __future__ import annotations

from typing import Any

import pytest

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

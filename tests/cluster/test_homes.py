"""One home for each person, whatever it is called and whoever made it; and the facts of the pods that mount it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.cluster.installed import gpus_of
from tests.cluster.own_release import OwnRelease
from tests.people import Person

pytestmark = pytest.mark.cluster
LogIn = Callable[[str], Person]
SIXTY = "firstname.with.a.very.long.surname.of.sixty.characters-de.la"
#: Each pair makes one slug where a name is only shortened or has its odd characters replaced.
ALIKE = [("jo.smith", "jo-smith"), (SIXTY, SIXTY + "-cruz"), ("zoë", "zoé")]


def claim_of(pod: dict[str, Any]) -> str:
    (claim,) = [v["persistentVolumeClaim"]["claimName"] for v in pod["spec"]["volumes"] if "persistentVolumeClaim" in v]
    return str(claim)


@pytest.mark.parametrize("names", ALIKE, ids=["punctuation", "sixty characters", "unicode"])
def test_names_that_look_alike_have_pods_and_homes_of_their_own(
    hub: OwnRelease, log_in: LogIn, names: tuple[str, str]
) -> None:
    people = [log_in(name) for name in names]
    for person in people:
        assert person.start_by_rest({"profile": "small-cpu"}).status_code in {201, 202}
    for person in people:
        person.wait_ready()
    pods = [hub.pod_of(name) for name in names]
    assert len({pod["metadata"]["name"] for pod in pods}) == 2
    assert len({claim_of(pod) for pod in pods}) == 2
    for person in people:
        person.run(f"open('whose.txt', 'w').write({person.name!r})")
    for person in people:
        assert person.run("print(open('whose.txt').read())").strip() == person.name
    for pod, name in zip(pods, names, strict=True):
        claim = hub.get("persistentvolumeclaim", claim_of(pod))
        assert claim["metadata"]["annotations"]["hub.jupyter.org/username"] == name


def test_a_claim_made_by_an_admin_is_used_as_it_is(hub: OwnRelease, log_in: LogIn) -> None:
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "home-prepared"},
        "spec": {
            "accessModes": ["ReadWriteMany"],
            "storageClassName": "remuda-shared",
            "resources": {"requests": {"storage": "3Gi"}},
        },
    }
    hub.apply(claim)
    before = hub.get("persistentvolumeclaim", "home-prepared")
    person = log_in("prepared")
    person.start_by_rest({"profile": "small-cpu"})
    person.wait_ready()
    assert claim_of(hub.pod_of("prepared")) == "home-prepared"
    after = hub.get("persistentvolumeclaim", "home-prepared")
    assert after["spec"]["resources"] == before["spec"]["resources"]
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert after["metadata"].get("labels") == before["metadata"].get("labels")


def test_one_home_for_all_machines_and_named_servers_which_outlives_its_person(hub: OwnRelease, log_in: LogIn) -> None:
    person = log_in("homely")
    person.start_by_rest({"profile": "small-cpu"})
    person.wait_ready()
    assert person.start_by_rest({"profile": "many-core"}, server="side").status_code in {201, 202}
    person.wait_ready("side")
    first, second = hub.pods_of("homely")
    assert {hub.pool_of(first), hub.pool_of(second)} == {"general", "many-core"}
    assert claim_of(first) == claim_of(second)
    person.run("open('kept.txt', 'w').write('kept')")

    person.stop()
    person.start_by_rest({"profile": "gpu"})
    person.wait_ready()
    on_gpu = next(pod for pod in hub.pods_of("homely") if gpus_of(pod))
    assert hub.pool_of(on_gpu) == "gpu" and claim_of(on_gpu) == claim_of(first)
    assert person.run("print(open('kept.txt').read())").strip() == "kept"

    admin = hub.person("admin")
    admin.stop_all_of("homely")
    removed = admin.rest.delete("/hub/api/users/homely")
    assert removed.status_code == 204, removed.text
    claim = hub.get("persistentvolumeclaim", claim_of(first))
    assert claim["status"]["phase"] == "Bound" and not claim["metadata"].get("deletionTimestamp")

    again = log_in("homely")
    again.start_by_rest({"profile": "small-cpu"})
    again.wait_ready()
    assert again.run("print(open('kept.txt').read())").strip() == "kept"


def test_the_pod_is_restricted_has_no_token_and_carries_the_labels_dashboards_join_on(
    hub: OwnRelease, log_in: LogIn
) -> None:
    person = log_in("factual")
    person.start_by_rest({"profile": "gpu"})
    person.wait_ready()
    pod = hub.pod_of("factual")
    labels = pod["metadata"]["labels"]
    assert labels["app"] == "jupyterhub" and labels["component"] == "singleuser-server"
    assert labels["hub.jupyter.org/username"] == "factual"
    assert (labels["remuda.dev/profile"], labels["remuda.dev/pool"]) == ("gpu", "gpu")
    assert labels["remuda.dev/spawn-id"]
    assert gpus_of(pod) == 1
    assert hub.pool_of(pod) == "gpu"

    spec = pod["spec"]
    assert spec["automountServiceAccountToken"] is False
    assert not [v for v in spec["volumes"] if "projected" in v or "secret" in v or "hostPath" in v]
    assert person.run("import os; print(os.path.exists('/var/run/secrets/kubernetes.io'))").strip() == "False"
    assert person.run("import os; print(os.getuid(), os.getgid() != 0)").split() == ["1000", "True"]
    namespace = hub.get("namespace", hub.namespace)
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    secrets = [hub.secret(name) for name in ("admin_password", "user_password")]
    environment = person.run("import os; print(os.environ)")
    assert not [secret for secret in secrets if secret in environment]

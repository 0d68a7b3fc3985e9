"""What a person may have, by every way in; a refusal has a code and a sentence, and costs the Hub nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.cluster.own_release import OwnRelease
from tests.people import Person

pytestmark = pytest.mark.cluster
LogIn = Callable[[str], Person]
QUICKLY_S = 20.0  # decided, not waited for: a start may take minutes


def by_rest(person: Person, profile: str) -> tuple[int, str, str]:
    """(status, reason code, all that was said)."""
    answer = person.start_by_rest({"profile": profile})
    return answer.status_code, answer.reason_phrase, answer.text


def by_form(person: Person, profile: str) -> tuple[int, str, str]:
    answer = person.start_by_form(profile=profile)
    return answer.status_code, code_on(answer), answer.text


def by_link(person: Person, profile: str) -> tuple[int, str, str]:
    answer = person.http.get("/hub/spawn", params={"profile": profile})
    return answer.status_code, code_on(answer), answer.text


def by_stored_options(person: Person, profile: str) -> tuple[int, str, str]:
    """PATCH says what the next start takes; then a start that says nothing."""
    patched = person.rest.patch(person.server_path(), json={"user_options": {"profile": profile}})
    assert patched.status_code == 200, patched.text
    answer = person.start_by_rest()
    return answer.status_code, answer.reason_phrase, answer.text


def code_on(page: httpx.Response) -> str:
    _, found, rest = page.text.partition("Reason code:")
    assert found, page.text
    return rest.replace("<code>", "").strip().split("<")[0].split()[0]


@pytest.mark.parametrize("way", [by_rest, by_form, by_link, by_stored_options])
@pytest.mark.parametrize(
    ("profile", "refusal"),
    [
        ("ninety-nine", (400, "never-fits")),
        ("lab-only", (403, "forbidden-profile")),
        ("staff-only", (403, "forbidden-profile")),
        ("mainframe", (400, "unknown-profile")),
    ],
)
def test_refused_by_every_way(hub: OwnRelease, log_in: LogIn, way: Any, profile: str, refusal: tuple[int, str]) -> None:
    begun = time.monotonic()
    got = way(log_in("mallory"), profile)
    assert got[:2] == refusal, got
    assert time.monotonic() - begun < QUICKLY_S
    assert hub.pods_of("mallory") == []


def test_ninety_nine_gpus_are_compared_with_what_there_is_and_never_count_as_failures(
    hub: OwnRelease, log_in: LogIn
) -> None:
    """The Hub ends itself after 5 failures in a row."""
    greedy, before = log_in("greedy"), hub.hub_restarts()
    for _ in range(7):
        status, reason, said = by_rest(greedy, "ninety-nine")
        assert (status, reason) == (400, "never-fits")
        assert "99 GPUs" in said and "has 4" in said
    assert by_rest(greedy, "small-cpu")[0] in {201, 202}
    greedy.wait_ready()
    assert hub.hub_restarts() == before


@pytest.mark.parametrize("rights", ["nobody", "lab", "admin"])
def test_who_may_have_what(hub: OwnRelease, log_in: LogIn, rights: str) -> None:
    """Cards of the page and starts say the same for every profile."""
    allowed = {
        "nobody": {"small-cpu", "many-core", "gpu"},
        "lab": {"small-cpu", "many-core", "gpu", "lab-only"},
        "admin": {"small-cpu", "many-core", "gpu", "staff-only"},
    }[rights]
    person = log_in("admin" if rights == "admin" else f"is-{rights}")
    if rights == "lab":
        join(hub, "lab", person.name)
    page = person.http.get("/hub/spawn").text
    for profile in ("small-cpu", "many-core", "gpu", "lab-only", "staff-only"):
        may = profile in allowed
        assert (f'name="start" value="{profile}"' in page) is may, profile
        if not may:
            assert by_rest(person, profile)[:2] == (403, "forbidden-profile")
    special = {"nobody": "small-cpu", "lab": "lab-only", "admin": "staff-only"}[rights]
    assert by_rest(person, special)[0] in {201, 202}
    person.wait_ready()
    assert hub.pod_of(person.name)["metadata"]["labels"]["remuda.dev/profile"] == special


NAMES = {
    "small-cpu": "Small CPU",
    "many-core": "Many cores",
    "gpu": "GPU",
    "lab-only": "For the lab",
    "staff-only": "For staff",
}


def test_who_leaves_the_group_does_not_get_the_machine_again_by_replay(hub: OwnRelease, log_in: LogIn) -> None:
    leaver = log_in("leaver")
    join(hub, "lab", "leaver")
    assert by_rest(leaver, "lab-only")[0] in {201, 202}
    leaver.wait_ready()
    leaver.stop()
    admin = hub.person("admin")
    assert admin.rest.request("DELETE", "/hub/api/groups/lab/users", json={"users": ["leaver"]}).status_code == 200
    answer = leaver.start_by_rest()
    assert (answer.status_code, answer.reason_phrase) == (403, "forbidden-profile")
    assert hub.pods_of("leaver") == []


def join(hub: OwnRelease, group: str, person: str) -> None:
    admin = hub.person("admin")
    assert admin.rest.post(f"/hub/api/groups/{group}").status_code in {201, 409}
    added = admin.rest.post(f"/hub/api/groups/{group}/users", json={"users": [person]})
    assert added.status_code == 200, added.text


def test_two_tabs_get_one_machine_and_the_loser_is_told_which(hub: OwnRelease, log_in: LogIn) -> None:
    tabs = [log_in("tabby"), hub.person("tabby")]
    for tab in tabs:
        tab.http.get("/hub/spawn")
    together = threading.Barrier(2)

    def press(tab: Person, profile: str) -> httpx.Response:
        together.wait()
        return tab.http.post(
            f"/hub/spawn/{tab.path}", params={"_xsrf": tab.xsrf}, data={"profile": profile, "_xsrf": tab.xsrf}
        )

    with ThreadPoolExecutor(2) as pool:
        pages = list(pool.map(press, tabs, ("small-cpu", "many-core")))
    tabs[0].wait_ready()
    (pod,) = hub.pods_of("tabby")
    won = pod["metadata"]["labels"]["remuda.dev/profile"]
    assert [page.status_code for page in pages] == [200, 200]
    told = ["notice=already" in str(page.url) for page in pages]
    assert sorted(told) == [False, True], [str(page.url) for page in pages]
    loser = pages[told.index(True)]
    assert NAMES[won] in loser.text, "the loser's page names the machine that won"
    assert "already" in loser.text
    assert tabs[0].options["profile"] == won


def test_two_rest_starts_at_once_do_not_both_claim_to_have_won(hub: OwnRelease, log_in: LogIn) -> None:
    racers = [log_in("racer"), hub.person("racer")]
    together = threading.Barrier(2)

    def start(racer: Person, profile: str) -> httpx.Response:
        together.wait()
        return racer.start_by_rest({"profile": profile})

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(start, racers, ("small-cpu", "many-core")))
    racers[0].wait_ready()
    (pod,) = hub.pods_of("racer")
    won = pod["metadata"]["labels"]["remuda.dev/profile"]
    winner, loser = answers if won == "small-cpu" else reversed(answers)
    assert winner.status_code in {201, 202}
    assert (loser.status_code, loser.reason_phrase) == (409, "already-starting")
    assert NAMES[won] in loser.text

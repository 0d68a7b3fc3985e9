"""A person logs in, picks a machine in every way there is, works, and finds the same home on the next machine."""

from __future__ import annotations

import json

import pytest

from tests.local.hub_process import LocalHub

pytestmark = pytest.mark.local


def test_the_health_probe_needs_no_login_and_tells_no_secret(hub: LocalHub):
    import httpx

    answer = httpx.get(f"{hub.url}/hub/health/remuda", timeout=60)
    assert answer.status_code == 200
    told = answer.json()
    assert told["ok"] is True
    assert told["catalog"]["profiles"] >= 4
    assert told["database"] == {"ok": True}


def test_login_leads_to_the_machines(hub: LocalHub):
    page = hub.person("newcomer").landed
    assert page.url.path.startswith("/hub/spawn")
    for name in ("Small", "Many", "GPU", "Staff only"):
        assert name.lower() in page.text.lower()


def test_a_machine_picked_on_the_page_runs_and_the_next_one_has_the_same_files(hub: LocalHub):
    ada = hub.person("ada")
    started = ada.start_by_form(profile="small-cpu")
    assert started.status_code == 200, started.text
    ada.wait_ready()
    assert ada.options == {"profile": "small-cpu", "options": {}}

    told = json.loads(
        ada.run(
            "import json, os, data_access\n"
            "open(os.path.expanduser('~/work.txt'), 'w').write('mine')\n"
            "print(json.dumps(dict(os.environ)))"
        )
    )
    machine = json.loads(told["REMUDA_MACHINE"])
    assert machine["profile_id"] == told["REMUDA_PROFILE"] == "small-cpu"
    assert told["GREETING"] == "hello"
    assert told["HOME"] == str(hub.folder / "homes" / "ada")
    secrets = {file.read_text() for file in (hub.folder / "secrets").iterdir()}
    assert not secrets & set(told.values())
    assert not [name for name in told if name.startswith("REMUDA_S") or "CONFIGPROXY" in name]

    ada.stop()
    answer = ada.start_by_rest({"profile": "gpu", "options": {"gpus": "2"}})
    assert answer.status_code in {201, 202}, answer.text
    ada.wait_ready()
    assert ada.options == {"profile": "gpu", "options": {"gpus": "2"}}
    assert ada.run("import os; print(os.environ['REMUDA_PROFILE'], open('work.txt').read())").split() == ["gpu", "mine"]

    ada.stop()
    assert ada.start_by_rest().status_code in {201, 202}
    ada.wait_ready()
    assert ada.options["profile"] == "gpu", "a start that says nothing takes the last choice"
    ada.stop()


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        ({"profile": "staff-only"}, 403, "forbidden-profile"),
        ({"profile": "mainframe"}, 400, "unknown-profile"),
        ({"profile": "gpu", "options": {"gpus": "99"}}, 400, "option-out-of-bounds"),
        ({"profile": "gpu", "options": {"colour": "red"}}, 400, "unknown-option"),
        ({"profile": ["gpu"]}, 400, "malformed-choice"),
        ({"image": "evil"}, 400, "malformed-choice"),
    ],
)
def test_a_refusal_by_rest_has_status_code_and_sentence(hub: LocalHub, body: dict, status: int, reason: str):
    answer = hub.person("mallory").start_by_rest(body)
    assert (answer.status_code, answer.reason_phrase) == (status, reason)
    said = answer.json()
    assert (said["status"], said["reason"]) == (status, reason)
    assert said["message"].count(".") >= 2, "what happened, and what to do next"


def test_a_body_that_cannot_be_read_is_not_the_last_choice(hub: LocalHub):
    yve = hub.person("yve")
    assert yve.start_by_rest({"profile": "small-cpu", "x": 1}).json()["reason"] == "malformed-choice"
    assert yve.start_by_rest().status_code in {201, 202}
    yve.wait_ready()
    yve.stop()


def test_the_page_refuses_the_same(hub: LocalHub):
    mallory = hub.person("mallory")
    answer = mallory.start_by_form(profile="staff-only")
    assert answer.status_code == 403
    assert "forbidden-profile" in answer.text
    assert "" not in mallory.model()["servers"]


def test_what_a_person_lost_is_not_given_by_replay(hub: LocalHub):
    """The options of a refused start are kept by JupyterHub; starting without any must not get past the refusal."""
    mallory = hub.person("replayer")
    assert mallory.start_by_rest({"profile": "staff-only"}).status_code == 403
    assert mallory.start_by_rest().status_code == 403


def test_refusals_do_not_count_as_failures(hub: LocalHub):
    """The limit of failures is 2 here; at 2 the Hub would end itself."""
    mallory, before = hub.person("mallory"), hub.hub.pid
    for _ in range(4):
        assert mallory.start_by_rest({"profile": "staff-only"}).status_code == 403
    assert mallory.start_by_rest({"profile": "small-cpu"}).status_code in {201, 202}
    mallory.wait_ready()
    assert hub.hub.pid == before
    mallory.stop()


def test_the_administrator_may(hub: LocalHub):
    admin = hub.person("admin")
    assert admin.start_by_rest({"profile": "staff-only"}).status_code in {201, 202}
    admin.wait_ready()
    admin.stop()


def test_names_that_look_alike_have_homes_of_their_own(hub: LocalHub):
    for name in ("jo.smith", "jo-smith", "jö smith"):
        hub.person(name).start_by_rest({"profile": "small-cpu"})
    people = [hub.person(name) for name in ("jo.smith", "jo-smith")]
    for person in people:
        person.wait_ready()
    homes = {person.run("import os; print(os.path.expanduser('~'))").strip() for person in people}
    assert len(homes) == 2
    for person in people:
        person.stop()


def test_a_server_that_ends_at_once_says_so_with_its_last_words(hub: LocalHub):
    answer = hub.person("unlucky").start_by_rest({"profile": "broken"})
    assert (answer.status_code, answer.reason_phrase) == (503, "server-ended")
    message, reason = (answer.json()[name] for name in ("message", "reason"))
    assert reason == "server-ended"
    assert "ended with status 1 while it started" in message
    assert "encodings" in message, "Python's own complaint"
    assert "Its log is" in message

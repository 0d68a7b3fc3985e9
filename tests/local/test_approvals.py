"""Asking for a machine and answering, over a real Hub's pages and its REST API."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.local.hub_process import LocalHub, Person, wait_for
from tests.local.seen import main_of, part, said

pytestmark = pytest.mark.local

SETTINGS = """
mode: local
hub:
  consecutiveFailureLimit: 0
  config:
    JupyterHub:
      load_groups: {leads: {users: [bea, cat]}}
      load_roles: [{name: support, users: [cat], scopes: ["access:servers", "servers", "list:users"]}]
catalog:
  policies:
    approvals:
      big-gpu:
        profiles: [gpu]
        moreThan: {gpus: 1}
        approvers: {groups: [leads]}
        longest: 7d
      staff:
        profiles: [staff-only, many-core]
  profiles:
    staff-only: {extends: small-cpu, displayName: Staff only, allow: {everyone: false, admins: true}}
"""
TWO = {"profile": "gpu", "option.gpu.gpus": "2", "lasts": "2", "unit": "days"}


@pytest.fixture(scope="module")
def hub(module_hub: LocalHub) -> LocalHub:
    return module_hub


@pytest.fixture(scope="module")
def cat(hub: LocalHub) -> Person:
    return hub.person("cat")


@pytest.fixture
def asker(hub: LocalHub, request: pytest.FixtureRequest) -> Person:
    """Each test's own: an open ask keeps the next one from being made."""
    return hub.person(f"ada-{request.node.name[5:35].replace('_', '-')}")


def post(person: Person, path: str, **fields: str) -> httpx.Response:
    return person.http.post(path, data={**fields, "_xsrf": person.xsrf})


def ask(person: Person, reason: str = "Training", **fields: str) -> httpx.Response:
    return post(person, "/hub/approvals/ask", **{**TWO, "reason": reason, **fields})


def asked(person: Person, reason: str = "Training", **fields: str) -> str:
    """The path of the new ask's page."""
    answer = ask(person, reason, **fields)
    assert answer.status_code == 200, said(answer)
    return str(main_of(answer).all("a", cls="rm-ask-title")[0]["href"])


def api(path: str) -> str:
    return f"/hub/api/remuda/asks/{path.rpartition('/')[2]}"


def audit_of(admin: Person, person: Person) -> list[dict[str, str]]:
    table = admin.http.get("/hub/audit", params={"person": person.name, "format": "csv"})
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(table.text)))


def start(person: Person, **fields: str) -> httpx.Response:
    return person.start_by_form(**{"profile": "gpu", "option.gpu.gpus": "2", **fields})


def test_from_the_locked_machine_to_a_start_and_back(asker: Person, bea: Person, admin: Person) -> None:
    refused = start(asker)
    assert "needs a yes from members of leads" in said(refused)
    form = main_of(asker.http.get("/hub/approvals/ask", params={"profile": "gpu", "option.gpu.gpus": "2"}))
    chosen = [option["value"] for option in form.all("option") if option.has("selected")]
    assert chosen == ["2", "days"]
    assert form.one("textarea").has("required")
    assert "members of leads" in form.text

    path = asked(asker, "Training <script>alert(1)</script>\nfor the paper")
    assert "Waiting for an answer" in main_of(asker.http.get("/hub/approvals")).text
    inbox = main_of(bea.http.get("/hub/approvals"))
    assert path in [link["href"] for link in inbox.all("a")]
    page = bea.http.get(path)
    assert "<script>alert" not in page.text
    assert "Training <script>alert(1)</script>" in main_of(page).text
    assert "has used in the last 30 days" in main_of(page).text
    assert [option["value"] for option in main_of(page).all("option")] == ["1", "2", "hours", "days"], "no more"

    yes = post(bea, path, do="grant", text="Have fun", lasts="1", unit="days", **{"option.gpu.gpus": "2"})
    assert "You said yes" in said(yes)
    assert "bea said yes, until" in main_of(asker.http.get(path)).text
    assert start(asker).status_code == 200
    asker.wait_ready()
    asker.stop()

    post(bea, path, do="revoke", text="It is needed")
    again = start(asker)
    assert "Your permission for GPU ended" in said(again)
    story = main_of(asker.http.get(path)).one("ol", cls="rm-story").text
    assert "1 day instead of 2 days" in story
    assert [row["action"] for row in reversed(audit_of(admin, asker))] == ["ask-asked", "ask-granted", "ask-revoked"]


def test_two_approvers_one_wins_and_the_other_is_told(asker: Person, bea: Person, cat: Person) -> None:
    path = asked(asker)
    for person in (bea, cat):
        assert "Your answer" in main_of(person.http.get(path)).text
    post(bea, path, do="refuse", text="Not this week")
    late = post(cat, path, do="grant", text="Of course", lasts="2", unit="days", **{"option.gpu.gpus": "2"})
    assert late.status_code == 409
    assert "bea said no" in said(late)
    assert "Of course" in main_of(late).one("textarea").text, "nothing is typed twice"
    assert "bea said no" in main_of(asker.http.get("/hub/approvals")).text


@pytest.mark.parametrize(
    ("fields", "status", "expected"),
    [
        ({"reason": ""}, 400, "reason-missing"),
        ({"reason": "x" * 10_000}, 400, "text-too-long"),
        ({"lasts": "8"}, 400, "longer-than-allowed"),
        ({"lasts": "0"}, 400, "not-a-length-of-time"),
        ({"lasts": "-1"}, 400, "not-a-length-of-time"),
        ({"lasts": "1e9"}, 400, "not-a-length-of-time"),
        ({"lasts": "٣"}, 400, "not-a-length-of-time"),
        ({"unit": "years"}, 400, "not-a-length-of-time"),
        ({"option.gpu.gpus": "1"}, 409, "no-yes-needed"),
        ({"option.gpu.gpus": "8"}, 400, "option-out-of-bounds"),
        ({"option.gpu.nothing": "1"}, 400, "unknown-option"),
        ({"profile": "vanished"}, 400, "unknown-profile"),
        ({"profile": ""}, 400, "no-yes-needed"),
        ({"profile": "staff-only"}, 403, "forbidden-profile"),
        ({"profile": "small-cpu"}, 409, "no-yes-needed"),
        ({"profile": "../..\x00"}, 400, "unknown-profile"),
    ],
)
def test_asks_that_are_refused_keep_what_was_typed(
    bea: Person, fields: dict[str, str], status: int, expected: str
) -> None:
    answer = ask(bea, **{"reason": "Kept <b>text</b>", **fields})
    assert answer.status_code in {status, 409}, said(answer)
    assert f"Reason code: {expected}" in said(answer)
    if "reason" not in fields and main_of(answer).all("textarea"):
        assert main_of(answer).one("textarea").text == "Kept <b>text</b>"
    assert main_of(bea.http.get("/hub/approvals")).text.count("Kept") == 0


def test_an_ask_is_not_for_the_eyes_of_others(asker: Person, hub: LocalHub, bea: Person) -> None:
    path, other = asked(asker), hub.person("dan")
    assert other.http.get(path).status_code == 404
    assert post(other, path, do="grant").status_code == 404
    assert other.rest.get(api(path)).status_code == 404
    assert other.rest.patch(api(path), json={"state": "granted"}).json()["reason"] == "no-such-ask"
    assert "Training" not in other.http.get("/hub/approvals").text
    own = post(asker, path, do="grant", lasts="2", unit="days")
    assert (own.status_code, "Nobody answers their own ask" in said(own)) == (403, True)
    assert bea.http.get(f"/hub/approvals/{'0' * 32}").status_code == 404
    assert httpx.get(f"{hub.url}{path}", follow_redirects=True, timeout=60).url.path == "/hub/login"


def test_forms_without_their_token_change_nothing(asker: Person, bea: Person, hub: LocalHub) -> None:
    path = asked(asker)
    assert bea.http.post(path, data={"do": "grant", "lasts": "1", "unit": "days"}).status_code == 403
    assert bea.http.post("/hub/approvals/ask", data={**TWO, "reason": "x"}).status_code == 403
    assert asker.rest.get(api(path)).json()["state"] == "open"


def test_more_than_was_asked_for_is_never_granted(asker: Person, bea: Person) -> None:
    path = asked(asker)
    for fields in ({"option.gpu.gpus": "4"}, {"option.gpu.gpus": "4", "profile": "many-core"}):
        forged = post(bea, path, do="grant", lasts="1", unit="days", **fields)
        assert forged.status_code == 400
        assert "more-than-asked" in said(forged)
    forged = bea.rest.patch(api(path), json={"state": "granted", "amounts": {"devices": {"nvidia.com/gpu": 8}}})
    assert forged.status_code == 400
    too_long = bea.rest.patch(api(path), json={"state": "granted", "lasts": "8d"}).json()
    assert (too_long["status"], too_long["reason"]) == (400, "longer-than-allowed")
    assert asker.rest.get(api(path)).json()["state"] == "open"


def test_an_ask_is_changed_commented_and_withdrawn(asker: Person, bea: Person) -> None:
    path = asked(asker, **{"option.gpu.gpus": "4"})
    revised = post(bea, path, do="revise", text="Will two do?", lasts="12", unit="hours", **{"option.gpu.gpus": "2"})
    assert "still waits for an answer" in said(revised)
    assert "Asked for:" in main_of(revised).text
    assert "2 GPUs instead of 4 GPUs" in main_of(asker.http.get(path)).text
    assert "Your comment is kept" in said(post(asker, path, do="comment", text="Yes, they will"))
    assert "comment is empty" in said(post(bea, path, do="comment", text="  "))
    assert "withdrawn the ask" in said(post(asker, path, do="withdraw"))
    late = post(bea, path, do="grant", lasts="1", unit="days")
    assert f"{asker.name} withdrew it" in said(late)


def test_over_rest(asker: Person, bea: Person, hub: LocalHub) -> None:
    body = {"profile": "gpu", "options": {"gpus": "2"}, "lasts": "2d", "reason": "Training"}
    made = asker.rest.post("/hub/api/remuda/asks", json=body)
    assert made.status_code == 201, made.text
    [one] = made.json()["asks"]
    assert one["terms"]["amounts"]["devices"] == {"nvidia.com/gpu": 2}
    assert asker.rest.post("/hub/api/remuda/asks", json=body).json()["reason"] == "asked-already"
    assert asker.rest.get("/hub/api/remuda/asks").json()["asks"][0]["id"] == one["id"]
    assert one["id"] in [each["id"] for each in bea.rest.get("/hub/api/remuda/asks").json()["waiting"]]
    path = f"/hub/api/remuda/asks/{one['id']}"
    revised = bea.rest.patch(path, json={"lasts": "1d", "comment": "A day"}).json()
    assert (revised["state"], revised["terms"]["lasts"], revised["asked"]["lasts"]) == ("open", "1d", "2d")
    granted = bea.rest.patch(path, json={"state": "granted"}).json()
    assert (granted["state"], granted["holds"], granted["answered_by"]) == ("granted", True, "bea")
    ends = datetime.fromisoformat(granted["ends_at"])
    assert abs(ends - datetime.now(UTC) - timedelta(days=1)) < timedelta(minutes=5)
    late = bea.rest.patch(path, json={"state": "refused"})
    assert (late.status_code, late.json()["reason"]) == (409, "answered-already")
    covered = asker.rest.post("/hub/api/remuda/asks", json=body).json()
    assert covered["reason"] == "permitted-already"
    story = asker.rest.get(path).json()["story"]
    assert [each["kind"] for each in story] == ["asked", "revised", "granted"]


@pytest.mark.parametrize(
    "body",
    [[], "text", None, {"profile": 1}, {"profile": "gpu", "options": []}, {"profile": "gpu", "user": "bea"},
     {"profile": "gpu", "options": {"gpus": "2"}, "lasts": True, "reason": "x"},
     {"profile": "gpu", "options": {"gpus": "2"}, "lasts": {}, "reason": "x"},
     {"profile": "gpu", "options": {"gpus": "2"}, "reason": "x"},
     {"profile": "gpu", "options": {"gpus": "2"}, "lasts": "99999999999d", "reason": "x"},
     {"profile": "gpu", "options": {"gpus": "2"}, "lasts": "1d", "reason": "\ud800\x00"},
     {"profile": "gpu", "options": {"gpus": None}, "lasts": "1d", "reason": "x"}],
)  # fmt: skip
def test_rest_bodies_that_cannot_be_read_are_400(bea: Person, body: Any) -> None:
    answer = bea.rest.post("/hub/api/remuda/asks", content=json.dumps(body))
    assert answer.status_code == 400, answer.text
    assert answer.json()["message"]


def test_a_servers_own_token_neither_asks_nor_answers(asker: Person, bea: Person, hub: LocalHub) -> None:
    path = asked(asker)
    asked_for = {"note": "narrow", "scopes": ["access:servers!user"]}
    made = bea.http.post("/hub/api/users/bea/tokens", json=asked_for, headers={"X-XSRFToken": bea.xsrf})
    token = {"Authorization": f"token {made.json()['token']}"}
    narrow = httpx.Client(base_url=hub.url, headers=token, timeout=60)
    assert narrow.patch(api(path), json={"state": "granted"}).status_code == 403
    assert narrow.get("/hub/api/remuda/asks").status_code == 403
    assert httpx.get(f"{hub.url}/hub/api/remuda/asks", timeout=60).status_code == 403
    assert asker.rest.get(api(path)).json()["state"] == "open"


def test_somebody_who_was_removed_leaves_no_ask_and_no_permission(hub: LocalHub, bea: Person, admin: Person) -> None:
    gone = hub.person("gone")
    waiting, granted = asked(gone, **{"option.gpu.gpus": "4"}), ""
    post(bea, waiting, do="grant", lasts="1", unit="days", **{"option.gpu.gpus": "2"})
    granted, waiting = waiting, asked(gone, **{"option.gpu.gpus": "3"})
    assert admin.rest.delete("/hub/api/users/gone").status_code == 204
    late = post(bea, waiting, do="grant", lasts="1", unit="days")
    assert (late.status_code, "gone withdrew it" in said(late)) == (409, True)
    assert bea.rest.get(api(granted)).json()["state"] == "revoked"
    again = hub.person("gone")  # a new account of the same name inherits nothing, and reads nothing
    assert [again.rest.get(api(each)).status_code for each in (granted, waiting)] == [404, 404]
    assert again.rest.get("/hub/api/remuda/asks").json()["asks"] == []
    assert again.http.get(granted).status_code == 404
    assert "needs a yes" in (refusal := said(start(again)))
    assert "Your permission" not in refusal
    ended = [row["action"] for row in audit_of(admin, again)]
    assert sorted(ended[:2]) == ["ask-revoked", "ask-withdrawn"]


def test_an_account_that_the_books_know_keeps_its_name(hub: LocalHub, bea: Person, admin: Person) -> None:
    def rename(user: str, name: str, by: Person = admin) -> tuple[int, str]:
        answer = by.rest.patch(f"/hub/api/users/{user}", json={"name": name})
        return answer.status_code, answer.json().get("message", "")

    yan = hub.person("yan")
    path = asked(yan)
    assert rename("yan", "yann", by=bea)[0] == 403
    status, message = rename("yan", "yann")
    assert (status, "1 ask without an answer" in message) == (409, True), message
    post(yan, path, do="withdraw")
    assert rename("yan", "bea")[0] == 400, "as JupyterHub says of a name that is taken"
    assert rename("yan", "yann")[0] == 200
    assert rename("nobody", "somebody")[0] == 404
    assert rename("yann", "yan")[0] == 200, "nothing has run under either name"

    assert yan.start_by_rest({"profile": "small-cpu"}).status_code in {201, 202}
    yan.wait_ready()
    status, message = rename("yan", "yann")
    assert (status, "1 machine in use" in message, "new account yann" in message) == (409, True, True), message
    yan.stop()
    wait_for(lambda: yan.rest.get("/hub/api/remuda/ledger").json()["entries"])
    status, message = rename("yan", "yann")
    assert (status, "1 run in the ledger" in message) == (409, True), message
    assert yan.rest.get("/hub/api/users/yan").status_code == 200
    assert admin.rest.get("/hub/api/users/yann").status_code == 404
    assert admin.rest.patch("/hub/api/users/yan", json={"name": "yan", "admin": False}).status_code == 200


def test_admins_filter_the_audit_and_nobody_else_sees_it(asker: Person, bea: Person, admin: Person) -> None:
    asked(asker, '=HYPERLINK("http://example.org")')
    assert bea.http.get("/hub/audit").status_code == 403
    page = admin.http.get("/hub/audit", params={"person": asker.name})
    rows = main_of(page).one("tbody").all("tr")
    assert len(rows) == 1
    assert "Asked for a machine" in rows[0].text
    [row] = audit_of(admin, asker)
    assert (row["actor"], row["way"], row["subject"]) == (asker.name, "page", asker.name)
    today = datetime.now(UTC).date()
    for filtered, found in (
        ({"since": str(today)}, True),
        ({"until": str(today - timedelta(days=1))}, False),
        ({"action": "ask-granted"}, False),
        ({"action": "nonsense", "since": "yesterday", "until": "9999-12-31", "before": "x"}, True),
        ({"before": "1"}, False),
    ):
        shown = admin.http.get("/hub/audit", params={"person": asker.name, **filtered})
        assert (asker.name in main_of(shown).text.replace("Person", "") and bool(main_of(shown).all("td"))) is found
    every = admin.http.get("/hub/audit")
    assert "The hub started with other policies" in main_of(every).text
    assert "approvals.big-gpu.moreThan.gpus: nothing → 1" in main_of(every).text


def test_an_admins_rule_is_not_a_leads_and_comes_to_nobody_elses_inbox(
    asker: Person, bea: Person, admin: Person
) -> None:
    path = asked(asker, profile="many-core")
    assert path not in bea.http.get("/hub/approvals").text
    assert path in admin.http.get("/hub/approvals").text
    answer = post(admin, path, do="grant", lasts="1", unit="days")
    assert "You said yes" in said(answer)


def test_what_somebody_does_with_anothers_server_is_noted(asker: Person, cat: Person, admin: Person) -> None:
    asker.start_by_rest({"profile": "small-cpu"})
    asker.wait_ready()
    confirm = cat.http.get(f"/user/{asker.path}/lab")
    assert confirm.url.path == "/hub/api/oauth2/authorize", confirm.text
    scopes = [field["value"] for field in part(confirm, "body").all("input", name="scopes")]
    cat.http.post(str(confirm.url), data={"scopes": scopes, "_xsrf": cat.xsrf}, headers={"Referer": str(confirm.url)})
    cat.http.post(f"/hub/stop/{asker.path}", data={"_xsrf": cat.xsrf})
    asker.wait_gone()
    cat.rest.post(asker.server_path(), json={"profile": "small-cpu"})
    asker.wait_ready()
    admin.rest.delete(asker.server_path())
    asker.wait_gone()
    rows = [(row["actor"], row["action"], row["way"]) for row in reversed(audit_of(admin, asker))]
    assert rows == [
        ("cat", "server-of-another-opened", "page"),
        ("cat", "server-stopped-for-another", "page"),
        ("cat", "server-started-for-another", "rest"),
        ("admin", "server-stopped-for-another", "rest"),
    ], "and nothing about one's own"
    assert json.loads(audit_of(admin, asker)[0]["details"]) == {"machine": "Small CPU", "server": ""}


def test_whoever_comes_to_anothers_server_by_token_is_noted_once(
    asker: Person, bea: Person, cat: Person, admin: Person
) -> None:
    asker.start_by_rest({"profile": "small-cpu"})
    asker.wait_ready()
    inside = f"/user/{asker.path}/api/status"
    shown = {"X-Remuda-Server-Token": "made-up", "X-Remuda-Server-Name": ""}
    assert cat.rest.get("/hub/api/user", headers=shown).status_code == 200
    came = {who.name: [who.rest.get(inside).status_code for _ in range(2)] for who in (asker, bea, cat)}
    assert came == {asker.name: [200, 200], "bea": [403, 403], "cat": [200, 200]}
    [row] = [row for row in audit_of(admin, asker) if row["actor"] != asker.name]
    assert (row["actor"], row["action"], row["way"]) == ("cat", "server-of-another-entered-by-token", "rest")
    details = json.loads(row["details"])
    assert (details["machine"], details["server"], details["token"][:1]) == ("Small CPU", "", "a")
    admin.rest.delete(asker.server_path())
    asker.wait_gone()


def test_home_and_spawn_page_tell_of_answers_and_of_those_who_wait(asker: Person, bea: Person, cat: Person) -> None:
    path = asked(asker)
    assert "for your answer" in said(bea.http.get("/hub/home"))
    bea.rest.patch(api(path), json={"state": "refused", "comment": "<i>Not</i> now"})
    for page in ("/hub/home", "/hub/spawn"):
        news = said(asker.http.get(page))
        assert "bea said no to GPU." in news
        assert "“<i>Not</i> now”" in news
    for_another = said(cat.http.get(f"/hub/spawn/{asker.path}"))
    assert "said no" not in for_another, "they are told to whom they were given"


def test_the_database_away_is_told(hub: LocalHub, bea: Person, admin: Person) -> None:
    """Somebody else holds SQLite's write lock for longer than anybody waits."""
    path = asked(hub.person("left"))
    place = next(Path(hub.folder).glob("**/remuda.sqlite"))
    with sqlite3.connect(place, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        answer = ask(bea, "Kept in the form")
        assert answer.status_code == 503
        assert "database-away" in said(answer)
        assert main_of(answer).one("textarea").text == "Kept in the form"
        assert admin.rest.delete("/hub/api/users/left").status_code == 204, "removals do not depend on it"
        other.execute("ROLLBACK")
    wait_for(lambda: bea.http.get("/hub/approvals").status_code == 200)
    assert urlsplit(str(answer.url)).path == "/hub/approvals/ask"
    assert "has no account here any more" in said(bea.http.get(path))
    hub.person("left")  # a new account of the same name is somebody else
    refused = post(bea, path, do="grant", lasts="1", unit="days")
    assert (refused.status_code, "asker-gone" in said(refused)) == (409, True)
    assert "You said no" in said(post(bea, path, do="refuse"))

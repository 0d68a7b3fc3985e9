"""Being told on a real Hub: on home, on the page of notices, over REST, by mail and by webhook."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.contract.notices.receivers import MailBox, Posted, mail_server, web_receiver
from tests.local.hub_process import LocalHub, Person, using, wait_for
from tests.unit.pages.reading import Element, assert_accessible, read

pytestmark = pytest.mark.local

SETTINGS = """
mode: local
hub:
  consecutiveFailureLimit: 0
  config:
    JupyterHub:
      load_groups: {{leads: {{users: [bea, cy]}}}}
  extraConfig:
    address: |
      c.NoticeMail.address_of = lambda user: "cy@elsewhere.example.org" if user.name == "cy" else None
  notices:
    hubUrl: https://hub.example.org/
    email:
      host: 127.0.0.1
      port: {mail}
      security: none
      from: hub@example.org
      addressTemplate: "{{username}}@example.org"
      kinds: [wanted, asked]
    webhooks:
      chat: {{url: "{web}", kinds: [answered, budget, wanted]}}
catalog:
  policies:
    approvals:
      big-gpu: {{profiles: [gpu], approvers: {{groups: [leads], users: [nobody-yet], admins: true}}}}
    budgets:
      short: {{per: user, machineHours: 0.26, profiles: [many-core], warnAt: [1]}}
"""


@pytest.fixture(scope="module")
def mails() -> Iterator[MailBox]:
    with mail_server() as box:
        yield box


@pytest.fixture(scope="module")
def posted() -> Iterator[Posted]:
    with web_receiver() as posted:
        yield posted


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory, mails: MailBox, posted: Posted) -> Iterator[LocalHub]:
    hub = LocalHub(tmp_path_factory.mktemp("notices") / "local")
    hub.write_settings(SETTINGS.format(mail=mails.port, web=posted.url))
    secrets = hub.folder / "secrets"
    secrets.mkdir()
    (secrets / "hub.notices.webhooks.chat.secret").write_text("s3cret")
    with using(hub):
        yield hub


@pytest.fixture(scope="module")
def bea(hub: LocalHub) -> Person:
    return hub.person("bea")


@pytest.fixture(scope="module")
def ada(hub: LocalHub) -> Person:
    """Whose machine others would like."""
    person = hub.person("ada")
    assert person.start_by_rest({"profile": "small-cpu"}).status_code in {201, 202}
    person.wait_ready()
    return person


def main_of(answer: httpx.Response) -> Element:
    text = answer.text
    return read(text[text.index("<main") : text.index("</main>") + len("</main>")]).one("main")


def menu_of(answer: httpx.Response) -> str:
    [link] = [each for each in read(answer.text).all("a", cls="nav-link") if each["href"].endswith("/notices")]
    return link.text.replace(" )", ")")


def ask_for_it(person: Person, message: str = "") -> httpx.Response:
    page = main_of(person.http.get("/hub/capacity"))
    lease = page.one("input", name="lease")["value"]
    fields = {"_xsrf": person.xsrf, "lease": lease, "message": message}
    return person.http.post("/hub/capacity/ask", data=fields)


def told(person: Person) -> list[str]:
    return [each["subject"] for each in person.rest.get("/hub/api/remuda/notices").json()["notices"]]


def posted_of(kind: str, posted: Posted) -> list[dict[str, Any]]:
    return [body for body in posted.bodies if body["kind"] == kind]


def test_somebody_asks_for_a_machine_and_its_holder_reads_it(
    hub: LocalHub, ada: Person, bea: Person, mails: MailBox
) -> None:
    wait_for(lambda: main_of(bea.http.get("/hub/capacity")).all("input", name="lease"))
    page = main_of(bea.http.get("/hub/capacity"))
    assert_accessible(page)
    assert "ada" not in page.text.split(), "whose it is, is not told"
    long = ask_for_it(bea, "x" * 501)
    assert (long.status_code, main_of(long).one("textarea").text) == (400, "x" * 501)
    sent = ask_for_it(bea, "Only for an <b>hour</b>, please")
    assert sent.url.path == "/hub/capacity", sent.text
    assert "has been told" in main_of(sent).one(role="status").text
    assert "ada" not in main_of(sent).text.split()

    home = ada.http.get("/hub/home")
    assert menu_of(home) == "Notices (1 unread)"
    shown = main_of(home).one("li", cls="rm-told")
    assert "bea asks for your Small CPU" in shown.text
    assert "bea writes: “Only for an <b>hour</b>, please”" in shown.text
    assert_accessible(main_of(home))
    assert menu_of(bea.http.get("/hub/home")) == "Notices"
    wait_for(lambda: mails.mails)
    [mail] = mails.mails
    assert (mail["To"], mail["Subject"]) == ("ada@example.org", "bea asks for your Small CPU")
    assert "https://hub.example.org/hub/home" in mail.get_content()


def test_not_twice_and_not_by_a_form_of_somebody_elses(ada: Person, bea: Person) -> None:
    again = ask_for_it(bea)
    assert again.status_code == 409
    assert "You asked for this machine" in main_of(again).one(role="alert").text
    forged = bea.http.post("/hub/capacity/ask", data={"lease": "x"})
    assert forged.status_code == 403
    gone = bea.http.post("/hub/capacity/ask", data={"_xsrf": bea.xsrf, "lease": "0" * 32})
    assert (gone.status_code, "not in use any more" in main_of(gone).text) == (409, True)
    assert told(ada) == ["bea asks for your Small CPU"]


def test_notices_are_read_one_by_one_and_all(hub: LocalHub, ada: Person, bea: Person) -> None:
    dan = hub.person("dan")
    assert ask_for_it(dan).status_code == 200
    page = main_of(ada.http.get("/hub/notices"))
    assert_accessible(page)
    assert [each.one("strong").text for each in page.all("li", cls="rm-unread")] == [
        "dan asks for your Small CPU", "bea asks for your Small CPU"
    ]  # fmt: skip
    first = page.all("input", name="id")[0]["value"]
    bea.http.post("/hub/notices/read", data={"_xsrf": bea.xsrf, "id": first})
    bea.http.post("/hub/notices/read", data={"_xsrf": bea.xsrf})
    assert menu_of(ada.http.get("/hub/home")) == "Notices (2 unread)", "nobody reads them for somebody else"
    back = ada.http.post("/hub/notices/read", data={"_xsrf": ada.xsrf, "id": first, "back": "home"})
    assert back.url.path == "/hub/home"
    assert menu_of(back) == "Notices (1 unread)"
    back = ada.http.post("/hub/notices/read", data={"_xsrf": ada.xsrf})
    assert back.url.path == "/hub/notices"
    assert not main_of(back).all("li", cls="rm-unread")
    assert len(main_of(back).all("li", cls="rm-told")) == 2


def test_an_ask_tells_the_approvers_and_its_answer_whoever_asked(
    hub: LocalHub, ada: Person, bea: Person, mails: MailBox, posted: Posted
) -> None:
    admin, cy = hub.person("admin"), hub.person("cy")
    made = ada.rest.post(
        "/hub/api/remuda/asks", json={"profile": "gpu", "lasts": "2h", "reason": "A model of <clouds>"}
    )
    assert made.status_code == 201, made.text
    path = made.json()["asks"][0]["url"]
    for approver in (bea, cy, admin):
        assert told(approver)[0] == "ada asks for GPU for 2 hours"
    link = main_of(bea.http.get("/hub/notices")).one("li", cls="rm-unread").one("a")
    assert link["href"] == path
    wait_for(lambda: len([mail for mail in mails.mails if "GPU" in mail["Subject"]]) == 3)
    addresses = {mail["To"] for mail in mails.mails if "GPU" in mail["Subject"]}
    assert addresses == {"bea@example.org", "cy@elsewhere.example.org", "admin@example.org"}
    fields = {"_xsrf": bea.xsrf, "do": "refuse", "text": "Not now"}
    assert bea.http.post(path, data=fields).status_code == 200
    assert told(ada)[0] == "bea said no to GPU"
    wait_for(lambda: posted_of("answered", posted))
    [body] = posted_of("answered", posted)
    assert (body["to"], body["sender"]) == ("ada", "bea")
    assert body["url"] == f"https://hub.example.org{path}"


def test_over_rest_and_without_mail(hub: LocalHub, ada: Person, mails: MailBox, posted: Posted) -> None:
    api = "/hub/api/remuda/notices"
    got = ada.rest.get(api, params={"unread": "1", "limit": "1"}).json()
    assert (got["unread"], got["by_mail"]) == (1, True)
    [one] = got["notices"]
    assert (one["kind"], one["read_at"]) == ("answered", None)
    assert ada.rest.post(api, json={"read": [one["id"]], "by_mail": False}).json()["unread"] == 0
    assert "You get no notices by e-mail" in main_of(ada.http.get("/hub/notices")).text
    assert ask_for_it(hub.person("cy")).status_code == 200
    wait_for(lambda: any(body["sender"] == "cy" for body in posted_of("wanted", posted)))
    ada.http.post("/hub/notices/mail", data={"_xsrf": ada.xsrf, "by-mail": "yes"})
    assert ada.rest.get(api).json()["by_mail"] is True
    assert ask_for_it(hub.person("eve")).status_code == 200
    wait_for(lambda: any(mail["Subject"].startswith("eve") for mail in mails.mails))
    assert not any(mail["Subject"].startswith("cy") for mail in mails.mails)
    for wrong in ({"read": "some"}, {"read": [1.5]}, {"other": 1}, []):
        assert ada.rest.post(api, json=wrong).status_code == 400
    assert ada.rest.post(api, json={"read": [10**19]}).status_code == 200
    for number in ("1" + "0" * 30, "9" * 5000):
        assert ada.http.post("/hub/notices/read", data={"_xsrf": ada.xsrf, "id": number}).status_code == 200
    for limit in ("0", "501", "x", "-1", "٣", "0000000019999999999999999999"):
        assert ada.rest.get(api, params={"limit": limit}).status_code == 400
    assert httpx.get(f"{hub.url}{api}", timeout=60).status_code == 403


def test_a_budget_that_fills_is_told_while_it_fills(hub: LocalHub, posted: Posted) -> None:
    fay = hub.person("fay")
    assert fay.start_by_rest({"profile": "many-core"}).status_code in {201, 202}, "a quarter of an hour"
    fay.wait_ready()
    wait_for(lambda: any("% used" in subject for subject in told(fay)), 90, every=1)
    wait_for(lambda: any(body["kind"] == "budget" and body["to"] == "fay" for body in posted.bodies))
    fay.stop()


def test_what_a_removed_account_was_told_is_gone(hub: LocalHub, ada: Person, bea: Person) -> None:
    admin = hub.person("admin")
    gil = hub.person("gil")
    gil.rest.post("/hub/api/remuda/asks", json={"profile": "gpu", "lasts": "2h", "reason": "x"})
    bea.rest.patch(gil.rest.get("/hub/api/remuda/asks").json()["asks"][0]["url"].replace(
        "/hub/approvals", "/hub/api/remuda/asks"
    ), json={"state": "refused", "comment": "No"})  # fmt: skip
    assert told(gil)
    assert admin.rest.delete("/hub/api/users/gil").status_code == 204
    assert told(hub.person("gil")) == []


def test_every_page_has_the_count_in_its_menu_and_pages_of_errors_have_none(hub: LocalHub, ada: Person) -> None:
    assert ask_for_it(hub.person("hal")).status_code == 200
    for name in ("home", "switch/ada", "capacity", "usage", "approvals", "token", "notices"):
        page = ada.http.get(path := f"/hub/{name}")
        assert (page.status_code, "unread)" in menu_of(page)) == (200, True), (path, hub.said[-3000:])
    assert menu_of(ada.http.get("/hub/nothing/here")) == "Notices"
    assert menu_of(hub.person("admin").http.get("/hub/admin")).startswith("Notices")


def test_the_hubs_figures_count_what_was_sent(hub: LocalHub) -> None:
    admin = hub.person("admin")
    figures = admin.rest.get("/hub/metrics").text
    assert 'remuda_notices_sent_total{channel="mail"}' in figures
    assert 'remuda_notices_sent_total{channel="webhook:chat"}' in figures


def test_a_hub_that_could_not_send_does_not_start(tmp_path_factory: pytest.TempPathFactory) -> None:
    hub = LocalHub(tmp_path_factory.mktemp("unsent") / "local")
    hub.write_settings("""
mode: local
hub: {notices: {webhooks: {chat: {url: "https://example.org/"}}}}
""")
    try:
        hub.launch()
        assert hub.wait_end() != 0
        assert "there is no secret hub.notices.webhooks.chat.secret" in hub.said
    finally:
        hub.kill_everything()

"""`hub.notices`: what is refused at boot, and in which words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hub_extensions.notices import Kind
from hub_extensions.notices.addresses import found_in
from hub_extensions.notices.values import ADDRESS
from hub_extensions.secret_files import read_secrets
from hub_extensions.settings_file import SettingsDocument, SettingsErrors, parse_settings
from hub_extensions.setup import check_notices

MAIL = "host: mail.example.org, from: hub@example.org"
TEMPLATE = "addressTemplate: '{username}@example.org'"


def settings(text: str) -> Any:
    return parse_settings(SettingsDocument("settings.yaml", f"hub: {{notices: {{{text}}}}}")).hub.notices


def refused(text: str) -> str:
    with pytest.raises(SettingsErrors) as caught:
        settings(text)
    [error] = caught.value.errors
    return str(error)


def test_nothing_goes_out_by_default() -> None:
    notices = settings("")
    assert (notices.email, notices.webhooks, notices.hub_url) == (None, {}, None)


def test_what_is_said_is_kept() -> None:
    notices = settings(
        f"hubUrl: https://hub.example.org/jh, email: {{{MAIL}, {TEMPLATE}, kinds: [budget, stops-soon]}}, "
        "webhooks: {chat: {url: 'https://chat.example.org/x?y=1'}}"
    )
    assert notices.hub_url == "https://hub.example.org/jh/"
    assert (notices.email.from_, notices.email.port, notices.email.security) == ("hub@example.org", 587, "starttls")
    assert notices.email.kinds == (Kind.BUDGET, Kind.STOPS_SOON)
    assert notices.webhooks["chat"].kinds is None
    assert settings(f"email: {{{MAIL}, addressTemplate: '{{username}}'}}").email is not None
    assert settings(f"email: {{{MAIL}, addressField: oauth_user.email}}").email is not None


@pytest.mark.parametrize(
    ("text", "field", "words"),
    [
        ("email: {from: hub@example.org}", "hub.notices.email.host", "is missing"),
        (f"email: {{{MAIL}}}", "hub.notices.email", "nobody would have an address"),
        (f"email: {{{MAIL}, addressTemplate: hub@example.org}}", "hub.notices.email", "does not make an address"),
        (f"email: {{{MAIL}, addressTemplate: '{{username}} {{name}}@x'}}", "hub.notices.email", "not make an address"),
        (f"email: {{{MAIL}, addressTemplate: '{{username}}@'}}", "hub.notices.email", "does not make an address"),
        (f"email: {{host: m, from: Remuda, {TEMPLATE}}}", "hub.notices.email", "`from` is not an e-mail address"),
        (f"email: {{{MAIL}, {TEMPLATE}, security: none, username: hub}}", "hub.notices.email", "for everyone to read"),
        (f"email: {{{MAIL}, {TEMPLATE}, security: ssl}}", "hub.notices.email.security", "use one of"),
        (f"email: {{{MAIL}, {TEMPLATE}, port: 0}}", "hub.notices.email.port", "greater than or equal to 1"),
        (f"email: {{{MAIL}, {TEMPLATE}, kinds: [budgets]}}", "hub.notices.email.kinds.0", "use one of"),
        (f"email: {{{MAIL}, {TEMPLATE}, kinds: []}}", "hub.notices.email.kinds", "leave `kinds` out"),
        (f"email: {{{MAIL}, {TEMPLATE}, password: x}}", "hub.notices.email.password", "is not a setting"),
        ("webhooks: {chat: {url: chat.example.org}}", "hub.notices.webhooks.chat.url", "not a URL of the web"),
        ("webhooks: {chat: {url: 'ftp://chat.example.org'}}", "hub.notices.webhooks.chat.url", "not a URL of the web"),
        ("webhooks: {chat: {url: 'https://[x/'}}", "hub.notices.webhooks.chat.url", "is not a URL"),
        ("webhooks: {chat: {url: 'https://a:b@example.org'}}", "hub.notices.webhooks.chat.url", "would show in logs"),
        ("webhooks: {A Chat: {url: 'https://example.org'}}", "hub.notices.webhooks.A Chat", "does not look right"),
        ("hubUrl: hub.example.org", "hub.notices.hubUrl", "not a URL of the web"),
    ],
)
def test_nonsense_is_refused_with_a_sentence(text: str, field: str, words: str) -> None:
    said = refused(text)
    assert f"'{field}" in said or f"'{field}'" in said, said
    assert words in said, said
    assert said.rpartition(" — ")[2]


def test_what_needs_a_secret_has_one(tmp_path: Path) -> None:
    notices = settings(
        f"email: {{{MAIL}, {TEMPLATE}, username: hub}}, webhooks: {{chat: {{url: 'https://example.org'}}}}"
    )
    with pytest.raises(SettingsErrors) as caught:
        check_notices(notices, read_secrets(str(tmp_path)))
    assert [error.field for error in caught.value.errors] == [
        "hub.notices.email.username", "hub.notices.webhooks.chat"
    ]  # fmt: skip
    (tmp_path / "hub.notices.email.password").write_text("p\n")
    (tmp_path / "hub.notices.webhooks.chat.secret").write_text("s\n")
    secrets = read_secrets(str(tmp_path))
    check_notices(notices, secrets)
    assert (secrets.mail_password, secrets.webhook_secrets) == ("p", {"chat": "s"})
    assert "'p'" not in repr(secrets)


@pytest.mark.parametrize(
    ("address", "fits"),
    [
        ("ada@example.org", True),
        ("ada+hub@example.org", True),
        ("größe@example.org", True),
        ("a@b@example.org", False),
        ("ada@example.org,all@example.org", False),
        ("ada@example.org\nBcc: all@example.org", False),
        ("Ada <ada@example.org>", False),
        ("@example.org", False),
        ("ada", False),
        ("", False),
    ],
)
def test_a_name_never_becomes_two_addresses_or_a_header(address: str, fits: bool) -> None:
    assert (ADDRESS.fullmatch(address) is not None) is fits


def test_an_address_within_what_the_login_keeps() -> None:
    state = {"email": "a@b", "oauth_user": {"email": "c@d"}}
    assert (found_in(state, "email"), found_in(state, "oauth_user.email")) == ("a@b", "c@d")
    for missing in ("oauth_user.mail", "email.more", "nothing"):
        assert found_in(state, missing) is None
    assert found_in(None, "email") is None

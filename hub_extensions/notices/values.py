"""`hub.notices` in the Hub's settings: where notices go besides the page. Passwords are secrets, never settings."""

from __future__ import annotations

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from hub_extensions.notices.notice import Kind
from hub_extensions.section import Section
from profiles.fields import wrong

#: One plain address. A name that would make two of it, or a header, is none.
ADDRESS = re.compile(r"[^\s@,;:<>()\[\]\"\\\x00-\x1f\x7f]+@[^\s@,;:<>()\[\]\"\\\x00-\x1f\x7f]+")
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9-]{0,40}[a-z0-9])?$")]


def _kinds(kinds: tuple[Kind, ...] | None) -> tuple[Kind, ...] | None:
    if kinds is not None and not kinds:
        raise wrong("no kind of notice would go there", "name some, or leave `kinds` out for all of them")
    return kinds


def _url(text: str) -> str:
    remedy = "write it as https://example.org/path"
    try:
        url = urlsplit(text)
        named = bool(url.hostname) and url.port != 0
    except ValueError:
        raise wrong("it is not a URL", remedy) from None
    if url.scheme not in {"https", "http"} or not named:
        raise wrong("it is not a URL of the web", remedy)
    if url.username or url.password:
        raise wrong("it contains a login, which would show in logs", "let the receiver check the signature instead")
    return text


def _hub_url(text: str | None) -> str | None:
    return None if text is None else f"{_url(text).rstrip('/')}/"


Kinds = Annotated[tuple[Kind, ...] | None, AfterValidator(_kinds)]
WebUrl = Annotated[str, AfterValidator(_url)]


class Email(Section):
    host: str = Field(..., min_length=1, description="Name of the mail server.")
    port: int = Field(587, ge=1, le=65535, description="Its port: 587 with starttls, 465 with tls, 25 with none.")
    security: Literal["starttls", "tls", "none"] = Field(
        "starttls",
        description="starttls: encrypted after the greeting, or not sent at all; tls: from the first byte; none: for a "
        "relay on the same network.",
    )
    from_: str = Field(..., alias="from", description="Address that the mail comes from.")
    username: str | None = Field(
        None,
        min_length=1,
        description="Login at the mail server; its password is the secret `hub.notices.email.password`.",
    )
    address_template: str | None = Field(
        None,
        description="A person's address, with {username}: `{username}@example.org`; `{username}` where names are "
        "addresses.",
    )
    address_field: str | None = Field(
        None,
        min_length=1,
        description="Where the login keeps the address in `auth_state`, as `email` or `oauth_user.email`; needs "
        "`enable_auth_state`. Comes before the template.",
    )
    kinds: Kinds = Field(None, description="Kinds of notices that go by mail; null: all.")

    @model_validator(mode="after")
    def _sensible(self) -> Email:
        if ADDRESS.fullmatch(self.from_) is None:
            raise wrong("`from` is not an e-mail address", "write it as hub@example.org")
        template = self.address_template
        if template is None and self.address_field is None:
            remedy = "give addressTemplate, such as `{username}@example.org`, or addressField"
            raise wrong("nobody would have an address", remedy)
        if template is not None and not _makes_addresses(template):
            raise wrong("addressTemplate does not make an address", "write it as `{username}@example.org`")
        if self.username is not None and self.security == "none":
            raise wrong(
                "the password would be sent for everyone to read", "use security: starttls or tls, or remove username"
            )
        return self


class Webhook(Section):
    url: WebUrl = Field(..., description="Where notices are posted as JSON, one request each.")
    kinds: Kinds = Field(None, description="Kinds of notices that are posted; null: all.")


class Notices(Section):
    email: Email | None = Field(None, description="Notices by e-mail; null: none.")
    webhooks: dict[Name, Webhook] = Field(
        {},
        description="Receivers by name. Each has a secret of its own, `hub.notices.webhooks.<name>.secret`, which "
        "signs what is sent.",
    )
    hub_url: Annotated[str | None, AfterValidator(_hub_url)] = Field(
        None,
        description="Address of the hub in mails and webhooks, base path included; null: JupyterHub's `public_url`, "
        "else links are left out.",
    )


def _makes_addresses(template: str) -> bool:
    rest = template.replace("{username}", "")
    if "{username}" not in template or "{" in rest or "}" in rest:
        return False
    return template == "{username}" or ADDRESS.fullmatch(template.replace("{username}", "ada")) is not None

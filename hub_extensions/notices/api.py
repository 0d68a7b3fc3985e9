"""PURE: what is sent and answered over REST about notices, as models; the OpenAPI document is made from them."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from hub_extensions.notices.notice import Kept, Kind
from hub_extensions.shares_api.operation import Answer, Body, Operation, Parameter

MOST, USUAL = 500, 100


class NoticeFacts(Answer):
    """One notice."""

    id: int
    kind: Kind
    key: str = Field(description="What happened; the same is told once.")
    subject: str
    text: str = Field(description="Plain sentences in paragraphs; part of it may be what `sender` wrote.")
    url: str | None = Field(description="Path of the page that it is about.")
    sender: str | None = Field(description="The person who caused it, if one did.")
    at: datetime
    read_at: datetime | None

    @classmethod
    def of(cls, kept: Kept, hub: str) -> NoticeFacts:
        notice = kept.notice
        return cls(
            id=kept.id,
            kind=notice.kind,
            key=notice.key,
            subject=notice.subject,
            text=notice.text,
            url=f"{hub}{notice.link}" if notice.link else None,
            sender=notice.sender or None,
            at=notice.at,
            read_at=kept.read_at,
        )


class OwnNotices(Answer):
    """What one was told."""

    unread: int = Field(description="In all, also beyond this answer.")
    by_mail: bool = Field(description="Whether one wants mail; the hub has to send some.")
    notices: list[NoticeFacts] = Field(description="Newest first.")


class NoticesChange(Body):
    """What is left out stays as it is."""

    read: list[int] | Literal["all"] | None = Field(default=None, description="Ids of notices that have been read.")
    by_mail: bool | None = None


SERVERS = ("`servers` for oneself: every person's own token has it, a server's and a service's do not",)
API = (
    Operation(
        "/notices",
        "What one was told, newest first",
        SERVERS,
        OwnNotices,
        parameters=(
            Parameter("unread", "`1`: only what has not been read", {"type": "string", "enum": ["0", "1"]}),
            Parameter("limit", "At most so many", {"type": "integer", "minimum": 1, "maximum": MOST, "default": USUAL}),
        ),
        errors=(400, 403, 404, 503),
    ),
    Operation(
        "/notices",
        "Mark notices as read, choose whether they come by mail",
        SERVERS,
        OwnNotices,
        method="post",
        body=NoticesChange,
        errors=(400, 403, 404, 503),
    ),
)

"""PURE: how a package says what it answers below `/hub/api/remuda`.

Beside its handlers it has a module `api`, with the models that the handlers fill and

    API: tuple[Operation, ...] = (
        Operation("/notices", "What one was told, newest first", ("`read:users` …",), Notices),
        Operation("/notices", "Mark as read", ("…",), Notices, method="post", body=Read, errors=(400, 403, 503)),
    )

and one line in `PACKAGES` below. The OpenAPI document and `docs/reference/api.md` (`python -m tools.generate`) are made
from that, and a test finds each handler below `/api/remuda` that is not described.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

PREFIX = "/api/remuda"
#: In the order of the reference page. Each has a module `api` with `API: tuple[Operation, ...]`.
PACKAGES = (
    "hub_extensions.shares_api",
    "hub_extensions.approvals",
    "hub_extensions.notices",
    "hub_extensions.measured",
    "hub_extensions.reservations",
    "hub_extensions.queue",
)


class Answer(BaseModel):
    """What is answered: filled by the handler, sent by `dumped`."""

    model_config = ConfigDict(extra="forbid")


class Body(BaseModel):
    """What is sent; unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Error(BaseModel):
    """As JupyterHub's own API answers, with a reason code where there is one."""

    status: int
    message: str
    reason: str | None = Field(default=None, description="Stable, for programs; left out where there is none.")


@dataclass(frozen=True)
class Parameter:
    """In the query, unless `in_path`."""

    name: str
    description: str
    schema: dict[str, object]
    in_path: bool = False


@dataclass(frozen=True)
class Operation:
    """`path` as OpenAPI writes it, below `/hub/api/remuda`; `scopes` in words, as the handler checks them. `answer` is
    None where nothing is said but the status."""

    path: str
    summary: str
    scopes: tuple[str, ...]
    answer: type[BaseModel] | None
    parameters: tuple[Parameter, ...] = ()
    errors: tuple[int, ...] = (403, 404, 503)
    method: Literal["get", "post", "put", "patch", "delete"] = "get"
    body: type[BaseModel] | None = None
    status: int = 200

    @property
    def name(self) -> str:
        """One of its own: `get_shares_user`."""
        words = self.path.replace("{", "").replace("}", "").replace("-", "_").strip("/").split("/")
        return "_".join([self.method, *words])


def operations() -> tuple[Operation, ...]:
    """Of all packages."""
    return tuple(each for package in PACKAGES for each in import_module(f"{package}.api").API)


def dumped(answer: BaseModel) -> dict[str, Any]:
    return answer.model_dump(mode="json")

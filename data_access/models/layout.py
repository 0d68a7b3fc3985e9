"""Where things of models lie. Pure.

    <models>/_names/<name>                         there is such a model
    <models>/<name>/_versions/00000003.json        the number 3 is taken: put by whoever came first
    <models>/<name>/_versions/00000003.deleted     and given up again: who, when
    <models>/<name>/_aliases/production/00000007.json   the seventh move of this alias
    <models>/<name>/3/manifest.json                the commit point of version 3; what it names came before it
    <models>/<name>/3/{model,example,environment,code}/…

Numbers, names and moves are put *if absent*: no two callers get the same one, and none is ever used twice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_VERSION = re.compile(r"/_versions/(\d{8,})\.json$")
_DELETED = re.compile(r"/_versions/(\d{8,})\.deleted$")
_ALIAS = re.compile(r"/_aliases/([^/]+)/(\d{8,})\.json$")

MANIFEST = "manifest.json"
MODEL, EXAMPLE, ENVIRONMENT, CODE = "model", "example", "environment", "code"
LOCK = f"{ENVIRONMENT}/requirements.lock"
DIFF = f"{CODE}/uncommitted.diff"


@dataclass(frozen=True)
class Place:
    """The folder of all models, a URL without a slash at the end."""

    root: str

    def names(self) -> str:
        return f"{self.root}/_names/"

    def name(self, name: str) -> str:
        return f"{self.root}/_names/{name}"

    def versions(self, name: str) -> str:
        return f"{self.root}/{name}/_versions/"

    def claim(self, name: str, version: int) -> str:
        return f"{self.versions(name)}{version:08d}.json"

    def deleted(self, name: str, version: int) -> str:
        return f"{self.versions(name)}{version:08d}.deleted"

    def aliases(self, name: str) -> str:
        return f"{self.root}/{name}/_aliases/"

    def change(self, name: str, alias: str, number: int) -> str:
        return f"{self.aliases(name)}{alias}/{number:08d}.json"

    def folder(self, name: str, version: int) -> str:
        return f"{self.root}/{name}/{version}"

    def manifest(self, name: str, version: int) -> str:
        return f"{self.folder(name, version)}/{MANIFEST}"


def version_of(url: str) -> int | None:
    """The number that a claim takes; None of anything else."""
    match = _VERSION.search(url)
    return int(match[1]) if match else None


def deleted_of(url: str) -> int | None:
    match = _DELETED.search(url)
    return int(match[1]) if match else None


def change_of(url: str) -> tuple[str, int] | None:
    """Alias and number of the move that an object records; None of anything else."""
    match = _ALIAS.search(url)
    return (match[1], int(match[2])) if match else None

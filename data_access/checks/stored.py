"""A table's own checks: one immutable object per set, named by its content; each commit names the set of its table.

So the present checks are found with the commit that is read anyway and one more object, they change by a commit that
history shows, and two who change them at once can't undo each other's change unseen.
"""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

from pydantic import BaseModel, ConfigDict, ValidationError

from data_access.checks.declare import as_checks, named
from data_access.checks.kinds import AnyCheck, Check, CodedCheck, Custom, Pandera
from data_access.errors import ConflictError, CorruptError, DataError, NotFoundError, Reason
from data_access.names import TableName, did_you_mean
from data_access.storage.base import Storage
from data_access.tables.model import Commit, Schema, Snapshot
from data_access.texts import shortened
from data_access.workspace import Workspace, current

if TYPE_CHECKING:
    from data_access.discover.listing import Listing

FOLDER = "_remuda/checks/"
#: How often a change is made anew on top of somebody else's.
_TRIES = 20
#: Letters of a name in a listing: the call of a check of many columns is long.
_NAME = 60


class _Body(BaseModel):
    """An object's content."""

    model_config = ConfigDict(extra="forbid")

    format: Literal[1] = 1
    checks: tuple[AnyCheck, ...]


@dataclass(frozen=True)
class CheckSet(Sequence[Check]):
    """Checks in order; `checks["name"]` finds one by its name."""

    checks: tuple[Check, ...] = ()

    def __getitem__(self, key: Any) -> Any:
        return named(key, self.checks) if isinstance(key, str) else self.checks[key]

    def __len__(self) -> int:
        return len(self.checks)

    def __iter__(self) -> Iterator[Check]:
        return iter(self.checks)

    def __repr__(self) -> str:
        return repr(self.listing())

    def _repr_html_(self) -> str:
        return self.listing()._repr_html_()

    def listing(self) -> Listing:
        from data_access.discover.listing import Head, Listing, Section
        from data_access.discover.words import counted

        heads = (Head("what holds", "sentence"), Head("if not"), Head("note"), Head("author"), Head("name", "code"))
        rows = tuple(
            (each.sentence(), each.severity + "s", each.note, each.author, shortened(each.name, _NAME))
            for each in self.checks
        )
        return Listing(counted(len(rows), "check") if rows else "No checks", (Section("", heads, rows),) * bool(rows))


# The codec. Pure


def encode(checks: Sequence[Check]) -> tuple[str, bytes]:
    """The name (sha256) and the content of a set's object."""
    body = _Body(checks=cast(tuple[AnyCheck, ...], tuple(checks))).model_dump(mode="json")
    data = json.dumps(body, ensure_ascii=False, indent=1, sort_keys=True).encode()
    return hashlib.sha256(data).hexdigest(), data


def decode(data: bytes | memoryview, name: str, place: str) -> CheckSet:
    """Raises CorruptError: another content than committed, or written by a newer version."""
    raw = bytes(data)
    if hashlib.sha256(raw).hexdigest() != name:
        raise CorruptError(
            Reason.CORRUPT,
            f"The checks in {place} are not what was committed: the sha256 differs.",
            "Restore the object from the storage's own versions, or set the checks again with set_checks(…).",
        )
    try:
        return CheckSet(_Body.model_validate_json(raw).checks)
    except ValidationError as error:
        raise CorruptError(
            Reason.CORRUPT,
            f"The checks in {place} are none that this version knows: {str(error).splitlines()[0]}.",
            "Perhaps a newer data_access wrote them: update it.",
        ) from error


# Objects


def url_of(root: str, name: str) -> str:
    return f"{root}/{FOLDER}{name}.json"


def keep(storage: Storage, root: str, checks: Sequence[Check]) -> str | None:
    """Put a set; its name for the commit, None of an empty one."""
    if not checks:
        return None
    name, data = encode(checks)
    try:
        storage.put(url_of(root, name), data, if_absent=True)
    except DataError as error:
        if error.reason != Reason.ALREADY_THERE:  # the same content then: it is in the name
            raise
    return name


_read: OrderedDict[str, CheckSet] = OrderedDict()


def set_of(workspace: Workspace, root: str, commit: Commit) -> CheckSet:
    """The checks that a table had from a commit on: one request, or none when it was read before.

    Raises CorruptError.
    """
    if commit.check_set is None:
        return CheckSet()
    url = url_of(root, commit.check_set)
    if (known := _read.get(url)) is not None:
        return known
    try:
        data = workspace.storage.get(url)
    except NotFoundError as error:
        raise CorruptError(
            Reason.CORRUPT,
            f"{commit.anchor} names checks whose object {url} is gone; nothing is stored without them.",
            "Restore it from the storage's own versions, or set the checks again with set_checks(…).",
        ) from error
    found = decode(data, commit.check_set, url)
    _read[url] = found
    while len(_read) > 256:
        _read.popitem(last=False)
    return found


# Reading and changing them


def get_checks(
    namespace: str, resource: str | None = None, *, as_of: Any = None, workspace: Workspace | None = None
) -> CheckSet:
    """A table's own checks, now or as of a commit. Raises NotFoundError, DataError(foreign-table), CorruptError."""
    from data_access.tables.snapshot import commit_at, head_of

    workspace = workspace or current()
    record, _ = head_of(workspace, _name(namespace, resource))
    return set_of(workspace, record.root, commit_at(workspace, record, as_of))


def set_checks(
    namespace: str,
    resource: str | None,
    checks: Any,
    *,
    message: str = "",
    workspace: Workspace | None = None,
) -> Commit:
    """From now on these are the table's checks, and no others. It is a commit: history shows who changed them.

    `checks`: declared ones, functions, Pandera schemas; an empty list takes all away. What is in the table already is
    not judged: `check("db.table")` does. Raises ForbiddenError, NotFoundError, DataError (bad-argument,
    unknown-column).
    """
    new = as_checks(checks)
    return _change(workspace, _name(namespace, resource), message, lambda _: new)


def add_checks(
    namespace: str, resource: str | None, checks: Any, *, message: str = "", workspace: Workspace | None = None
) -> Commit:
    """These too; one of the same name takes the place of the old one. Raises what `set_checks` raises."""
    new = as_checks(checks)
    names = {each.name: each for each in new}

    def added(now: CheckSet) -> tuple[Check, ...]:
        there = {each.name for each in now}
        return (*(names.get(each.name, each) for each in now), *(each for each in new if each.name not in there))

    return _change(workspace, _name(namespace, resource), message, added)


def remove_checks(
    namespace: str, resource: str | None, *names: str, message: str = "", workspace: Workspace | None = None
) -> Commit:
    """Without those of these names. Raises what `set_checks` raises; DataError(bad-argument) where there is none."""

    def removed(now: CheckSet) -> tuple[Check, ...]:
        gone = {named(name, now).name for name in names}
        return tuple(each for each in now if each.name not in gone)

    return _change(workspace, _name(namespace, resource), message, removed)


def _name(namespace: str, resource: str | None) -> TableName:
    return TableName.parse(namespace) if resource is None else TableName.of(namespace, resource)


def _change(
    workspace: Workspace | None, name: TableName, message: str, change: Callable[[CheckSet], tuple[Check, ...]]
) -> Commit:
    """Commit a change of the checks; made anew where somebody else changed them meanwhile."""
    from data_access.tables.namespaces import check_may_write
    from data_access.tables.snapshot import head_of, read_snapshot

    workspace = workspace or current()
    check_may_write(workspace.user, name.database, workspace.settings)
    for tried in range(_TRIES):
        record, head = head_of(workspace, name)
        base = read_snapshot(workspace, record, head)
        before = set_of(workspace, record.root, base.commit)
        checks = tuple(ready(each, base.commit.schema, workspace.user) for each in change(before))
        try:
            return _commit(workspace, base, keep(workspace.storage, record.root, checks), message)
        except ConflictError as error:
            if error.reason != Reason.CONFLICT or tried == _TRIES - 1:
                raise
    raise AssertionError("the last try returns or raises")


def _commit(workspace: Workspace, base: Snapshot, check_set: str | None, message: str) -> Commit:
    from data_access import provenance
    from data_access.tables.commit import commit
    from data_access.tables.ids import ulid
    from data_access.tables.prepare import Proposal
    from data_access.tables.rebase import Annotate, Change

    proposal = Proposal(
        base.commit.table,
        base.root,
        base,
        Change(Annotate(), None),
        ulid(workspace.now()),
        "checks",
        "",
        message,
        code=provenance.code(),
        environment=provenance.environment(),
        check_set=check_set,
    )
    return commit(workspace, proposal)


def ready(check: Check, schema: Schema, user: str) -> Check:
    """As it is kept: with an author, with code that can be told again.

    Raises DataError(unknown-column, bad-argument).
    """
    names = [each.name for each in (*schema.columns, *schema.partition_by)]
    for name in check.needs:
        if name not in names:
            raise DataError(
                Reason.UNKNOWN_COLUMN,
                f"The check '{check.name}' is about a column '{name}', which the table has not.",
                did_you_mean(name, names),
            )
    if isinstance(check, CodedCheck) and check.sha256 is None and not _whole(check):
        raise DataError(
            Reason.BAD_ARGUMENT,
            f"The text of the check '{check.name}' can't be found, so nobody could tell later whether code of that "
            "name is the same.",
            "Define it in a notebook's cell or a file, and with def or class.",
        )
    without_code = {"run": None} if isinstance(check, Custom | Pandera) else {}
    return check.model_copy(update={**without_code, "author": check.author or user})


def _whole(check: CodedCheck) -> bool:
    return isinstance(check, Pandera) and check.definition is not None

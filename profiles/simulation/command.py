"""`python -m profiles simulate` and `python -m profiles replay`: files in, a table and a report out."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from profiles.catalog import CatalogErrors, load_catalog
from profiles.csv_cells import LedgerErrors
from profiles.documents import Document, from_mapping, parse, read_documents
from profiles.lease import Entry
from profiles.ledger_csv import read_ledger
from profiles.model import Catalog
from profiles.problems import CatalogError, nearest, one_of
from profiles.quantity import BadQuantity, Duration
from profiles.simulation import bookings_csv, history, invented, tables
from profiles.simulation.bookings_csv import read_bookings
from profiles.simulation.day import Circumstances, simulate
from profiles.simulation.figures import figures
from profiles.simulation.invented import Invention, invent, invent_bookings
from profiles.simulation.replay import Replayed, Told, replay
from profiles.simulation.report import report
from profiles.simulation.room import sizes_of
from profiles.simulation.visit import Booking, Visit

#: What a simulation gets through in minutes, and calendars of all time zones hold.
MOST_DAYS, FIRST_YEAR, LAST_YEAR = 3660, 1970, 2500
# What argparse makes of the parsers is its own type, which has no public name.
Commands = Any


def add_to(commands: Commands) -> None:
    command = commands.add_parser(
        "simulate",
        help="a day of many people under these policies, in seconds",
        description="What would a day look like: who waits, who is refused, how full pools are, what it costs.",
    )
    command.add_argument("values", metavar="VALUES", help="Helm values with pools, profiles and policies")
    command.add_argument("history", nargs="?", metavar="LEDGER.csv", help="real visits; left out: invented ones")
    command.add_argument(
        "--compare",
        nargs="+",
        default=[],
        metavar="OTHER",
        help="laid over VALUES each on its own; `policies` in one replace those of VALUES as a whole",
    )
    command.add_argument(
        "--out",
        type=Path,
        metavar="FOLDER",
        help="write report.html, report.json, the plots as SVG, and the ledger of VALUES",
    )
    command.add_argument(
        "--nodes",
        nargs="+",
        type=_nodes,
        default=[],
        metavar="POOL=N",
        help="how many nodes a pool has, each as large as its autoscaled.largestNode; left out: never full",
    )
    command.add_argument("--users", type=_count, default=500, help="how many people there are (500)")
    command.add_argument("--days", type=_days, default=1, help="how many days (1)")
    command.add_argument("--start", type=_day, default=date(2026, 3, 2), help="first day (2026-03-02)")
    command.add_argument("--seed", type=int, default=1, help="other people, other visits (1)")
    command.add_argument(
        "--reserving",
        type=_percent,
        default=10,
        metavar="PERCENT",
        help="of invented people so many reserve what can be reserved (10)",
    )
    command.add_argument(
        "--answers-after",
        type=_length,
        metavar="TIME",
        help="who needs a yes gets it so long after, such as 2h; left out: such starts are refused",
    )
    _add_bookings(command)
    _add_admins(command)
    command.set_defaults(run=_simulate)
    command = commands.add_parser(
        "replay",
        help="whom these policies would have refused",
        description="Every start of a ledger once more, through the decision of these policies.",
    )
    command.add_argument("values", metavar="VALUES", help="Helm values with the policies to try")
    command.add_argument("ledger", metavar="LEDGER.csv", help="as the usage page exports it")
    command.add_argument("--json", action="store_true", help="all of it as JSON")
    command.add_argument("--approved", action="store_true", help="whoever needs a yes has it: a ledger does not say")
    _add_bookings(command)
    _add_admins(command)
    command.set_defaults(run=_replay)


def _add_admins(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--admins", nargs="+", default=[], metavar="NAME", help="who is an administrator: a ledger does not say"
    )


def _add_bookings(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--reservations", metavar="FILE.csv", help=f"who wanted to reserve: {', '.join(bookings_csv.COLUMNS)}"
    )


def run(options: argparse.Namespace) -> int:
    """Exit codes as `profiles.__main__`'s."""
    try:
        options.run(options)
    except (CatalogErrors, LedgerErrors) as e:
        print("\n".join(map(str, e.errors)))
        print(f"{len(e.errors)} to correct")
        return 1
    return 0


def _simulate(options: argparse.Namespace) -> None:
    names, catalogs = _catalogs(options.values, options.compare)
    nodes = dict(options.nodes)
    _known_pools(nodes, catalogs)
    admins = frozenset(options.admins)
    if options.history is None:
        invention = Invention(
            users=options.users,
            days=options.days,
            first_day=options.start,
            seed=options.seed,
            reserving=options.reserving / 100,
        )
        visits, span = invent(catalogs, invention), invented.span_of(catalogs[0], invention)
        bookings = invent_bookings(visits, invention)
        about = f"{options.users} invented people, seed {options.seed}"
    else:
        visits, bookings = _past(options.history, catalogs[0], admins, options.seed), ()
        span, about = history.span_of(visits), f"The visits of {Path(options.history).name}"
    about += f", from {tables.moment(span[0])} to {tables.moment(span[1])}."
    bookings = _bookings(options, catalogs[0]) or bookings
    began = time.perf_counter()
    compared = []
    for name, catalog in zip(names, catalogs, strict=True):
        circumstances = Circumstances(sizes=sizes_of(catalog, nodes), answers_after=options.answers_after)
        outcome = simulate(catalog, visits, span, circumstances, bookings=bookings)
        compared.append((figures(name, outcome), outcome))
    took = time.perf_counter() - began
    if options.out is not None:
        _write(options.out, report(compared, about))
    print(f"{about} Simulated in {took:.1f} s.\n")
    print(tables.comparison([each for each, _ in compared]))
    if options.out is not None:
        print(f"\nReport: {options.out / 'report.html'}")


def _replay(options: argparse.Namespace) -> None:
    catalog = _load(_documents(options.values))
    told = Told(_bookings(options, catalog), options.approved, frozenset(options.admins))
    found = replay(_ledger(options.ledger), catalog, told)
    if options.json:
        print(json.dumps(_as_json(found), indent=2, ensure_ascii=False))
    else:
        print(tables.replayed(Path(options.values).name, found, catalog.currency))


def _catalogs(values: str, others: Sequence[str]) -> tuple[list[str], list[Catalog]]:
    """All mistakes of all files at once."""
    base = _documents(values)
    names, catalogs, errors = [_short(values, others)], [], []
    layers = [base]
    for other in others:
        documents = _documents(other)
        replaces = any("policies" in (parse(each).sections or {}) for each in documents)
        layers.append((*(_without_policies(base) if replaces else base), *documents))
        names.append(_short(other, [values, *others]))
    for each in layers:
        try:
            catalogs.append(_load(each))
        except CatalogErrors as e:
            errors += e.errors
    if errors:
        raise CatalogErrors(errors)
    return names, catalogs


def _documents(path: str) -> tuple[Document, ...]:
    try:
        return read_documents(path)
    except (OSError, UnicodeDecodeError) as e:
        raise CatalogErrors([_unreadable(path, e)]) from e


def _unreadable(path: str, e: OSError | UnicodeDecodeError) -> CatalogError:
    why = e.strerror if isinstance(e, OSError) and e.strerror else str(e)
    return CatalogError(path, "", "", f"it cannot be read: {why}", "check the path and the file")


def _without_policies(documents: Sequence[Document]) -> tuple[Document, ...]:
    """What cannot be read stays as it is: loading tells."""
    kept = []
    for document in documents:
        sections = parse(document).sections
        if sections is None or "policies" not in sections:
            kept.append(document)
        else:
            rest = {key: value for key, value in sections.items() if key != "policies"}
            kept.append(from_mapping(document.name, rest))
    return tuple(kept)


def _load(documents: Sequence[Document]) -> Catalog:
    said = [(parse(document).sections or {}).get("shippedProfiles") for document in documents]
    wants_shipped = next((word for word in reversed(said) if word is not None), True) is not False
    return load_catalog(*documents, base=None if wants_shipped else ())


def _past(path: str, catalog: Catalog, admins: frozenset[str], seed: int) -> tuple[Visit, ...]:
    visits = history.visits_of(_ledger(path), catalog, admins, seed)
    if not visits:
        raise CatalogErrors([CatalogError(path, "", "", "no run of it ever began", "take a ledger of more days")])
    return visits


def _ledger(path: str) -> tuple[Entry, ...]:
    return read_ledger(_text(path), path)


def _bookings(options: argparse.Namespace, catalog: Catalog) -> tuple[Booking, ...]:
    path = options.reservations
    return () if path is None else read_bookings(_text(path), catalog, path, frozenset(options.admins))


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as e:
        raise CatalogErrors([_unreadable(path, e)]) from e


def _known_pools(nodes: dict[str, int], catalogs: Sequence[Catalog]) -> None:
    known = list(dict.fromkeys(pool for catalog in catalogs for pool in catalog.pools))
    unknown = [pool for pool in nodes if pool not in known]
    if unknown:
        errors = [
            CatalogError("--nodes", "", "", f"there is no pool '{pool}'", nearest(pool, known, f"take {one_of(known)}"))
            for pool in unknown
        ]
        raise CatalogErrors(errors)


def _write(folder: Path, contents: dict[str, str]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            (folder / name).write_text(content, encoding="utf-8", newline="")
    except OSError as e:
        error = CatalogError(str(folder), "", "", f"it cannot be written: {e.strerror or e}", "give another --out")
        raise CatalogErrors([error]) from e


def _short(path: str, others: Sequence[str]) -> str:
    """The name without folder and ending, where that tells it from the others."""
    stem = Path(path).stem
    return stem if [Path(each).stem for each in others if each != path].count(stem) == 0 else path


def _as_json(found: Replayed) -> dict[str, Any]:
    return {
        "starts": found.starts,
        "people": found.people,
        "charged": str(found.charged.money),
        "instead": str(found.instead.money),
        "refused": [
            {
                "lease_id": each.entry.lease.id,
                "user": each.entry.lease.user,
                "profile": each.entry.lease.profile,
                "at": each.refused.at.isoformat(),
                "rule": each.refused.rule,
                "reason": each.refused.reason,
                "sentence": each.refused.sentence,
                "could_wait": each.could_wait,
            }
            for each in found.refused
        ],
        "cut_short": [
            {
                "lease_id": each.entry.lease.id,
                "user": each.entry.lease.user,
                "profile": each.entry.lease.profile,
                "at": each.at.isoformat(),
                "lost_seconds": int(each.lost.total_seconds()),
            }
            for each in found.cut_short
        ],
    }


def _nodes(text: str) -> tuple[str, int]:
    pool, equals, count = text.rpartition("=")
    if not equals or not pool or not count.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a pool and its number of nodes: write gpu=4")
    return pool, int(count)


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of 1 or more")
    return int(text)


def _percent(text: str) -> int:
    if not text.isdecimal() or int(text) > 100:
        raise argparse.ArgumentTypeError(f"{text!r} is not a percentage from 0 to 100")
    return int(text)


def _length(text: str) -> timedelta:
    try:
        return timedelta(seconds=Duration.parse(text).seconds)
    except BadQuantity:
        raise argparse.ArgumentTypeError(f"{text!r} is not a length of time: write 90m or 2h") from None


def _days(text: str) -> int:
    days = _count(text)
    if days > MOST_DAYS:
        raise argparse.ArgumentTypeError(f"{text} days are more than {MOST_DAYS}")
    return days


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a day: write it as 2026-03-02") from None
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise argparse.ArgumentTypeError(f"{text!r} is not between {FIRST_YEAR} and {LAST_YEAR}")
    return day

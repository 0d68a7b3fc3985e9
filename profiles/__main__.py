"""Check a catalog from a shell.

    python -m profiles check FILE…    every mistake on a line of its own, exit 1; else a table of the machines,
                                      and what is allowed and can hardly be meant, exit 0
    python -m profiles show [FILE…]   the catalog as YAML, with everything inherited and written out
    python -m profiles schema         JSON schema of a catalog file, for editors
    python -m profiles simulate FILE  a day of many people under these policies: who waits, who is refused, the cost
    python -m profiles replay FILE LEDGER.csv    whom these policies would have refused

FILE is a catalog, a folder of them, Helm values (their keys currency, defaultProfile, shippedProfiles, pools,
profiles and policies count), settings of the hub (their catalog counts), or - for standard input. Later files are laid
over earlier ones, and all over the shipped machines.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence

import yaml

from profiles.catalog import SECTIONS, CatalogErrors, load_catalog
from profiles.documents import Document, from_mapping, parse, read_documents
from profiles.doubts import doubts
from profiles.fields import quoted
from profiles.model import Catalog
from profiles.policy_list import policies_list
from profiles.problems import CatalogError
from profiles.schema import catalog_schema
from profiles.simulation import command as simulation
from profiles.table import catalog_table


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit codes: 0 fine, 1 mistakes in the catalog, 2 wrong usage."""
    options = _parser().parse_args(arguments)
    if options.command == "schema":
        print(json.dumps(catalog_schema(), indent=2, ensure_ascii=False))
        return 0
    if options.command in {"simulate", "replay"}:
        return simulation.run(options)
    try:
        catalog = load(options.files, shipped=not options.no_shipped)
    except CatalogErrors as e:
        for error in e.errors:
            print(error)
        print(f"{len(e.errors)} to correct")
        return 1
    if options.command == "check":
        print(catalog_table(catalog))
        rules = policies_list(catalog)
        if rules:
            print(f"\n{rules}\n")
        unlikely = doubts(catalog)
        for doubt in unlikely:
            print(f"can this be meant? {doubt}")
        looked = f"; {len(unlikely)} to look at" if unlikely else ""
        print(f"{len(catalog.profiles)} profiles in {len(catalog.pools)} pools: no mistakes{looked}")
    else:
        print(_as_yaml(catalog), end="")
    return 0


def load(files: Sequence[str], *, shipped: bool = True) -> Catalog:
    """Raises `CatalogErrors`, also for a file that can't be read."""
    documents: list[Document] = []
    unreadable: list[CatalogError] = []
    for file in files:
        try:
            found = (Document("standard input", sys.stdin.read()),) if file == "-" else read_documents(file)
        except (OSError, UnicodeDecodeError) as e:
            why = e.strerror if isinstance(e, OSError) and e.strerror else str(e)
            unreadable.append(CatalogError(file, "", "", f"it cannot be read: {why}", "check the path and the file"))
        else:
            for document in map(_of_settings, found):
                if isinstance(document, CatalogError):
                    unreadable.append(document)
                else:
                    documents.append(document)
    base = None if shipped and _wants_shipped(documents) else ()
    try:
        catalog = load_catalog(*documents, base=base)
    except CatalogErrors as e:
        raise CatalogErrors([*unreadable, *e.errors]) from e
    if unreadable:
        raise CatalogErrors(unreadable)
    return catalog


def _of_settings(document: Document) -> Document | CatalogError:
    """The catalog in the hub's settings, as `make run` keeps them; anything else as it is."""
    parsed = parse(document)
    sections = parsed.sections or {}
    if parsed.errors or not sections.keys() & {"mode", "catalog"} or sections.keys() & set(SECTIONS):
        return document
    found = sections.get("catalog") or {}
    if not isinstance(found, Mapping):
        problem = f"{quoted(found)} is not a mapping"
        return CatalogError(document.name, "", "catalog", problem, "write profiles below it")
    return from_mapping(f"{document.name}: catalog", found)


def _wants_shipped(documents: Sequence[Document]) -> bool:
    said = [(parse(document).sections or {}).get("shippedProfiles") for document in documents]
    return next((word for word in reversed(said) if word is not None), True) is not False


def _as_yaml(catalog: Catalog) -> str:
    """Loads again, with --no-shipped, as the same machines: nothing is left to inherit."""
    content = catalog.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    for name, pool in catalog.pools.items():
        placement = pool.model_dump(mode="json", by_alias=True, include={"node_selector", "tolerations"})
        content["pools"][name] = {**content["pools"][name], **placement}
    for profile in content["profiles"].values():
        profile.pop("extends", None)
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=120)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m profiles", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text, files in (
        ("check", "say every mistake, or show the machines", "+"),
        ("show", "print the catalog with everything inherited", "*"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("files", nargs=files, metavar="FILE", help="catalog, folder, Helm values, settings, or -")
        command.add_argument("--no-shipped", action="store_true", help="leave the shipped machines out")
    commands.add_parser("schema", help="print the JSON schema of a catalog file")
    simulation.add_to(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())

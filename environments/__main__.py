"""`remuda-env`: environments in your home that work on every machine and appear as kernels in Lab."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from environments.discovery import Environment
from environments.failures import Failure

EXAMPLES = """\
examples:
  remuda-env create science python=3.12 numpy pandas
  remuda-env create science -f environment.yml
  remuda-env create web --uv fastapi
  remuda-env add science scikit-learn
  remuda-env run science -- python train.py
  remuda-env export science > environment.yml
"""


def main() -> int:
    """`remuda-env`, from a shell; see `run_command` for the exit code."""
    code = run_command(sys.argv[1:])
    if "rattler" in sys.modules:
        # After a failure its threads may still work, and crash in an interpreter that is being taken down.
        with suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)
    return code


def run_command(argv: Sequence[str]) -> int:
    """Run one command; the exit code: 0, 1 for a refusal in plain words, 2 for wrong usage, 130 when interrupted."""
    arguments = list(argv) or ["--help"]
    command: list[str] = []
    if "--" in arguments:
        at = arguments.index("--")
        arguments, command = arguments[:at], arguments[at + 1 :]
    options = parsed(arguments)
    options.command = command
    try:
        return int(options.act(options) or 0)
    except Failure as failure:
        if options.verbose:
            raise
        if options.json:
            print(json.dumps({"error": failure.reason, "message": str(failure)}))
        print(f"remuda-env: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("remuda-env: interrupted; nothing half-made was left", file=sys.stderr)
        return 130


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """The options; package specs may come after them too (`create web --uv fastapi`), which argparse alone refuses."""
    top = parser()
    options, rest = top.parse_known_args(arguments)
    if rest:
        if "specs" not in options or any(word.startswith("-") for word in rest):
            top.error(f"unrecognized arguments: {' '.join(rest)}")
        options.specs = [*options.specs, *rest]
    return options


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        prog="remuda-env", description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true", help="print the result as JSON")
    common.add_argument("--verbose", action="store_true", help="show the full error of a failure")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def add(name: str, act: Any, help_text: str) -> argparse.ArgumentParser:
        one = commands.add_parser(name, help=help_text, description=help_text, parents=[common])
        one.set_defaults(act=act)
        return one

    create = add("create", _create, "make an environment, ready for notebooks")
    create.add_argument("name")
    create.add_argument("specs", nargs="*", metavar="SPEC", help="packages, for example python=3.12 numpy")
    create.add_argument("-f", "--file", type=Path, help="an environment.yml, or an explicit lock")
    create.add_argument("-c", "--channel", action="append", default=[], help="a conda channel (name, URL or folder)")
    create.add_argument("--uv", action="store_true", help="a venv with packages from PyPI instead of conda")
    create.add_argument("--cuda", metavar="VERSION", help="solve as if this machine had a GPU with this CUDA")

    adding = add("add", _add, "install more packages into an environment")
    adding.add_argument("name")
    adding.add_argument("specs", nargs="+", metavar="SPEC")
    adding.add_argument("-c", "--channel", action="append", default=[])

    add("list", _list, "show every environment of your home, and why one cannot be used here")

    clone = add("clone", _clone, "make the same environment under another name")
    clone.add_argument("name")
    clone.add_argument("new")

    exporting = add("export", _export, "print an environment.yml")
    exporting.add_argument("name")
    exporting.add_argument("--explicit", action="store_true", help="an exact lock: one URL per package")
    exporting.add_argument("--asked", action="store_true", help="only what was asked for, without exact versions")

    remove = add("remove", _remove, "remove an environment")
    remove.add_argument("name")
    remove.add_argument("-y", "--yes", action="store_true", help="do not ask")

    run = add("run", _run, "run a command inside an environment: remuda-env run NAME -- COMMAND …")
    run.add_argument("name")

    activate = add("activate", _activate, 'print what a shell does to activate: eval "$(remuda-env activate NAME)"')
    activate.add_argument("name")

    repair = add("repair", _repair, "point a venv to where the image's Python is now")
    repair.add_argument("name")

    add("clean", _clean, "empty the package caches in your home")
    return top


def _workshop(options: argparse.Namespace) -> Any:
    from environments.workshop import Place, Workshop

    def say(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    return Workshop(Place(Path.home(), os.environ), say, bars=sys.stderr.isatty() and not options.json)


def _create(options: argparse.Namespace) -> None:
    from environments.request import Request, read_request

    workshop = _workshop(options)
    request = read_request(options.file) if options.file else Request(())
    if options.uv:
        python = next((spec for spec in options.specs if spec.startswith("python=")), None)
        packages = [spec for spec in options.specs if spec != python] + list(request.pip)
        prefix = workshop.create_with_uv(options.name, packages, python and python.split("=")[-1])
    else:
        request = Request(
            (*request.specs, *options.specs), request.pip, request.channels, request.explicit, request.variables
        )
        prefix = asyncio.run(workshop.create(options.name, request, options.channel, cuda=options.cuda))
    _tell_made(options, workshop, prefix)


def _tell_made(options: argparse.Namespace, workshop: Any, prefix: Path) -> None:
    made = workshop.find(str(prefix))
    if options.json:
        print(json.dumps(as_json(made), indent=1))
        return
    if made.usable:
        kernels = ", ".join(kernel.display_name for kernel in made.kernels)
        print(f"Ready: {made.name}. In Lab's launcher: {kernels}. In a terminal: remuda-env run {made.name} -- …")
    else:
        print(f"Made: {made.name}. {made.problem.message}")


def _add(options: argparse.Namespace) -> None:
    asyncio.run(_workshop(options).add(options.name, options.specs, options.channel))
    if not options.json:
        print(f"Done. Running kernels of {options.name} see the new packages after a restart.")


def _list(options: argparse.Namespace) -> None:
    found = _workshop(options).all()
    if options.json:
        print(json.dumps([as_json(environment) for environment in found], indent=1))
        return
    if not found:
        print("No environments yet. Make one: remuda-env create science python=3.12 numpy")
    width = max((len(environment.name) for environment in found), default=0)
    for environment in found:
        python = f"Python {environment.facts.python}" if environment.facts.python else "no Python"
        state = "ready" if environment.problem is None else environment.problem.message
        print(f"{environment.name:<{width}}  {environment.facts.kind:<5}  {python:<15}  {state}")
        for note in environment.notes:
            print(f"{'':<{width}}  {note}")


def _clone(options: argparse.Namespace) -> None:
    workshop = _workshop(options)
    _tell_made(options, workshop, asyncio.run(workshop.clone(options.name, options.new)))


def _export(options: argparse.Namespace) -> None:
    text = _workshop(options).export(options.name, explicit=options.explicit, asked_only=options.asked)
    print(json.dumps({"text": text}) if options.json else text, end="" if not options.json else "\n")


def _remove(options: argparse.Namespace) -> int:
    workshop = _workshop(options)
    environment = workshop.find(options.name)
    if not options.yes:
        if not sys.stdin.isatty():
            raise Failure("not-confirmed", f"This would remove {environment.prefix}.", "Say --yes to do it.")
        if input(f"Remove {environment.name} ({environment.prefix})? [y/N] ").strip().lower() not in ("y", "yes"):
            return 1
    prefix = workshop.remove(options.name)
    print(json.dumps({"removed": str(prefix)}) if options.json else f"Removed {environment.name}.")
    return 0


def _run(options: argparse.Namespace) -> int:
    from environments.activation import activated

    if not options.command:
        raise Failure("no-command", "No command was given.", "Write: remuda-env run NAME -- COMMAND …")
    environment = _runnable(options)
    argv = activated(environment.facts, options.command)
    os.execve(argv[0], argv, {**os.environ, **environment.facts.variables})  # noqa: S606 - the person's own command


def _runnable(options: argparse.Namespace) -> Environment:
    from environments.discovery import Reason

    environment: Environment = _workshop(options).find(options.name)
    allowed = (None, Reason.NEEDS_IPYKERNEL, Reason.NO_KERNEL)  # notebooks cannot use it; programs can
    problem = environment.problem
    if problem is not None and problem.reason not in allowed:
        raise Failure(problem.reason, problem.sentence, problem.remedy)
    return environment


def _activate(options: argparse.Namespace) -> None:
    from environments.activation import activation_code

    environment = _runnable(options)
    if sys.stdout.isatty():
        print(f'To activate it in this shell: eval "$(remuda-env activate {options.name})"')
    else:
        print(activation_code(environment.facts))


def _repair(options: argparse.Namespace) -> None:
    print(f"{options.name} uses {_workshop(options).repair(options.name)}")


def _clean(options: argparse.Namespace) -> None:
    freed = _workshop(options).clean()
    print(json.dumps({"freed": freed}) if options.json else f"Freed {freed / 1000**2:.0f} MB.")


def as_json(environment: Environment) -> dict[str, Any]:
    """An environment as JSON: what `list --json` prints and the server's `remuda/environments` answers."""
    problem = environment.problem
    return {
        "name": environment.name,
        "prefix": str(environment.prefix),
        "tool": environment.tool,
        "kind": environment.facts.kind,
        "python": environment.facts.python,
        "usable": environment.usable,
        "reason": problem.reason if problem else None,
        "message": problem.message if problem else None,
        "notes": list(environment.notes),
        "kernels": [{"id": kernel.id, "display_name": kernel.display_name} for kernel in environment.kernels],
    }


if __name__ == "__main__":
    sys.exit(main())

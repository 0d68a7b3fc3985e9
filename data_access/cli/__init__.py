"""The command `data-access`: the verbs of the module for shells and scripts. Nothing heavy is imported for `--help`.

Exit codes: 0 done; 1 refused, or a check failed (the reason is on standard error); 2 the command line is wrong;
130 interrupted.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from data_access.cli.arguments import parser

if TYPE_CHECKING:
    from data_access.errors import DataError

OK, REFUSED, USAGE, INTERRUPTED = 0, 1, 2, 130
_USAGE_REASONS = ("bad-name", "bad-argument")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    given = parser().parse_args(argv)
    from data_access.errors import DataError

    try:
        from data_access.cli import commands
        from data_access.cli.output import write

        answer = commands.COMMANDS[given.command](given)
        write(answer, as_json=given.json)
    except DataError as error:
        if given.debug:
            raise
        _tell(error, as_json=given.json)
        return USAGE if error.reason in _USAGE_REASONS else REFUSED
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # `| head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except Exception as error:  # a mistake of ours: one line rather than forty, and how to see the forty
        if given.debug:
            raise
        print(f"data-access: something unforeseen: {type(error).__name__}: {error}", file=sys.stderr)
        print("The same command with --debug shows where.", file=sys.stderr)
        return REFUSED
    return REFUSED if answer.failed else OK


def _tell(error: DataError, *, as_json: bool) -> None:
    """Two lines: what happened, what to do. With --json one object of the same."""
    from data_access.cli.hints import in_shell

    remedy = in_shell(error.remedy)
    if as_json:
        told = {"reason": str(error.reason), "sentence": error.sentence, "remedy": remedy}
        print(json.dumps({"error": told}, ensure_ascii=False), file=sys.stderr)
        return
    print(f"data-access: {error.sentence.rstrip()}", file=sys.stderr)
    if remedy:
        print(remedy, file=sys.stderr)

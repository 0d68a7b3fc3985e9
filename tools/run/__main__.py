"""Entry of `make run`. This file alone must be readable by any Python 3, to say which one is needed."""

import os
import shutil
import sys

NEEDED = (3, 11)


def newer_python():
    """Another interpreter on PATH that is new enough, or None."""
    for minor in (13, 12, 14, 11):
        found = getattr(shutil, "which", lambda name: None)("python3.%d" % minor)  # noqa: UP031
        if found:
            return found
    return None


def main():
    if sys.version_info < NEEDED:
        found = newer_python()
        if found and not os.environ.get("REMUDA_REEXEC"):
            os.environ["REMUDA_REEXEC"] = "1"
            os.execv(found, [found, "-m", "tools.run"] + sys.argv[1:])  # noqa: S606, RUF005
        sys.stderr.write(
            "make run: needs Python 3.11 or newer; %s is Python %s.\n"  # noqa: UP031
            "  Install a newer one (Debian 12, Ubuntu 24.04: sudo apt-get install python3 python3-venv)\n"
            "  or name it: make run PYTHON=/path/to/python3.12\n"
            % (sys.executable, ".".join(map(str, sys.version_info[:3])))
        )
        return 1
    from tools.run.program import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())

"""Installs micromamba from a conda channel while the image is built; where the channel is not reached, says so.

Packages are checked against the channel's own hashes. Exit status 0 also without the channel: the image has
`remuda-env` in any case.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path

import rattler

SECONDS = 60.0


async def install(channel: str, into: Path) -> str:
    """The version that was installed under `into`."""
    platforms = [rattler.Platform.current(), rattler.Platform("noarch")]
    solved = await rattler.solve([channel], ["micromamba"], platforms=platforms)
    await rattler.install(solved, into, show_progress=False)
    return next(str(record.version) for record in solved if record.name.normalized == "micromamba")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--channel", default="conda-forge", help="a channel's name or URL")
    parser.add_argument("--into", type=Path, required=True)
    arguments = parser.parse_args()
    (arguments.into / "bin").mkdir(parents=True, exist_ok=True)  # so that the image can copy it either way
    try:
        version = asyncio.run(asyncio.wait_for(install(arguments.channel, arguments.into), SECONDS))
    except Exception as error:
        first_line = str(error).partition("\n")[0]
        print(f"no micromamba in this image: {arguments.channel} is not reached ({first_line}); remuda-env is there")
        return 0
    print(f"micromamba {version} from {arguments.channel}")
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # py-rattler 0.28 crashes in the interpreter's own exit when a request has failed

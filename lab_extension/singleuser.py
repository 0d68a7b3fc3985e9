"""`remuda-singleuser`: the JupyterHub single-user server, started fast.

It is `jupyterhub-singleuser` (same arguments, same configuration, same JupyterLab) in another order: the port is opened
before anything heavy is imported, so that the Hub's first question waits in the kernel's queue for the answer instead
of being refused and asked again a while later; what the first page does not need is imported after the first answer.
"""

from __future__ import annotations

import gc
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from lab_extension.home import Trouble, keep_files_elsewhere, tell_kubernetes, trouble_with


def main(argv: Sequence[str] | None = None) -> None:
    """Start the server; `argv` are `jupyterhub-singleuser`'s own arguments. Ends the process when it has stopped."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    gc.disable()  # a start makes a million objects that live on: collecting among them costs 8 %
    early = open_port(os.environ.get("JUPYTERHUB_SERVICE_URL", ""), arguments)
    trouble = prepare_home()
    from lab_extension import imports

    imports.import_jsonschema()
    imports.import_hub_extension()
    imports.import_lab()
    from lab_extension.server import SingleUser, SingleUserApp

    SingleUserApp.early_sockets = early
    if trouble is not None:
        SingleUser.notices.append(trouble.notice)
    try:
        SingleUser.launch_instance(arguments)
    except BaseException:
        if trouble is not None:
            tell_kubernetes(trouble)
        raise
    end_process()


def end_process() -> None:
    """Without taking the interpreter down: all is closed by now, and threads or sockets can make that hang."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def prepare_home() -> Trouble | None:
    """Start with Jupyter's own files on local disk when the home takes none, or when a rescue was asked for."""
    home, rescue = Path.home(), os.environ.get("REMUDA_RESCUE", "") not in ("", "0")
    trouble = trouble_with(home)
    if trouble is None and not rescue:
        return None
    keep_files_elsewhere(os.environ, home, minimal=rescue)
    if rescue:  # packages in ~/.local can be what breaks the start
        user_site = str(home / ".local")
        sys.path[:] = [path for path in sys.path if not path.startswith(user_site)]
    if trouble is not None:
        print(f"remuda-singleuser: {trouble.reason}: {trouble.message}", file=sys.stderr, flush=True)
    return trouble


def open_port(service_url: str, arguments: Sequence[str]) -> list[socket.socket]:
    """Listen where the Hub will look, or nowhere yet when that is not plain from the environment.

    Any trouble (port taken, name unknown) is left to the server's own start, which explains it.
    """
    if any("port" in argument or "ip" in argument or "sock" in argument for argument in arguments):
        return []
    from urllib.parse import urlsplit

    try:
        url = urlsplit(service_url)
        port = url.port or {"http": 80, "https": 443}.get(url.scheme)
    except ValueError:
        return []
    if port is None:
        return []
    from tornado.netutil import bind_sockets

    try:
        return bind_sockets(port, url.hostname or "", backlog=128)
    except OSError:
        return []


if __name__ == "__main__":
    main()

"""The single-user server and its Hub extension: what is different from JupyterHub's own, and why."""

from __future__ import annotations

import asyncio
import faulthandler
import gc
import importlib
import os
import signal
import socket
import sys
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

from jupyter_core.paths import jupyter_config_path
from jupyter_core.utils import ensure_async
from jupyter_server.serverapp import ServerApp
from jupyterhub.singleuser.extension import JupyterHubSingleUser
from tornado.web import HTTPError
from traitlets import default

from lab_extension.handlers import add_handlers
from lab_extension.imports import AFTER_FIRST_ANSWER
from lab_extension.language_servers import spare_npm
from lab_extension.machine import activity_interval
from lab_extension.page import LABEXTENSIONS, page_config_hook
from lab_extension.visits import show_whose_server

FIRST_ANSWER_TIMEOUT_S = 10.0
STOP_LIMIT_S = 4.0
"""Kernels are asked to end first, and killed after this."""
LAST_WORDS_LIMIT_S = 2.0
END_LIMIT_S = STOP_LIMIT_S + 2.0
"""The process is gone by then, whatever it is stuck in: JupyterHub would wait for 60 s, Kubernetes for 30."""


class SingleUserApp(ServerApp):
    """Jupyter Server on a port that may have been opened before it was imported."""

    name = "jupyter-server"
    early_sockets: ClassVar[list[socket.socket]] = []
    last_words: Callable[[], Awaitable[None]] | None = None
    """What is said to the Hub while the server ends."""
    _last_resort: threading.Timer | None = None

    @default("allow_root")
    def _allow_root(self) -> bool:
        """The Hub chose this process's user, so root is its decision (a root container with `make run`)."""
        return True

    @default("no_browser_open_file")
    def _no_browser_open_file(self) -> bool:
        """Nobody sits at this machine: no file for a local browser."""
        return True

    @default("kernel_spec_manager_class")
    def _kernel_spec_manager_class(self) -> type:
        from environments.kernels import EnvironmentKernels

        return EnvironmentKernels

    @default("kernel_manager_class")
    def _kernel_manager_class(self) -> type:
        from environments.kernels import EnvironmentKernelStarter

        return EnvironmentKernelStarter

    @default("terminado_settings")
    def _terminado_settings(self) -> dict[str, Any]:
        """Terminals are no login shells: /etc/profile would set the system's PATH again, without `remuda-env`."""
        return {"shell_command": [os.environ.get("SHELL") or "sh"]}

    def migrate_config(self) -> None:
        """Nothing: this carried settings over from IPython 3 (2015), and wrote a mark into the home at each start."""

    def find_server_extensions(self) -> None:
        super().find_server_extensions()
        lab = self.config.LabApp
        paths = lab.extra_labextensions_path if isinstance(lab.get("extra_labextensions_path"), list) else []
        lab.extra_labextensions_path = [*paths, str(LABEXTENSIONS)]
        if self.jpserver_extensions.get("notebook_shim") and not has_classic_configuration(jupyter_config_path()):
            self.jpserver_extensions.update({"notebook_shim": False})
            self.config.ServerApp.jpserver_extensions.update({"notebook_shim": False})

    def load_server_extensions(self) -> None:
        spare_npm()
        super().load_server_extensions()

    def _find_http_port(self) -> None:
        if not self._adopts_early_sockets():
            super()._find_http_port()

    def _adopts_early_sockets(self) -> bool:
        sockets = type(self).early_sockets
        if not sockets:
            return False
        ports = {early.getsockname()[1] for early in sockets}
        if ports == {self.port} and not self.sock:
            return True
        for early in sockets:  # configuration moved the server elsewhere
            early.close()
        type(self).early_sockets = []
        return False

    def _bind_http_server_tcp(self) -> bool:
        if not type(self).early_sockets:
            return bool(super()._bind_http_server_tcp())
        self.http_server.add_sockets(type(self).early_sockets)
        return True

    async def cleanup_kernels(self) -> None:
        """Ask every kernel to end, each on its own: one that cannot be asked does not keep the others from ending.

        Jupyter Server 2.21 asks all at once, which fails after any kernel that could not start, and then never stops.
        """
        manager = self.kernel_manager
        asked = [ensure_async(manager.shutdown_kernel(kernel)) for kernel in manager.list_kernel_ids()]
        self.log.info("Shutting down %d kernels", len(asked))
        await asyncio.gather(*asked, return_exceptions=True)

    def _signal_stop(self, sig: Any, frame: Any) -> None:
        """Jupyter Server writes to its log here. Where the signal has come in the middle of such a write, that raises,
        and the server would run on."""
        self._set_last_resort()
        self.io_loop.add_callback_from_signal(super()._signal_stop, sig, frame)

    def stop(self, from_signal: bool = False) -> None:
        """As Jupyter Server's, with an end: closing a kernel's sockets can block the whole process."""
        self._set_last_resort()
        super().stop(from_signal)

    def _set_last_resort(self) -> None:
        if self._last_resort is None:
            self._last_resort = threading.Timer(END_LIMIT_S, self._end_now)
            self._last_resort.daemon = True
            self._last_resort.start()

    def _end_now(self) -> None:
        """Runs in a thread of its own; the log says where the others are stuck."""
        print(f"remuda-singleuser: not ended {END_LIMIT_S:.0f} s after it was asked to; ending now", file=sys.stderr)
        faulthandler.dump_traceback(all_threads=True)
        try:
            self._kill_kernels()
        finally:
            os._exit(0)

    async def _stop(self) -> None:
        """Stop within STOP_LIMIT_S whatever happens: a switch of machines waits for this."""
        try:
            await asyncio.wait_for(self._cleanup_and_tell(), STOP_LIMIT_S)
        except Exception as error:  # the process ends either way; what is left are the kernels
            self.log.warning("Stopping did not go smoothly: %s: %s", type(error).__name__, error)
        finally:
            self._kill_kernels()
            self.io_loop.stop()

    async def _cleanup_and_tell(self) -> None:
        words = self.last_words() if self.last_words is not None else asyncio.sleep(0)
        await asyncio.gather(self._cleanup(), words)

    def _kill_kernels(self) -> None:
        for kernel_id in self.kernel_manager.list_kernel_ids():
            with suppress(OSError, KeyError, HTTPError):
                process = getattr(self.kernel_manager.get_kernel(kernel_id).provisioner, "process", None)
                if process is not None:
                    os.killpg(process.pid, signal.SIGKILL)  # each kernel leads a session of its own

    def start_ioloop(self) -> None:
        gc.freeze()  # what a start made stays: later collections pass it over
        gc.enable()
        super().start_ioloop()
        if not self._stopping and self.last_words is not None:  # interrupted, as the Hub on this computer does it
            with suppress(Exception):
                self.io_loop.run_sync(self.last_words, LAST_WORDS_LIMIT_S)


class SingleUser(JupyterHubSingleUser):
    """JupyterHub's extension, which asks the Hub nothing before the server has answered a first request."""

    serverapp_class = SingleUserApp
    _measuring: Any = None
    notices: ClassVar[list[str]] = []
    """What the person is told when Lab opens."""

    @classmethod
    def get_extension_package(cls) -> str:
        return __name__

    def initialize(self, args: list[str] | None = None) -> None:
        self._answered = asyncio.Event()
        super().initialize(args)
        show_whose_server(self.serverapp.identity_provider.hub_auth)
        web_app, settings = self.serverapp.web_app, self.serverapp.web_app.settings
        add_handlers(web_app)
        lab = self.serverapp.extension_manager.extension_points.get("lab")
        if lab is not None and lab.app is not None:
            settings["page_config_hook"] = page_config_hook(
                settings["page_config_hook"], type(self).notices, Path(lab.app.static_dir)
            )
        settings["log_function"] = self._noting_first_answer(settings, settings["log_function"])

    def _noting_first_answer(
        self, settings: dict[str, Any], log_request: Callable[[Any], None]
    ) -> Callable[[Any], None]:
        def log(handler: Any) -> None:
            settings["log_function"] = log_request
            self._answered.set()
            log_request(handler)

        return log

    async def check_hub_version(self) -> None:
        """Nothing yet: `keep_activity_updated` compares versions later, so that the start does not wait for the Hub."""

    async def keep_activity_updated(self) -> None:
        """Report activity to the Hub until stopped, beginning after the first answer: its imports take 80 ms."""
        try:
            await asyncio.wait_for(self._answered.wait(), FIRST_ANSWER_TIMEOUT_S)
        except TimeoutError:
            self.log.debug("No request in the first %s s", FIRST_ANSWER_TIMEOUT_S)
        await asyncio.to_thread(import_after_first_answer)
        from environments.kernels import EnvironmentKernels

        specs = self.serverapp.kernel_spec_manager
        if isinstance(specs, EnvironmentKernels):
            specs.catalogue.refresh_in_background()  # before Lab asks for kernels, in a second or two
        await super().check_hub_version()
        measuring = asyncio.ensure_future(self._measure())
        try:
            await super().keep_activity_updated()
        finally:
            measuring.cancel()

    @default("hub_activity_interval")
    def _default_hub_activity_interval(self) -> int:
        return activity_interval(int(os.environ.get("JUPYTERHUB_ACTIVITY_INTERVAL") or 300), os.environ)

    async def notify_activity(self) -> None:
        """As JupyterHub's, once it is known whether anything works without a word."""
        if self._measuring is not None:
            await self._measuring.note_work()
        await super().notify_activity()

    async def _measure(self) -> None:
        from lab_extension.measuring.beside import Measuring

        settings, http = self.serverapp.web_app.settings, self.hub_http_client_opts
        self._measuring = Measuring(settings, os.environ, self.hub_auth.api_token, **http)
        self.serverapp.last_words = self._measuring.end
        await self._measuring.go_on()


def import_after_first_answer() -> None:
    """Load what the next requests will need; runs in a thread beside them."""
    for name in AFTER_FIRST_ANSWER:
        importlib.import_module(name)


def has_classic_configuration(directories: list[str]) -> bool:
    """Whether anything is configured for the classic notebook server, so that its shim (100 ms) is worth loading."""
    for directory in map(Path, directories):
        if any((directory / f"jupyter_notebook_config.{kind}").exists() for kind in ("py", "json")):
            return True
        if any(file.name != "jupyterlab.json" for file in (directory / "jupyter_notebook_config.d").glob("*.json")):
            return True
    return False


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    return [{"module": __name__, "app": SingleUser}]

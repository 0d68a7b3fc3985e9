"""Environments in the home as Jupyter kernels, beside the kernels of the image."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from traitlets import Instance, default

from environments.activation import activated
from environments.catalogue import Catalogue
from environments.discovery import Environment, Kernel, is_python

CONNECTION = "{connection_file}"


class EnvironmentUnusable(Exception):
    """Raised when a kernel is started in an environment that does not run here; the text says why and what to do."""


class EnvironmentKernels(KernelSpecManager):
    """Kernel specs of the image and of every environment found in the home.

    A kernel of an environment that cannot run here is listed with the reason in its name; `EnvironmentKernelStarter`
    refuses to start it, with the reason and the remedy, which JupyterLab shows.
    """

    catalogue = Instance(Catalogue)

    @default("catalogue")
    def _catalogue(self) -> Catalogue:
        return Catalogue(Path.home(), os.environ)

    def find_kernel_specs(self) -> dict[str, str]:
        specs: dict[str, str] = super().find_kernel_specs()
        for _, kernel in self._kernels():
            specs.setdefault(kernel.id, _resource_dir(kernel))
        return specs

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """Raises NoSuchKernel as the base class does."""
        for environment, kernel in self._kernels():
            if kernel.id == kernel_name:
                return KernelSpec(resource_dir=_resource_dir(kernel), **spec_of(environment, kernel))
        return super().get_kernel_spec(kernel_name)

    def check_startable(self, kernel_name: str) -> None:
        """Raises EnvironmentUnusable, with the reason and the remedy, for a kernel that would only die."""
        for environment, kernel in self._kernels():
            if kernel.id == kernel_name and environment.problem is not None:
                raise EnvironmentUnusable(environment.problem.message)

    async def get_all_specs(self) -> dict[str, Any]:  # type: ignore[override]  # the server awaits either kind
        """Every spec as JSON; the waiting for the file system happens in a thread."""
        return await asyncio.to_thread(self.all_specs)

    def all_specs(self) -> dict[str, Any]:
        """What `get_all_specs` answers, at once."""
        specs: dict[str, Any] = KernelSpecManager(parent=self, kernel_dirs=self.kernel_dirs).get_all_specs()
        for environment, kernel in self._kernels():
            directory = _resource_dir(kernel)
            specs.setdefault(kernel.id, {"resource_dir": directory, "spec": spec_of(environment, kernel)})
        return specs

    def _kernels(self) -> list[tuple[Environment, Kernel]]:
        return [(environment, kernel) for environment in self.catalogue.current() for kernel in environment.kernels]


class EnvironmentKernelStarter(AsyncMappingKernelManager):  # type: ignore[misc]
    """Starts kernels, but not those that are known to die: a person reads why at once instead of waiting."""

    async def start_kernel(self, *, kernel_name: str | None = None, **options: Any) -> str:  # type: ignore[override]
        if isinstance(self.kernel_spec_manager, EnvironmentKernels):
            name = kernel_name or self.default_kernel_name
            await asyncio.to_thread(self.kernel_spec_manager.check_startable, name)
        started: str = await super().start_kernel(kernel_name=kernel_name, **options)
        return started


def spec_of(environment: Environment, kernel: Kernel) -> dict[str, Any]:
    """A kernel.json for a kernel in an environment: its own, run activated, named after the environment."""
    own = dict(kernel.source.spec) if kernel.source else {}
    interpreter = str(environment.prefix / "bin" / "python")
    argv: Sequence[str] = own.get("argv") or [interpreter, "-m", "ipykernel_launcher", "-f", CONNECTION]
    if Path(argv[0]).name.startswith("python"):
        argv = [interpreter, *argv[1:]]
    facts = environment.facts
    metadata = {
        **own.get("metadata", {}),
        "remuda": {
            "environment": environment.name,
            "prefix": str(environment.prefix),
            "usable": environment.usable,
            "reason": environment.problem.reason if environment.problem else None,
            "message": environment.problem.message if environment.problem else None,
            "notes": list(environment.notes),
        },
    }
    if not own:
        metadata["debugger"] = True
    return {
        "argv": activated(facts, argv),
        "display_name": kernel.display_name,
        "language": own.get("language", "python"),
        "interrupt_mode": own.get("interrupt_mode", "signal"),
        "env": {**facts.variables, **own.get("env", {})},
        "metadata": metadata,
    }


@cache
def _ipykernel_resources() -> str:
    """ipykernel's logos in the image: the server looks for them on every listing, so not in the home."""
    spec = find_spec("ipykernel")
    return str(Path(spec.origin).parent / "resources") if spec and spec.origin else ""


def _resource_dir(kernel: Kernel) -> str:
    if kernel.source is None or is_python(kernel.source):
        return _ipykernel_resources()
    return str(kernel.source.folder)

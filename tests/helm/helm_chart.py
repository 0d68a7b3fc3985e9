"""Rendering the chart with the real helm, and what comes out as typed objects."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "helm" / "remuda"
CACHE_BIN = Path(os.environ.get("REMUDA_CACHE", Path.home() / ".cache" / "remuda")) / "bin"
KUBE_VERSION = "1.34.0"
RELEASE, NAMESPACE = "rodeo", "corral"

Manifest = dict[str, Any]


def program(name: str) -> str:
    """Path of a program the chart's tests need; without it they skip, or fail where nothing may be skipped."""
    found = shutil.which(name, path=f"{CACHE_BIN}{os.pathsep}{os.environ.get('PATH', '')}")
    if found:
        return found
    reason = f"{name} is not here: `python -m tools.cluster tools` brings it"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


class Refused(Exception):
    """Helm would not render: its message."""


@dataclass(frozen=True)
class Container:
    manifest: Manifest
    of: str

    @property
    def name(self) -> str:
        return self.manifest["name"]

    @property
    def image(self) -> str:
        return self.manifest["image"]

    @property
    def security(self) -> Manifest:
        return self.manifest.get("securityContext", {})

    @property
    def ports(self) -> dict[str, int]:
        return {port["name"]: port["containerPort"] for port in self.manifest.get("ports", [])}

    @property
    def env(self) -> dict[str, Any]:
        return {entry["name"]: entry.get("value", entry.get("valueFrom")) for entry in self.manifest.get("env", [])}


@dataclass(frozen=True)
class Workload:
    """Deployment, DaemonSet or Job: what it selects and the pods it makes."""

    manifest: Manifest

    @property
    def kind(self) -> str:
        return self.manifest["kind"]

    @property
    def name(self) -> str:
        return self.manifest["metadata"]["name"]

    @property
    def selector(self) -> dict[str, str]:
        return self.manifest["spec"].get("selector", {}).get("matchLabels", {})

    @property
    def template(self) -> Manifest:
        return self.manifest["spec"]["template"]

    @property
    def labels(self) -> dict[str, str]:
        return self.template["metadata"]["labels"]

    @property
    def annotations(self) -> dict[str, str]:
        return self.template["metadata"].get("annotations", {})

    @property
    def pod(self) -> Manifest:
        return self.template["spec"]

    @property
    def containers(self) -> list[Container]:
        every = [*self.pod.get("initContainers", []), *self.pod["containers"]]
        return [Container(manifest, f"{self.kind} {self.name}") for manifest in every]

    def container(self, name: str) -> Container:
        return next(c for c in self.containers if c.name == name)


@dataclass(frozen=True)
class Rendered:
    """Everything one set of values renders to."""

    text: str
    objects: tuple[Manifest, ...] = field(repr=False)

    @classmethod
    def of(cls, text: str) -> Rendered:
        return cls(text, tuple(document for document in yaml.safe_load_all(text) if document))

    def all(self, kind: str) -> list[Manifest]:
        return [o for o in self.objects if o["kind"] == kind]

    def get(self, kind: str, name: str) -> Manifest:
        found = [o for o in self.all(kind) if o["metadata"]["name"] == name]
        assert len(found) == 1, f"{len(found)} objects {kind} {name}; there: {self.names(kind)}"
        return found[0]

    def names(self, kind: str) -> list[str]:
        return [o["metadata"]["name"] for o in self.all(kind)]

    @cached_property
    def workloads(self) -> list[Workload]:
        return [Workload(o) for o in self.objects if o["kind"] in {"Deployment", "DaemonSet", "StatefulSet", "Job"}]

    def workload(self, kind: str, name: str) -> Workload:
        return Workload(self.get(kind, name))

    @property
    def hub(self) -> Workload:
        return self.workload("Deployment", "hub")

    @property
    def proxy(self) -> Workload:
        return self.workload("Deployment", "proxy")

    def secret(self, name: str) -> dict[str, str]:
        data = self.get("Secret", name).get("data", {})
        return {key: base64.b64decode(value).decode() for key, value in data.items()}

    @cached_property
    def settings(self) -> dict[str, Any]:
        return yaml.safe_load(self.settings_text)

    @property
    def settings_text(self) -> str:
        name = next(name for name in self.names("Secret") if name.endswith("hub-settings"))
        return self.secret(name)["settings.yaml"]

    def containers(self) -> Iterator[Container]:
        for workload in self.workloads:
            yield from workload.containers


def helm(*args: str, env: Mapping[str, str] | None = None, values: Mapping[str, Any] | None = None) -> str:
    """Output of one helm command; raises Refused with its message."""
    with tempfile.TemporaryDirectory() as folder:
        given: list[str] = []
        if values is not None:
            file = Path(folder) / "values.yaml"
            file.write_text(yaml.safe_dump(dict(values)), encoding="utf-8")
            given = ["--values", str(file)]
        done = subprocess.run(
            [program("helm"), *args, *given],
            capture_output=True,
            text=True,
            check=False,
            env={
                **os.environ,
                "HELM_CACHE_HOME": folder,
                "HELM_CONFIG_HOME": folder,
                "HELM_DATA_HOME": folder,
                **(env or {}),
            },
        )
    if done.returncode:
        raise Refused(done.stderr)
    return done.stdout


_rendered: dict[str, Rendered] = {}


def render(values: Mapping[str, Any] | None = None, *, release: str = RELEASE) -> Rendered:
    """The chart with these values over its defaults."""
    key = f"{release} {yaml.safe_dump(dict(values or {}))}"
    if key not in _rendered:
        arguments = ("template", release, str(CHART), "--namespace", NAMESPACE, "--kube-version", KUBE_VERSION)
        _rendered[key] = Rendered.of(helm(*arguments, values=values or {}))
    return _rendered[key]

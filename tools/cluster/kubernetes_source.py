"""Kubernetes' own programs and etcd, built from the Go module proxy into the cache."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tools.cluster import versions
from tools.cluster.programs import LINKED_SMALL, STATIC, Programs

CONTROL_PLANE = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
NODE = ("kubeadm", "kubelet", "kubectl", "kube-proxy")
ETCD = "etcd"
ALL = (*NODE, *CONTROL_PLANE, ETCD)
VERSION_PACKAGE = "k8s.io/component-base/version"


def wrapper_module(kubernetes_go_mod: dict[str, Any], version: str) -> str:
    """go.mod that requires k8s.io/kubernetes from outside: its staging modules are local replacements in its own
    go.mod, which Go ignores in a dependency, so each is pinned here to the release that matches."""
    lines = [
        "module node.image/build",
        "",
        f"go {kubernetes_go_mod['Go']}",
        "",
        f"require k8s.io/kubernetes v{version}",
    ]
    staging = f"v0.{version.partition('.')[2]}"
    lines += [
        f"replace {path} => {path} {staging}"
        for entry in kubernetes_go_mod.get("Replace") or []
        if entry["New"]["Path"].startswith("./")
        for path in [entry["Old"]["Path"]]
    ]
    return "\n".join(lines) + "\n"


def missing(programs: Programs, names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in names if not _is_current(programs, programs.settings.bin / name))


def build(programs: Programs, names: tuple[str, ...]) -> None:
    """Builds `names` (of ALL): about 5 minutes for all of them on 2 cores, seconds for what Go has cached."""
    programs.need_go(names[0])
    folder = programs.settings.cache / "work" / "kubernetes"
    folder.mkdir(parents=True, exist_ok=True)
    run, env = programs.commands.run, {**STATIC, "GOFLAGS": "-mod=mod"}
    downloaded = run("go", "mod", "download", "-json", f"k8s.io/kubernetes@v{versions.KUBERNETES}", cwd=folder.parent)
    go_mod = run("go", "mod", "edit", "-json", Path(json.loads(downloaded)["Dir"]) / "go.mod")
    (folder / "go.mod").write_text(wrapper_module(json.loads(go_mod), versions.KUBERNETES))
    (folder / "tools.go").write_text('//go:build tools\n\npackage tools\n\nimport _ "k8s.io/kubernetes/cmd/kubelet"\n')
    programs.settings.bin.mkdir(parents=True, exist_ok=True)
    target = f"{programs.settings.bin}/"
    if kubernetes := [f"k8s.io/kubernetes/cmd/{name}" for name in names if name != ETCD]:
        run("go", "build", "-trimpath", "-ldflags", _version_flags(), "-o", target, *kubernetes, cwd=folder, env=env)
    if ETCD in names:
        binary = programs.settings.bin / ETCD
        run("go", "build", *LINKED_SMALL, "-o", binary, "go.etcd.io/etcd/server/v3", cwd=folder, env=env)


def _version_flags() -> str:
    """A plain `go build` would call itself v0.0.0-master, and kubeadm refuses to work with that."""
    major, minor, _ = versions.KUBERNETES.split(".")
    values = {
        f"{VERSION_PACKAGE}.gitVersion": f"v{versions.KUBERNETES}",
        f"{VERSION_PACKAGE}.gitMajor": major,
        f"{VERSION_PACKAGE}.gitMinor": minor,
        "k8s.io/client-go/pkg/version.gitVersion": f"v{versions.KUBERNETES}",
    }
    return " ".join(["-s", "-w", *(f"-X {name}={value}" for name, value in values.items())])


def _is_current(programs: Programs, place: Path) -> bool:
    if not place.exists():
        return False
    shown = programs.commands.attempt("go", "version", "-m", place, timeout=30)
    return shown.returncode != 0 or f"k8s.io/kubernetes\tv{versions.KUBERNETES}" in shown.stdout or place.name == ETCD

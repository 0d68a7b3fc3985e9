"""Every version that the local cluster pins, in one place."""

from __future__ import annotations

# The newest Kubernetes whose kubelet still starts on cgroup v1 (1.35 refuses), so it runs on every host.
KUBERNETES = "1.34.4"
KIND = "v0.33.0"
HELM = "v3.22.0"
COREDNS = "v1.15.0"
LOCAL_PATH = "v0.0.30"
CNI_PLUGINS = "v1.9.1"

# kind's own image of the same minor version, where a registry is reached.
OFFICIAL_NODE_IMAGE = "kindest/node:v1.34.3@sha256:08497ee19eace7b4b5348db5c6a1591d7752b164530a36f855cb0f2bdcbadd48"

# Oldest programs found on PATH that are known to work: kind patches of our config, kubectl's version skew of one minor.
MINIMUM = {"kind": (0, 30), "helm": (3, 14), "kubectl": (1, 33)}

NODE_DEBIAN = "bookworm"  # its systemd still boots on cgroup v1
IMAGE_DEBIAN = "trixie"  # what images/*/Dockerfile start from: Python 3.13, Node 20

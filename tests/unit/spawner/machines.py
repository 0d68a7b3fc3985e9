"""Plans and nodes for tests: the shipped catalog with one more profile that uses every field."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from profiles.catalog import load_catalog
from profiles.choice import MachineChoice
from profiles.documents import Document, shipped_documents
from profiles.model import Catalog
from profiles.person import Person
from profiles.plan import MachinePlan
from profiles.resolve import resolve

RECORDED = Path(__file__).parent / "recorded"

EVERYTHING = """
pools:
  zoned:
    displayName: Zoned
    nodeSelector: {remuda.dev/pool: gpu, disk: ssd}
    tolerations:
      - {key: remuda.dev/pool, operator: Equal, value: gpu, effect: NoSchedule}
      - {key: spot, operator: Exists}
    affinity:
      nodeAffinity:
        requiredDuringSchedulingIgnoredDuringExecution:
          nodeSelectorTerms:
            - matchExpressions: [{key: topology.kubernetes.io/zone, operator: In, values: [eu-1a, eu-1b]}]
    priorityClass: interactive
    runtimeClass: nvidia
    zones: [eu-1a, eu-1b]
  growing:
    displayName: Growing
    autoscaled: {largestNode: {cpu: 32, memory: 128Gi, extendedResources: {nvidia.com/gpu: 8}}}
    zones: [eu-1b]
  anywhere: {displayName: Anywhere, nodeSelector: {}, tolerations: []}
profiles:
  full:
    displayName: Everything
    pool: zoned
    cpu: {request: 1500m, limit: 3}
    memory: {request: 6Gi, limit: 12Gi}
    extendedResources: {nvidia.com/gpu: 2, nvidia.com/mig-1g.5gb: 1}
    image: registry.example.org/lab/gpu:2026.9
    imagePullPolicy: Always
    startTimeout: 10m
    env: {LANG: de_DE.UTF-8, TEAM: "{username}", JSON: '{"a": 1}', JUPYTERHUB_SINGLEUSER_APP: x.y, MEM_LIMIT: "1"}
    volumes:
      - {name: scratch, emptyDir: {sizeLimit: 20Gi}}
      - {name: shared, persistentVolumeClaim: {claimName: "shared-{username}"}}
    volumeMounts:
      - {name: scratch, mountPath: /scratch/}
      - {name: shared, mountPath: /home/jovyan/shared}
    labels: {example.org/team: physics}
    annotations: {example.org/owner: "Ada (physics)"}
    options:
      gpus:
        default: "2"
        choices:
          "2": {}
          "99": {overrides: {extendedResources: {nvidia.com/gpu: 99}}}
  elastic: {displayName: Elastic, pool: growing, cpu: 16, memory: 64Gi, extendedResources: {nvidia.com/gpu: 8}}
  roaming: {displayName: Roaming, pool: anywhere, cpu: 1, memory: 1Gi}
  huge: {displayName: Huge, pool: general, cpu: 64, memory: 1Ti}
"""


@cache
def catalog() -> Catalog:
    return load_catalog(Document("test.yaml", EVERYTHING), base=shipped_documents())


def plan(profile: str = "full", *, rescue: bool = False, **options: str) -> MachinePlan:
    outcome = resolve(catalog(), MachineChoice(profile, options, rescue), Person("ada", admin=True))
    assert isinstance(outcome, MachinePlan), outcome
    return outcome


def manifest() -> dict[str, Any]:
    """KubeSpawner 7.1's own pod, sanitised."""
    kept: dict[str, Any] = json.loads((RECORDED / "kubespawner_pod.json").read_text())
    return kept


def nodes() -> list[dict[str, Any]]:
    """Four nodes of a 1.34 cluster: core, general, many-core, gpu (cordoned when recorded)."""
    kept: list[dict[str, Any]] = json.loads((RECORDED / "nodes.json").read_text())
    return kept

"""Extra volumes: only kinds that Pod Security `restricted` admits: a bad one is told at boot, not at a start."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator

from profiles.fields import quoted, wrong
from profiles.frozen import freeze

RESTRICTED = frozenset(
    {
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "persistentVolumeClaim",
        "projected",
        "secret",
    }
)
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


def _volume(volume: dict[str, Any]) -> Any:
    name = volume.get("name")
    if not isinstance(name, str) or _NAME.fullmatch(name) is None:
        raise wrong(f"{quoted(name)} is not a name of a volume", "add name: with lower-case letters, digits and dashes")
    kinds = [key for key in volume if key != "name"]
    if len(kinds) != 1:
        raise wrong(f"volume {name} has {len(kinds)} kinds", f"give it one of: {', '.join(sorted(RESTRICTED))}")
    if kinds[0] not in RESTRICTED:
        raise wrong(
            f"a volume of kind {quoted(kinds[0])} is not admitted by Pod Security restricted",
            "put it behind a persistentVolumeClaim, or use one of: " + ", ".join(sorted(RESTRICTED)),
        )
    return freeze(volume)


def _mount(mount: dict[str, Any]) -> Any:
    for key in ("name", "mountPath"):
        if not isinstance(mount.get(key), str) or not mount[key]:
            raise wrong(f"a mount has no {key}", "write {name: <volume>, mountPath: /path}")
    if not mount["mountPath"].startswith("/") or ":" in mount["mountPath"]:
        raise wrong(f"{quoted(mount['mountPath'])} is not an absolute path", "begin mountPath with /")
    return freeze(mount)


KubeVolume = Annotated[dict[str, Any], AfterValidator(_volume)]
KubeVolumeMount = Annotated[dict[str, Any], AfterValidator(_mount)]

"""PURE: kind's own storage manifest with this image's names in it."""

from __future__ import annotations

import re

START, END = "const defaultStorageManifest = `", "`"


class UnexpectedSource(ValueError):
    """kind's source no longer looks as it did in the pinned version."""


def storage_manifest(kind_source: str, provisioner: str, helper: str) -> str:
    """The YAML in kind's `const_storage.go`, its two image constants replaced."""
    _, found, rest = kind_source.partition(START)
    if not found:
        raise UnexpectedSource("no defaultStorageManifest in kind's const_storage.go")
    manifest = rest.rpartition(END)[0]
    for constant, image in (("storageProvisionerImage", provisioner), ("storageHelperImage", helper)):
        manifest, count = re.subn(rf"` \+ {constant} \+ `", image, manifest)
        if count == 0:
            raise UnexpectedSource(f"{constant} is not used in kind's storage manifest")
    return manifest

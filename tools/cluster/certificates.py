"""Certificates that this computer trusts beyond the usual ones, for builds and for people's machines.

Behind a proxy that re-signs TLS nothing in a container trusts PyPI otherwise. Only where SSL_CERT_FILE says so.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

BUNDLES = (Path("/etc/ssl/certs/ca-certificates.crt"), Path("/etc/pki/tls/certs/ca-bundle.crt"))
CONFIG_MAP = "trusted-certificates"
PLACE = "/etc/ssl/certs/ca-certificates.crt"  # Debian's bundle, in the images
VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE")  # OpenSSL and uv, requests, boto3


def for_builds(environ: Mapping[str, str] = os.environ) -> Path | None:
    """The bundle that a build may use while it lasts; None where the system has none at a known place."""
    given = environ.get("SSL_CERT_FILE")
    return next((place for place in (*([Path(given)] if given else []), *BUNDLES) if place.is_file()), None)


def for_machines(environ: Mapping[str, str] = os.environ) -> Path | None:
    """The bundle that people's machines get as well; None on a computer that trusts what everybody trusts."""
    given = environ.get("SSL_CERT_FILE")
    return Path(given) if given and Path(given).is_file() else None


def config_map(bundle: str, namespace: str) -> dict[str, Any]:
    """PURE: the bundle as a ConfigMap (a Secret it is not)."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": CONFIG_MAP, "namespace": namespace},
        "data": {"ca-certificates.crt": bundle},
    }


def values() -> dict[str, Any]:
    """PURE: chart values that lay the bundle over the image's own and name it to programs that bring their own.

    Volumes are maps here, because of two files of values with lists only the last one's would count.
    """
    volume = {"name": CONFIG_MAP, "configMap": {"name": CONFIG_MAP}}
    mount = {"name": CONFIG_MAP, "mountPath": PLACE, "subPath": "ca-certificates.crt", "readOnly": True}
    return {
        "singleuser": {
            "storage": {"extraVolumes": {CONFIG_MAP: volume}, "extraVolumeMounts": {CONFIG_MAP: mount}},
            "extraEnv": dict.fromkeys(VARIABLES, PLACE),
        }
    }

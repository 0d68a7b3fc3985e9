"""PURE: Kubernetes resource names and amounts in plain words. `nvidia.com/gpu: 4` is "4 GPUs" to a person."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from profiles.quantity import Memory

_QUANTITY = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?\d{1,3}))?")
_FACTOR = {
    **{"n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3"), "": Decimal(1)},
    **{unit: Decimal(1000**power) for power, unit in enumerate("kMGTPE", start=1)},
    **{f"{unit}i": Decimal(1024**power) for power, unit in enumerate("KMGTPE", start=1)},
}
_BYTES = {"memory": "memory", "ephemeral-storage": "local disk space", "storage": "disk space"}
_COUNTED = {
    "pods": ("machine", "machines"),
    "persistentvolumeclaims": ("home disk", "home disks"),
    "services": ("service", "services"),
    "secrets": ("secret", "secrets"),
    "configmaps": ("config map", "config maps"),
}


def amount(value: object) -> Decimal:
    """A Kubernetes quantity as a number; anything that is none counts as 0.

    More lenient than `profiles.quantity`: the cluster writes "16374696Ki", "3920m", "1e3" and "100n".
    """
    match = _QUANTITY.fullmatch(str(value).strip())
    if match is None:
        return Decimal(0)
    number, unit, exponent = match.groups()
    try:
        return Decimal(number) * (Decimal(f"1e{exponent}") if exponent else _FACTOR[unit or ""])
    except InvalidOperation:
        return Decimal(0)


def noun(resource: str, count: Decimal | int = 2) -> str:
    """What a person calls the resource: "processor cores", "memory", "GPUs", "GPU slices (1g.5gb)"."""
    name = _bare(resource)
    if name == "cpu":
        return "processor core" if count == 1 else "processor cores"
    if name in _BYTES:
        return _BYTES[name]
    if name in _COUNTED:
        return _COUNTED[name][0 if count == 1 else 1]
    domain, _, device = name.rpartition("/")
    if device.startswith("mig-"):
        return f"GPU slice{'' if count == 1 else 's'} ({device[4:]})"
    if device in {"gpu", "gpu.shared"} or device.startswith("gpu-"):
        return "GPU" if count == 1 else "GPUs"
    return f"{device} ({domain})" if domain else device


def in_words(resource: str, value: object) -> str:
    """An amount of a resource: "4 GPUs", "8 GiB of memory", "0.5 processor cores", "no GPUs"."""
    number = amount(value)
    if _bare(resource) in _BYTES:
        return f"{bytes_in_words(number)} of {noun(resource)}"
    if number == 0:
        return f"no {noun(resource)}"
    return f"{plain(number)} {noun(resource, number)}"


def bytes_in_words(number: Decimal | int | float) -> str:
    """ "8 GiB", "3.9 GiB", "512 MiB": at most one decimal from 1 MiB on, as nobody plans by bytes."""
    size = int(number)
    if size < 1024**2:
        return Memory(max(size, 0)).human
    power = max(p for p in range(2, 7) if size >= 1024**p)
    return f"{plain(round(Decimal(size) / 1024**power, 1))} {'KMGTPE'[power - 1]}iB"


def plain(number: Decimal) -> str:
    """A number without needless zeros or exponents, at most two decimals."""
    return f"{round(number, 2):f}".rstrip("0").rstrip(".") if number % 1 else f"{number:.0f}"


def total(amounts: Mapping[str, object], resource: str) -> Decimal:
    """One resource out of a node's or a container's list; 0 where it is absent."""
    return amount(amounts.get(resource, 0))


def _bare(resource: str) -> str:
    """Quotas speak of `requests.cpu`, `limits.memory` and `count/pods`."""
    for prefix in ("requests.", "limits.", "count/"):
        resource = resource.removeprefix(prefix)
    return resource

"""What counts as a GPU among extended resources.

Kubernetes does not say; names do. A name counts when it has `gpu` in it (`nvidia.com/gpu`, `amd.com/gpu`,
`nvidia.com/gpu.shared`, `gpu.intel.com/i915`) or begins with `nvidia.com/mig-` (each MIG slice counts as one). Amounts
that are shares of a device (`aliyun.com/gpu-mem`, `nvidia.com/gpucores`, `volcano.sh/gpu-memory`) count none: their
number is no number of devices. Other devices (TPUs, FPGAs, `rdma/…`) are extended resources, but no GPUs.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

_SHARES = ("mem", "core", "percent")


@lru_cache(1024)
def is_gpu(resource: str) -> bool:
    name = resource.lower()
    if name.startswith("nvidia.com/mig-"):
        return True
    return "gpu" in name and not any(share in name.rpartition("gpu")[2] for share in _SHARES)


def count_gpus(extended_resources: Mapping[str, int]) -> int:
    return sum(count for name, count in extended_resources.items() if is_gpu(name))

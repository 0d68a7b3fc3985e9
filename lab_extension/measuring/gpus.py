"""NVIDIA's GPUs, asked of the driver's own library: it is wherever a GPU is, so nothing has to be installed."""

from __future__ import annotations

import ctypes
from ctypes import Structure, byref, c_uint, c_ulonglong, c_void_p
from typing import ClassVar

from lab_extension.measuring.reading import GpuReading

LIBRARY = "libnvidia-ml.so.1"


class NoGpus(Exception):
    """No driver, no GPU, or none that may be asked."""


class _Utilization(Structure):
    _fields_: ClassVar = [("gpu", c_uint), ("memory", c_uint)]


class _Memory(Structure):
    _fields_: ClassVar = [("total", c_ulonglong), ("free", c_ulonglong), ("used", c_ulonglong)]


class Nvml:
    """The GPUs that this machine was given. Raises `NoGpus` when there are none.

    What is in use when it is first asked is the driver's own share (hundreds of MB on large GPUs), and is left out.
    """

    def __init__(self, library: str = LIBRARY) -> None:
        try:
            self._library = ctypes.CDLL(library)
        except OSError as e:
            raise NoGpus(str(e)) from e
        self._call("nvmlInit_v2")
        count = c_uint()
        self._call("nvmlDeviceGetCount_v2", byref(count))
        if not count.value:
            raise NoGpus("the driver knows no GPU here")
        self._devices = [self._device(index) for index in range(count.value)]
        self._at_rest = [self._used(device) for device in self._devices]

    def read(self) -> GpuReading:
        """Raises `NoGpus` when the driver has gone."""
        used = sum(max(0, self._used(device) - rest) for device, rest in zip(self._devices, self._at_rest, strict=True))
        try:
            shares = [self._share(device) for device in self._devices]
        except NoGpus:  # a slice of a GPU has no figure of its own
            return GpuReading(len(self._devices), used)
        return GpuReading(len(self._devices), used, sum(shares), max(shares))

    def _device(self, index: int) -> c_void_p:
        device = c_void_p()
        self._call("nvmlDeviceGetHandleByIndex_v2", c_uint(index), byref(device))
        return device

    def _share(self, device: c_void_p) -> float:
        """Of the last second or so, in which some kernel ran."""
        figures = _Utilization()
        self._call("nvmlDeviceGetUtilizationRates", device, byref(figures))
        return min(figures.gpu, 100) / 100

    def _used(self, device: c_void_p) -> int:
        figures = _Memory()
        self._call("nvmlDeviceGetMemoryInfo", device, byref(figures))
        return int(figures.used)

    def _call(self, name: str, *arguments: object) -> None:
        try:
            code = getattr(self._library, name)(*arguments)
        except AttributeError as e:
            raise NoGpus(f"the driver has no {name}") from e
        if code != 0:
            raise NoGpus(f"{name}: error {code}")

"""Stops servers nobody uses, and servers past their profile's longest life."""

from __future__ import annotations

from hub_extensions.culler.limits import with_cull_limits
from hub_extensions.culler.register import register

__all__ = ["register", "with_cull_limits"]

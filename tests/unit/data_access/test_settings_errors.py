"""Settings that can't be read say where they are wrong, and hold nothing back but values."""

from __future__ import annotations

import pytest

from data_access.config import read_settings
from data_access.errors import DataError, Reason


def test_yaml_in_the_environment_that_is_none() -> None:
    environ = {"REMUDA_DATA_GRANTS": "{sales: [hunter2"}
    with pytest.raises(DataError, match=r"REMUDA_DATA_GRANTS is no YAML at line 1, column \d+") as caught:
        read_settings(environ=environ)
    assert caught.value.reason == Reason.BAD_CONFIGURATION
    assert "hunter2" not in str(caught.value)


def test_an_unknown_key_is_told_its_nearest() -> None:
    with pytest.raises(DataError, match=r"metastor in the arguments: there is no such setting \(did you mean meta"):
        read_settings({"metastor": "sqlite"}, environ={})

"""Glue by moto, with what moto leaves out and commits lean on: UpdateTable refuses a VersionId that is outdated.

AWS documents it (`VersionId`: "The version ID at which to update the table contents"; ConcurrentModificationException).
moto 5.2 takes the argument and ignores it, so this server checks it. Not checked by moto at all, and therefore by no
test here: rights, throttling, and limits on sizes of names and batches.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from moto.core.exceptions import JsonRESTError
from moto.glue.responses import GlueResponse

from tests.data.servers.s3 import S3Place

_one_at_a_time = threading.Lock()
_lenient_update = GlueResponse.update_table


def _strict_update(self: GlueResponse) -> Any:
    with _one_at_a_time:
        database, table = self.parameters.get("DatabaseName"), self.parameters.get("TableInput")["Name"]
        wanted, there = self.parameters.get("VersionId"), self.glue_backend.get_table(database, table)
        if wanted is not None and wanted != there.as_dict()["VersionId"]:
            raise JsonRESTError("ConcurrentModificationException", f"Version {wanted} is outdated.")
        return _lenient_update(self)


@pytest.fixture(scope="session")
def strict_glue() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(GlueResponse, "update_table", _strict_update)
        yield


@pytest.fixture
def glue_url(moto_endpoint: S3Place, strict_glue: None, monkeypatch: pytest.MonkeyPatch) -> str:
    """Empty; its address and credentials are in the environment. S3 may be another server's."""
    import os
    import urllib.request

    reset = urllib.request.Request(f"{moto_endpoint.endpoint}/moto-api/reset", method="POST")
    urllib.request.urlopen(reset, timeout=10).close()
    monkeypatch.setenv("AWS_ENDPOINT_URL_GLUE", moto_endpoint.endpoint)
    for name, value in moto_endpoint.environment.items():
        if name != "AWS_ENDPOINT_URL" and name not in os.environ:
            monkeypatch.setenv(name, value)
    return "glue://us-east-1"

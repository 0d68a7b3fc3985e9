"""The API server of the chart's tests: one for all of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.helm.kube_api import KubeApi, kube_api


@pytest.fixture(scope="session")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KubeApi]:
    with kube_api(tmp_path_factory.mktemp("kube-api")) as running:
        yield running

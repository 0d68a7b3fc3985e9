"""S3 servers on loopback: versitygw (a real one, files on disk) and moto (in this process, for what it alone fakes)."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from moto import server as moto_server

from tools.servers import versitygw


@dataclass(frozen=True)
class S3Place:
    """An S3 server as a client sees it."""

    name: str
    endpoint: str
    environment: dict[str, str] = field(repr=False)

    def bucket(self) -> str:
        """A new, empty one."""
        import boto3

        name = f"t-{uuid.uuid4().hex[:12]}"
        client = boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=self.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.environment["AWS_SECRET_ACCESS_KEY"],
            region_name=self.environment["AWS_REGION"],
        )
        client.create_bucket(Bucket=name)
        return name

    def use(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Credentials, for this process and the ones it starts."""
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
            monkeypatch.delenv(name, raising=False)
        for name, value in self.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture(scope="session")
def versitygw_server() -> Iterator[S3Place]:
    server = versitygw.start()
    yield S3Place("versitygw", server.endpoint, server.environment)
    server.stop()


@pytest.fixture(scope="session")
def moto_endpoint() -> Iterator[S3Place]:
    """S3 and Glue by moto, behind HTTP."""
    server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    region = {"AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1"}
    yield S3Place("moto", endpoint, {"AWS_ENDPOINT_URL": endpoint, **keys, **region})
    server.stop()


@pytest.fixture
def s3(versitygw_server: S3Place, monkeypatch: pytest.MonkeyPatch) -> S3Place:
    """The real S3 server, with its credentials in the environment. `s3.bucket()` makes a bucket."""
    versitygw_server.use(monkeypatch)
    return versitygw_server


@pytest.fixture
def moto_s3(moto_endpoint: S3Place, monkeypatch: pytest.MonkeyPatch) -> S3Place:
    """As `s3`, served by moto."""
    moto_endpoint.use(monkeypatch)
    return moto_endpoint

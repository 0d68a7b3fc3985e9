"""Data frames in S3, against a real server on loopback (moto's), through boto3 as in a notebook."""

from __future__ import annotations

from collections.abc import Iterator

import pandas
import pytest
from moto import server as moto_server
from pandas.testing import assert_frame_equal

import data_access
from data_access.errors import DataError, Reason


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> str:
    import boto3

    for name, value in {
        "AWS_ENDPOINT_URL_S3": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_MAX_ATTEMPTS": "1",
    }.items():
        monkeypatch.setenv(name, value)
    boto3.client("s3").create_bucket(Bucket="shop")
    return "shop"


@pytest.mark.parametrize("ending", ["parquet", "csv.gz", "jsonl"])
def test_a_frame_goes_round(bucket: str, ending: str) -> None:
    frame = pandas.DataFrame({"day": ["Mon", "Tue"], "amount": [1.5, 2.5]})
    url = f"s3://{bucket}/2026/ü sales.{ending}"
    data_access.save(frame, url)
    assert_frame_equal(data_access.load(url), frame)
    assert list(data_access.load(url, columns=["amount"]).columns) == ["amount"]


def test_what_is_not_there_is_said_not_to_be(bucket: str) -> None:
    for url in (f"s3://{bucket}/nothing.csv", "s3://no-such-bucket/x.csv"):
        with pytest.raises(DataError) as caught:
            data_access.load(url)
        assert caught.value.reason is Reason.NOT_FOUND
    with pytest.raises(DataError) as caught:
        data_access.save(pandas.DataFrame({"a": [1]}), "s3://no-such-bucket/x.csv")
    assert caught.value.reason in (Reason.NOT_FOUND, Reason.UNREACHABLE)


def test_a_failed_save_leaves_the_old_object(bucket: str) -> None:
    url = f"s3://{bucket}/kept.parquet"
    data_access.save(pandas.DataFrame({"a": [1]}), url)
    with pytest.raises(DataError):
        data_access.save(pandas.DataFrame({"a": [1, "x", object()]}), url)
    assert list(data_access.load(url)["a"]) == [1]


def test_an_unreachable_server_is_said_to_be_unreachable(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    with pytest.raises(DataError) as caught:
        data_access.load(f"s3://{bucket}/x.csv")
    assert caught.value.reason is Reason.UNREACHABLE


def test_a_server_named_after_a_first_try_is_asked(bucket: str, endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"s3://{bucket}/later.csv"
    frame = pandas.DataFrame({"a": [1]})
    data_access.save(frame, url)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    with pytest.raises(DataError):
        data_access.load(url)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", endpoint)
    assert_frame_equal(data_access.load(url), frame)

"""An S3 that is slow, refuses, loses answers and cuts connections: asked again where that helps, else said."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator
from typing import Any

import pytest

from data_access.config import S3Settings
from data_access.errors import DataError, ForbiddenError, NotFoundError, Reason, UnreachableError
from data_access.storage import s3 as s3_module
from data_access.storage.credentials import Chain, server
from data_access.storage.s3 import S3Storage, coalesce
from tests.data.servers.s3 import S3Place
from tests.data.storage.bad_server import BadServer, Trouble, bad_server

KEY, SECRET, TOKEN = "AKIASECRETSECRETSECR", "very-secret-key", "session-token-that-nobody-may-see"


@pytest.fixture
def bad(moto_s3: S3Place, monkeypatch: pytest.MonkeyPatch) -> Iterator[BadServer]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_SESSION_TOKEN", TOKEN)
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    with bad_server(moto_s3.endpoint) as found:
        yield found


@pytest.fixture
def bucket(moto_s3: S3Place) -> str:
    return f"s3://{moto_s3.bucket()}"


@pytest.fixture
def storage(bad: BadServer) -> S3Storage:
    return S3Storage(S3Settings(endpoint=bad.endpoint, region="us-east-1"), retries=3)


def count(bad: BadServer, method: str) -> int:
    return sum(request.startswith(f"{method} ") for request in bad.seen)


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_busy_server_is_asked_again(storage: S3Storage, bad: BadServer, bucket: str, status: int) -> None:
    storage.put(f"{bucket}/a", b"body")
    bad.troubles = [Trouble("GET", 2, status=status)]
    assert storage.get(f"{bucket}/a") == b"body"
    assert count(bad, "GET") == 3


def test_a_server_that_stays_busy_is_given_up(storage: S3Storage, bad: BadServer, bucket: str) -> None:
    bad.troubles = [Trouble("GET", 99, status=503)]
    with pytest.raises(UnreachableError) as caught:
        storage.get(f"{bucket}/a")
    assert count(bad, "GET") == 4
    assert f"The S3 server of {bucket}/a answered 503 SlowDown, after several tries." in str(caught.value)
    assert_no_secret(caught.value)


@pytest.mark.parametrize("size", [100, 3_000_000])
def test_an_answer_that_is_cut_is_asked_for_again(storage: S3Storage, bad: BadServer, bucket: str, size: int) -> None:
    body = os.urandom(size)
    storage.put(f"{bucket}/a", body)
    bad.troubles = [Trouble("GET", 2, cut_after=size // 2)]
    assert storage.get(f"{bucket}/a") == body
    bad.troubles = [Trouble("GET", 1, cut_after=size // 4)]
    assert storage.get_ranges(f"{bucket}/a", [(10, size)]) == [body[10:]]


def test_a_connection_that_is_always_cut_is_said(storage: S3Storage, bad: BadServer, bucket: str) -> None:
    storage.put(f"{bucket}/a", b"x" * 1000)
    bad.troubles = [Trouble("GET", 99, cut_after=10)]
    with pytest.raises(UnreachableError, match="cut the connection"):
        storage.get(f"{bucket}/a")


def test_a_put_whose_answer_is_lost_is_repeated(storage: S3Storage, bad: BadServer, bucket: str) -> None:
    bad.troubles = [Trouble("PUT", 1, lose_answer=True)]
    storage.put(f"{bucket}/a", b"body")
    assert storage.get(f"{bucket}/a") == b"body"


def test_a_creation_whose_answer_is_lost_is_ours(storage: S3Storage, bad: BadServer, bucket: str) -> None:
    """The second try finds an object: it is the first one's."""
    bad.troubles = [Trouble("PUT", 1, lose_answer=True)]
    storage.put(f"{bucket}/a", b"mine", if_absent=True)
    assert count(bad, "PUT") == 2
    assert storage.get(f"{bucket}/a") == b"mine"


def test_a_creation_that_is_repeated_does_not_take_anothers(storage: S3Storage, bad: BadServer, bucket: str) -> None:
    storage.put(f"{bucket}/a", b"theirs")
    bad.troubles = [Trouble("PUT", 1, status=503)]
    with pytest.raises(DataError) as caught:
        storage.put(f"{bucket}/a", b"mine", if_absent=True)
    assert caught.value.reason is Reason.ALREADY_THERE
    assert storage.get(f"{bucket}/a") == b"theirs"


def test_the_same_content_of_another_is_still_anothers(storage: S3Storage, bucket: str) -> None:
    storage.put(f"{bucket}/a", b"same", if_absent=True)
    with pytest.raises(DataError) as caught:
        storage.put(f"{bucket}/a", b"same", if_absent=True)
    assert caught.value.reason is Reason.ALREADY_THERE


def test_parts_of_an_upload_are_repeated(storage: S3Storage, bad: BadServer, bucket: str) -> None:
    body = os.urandom(40_000_000)
    bad.troubles = [Trouble("partNumber=2", 1, status=503), Trouble("partNumber=1", 1, lose_answer=True)]
    storage.write(f"{bucket}/a", lambda file: file.write(body))  # type: ignore[arg-type, return-value]
    assert storage.get(f"{bucket}/a") == body


def test_an_upload_that_fails_is_told_and_leaves_nothing(storage: S3Storage, bad: BadServer, bucket: str) -> None:
    bad.troubles = [Trouble("partNumber=2", 99, status=403, code="AccessDenied")]
    with pytest.raises(ForbiddenError):
        storage.write(f"{bucket}/a", lambda file: [file.write(bytes(9_000_000)) for _ in range(9)])  # type: ignore[arg-type, return-value]
    bad.troubles = []
    assert list(storage.list(f"{bucket}/")) == []


def test_listing_and_deleting_are_repeated(storage: S3Storage, bad: BadServer, bucket: str) -> None:
    storage.put(f"{bucket}/a", b"1")
    bad.troubles = [Trouble("GET", 1, status=503), Trouble("POST", 1, status=503), Trouble("HEAD", 1, status=503)]
    assert [entry.url for entry in storage.list(f"{bucket}/")] == [f"{bucket}/a"]
    assert storage.size(f"{bucket}/a") == 1
    storage.delete([f"{bucket}/a"])
    assert list(storage.list(f"{bucket}/")) == []


@pytest.mark.parametrize(
    ("trouble", "kind", "said"),
    [
        (Trouble("", 99, status=403, code="AccessDenied"), ForbiddenError, "Access key AKIA… may not do that with"),
        (Trouble("", 99, status=403, code="SignatureDoesNotMatch"), ForbiddenError, "403 SignatureDoesNotMatch"),
        (Trouble("", 99, status=404, code="NoSuchBucket"), NotFoundError, "There is no bucket"),
        (Trouble("", 99, status=507, code="InsufficientStorage"), DataError, "is full"),
    ],
)
@pytest.mark.parametrize("call", ["get", "put", "create", "write", "list", "delete", "size", "copy"])
def test_what_is_refused_is_said_without_secrets(  # noqa: PLR0917
    storage: S3Storage, bad: BadServer, bucket: str, call: str, trouble: Trouble, kind: type, said: str
) -> None:
    bad.troubles = [Trouble("", 99, trouble.status, trouble.code)]
    url = f"{bucket}/a"
    calls: dict[str, Any] = {
        "get": lambda: storage.get(url),
        "put": lambda: storage.put(url, b""),
        "create": lambda: storage.put(url, b"", if_absent=True),
        "write": lambda: storage.write(url, lambda file: file.write(bytes(20_000_000))),  # type: ignore[arg-type, return-value]
        "list": lambda: list(storage.list(f"{bucket}/")),
        "delete": lambda: storage.delete([url]),
        "size": lambda: storage.size(url),
        "copy": lambda: storage.copy(url, f"{bucket}/b"),
    }
    with pytest.raises(DataError) as caught:
        calls[call]()
    assert isinstance(caught.value, kind)
    if call != "size":  # a HEAD has no body that could say more than its status
        assert said in str(caught.value)
    assert url in str(caught.value) or f"{bucket}/" in str(caught.value)
    assert caught.value.remedy
    assert_no_secret(caught.value)


def assert_no_secret(error: BaseException) -> None:
    """Neither in the message nor in what a traceback shows."""
    shown = "".join(traceback.format_exception(error))
    for secret in (SECRET, TOKEN, KEY[4:]):
        assert secret not in shown


def test_credentials_that_expired_are_asked_for_again(bad: BadServer, bucket: str) -> None:
    class Renewed(Chain):
        asked = 0

        def __call__(self) -> dict[str, Any]:
            self.asked += 1
            return super().__call__()

    chain = Renewed()
    storage = S3Storage(S3Settings(endpoint=bad.endpoint, region="us-east-1"), chain)
    storage.put(f"{bucket}/a", b"1")
    before = chain.asked
    bad.troubles = [Trouble("GET", 1, status=400, code="ExpiredToken")]
    assert storage.get(f"{bucket}/a") == b"1"
    assert chain.asked > before
    bad.troubles = [Trouble("GET", 9, status=400, code="ExpiredToken")]
    with pytest.raises(ForbiddenError, match="have expired"):
        storage.get(f"{bucket}/a")


def test_an_upload_is_not_begun_again_in_its_middle(storage: S3Storage, bad: BadServer, bucket: str) -> None:
    bad.troubles = [Trouble("partNumber=2", 1, status=400, code="ExpiredToken")]
    with pytest.raises(ForbiddenError, match="have expired"):
        storage.write(f"{bucket}/a", lambda file: [file.write(bytes(9_000_000)) for _ in range(9)])  # type: ignore[arg-type, return-value]
    assert list(storage.list(f"{bucket}/")) == []


def test_nobody_listens(bucket: str, bad: BadServer) -> None:
    storage = S3Storage(S3Settings(endpoint="http://127.0.0.1:9", region="us-east-1"), retries=1)
    with pytest.raises(UnreachableError, match="takes no connections"):
        storage.get(f"{bucket}/a")


def test_a_server_without_a_known_name(bucket: str, bad: BadServer) -> None:
    storage = S3Storage(S3Settings(endpoint="http://s3.invalid:9", region="us-east-1"), retries=0)
    with pytest.raises(UnreachableError, match="has a name that is not known here"):
        storage.get(f"{bucket}/a")


def test_without_credentials(bad: BadServer, bucket: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    storage = S3Storage(S3Settings(endpoint=bad.endpoint, region="us-east-1"))
    with pytest.raises(ForbiddenError, match="There are no credentials for"):
        storage.get(f"{bucket}/a")


def test_a_profile_gives_credentials_region_and_endpoint(
    bad: BadServer, bucket: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)
    (tmp_path / "credentials").write_text("[lake]\naws_access_key_id = testing1\naws_secret_access_key = testing2\n")
    (tmp_path / "config").write_text(f"[profile lake]\nregion = eu-central-1\nendpoint_url = {bad.endpoint}\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_PROFILE", "lake")
    found = server(S3Settings(), Chain())
    assert (found.endpoint, found.region, found.path_style) == (bad.endpoint, "eu-central-1", True)
    storage = S3Storage(S3Settings())
    storage.put(f"{bucket}/a", b"1")
    assert storage.get(f"{bucket}/a") == b"1"


def test_static_keys_need_no_boto(bad: BadServer, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] in ("boto3", "botocore")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    storage = S3Storage(S3Settings(endpoint=bad.endpoint, region="us-east-1"))
    storage.put(f"{bucket}/a", b"1")
    assert not {"boto3", "botocore"} & set(sys.modules)


def test_between_buckets_the_server_copies(storage: S3Storage, bad: BadServer, bucket: str, moto_s3: S3Place) -> None:
    other = f"s3://{moto_s3.bucket()}"
    storage.put(f"{bucket}/a b", b"body" * 1000)
    bad.seen.clear()
    storage.copy(f"{bucket}/a b", f"{other}/c")
    assert storage.get(f"{other}/c") == b"body" * 1000
    assert count(bad, "PUT") == 1
    assert count(bad, "GET") == 1  # of this test


def test_what_one_request_can_not_copy_is_copied_in_parts(storage: S3Storage, bad: BadServer, bucket: str) -> None:
    """S3 refuses CopyObject above 5 GB; its answer is what counts here, not five gigabytes."""
    storage.put(f"{bucket}/a", bytes(9_000_000))
    bad.troubles = [Trouble("PUT", 1, status=400, code="InvalidRequest")]
    storage.copy(f"{bucket}/a", f"{bucket}/b")
    assert storage.size(f"{bucket}/b") == 9_000_000
    assert any("uploads" in request for request in bad.seen)


@pytest.mark.parametrize(
    ("ranges", "spans"),
    [
        ([(0, 10), (20, 30)], [(0, 30)]),
        ([(20, 30), (0, 10), (5, 25)], [(0, 30)]),
        ([(0, 10), (10 + s3_module.GAP + 1, 20 + s3_module.GAP)], [(0, 10), (11 + s3_module.GAP, 20 + s3_module.GAP)]),
        ([(5, 5)], []),
    ],
)
def test_near_ranges_are_one(ranges: list[tuple[int, int]], spans: list[tuple[int, int]]) -> None:
    assert coalesce(ranges) == spans

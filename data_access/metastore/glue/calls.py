"""Calls to Glue, and its errors as ours."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ReadTimeoutError,
    TokenRetrievalError,
)

from data_access.errors import DataError, ForbiddenError, Reason
from data_access.metastore import sentences

MISSING = "EntityNotFoundException"
THERE = "AlreadyExistsException"
#: A VersionId that is not the table's any more.
OUTDATED = {"ConcurrentModificationException", "VersionMismatchException"}
_DENIED = {
    "AccessDeniedException", "AccessDenied", "UnrecognizedClientException", "InvalidClientTokenId",
    "ExpiredTokenException", "ExpiredToken", "InvalidSignatureException", "SignatureDoesNotMatch",
}  # fmt: skip
#: The request was sent, and whether it was done is not known.
_UNKNOWN = (ReadTimeoutError, ConnectionClosedError)
_NOT_SENT = (EndpointConnectionError, ConnectTimeoutError)


class GlueError(Exception):
    """An answer that has a meaning for the caller: its code is MISSING, THERE or in OUTDATED."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Calls:
    """One client, which is safe for threads; made at first use."""

    def __init__(self, region: str | None, place: str) -> None:
        self._region, self.place = region, place
        self._guard = threading.Lock()
        self._client: Any = None

    def call(self, method: str, **arguments: Any) -> dict[str, Any]:
        """botocore repeats what failed on the way, five times. Raises GlueError, DataErrors."""
        try:
            answer: dict[str, Any] = getattr(self._connected(), method)(**arguments)
        except (ClientError, BotoCoreError) as error:
            raise _explained(error, method, self.place) from error
        return answer

    def pages(self, method: str, **arguments: Any) -> Iterator[dict[str, Any]]:
        try:
            yield from self._connected().get_paginator(method).paginate(**arguments)
        except (ClientError, BotoCoreError) as error:
            raise _explained(error, method, self.place) from error

    def close(self) -> None:
        with self._guard:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def _connected(self) -> Any:
        with self._guard:
            if self._client is None:
                retries: Any = {"mode": "standard", "max_attempts": 5}
                config = Config(connect_timeout=10, read_timeout=60, retries=retries, max_pool_connections=32)
                try:
                    self._client = boto3.client("glue", region_name=self._region, config=config)
                except BotoCoreError as error:
                    raise _explained(error, "connect", self.place) from error
            return self._client


def _explained(error: ClientError | BotoCoreError, method: str, place: str) -> Exception:
    if isinstance(error, ClientError):
        return _answered(error, method, place)
    if isinstance(error, NoCredentialsError | PartialCredentialsError | TokenRetrievalError):
        remedy = "See AWS's chain of credentials: role, profile, variables."
        return ForbiddenError(Reason.FORBIDDEN, f"{place} was not asked: {_first_line(error)}.", remedy)
    if isinstance(error, NoRegionError):
        return DataError(Reason.BAD_CONFIGURATION, "No AWS region is set.", "Write glue://region, or set AWS_REGION.")
    if isinstance(error, _UNKNOWN):
        return sentences.outcome_unknown(method, place, _first_line(error))
    return sentences.unreachable(place, _first_line(error))


def _answered(error: ClientError, method: str, place: str) -> Exception:
    code, message = error.response["Error"].get("Code", ""), error.response["Error"].get("Message", "")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    sentence = f"{place} refused {method}: {message or code}."
    if code in (MISSING, THERE) or code in OUTDATED:
        return GlueError(code, message)
    if code in _DENIED:
        return ForbiddenError(Reason.FORBIDDEN, sentence, "The identity that AWS's chain gives needs that right.")
    if code in ("InvalidInputException", "ValidationException"):
        return DataError(Reason.BAD_ARGUMENT, sentence, "See which name, value or type Glue does not take.")
    if code == "ResourceNumberLimitExceededException":
        return DataError(Reason.BAD_ARGUMENT, sentence, "Ask AWS for a higher limit, or use coarser partitions.")
    if status >= 500 and "hrottl" not in code:
        return sentences.outcome_unknown(method, place, f"{status} {code}")
    return sentences.unreachable(place, f"{code}: {message}")


def _first_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200].rstrip(".")

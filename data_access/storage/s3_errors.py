"""What S3, obstore and boto3 say, as our errors.

They are built from a status and S3's error code, never from a server's text: it may quote a signed request with its
session token. What an exception was caused by is kept, with such texts cut out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError

from data_access.errors import DataError, ForbiddenError, NotFoundError, Reason, UnreachableError
from data_access.storage.credentials import Chain, NoCredentialsError


class ExpiredError(ForbiddenError):
    """The server said that these keys are over."""


@contextmanager
def told(url: str, chain: Chain) -> Iterator[None]:
    """The SDKs' errors as ours."""
    try:
        yield
    except DataError:
        raise
    except (AlreadyExistsError, PreconditionError) as error:
        raise DataError(Reason.ALREADY_THERE, f"{url} is there already.", "Choose another name.") from _cleaned(error)
    except (BaseError, FileNotFoundError, NoCredentialsError, ValueError) as error:
        raise _told(_Answer(error, url), chain) from _cleaned(error)
    except Exception as error:
        if not type(error).__module__.startswith(("botocore", "boto3", "s3transfer")):
            raise
        raise _told(_Answer(error, url), chain) from _cleaned(error)


def _told(answer: _Answer, chain: Chain) -> DataError:
    return _refused(answer, chain) or _missing(answer) or _other(answer)


@dataclass(frozen=True)
class _Answer:
    """What is known of a failure: its text for looking into only, never to be told."""

    error: Exception
    url: str

    @property
    def text(self) -> str:
        return f"{type(self.error).__name__}: {self.error}"

    @property
    def code(self) -> str:
        response = getattr(self.error, "response", None)
        if isinstance(response, dict):
            return str(response.get("Error", {}).get("Code", ""))
        found = re.search(r"<Code>(\w+)</Code>", self.text)
        return found[1] if found else ""

    @property
    def status(self) -> str:
        found = re.search(r"status code: (\d{3})|HTTPStatusCode': (\d{3})|status (\d{3})", self.text)
        return next((group for group in found.groups() if group), "") if found else ""

    @property
    def said(self) -> str:
        return " ".join(part for part in (self.status, self.code) if part)


def _refused(answer: _Answer, chain: Chain) -> DataError | None:
    url, code, status = answer.url, answer.code, answer.status
    if "NoCredentials" in answer.text or "Unable to locate credentials" in answer.text:
        remedy = "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or a profile, or ask your admin for access."
        return ForbiddenError(Reason.FORBIDDEN, f"There are no credentials for {url}.", remedy)
    if code in ("ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"):
        sentence = f"The credentials for {url} have expired ({answer.said})."
        return ExpiredError(Reason.FORBIDDEN, sentence, "Log in again, or renew them.")
    if code in ("SignatureDoesNotMatch", "InvalidAccessKeyId"):
        fits = "is not known there" if code == "InvalidAccessKeyId" else "has another secret key there"
        sentence = f"{chain.who()} {fits}: {url} was refused ({answer.said})."
        remedy = "Correct AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the profile; the clock may also be wrong."
        return ForbiddenError(Reason.FORBIDDEN, sentence[0].upper() + sentence[1:], remedy)
    if status in ("401", "403") or code in ("403", "AccessDenied"):
        sentence = f"{chain.who()} may not do that with {url} ({answer.said})."
        return ForbiddenError(
            Reason.FORBIDDEN, sentence[0].upper() + sentence[1:], "Ask your admin for access to that bucket or folder."
        )
    return None


def _missing(answer: _Answer) -> DataError | None:
    url, code, status = answer.url, answer.code, answer.status
    if code == "NoSuchBucket":
        sentence = f"There is no bucket {url.split('/')[2]}, which {url} names."
        return NotFoundError(Reason.NOT_FOUND, sentence, "Check the name.")
    if isinstance(answer.error, FileNotFoundError) or "404" in (status, code) or code == "NoSuchKey":
        return NotFoundError(Reason.NOT_FOUND, f"{url} does not exist.", "Check the name.")
    if status == "416":
        return NotFoundError(Reason.NOT_FOUND, f"{url} is shorter than what was asked of it.", "Check the object.")
    if isinstance(answer.error, ValueError):
        return DataError(Reason.BAD_LOCATION, f"'{url}' is no name that S3 takes.", "Leave out empty parts, . and ..")
    return None


def _other(answer: _Answer) -> DataError:
    url, code, said = answer.url, answer.code, answer.said
    if answer.status == "507" or code in ("QuotaExceeded", "XMinioStorageFull", "InsufficientStorage"):
        return DataError(
            Reason.DISK_FULL, f"The storage behind {url} is full ({said}).", "Remove data, or ask your admin for more."
        )
    if code in ("EntityTooLarge", "InvalidRequest"):
        return DataError(Reason.NOT_SUPPORTED, f"S3 does not do that in one request with {url} ({said}).", "")
    what = f"answered {said}" if said else _transport(answer.text)
    return UnreachableError(
        Reason.UNREACHABLE,
        f"The S3 server of {url} {what}, after several tries.",
        "Try again later; if it stays so, tell your admin.",
    )


def _transport(text: str) -> str:
    lowered = text.lower().replace("retry_timeout", "")
    if "connection refused" in lowered:
        return "takes no connections"
    if "timed out" in lowered or "timeout" in lowered:
        return "did not answer in time"
    if "dns error" in lowered or "resolve" in lowered:
        return "has a name that is not known here"
    return "cut the connection"


_TEXTS = re.compile(r"<(\w+)>[^<]*</\1>|(?i:x-amz-[\w-]+)[:=]\S*|X-Amz-[\w-]+=[^&\s]*")


def _cleaned(error: Exception) -> Exception:
    """The same error without what a server may have quoted of a request."""
    kept = _TEXTS.sub(lambda match: match[0] if match[1] == "Code" else "…", str(error))
    try:
        return type(error)(kept[:500])
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {kept[:500]}")

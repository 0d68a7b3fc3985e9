"""What can go wrong with data, as one error with a reason that programs may compare.

DataError            reason: not-found | forbidden | unknown-format | unreadable | unknown-column | unsavable |
                     disk-full | unreachable | no-s3 | bad-location
"""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Codes that do not change."""

    NOT_FOUND = "not-found"
    FORBIDDEN = "forbidden"
    UNKNOWN_FORMAT = "unknown-format"
    UNREADABLE = "unreadable"
    UNKNOWN_COLUMN = "unknown-column"
    UNSAVABLE = "unsavable"
    DISK_FULL = "disk-full"
    UNREACHABLE = "unreachable"
    NO_S3 = "no-s3"
    BAD_LOCATION = "bad-location"


class DataError(Exception):
    """What happened and what to do next, as text; `reason` for programs."""

    def __init__(self, reason: Reason, sentence: str, remedy: str) -> None:
        super().__init__(f"{sentence} {remedy}".strip())
        self.reason, self.sentence, self.remedy = reason, sentence, remedy

"""Why somebody does not get a machine: what happened, and what to do next."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Stable codes: pages, logs, the REST API and tests rely on them."""

    UNKNOWN_PROFILE = "unknown-profile"
    FORBIDDEN_PROFILE = "forbidden-profile"
    UNKNOWN_OPTION = "unknown-option"
    OPTION_OUT_OF_BOUNDS = "option-out-of-bounds"
    RUN_FOR_OUT_OF_BOUNDS = "run-for-out-of-bounds"
    MALFORMED_CHOICE = "malformed-choice"
    NO_PROFILE = "no-profile"
    NEVER_FITS = "never-fits"
    HOME_UNREACHABLE = "home-unreachable"
    OVER_QUOTA = "over-quota"
    OVER_BUDGET = "over-budget"
    NEEDS_APPROVAL = "needs-approval"
    GRANT_EXPIRED = "grant-expired"
    OUTSIDE_HOURS = "outside-hours"
    RESERVED = "reserved"
    OTHERS_WAIT = "others-wait"
    ADMISSION_UNAVAILABLE = "admission-unavailable"


MEANING: dict[Reason, str] = {
    Reason.UNKNOWN_PROFILE: "The machine is not, or no longer, in the catalog.",
    Reason.FORBIDDEN_PROFILE: "The machine exists, but this person may not use it (any more).",
    Reason.UNKNOWN_OPTION: "The machine has no such option (any more).",
    Reason.OPTION_OUT_OF_BOUNDS: "The option exists, but not with this value.",
    Reason.RUN_FOR_OUT_OF_BOUNDS: "The length that the machine is to run for is under ten minutes, or over a year.",
    Reason.MALFORMED_CHOICE: "The request is not a choice of machine at all.",
    Reason.NO_PROFILE: "No machine was named, and the catalog has no default one.",
    Reason.NEVER_FITS: "No node of the pool is, or can become, large enough.",
    Reason.HOME_UNREACHABLE: "The person's home lies in a zone that the pool has no node in.",
    Reason.OVER_QUOTA: "A quota would be exceeded: the person's, a group's, the machine's or the hub's.",
    Reason.OVER_BUDGET: "What is left of a budget does not pay for the shortest run worth starting.",
    Reason.NEEDS_APPROVAL: "The machine needs somebody's yes, and there is none.",
    Reason.GRANT_EXPIRED: "There was a yes, and its time is over.",
    Reason.OUTSIDE_HOURS: "The machine is closed at this time of the day or week.",
    Reason.RESERVED: "Somebody else has reserved what the machine needs, for now or very soon.",
    Reason.OTHERS_WAIT: "What the machine needs is free, and others wait in line for it.",
    Reason.ADMISSION_UNAVAILABLE: "Leases cannot be read or written at present, and starts are refused meanwhile.",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refusal a person can act on. The sentences are plain text: whoever renders them escapes them."""

    reason: Reason
    sentence: str
    remedy: str

    @property
    def message(self) -> str:
        return f"{self.sentence} {self.remedy}"

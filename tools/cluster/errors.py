"""What this tool tells a person when it cannot go on."""

from __future__ import annotations


class ClusterError(Exception):
    """`what` happened, in a full sentence, and the `remedy`: what the person can do next."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what}\n  {remedy}")
        self.what = what
        self.remedy = remedy

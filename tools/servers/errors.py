"""What goes wrong when servers are fetched or started."""

from __future__ import annotations


class ServerError(Exception):
    """What happened, then what to do about it."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem} {remedy}")
        self.problem, self.remedy = problem, remedy

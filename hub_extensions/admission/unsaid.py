"""What spawners have said of leases and the books do not have yet: kept in order, and written as soon as they can be.

In memory only. A Hub that dies meanwhile leaves it to the next one, which compares the books with what runs.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from hub_extensions.admission.database import DatabaseAway
from profiles.lease import EndReason

log = logging.getLogger(__name__)


@dataclass(eq=False)
class Word:
    """That a lease began, or ended for this reason. `error`: why it can never be written, whatever is tried."""

    lease_id: str
    at: datetime
    reason: EndReason | None = None
    error: Exception | None = None

    def __str__(self) -> str:
        return f"lease {self.lease_id} {'began' if self.reason is None else 'ended'} at {self.at}"


class Unsaid:
    """Two words for each lease at most, the first of each counts as it would in the books. Noted by the Hub's loop and
    written by the gate's thread, one after the other."""

    def __init__(self, write: Callable[[Word], object], pause_s: float) -> None:
        """Once it was in vain, whoever need not is not kept waiting by another try for `pause_s`."""
        self._write, self._pause_s = write, pause_s
        self._words: dict[tuple[str, bool], Word] = {}
        self._again_s = 0.0
        #: Something has ended since this was last set to False.
        self.ended = False

    def __len__(self) -> int:
        return len(self._words)

    def __contains__(self, word: Word) -> bool:
        return self._words.get(_key(word)) is word

    def note(self, lease_id: str, at: datetime, reason: EndReason | None = None) -> Word:
        word = Word(lease_id, at, reason)
        return self._words.setdefault(_key(word), word)

    def say(self, *, anyhow: bool) -> None:
        """Write all of it. Raises `DatabaseAway`, and then has kept what is not written. Not `anyhow`: only if it is
        worth a try."""
        if not self._words or not (anyhow or time.monotonic() >= self._again_s):
            return
        for key, word in list(self._words.items()):
            try:
                self._write(word)
            except DatabaseAway:
                self._again_s = time.monotonic() + self._pause_s
                raise
            except Exception as e:
                word.error = e  # raised to whoever said it; nobody else's start fails for it
                log.exception("That %s cannot be written, and is left to the next comparison with what runs", word)
            else:
                self.ended = self.ended or word.reason is not None
            self._words.pop(key, None)


def _key(word: Word) -> tuple[str, bool]:
    return word.lease_id, word.reason is not None

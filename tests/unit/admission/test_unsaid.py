"""Whoever only looks is not kept waiting for a database that has just been found away; whoever has to write tries."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from hub_extensions.admission.database import DatabaseAway
from hub_extensions.admission.unsaid import Unsaid, Word
from profiles.lease import EndReason

NOW = datetime(2026, 3, 11, 9, tzinfo=UTC)


class Books:
    def __init__(self) -> None:
        self.away, self.tries = True, 0
        self.written: list[str] = []

    def __call__(self, word: Word) -> None:
        self.tries += 1
        if self.away:
            raise DatabaseAway("somebody has locked it")
        self.written.append(str(word))


def test_one_try_is_enough_for_all_who_only_look() -> None:
    books = Books()
    unsaid = Unsaid(books, pause_s=3600)
    word = unsaid.note("1", NOW, EndReason.STOPPED)
    with pytest.raises(DatabaseAway):
        unsaid.say(anyhow=False)
    for _ in range(3):
        unsaid.say(anyhow=False)
    assert books.tries == 1
    assert word in unsaid
    with pytest.raises(DatabaseAway):
        unsaid.say(anyhow=True)
    books.away = False
    unsaid.say(anyhow=False)
    assert books.written == []
    unsaid.say(anyhow=True)
    assert books.written == [str(word)]
    assert word not in unsaid
    assert unsaid.ended


def test_what_is_said_twice_is_one_word_and_a_lease_begins_before_it_ends() -> None:
    books = Books()
    books.away = False
    unsaid = Unsaid(books, pause_s=0)
    words = [unsaid.note("1", NOW), unsaid.note("1", NOW, EndReason.ENDED), unsaid.note("1", NOW, EndReason.STOPPED)]
    assert words[1] is words[2]
    unsaid.say(anyhow=True)
    assert books.written == [str(words[0]), str(words[1])]
    assert len(unsaid) == 0

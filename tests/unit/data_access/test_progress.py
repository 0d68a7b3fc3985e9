"""Long work shows how far it is, where a person looks on; afterwards nothing of it is left."""

from __future__ import annotations

import io
import sys
import threading
from pathlib import Path

import pandas
import pytest

import data_access
from data_access import models, progress
from data_access.config import Settings


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits a second here."""
    monkeypatch.setattr(progress, "_QUIET_S", 0.0)
    monkeypatch.setattr(progress, "_EACH_S", 0.001)


class Screen(io.StringIO):
    """A stderr that lets the test go on once a word was written to it."""

    def __init__(self, terminal: bool) -> None:
        super().__init__()
        self._terminal = terminal
        self.waiting: dict[str, threading.Event] = {}

    def isatty(self) -> bool:
        return self._terminal

    def write(self, text: str) -> int:
        done = super().write(text)
        for word, event in self.waiting.items():
            if word in text:
                event.set()
        return done

    def wait_for(self, word: str) -> None:
        event = self.waiting.setdefault(word, threading.Event())
        if word in self.getvalue():
            return
        assert event.wait(60), f"{word!r} never came: {self.getvalue()!r}"

    @property
    def left(self) -> str:
        """What stands there in the end."""
        return self.getvalue().rpartition("\r\x1b[K")[2]


@pytest.mark.usefixtures("at_once")
def test_a_terminal_has_a_line_with_percent_and_rows_which_goes_away(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen(terminal=True)
    monkeypatch.setattr(sys, "stderr", screen)
    with progress.progress(Settings(), "Storing sales.orders", rows=2_000) as bar:
        bar.advance(300, 500)
        screen.wait_for("25 % · 500 of 2,000 rows · 300 B · ")
        bar.advance(300, 500)
        screen.wait_for("50 %")
    assert "Storing sales.orders ██████░" in screen.getvalue()
    assert screen.left == ""


@pytest.mark.usefixtures("at_once")
def test_what_fails_leaves_nothing_either(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen(terminal=True)
    monkeypatch.setattr(sys, "stderr", screen)

    def work() -> None:
        with progress.progress(Settings(), "Loading x", size=10):
            screen.wait_for("Loading x")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work()
    assert screen.left == ""


@pytest.mark.parametrize(
    ("setting", "call", "terminal"),
    [(None, None, False), (False, None, True), (True, False, True)],
    ids=["a script", "the settings", "the call"],
)
@pytest.mark.usefixtures("at_once")
def test_nobody_looks_on_or_wants_it(
    monkeypatch: pytest.MonkeyPatch, setting: bool | None, call: bool | None, terminal: bool
) -> None:
    screen = Screen(terminal)
    monkeypatch.setattr(sys, "stderr", screen)
    assert progress._screen(setting if call is None else call) is None
    with progress.progress(Settings(progress=setting), "Loading x", size=10, shown=call) as bar:
        bar.advance(10, 1)
    assert (bar.bytes, bar.rows) == (10, 1)
    assert screen.getvalue() == ""


@pytest.mark.usefixtures("at_once")
def test_a_log_has_lines_only_where_they_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen(terminal=False)
    monkeypatch.setattr(sys, "stderr", screen)
    with progress.progress(Settings(progress=True), "Loading x", size=2000) as bar:
        screen.wait_for("Loading x 0 % · ")
        bar.advance(1000)
    assert screen.getvalue().count("\n") == 1  # the next one is due in ten seconds


def test_what_is_over_within_a_second_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen(terminal=True)
    monkeypatch.setattr(sys, "stderr", screen)
    with progress.progress(Settings(), "Copying x", size=5) as bar:
        bar.advance(5)
    assert screen.getvalue() == ""


def test_steps_count_the_same_and_a_transfer_within_one_goes_on() -> None:
    work = progress.Progress("Saving model churn", steps=4)
    assert work.now().percent == "0 %"
    work.step("locking the environment")
    work.step("storing the files", 2000)
    work.advance(1000)
    assert (work.now().title, work.now().percent) == ("Saving model churn: storing the files", "37 %")
    assert work.now().facts.startswith("1.0 kB of 2.0 kB")
    work.advance(9000)
    assert work.now().percent == "50 %"


@pytest.mark.usefixtures("at_once")
def test_a_model_that_is_saved_tells_its_steps(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    workspace = data_access.connect(
        metastore=f"sqlite:///{tmp_path}/c.sqlite", warehouse=str(tmp_path / "lake"), user="ann"
    )
    (tmp_path / "weights").write_text("1, 2")
    screen = Screen(terminal=True)
    monkeypatch.setattr(sys, "stderr", screen)
    models.save_model(tmp_path / "weights", "churn", format="files", inputs=(), workspace=workspace)
    assert "Saving model churn: locking the environment" in screen.getvalue()
    assert screen.left == ""


@pytest.mark.usefixtures("at_once")
def test_a_frame_that_is_stored_is_counted_by_its_rows(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    workspace = data_access.connect(
        metastore=f"sqlite:///{tmp_path}/c.sqlite", warehouse=str(tmp_path / "lake"), user="ann"
    )
    screen = Screen(terminal=True)
    monkeypatch.setattr(sys, "stderr", screen)
    frame = pandas.DataFrame({"a": range(200_000), "day": ["x"] * 200_000})
    data_access.store_dataframe(frame, "sandbox_ann", "orders", workspace=workspace)
    assert "Storing sandbox_ann.orders" in screen.getvalue()
    assert "0 %" in screen.getvalue()  # a share: the number of rows is known
    assert screen.left == ""

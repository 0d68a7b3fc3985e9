"""Any number of pages hear the same story, from the beginning."""

from __future__ import annotations

import asyncio

from spawner.story import Line, Story


async def heard(story: Story) -> list[str]:
    return [line.sentence async for line in story.read()]


async def test_early_and_late_readers_hear_the_same() -> None:
    story = Story()
    early = asyncio.create_task(heard(story))
    await asyncio.sleep(0)
    story.tell(Line("one"))
    await asyncio.sleep(0)
    story.tell(Line("two"))
    middle = asyncio.create_task(heard(story))
    await asyncio.sleep(0)
    story.tell(Line("three"))
    story.end()
    assert await early == await middle == await heard(story) == ["one", "two", "three"]


async def test_nothing_is_told_twice_in_a_row_and_the_bar_never_falls() -> None:
    story = Story()
    for line in (Line("a", percent=10), Line("a", percent=10), Line("b", percent=5), Line("c"), Line("d", percent=20)):
        story.tell(line)
    assert [(line.sentence, line.percent) for line in story.lines] == [("a", 10), ("b", 10), ("c", None), ("d", 20)]


def test_an_event_is_escaped_for_html_only() -> None:
    event = Line("<b>", "do <i>", 7, "because").event()
    assert event == {
        "message": "<b> do <i>",
        "html_message": "&lt;b&gt; <small>do &lt;i&gt;</small>",
        "progress": 7,
        "reason": "because",
    }


async def test_a_reader_that_leaves_does_not_disturb() -> None:
    story = Story()
    leaving = asyncio.create_task(heard(story))
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    story.tell(Line("one"))
    story.end()
    assert await heard(story) == ["one"]

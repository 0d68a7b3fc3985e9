"""From moments that several observers saw to phases that add up."""

from __future__ import annotations

from bench.spawn.phases import CLICKED, MOMENTS, PHASES, READY, phases, server_began


def test_phases_add_up_to_the_whole_start():
    moments = {moment: 100.0 + index**2 / 10 for index, moment in enumerate(MOMENTS)}
    found = phases(moments)
    assert list(found) == list(PHASES.values())
    assert round(sum(found.values()), 9) == round(moments[READY] - moments[CLICKED], 9)


def test_a_moment_nobody_saw_joins_the_next_phase():
    found = phases({CLICKED: 1.0, "pod created": 2.0, READY: 5.0})
    assert found == {PHASES["pod created"]: 1.0, PHASES[READY]: 3.0}


def test_an_observer_who_was_late_makes_no_negative_phase():
    found = phases({CLICKED: 1.0, "listening": 3.0, "answer seen": 2.9, READY: 3.5})
    assert found[PHASES["answer seen"]] == 0.0
    assert sum(found.values()) == 2.5


def stat(pid: int, name: str, parent: int, ticks: int) -> str:
    return f"{pid} ({name}) S {parent} " + "0 " * 17 + f"{ticks} 0 0"


def test_the_server_is_the_first_child_of_tini():
    stats = "\n".join([stat(1, "tini", 0, 200), stat(7, "python (x)", 1, 210), stat(8, "node", 7, 300)])
    assert server_began(stats, boot=1000.0) == 1002.1


def test_without_tini_the_server_is_the_first_process():
    assert server_began(stat(1, "python3", 0, 250), boot=1000.0) == 1002.5


def test_a_process_table_nobody_may_read_says_nothing():
    assert server_began("", boot=1000.0) is None

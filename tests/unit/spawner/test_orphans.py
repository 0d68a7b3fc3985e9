"""Left-over pods are removed; a wrong database never removes people's machines."""

from __future__ import annotations

from typing import Any

from spawner.orphans import sweep


def pod(uid: str, *, spawn_id: str = "s", leaving: bool = False) -> dict[str, Any]:
    meta: dict[str, Any] = {"name": uid, "namespace": "n", "uid": uid, "labels": {"remuda.dev/spawn-id": spawn_id}}
    if leaving:
        meta["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    return {"metadata": meta}


def known(*uids: str) -> Any:
    return lambda pod: pod["metadata"]["uid"] in uids


def test_an_orphan_is_removed_only_after_its_grace() -> None:
    pods = [pod("kept"), pod("left")]
    first = sweep(pods, known("kept"), {}, now=100, grace_s=60)
    assert first.remove == ()
    assert first.first_seen == {"left": 100}
    second = sweep(pods, known("kept"), first.first_seen, now=159, grace_s=60)
    assert second.remove == ()
    third = sweep(pods, known("kept"), second.first_seen, now=160, grace_s=60)
    assert [each["metadata"]["uid"] for each in third.remove] == ["left"]


def test_one_that_becomes_known_is_forgotten() -> None:
    seen = sweep([pod("a")], known(), {}, now=0, grace_s=60).first_seen
    seen = sweep([pod("a")], known("a"), seen, now=50, grace_s=60).first_seen
    assert not seen
    assert sweep([pod("a")], known(), seen, now=70, grace_s=60).remove == ()


def test_pods_of_others_and_pods_on_their_way_out_are_left_alone() -> None:
    strangers = [pod("plain", spawn_id=""), pod("leaving", leaving=True)]
    assert sweep(strangers, known(), {"plain": 0, "leaving": 0}, now=1e9, grace_s=1).remove == ()


def test_where_most_are_unknown_the_database_is_doubted() -> None:
    pods = [pod(name) for name in "abcdef"]
    seen = dict.fromkeys("abcdef", 0.0)
    doubtful = sweep(pods, known("a"), seen, now=1e9, grace_s=1)
    assert doubtful.doubtful
    assert doubtful.remove == ()
    fewer = sweep(pods, known("a", "b", "c", "d"), seen, now=1e9, grace_s=1)
    assert not fewer.doubtful
    assert len(fewer.remove) == 2

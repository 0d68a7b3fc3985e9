"""Recorded pods, claims and events: Kubernetes 1.34 API objects, each as one sentence.

Scheduling, claims, preemption, eviction, deletion and every rejection were recorded from real components; where a
kubelet would have spoken, its words went through the API server, which checked their shape.
"""

from __future__ import annotations

import copy
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spawner.explain import Code, Explanation, Facts, Severity, Verdict, explain, explain_rejection, verdict
from spawner.explain.kube import read_event
from spawner.explain.reference import REFERENCE

RECORDED = Path(__file__).parent / "recorded"
NO_SITUATION = {"rejections", "nodes", "kubespawner_pod"}
IMAGE = "registry.example.org/lab/notebook:2026.9"
P, W, F = Severity.PROGRESS, Severity.WAITING, Severity.FATAL


@dataclass(frozen=True)
class Situation:
    """A recording and the moment a few seconds after its last event."""

    pod: dict[str, Any]
    claim: dict[str, Any] | None
    events: list[dict[str, Any]]
    attachments: tuple[dict[str, Any], ...]
    now: datetime

    def explain(self, facts: Facts | None = None, *, later_s: float = 0) -> Explanation:
        facts = facts or Facts(machine="GPU", pool="GPU", attachments=self.attachments)
        return explain(self.pod, self.claim, self.events, facts=facts, now=self.now + timedelta(seconds=later_s))


def situation(name: str) -> Situation:
    kept = json.loads((RECORDED / f"{name}.json").read_text())
    times = [read_event(event).last for event in kept["events"]]
    times.append(datetime.fromisoformat(kept["pod"]["metadata"]["creationTimestamp"]))
    now = max(moment for moment in times if moment) + timedelta(seconds=3)
    return Situation(kept["pod"], kept["claim"], kept["events"], tuple(kept.get("attachments", ())), now)


# recording, reason, severity, words that the message must contain
EXPECTED = [
    ("scheduled", Code.SCHEDULED, P, ["remuda-worker"]),
    ("attaching", Code.ATTACHING_HOME, P, ["home", "remuda-worker2"]),
    ("attach_solved", Code.ATTACHING_HOME, P, ["home"]),
    ("preparing_home", Code.PREPARING_HOME, P, ["files of your home"]),
    ("pulling", Code.PULLING_IMAGE, P, ["downloading its image"]),
    ("pulled", Code.IMAGE_READY, P, ["image"]),
    ("starting", Code.STARTING, P, ["starting", "remuda-worker"]),
    ("ready", Code.READY, P, ["ready"]),
    ("stopping", Code.STOPPING, P, ["shutting down"]),
    ("stopping_finalizer", Code.STOPPING, P, ["shutting down"]),
    ("same_name_again", Code.IMAGE_READY, P, ["getting ready"]),
    ("making_room", Code.MAKING_ROOM, P, ["pool GPU"]),
    ("scaling_up", Code.SCALING_UP, P, ["added to pool GPU"]),
    ("scaling_up_karpenter", Code.SCALING_UP, P, ["added to pool GPU"]),
    ("home_being_made", Code.MAKING_HOME, P, ["home disk"]),
    ("home_being_made_on_node", Code.MAKING_HOME, P, ["home disk"]),
    ("no_room_gpu", Code.NO_ROOM, W, ["pool GPU", "free GPUs", "wait"]),
    ("no_room_cpu", Code.NO_ROOM, W, ["processor cores"]),
    ("scale_up_no_help", Code.NO_ROOM, W, ["GPUs"]),
    ("never_fits_gpu", Code.NEVER_FITS, W, ["99 GPUs"]),
    ("never_fits_cpu", Code.NEVER_FITS, W, ["64 processor cores", "1 TiB of memory"]),
    ("pool_empty", Code.POOL_EMPTY, W, ["no machines in pool GPU"]),
    ("nodes_unavailable", Code.NODES_UNAVAILABLE, W, ["out of service"]),
    ("pool_at_maximum", Code.POOL_AT_MAXIMUM, W, ["as many machines as it may"]),
    ("karpenter_limit", Code.POOL_AT_MAXIMUM, W, ["as many machines as it may"]),
    ("scale_up_failing", Code.SCALE_UP_FAILING, W, ["did not work"]),
    ("zone_conflict", Code.HOME_UNREACHABLE, W, ["home disk", "pool GPU"]),
    ("home_in_use", Code.HOME_IN_USE, W, ["still in use"]),
    ("home_missing", Code.HOME_MISSING, W, ["home-nobody"]),
    ("storage_class_missing", Code.STORAGE_CLASS_MISSING, W, ["'fast-ssd'"]),
    ("no_default_class", Code.STORAGE_CLASS_MISSING, W, ["default storage class"]),
    ("multi_attach", Code.HOME_ATTACHED_ELSEWHERE, W, ["still on node remuda-worker3", "jupyter-ada--old"]),
    ("multi_attach_lost_node", Code.HOME_ATTACHED_ELSEWHERE, W, ["still on node remuda-worker3"]),
    ("attach_failed", Code.ATTACH_FAILED, W, ["home disk", "attached"]),
    ("mount_failed", Code.MOUNT_FAILED, W, ["home disk", "mounted"]),
    ("mount_secret_missing", Code.CONFIG_MISSING, W, ["secret 'warehouse-login'"]),
    ("sandbox_failed", Code.SANDBOX_FAILED, W, ["network"]),
    ("image_not_found_once", Code.IMAGE_NOT_FOUND, W, [IMAGE]),
    ("image_not_found_twice", Code.IMAGE_NOT_FOUND, F, [IMAGE]),
    ("image_forbidden", Code.IMAGE_FORBIDDEN, F, [IMAGE]),
    ("image_unauthorized", Code.IMAGE_FORBIDDEN, F, [IMAGE]),
    ("image_wrong_platform", Code.IMAGE_WRONG_PLATFORM, F, ["processor"]),
    ("image_name_invalid", Code.IMAGE_NAME_INVALID, F, ["Registry/Lab:Notebook:1"]),
    ("image_not_on_node", Code.IMAGE_NOT_ON_NODE, F, [IMAGE]),
    ("registry_unreachable", Code.REGISTRY_UNREACHABLE, W, ["does not answer"]),
    ("registry_busy", Code.REGISTRY_BUSY, W, ["limits downloads"]),
    ("node_disk_full", Code.NODE_DISK_FULL, W, ["own disk"]),
    ("config_missing", Code.CONFIG_MISSING, W, ["secret 'warehouse-login'"]),
    ("config_key_missing", Code.CONFIG_MISSING, W, ["key 'password'", "secret 'warehouse-login'"]),
    ("must_not_be_root", Code.MUST_NOT_BE_ROOT, F, ["root"]),
    ("command_missing", Code.COMMAND_MISSING, F, ["command"]),
    ("command_missing_loop", Code.COMMAND_MISSING, F, ["command"]),
    ("crashed_once", Code.CRASHED, W, ["exit code 1"]),
    ("crash_loop", Code.CRASH_LOOP, F, ["exit code 1", "ModuleNotFoundError: No module named 'lab_extension'"]),
    ("out_of_memory", Code.OUT_OF_MEMORY, F, ["8 GiB"]),
    ("out_of_memory_failed", Code.OUT_OF_MEMORY, F, ["8 GiB"]),
    ("home_full", Code.HOME_FULL, F, ["no space left in your home", "rescue"]),
    ("home_full_word", Code.HOME_FULL, F, ["rescue"]),
    ("ended", Code.ENDED, F, ["ended by itself"]),
    ("evicted_memory", Code.EVICTED_MEMORY, F, ["memory"]),
    ("evicted_disk", Code.EVICTED_DISK, F, ["local disk", "/tmp"]),
    ("evicted_own_disk", Code.EVICTED_DISK, F, ["20 GiB"]),
    ("evicted_empty_dir", Code.EVICTED_DISK, F, ["5 GiB"]),
    ("evicted_pids", Code.EVICTED, F, ["protect itself"]),
    ("preempted", Code.PREEMPTED, F, ["more important"]),
    ("drained", Code.NODE_DRAINED, F, ["maintenance"]),
    ("node_not_ready", Code.NODE_LOST, W, ["remuda-worker", "does not answer"]),
    ("node_lost", Code.NODE_LOST, F, ["lost"]),
    ("node_gone", Code.NODE_LOST, F, ["lost"]),
    ("node_shutdown", Code.NODE_SHUTDOWN, F, ["shutting down"]),
    ("node_rejected", Code.NODE_REJECTED, F, ["could not take"]),
    ("node_out_of", Code.NODE_REJECTED, F, ["could not take"]),
    ("deadline", Code.DEADLINE_EXCEEDED, F, ["as long as it is allowed"]),
]
SITUATIONS = [row[0] for row in EXPECTED]


@pytest.mark.parametrize(("name", "reason", "severity", "words"), EXPECTED, ids=SITUATIONS)
def test_recorded(name: str, reason: Code, severity: Severity, words: list[str]) -> None:
    explanation = situation(name).explain()
    assert (explanation.reason, explanation.severity) == (reason, severity), explanation
    assert [word for word in words if word not in explanation.message] == [], explanation.message


def test_every_recording_is_expected_to_say_something() -> None:
    assert {path.stem for path in RECORDED.glob("*.json")} - NO_SITUATION == set(SITUATIONS)


RAW = re.compile(
    r"node\(s\)|rpc error|desc =|preemption|untolerated|persistentvolumeclaim|OOMKilled|CrashLoop|ImagePull"
    r"|Multi-Attach|FailedMount|is forbidden|0/\d+ nodes|containerd|kubelet|PodSecurity \"",
    re.IGNORECASE,
)


def rejections() -> dict[str, Any]:
    kept: dict[str, Any] = json.loads((RECORDED / "rejections.json").read_text())
    return kept


def told_about(name: str) -> Explanation:
    if name in SITUATIONS:
        return situation(name).explain()
    return explain_rejection(rejections()[name]["status"], rejections()[name]["body"])


@pytest.mark.parametrize("name", [*SITUATIONS, *rejections()])
def test_sentences_are_for_people(name: str) -> None:
    explanation = told_about(name)
    assert not RAW.search(explanation.message), explanation.message
    assert explanation.sentence[0].isupper()
    assert explanation.sentence.rstrip("”").endswith((".", "!")) or "”" in explanation.sentence
    assert explanation.message.isprintable()
    assert len(explanation.message) < 500
    # What does not go by itself says what to do.
    assert explanation.severity is Severity.PROGRESS or explanation.remedy
    assert explanation.reason in REFERENCE


WORDLESS = {"ended", "node_gone"}  # nothing was said


@pytest.mark.parametrize("name", [row[0] for row in EXPECTED if row[2] is not P and row[0] not in WORDLESS])
def test_kubernetes_own_words_are_kept_for_the_log(name: str) -> None:
    assert situation(name).explain().detail


# When to give up

#: recording, seconds it has stood, verdict
VERDICTS = [
    ("image_name_invalid", 0, Verdict.FAIL),
    ("image_not_found_once", 5, Verdict.WAIT),
    ("image_not_found_once", 31, Verdict.FAIL),
    ("image_not_found_twice", 0, Verdict.FAIL),
    ("never_fits_gpu", 0, Verdict.WAIT),
    ("never_fits_gpu", 10, Verdict.FAIL),
    ("zone_conflict", 10, Verdict.FAIL),
    ("storage_class_missing", 10, Verdict.FAIL),
    ("config_missing", 5, Verdict.WAIT),
    ("config_missing", 15, Verdict.FAIL),
    ("home_full", 0, Verdict.FAIL),
    ("crashed_once", 0, Verdict.WAIT),
    ("crash_loop", 0, Verdict.FAIL),
    ("no_room_gpu", 3600, Verdict.WAIT),
    ("pool_at_maximum", 3600, Verdict.WAIT),
    ("scaling_up", 3600, Verdict.WAIT),
    ("nodes_unavailable", 3600, Verdict.WAIT),
    ("multi_attach", 3600, Verdict.WAIT),
    ("registry_unreachable", 3600, Verdict.WAIT),
    ("registry_busy", 3600, Verdict.WAIT),
    ("pulling", 3600, Verdict.WAIT),
    ("home_in_use", 3600, Verdict.WAIT),
]


@pytest.mark.parametrize(("name", "stood_s", "expected"), VERDICTS)
def test_impossible_starts_are_given_up_and_possible_ones_wait(name: str, stood_s: float, expected: Verdict) -> None:
    assert verdict(situation(name).explain(), stood_s) is expected


def test_the_clusters_own_clock_keeps_a_fresh_problem_from_being_judged_by_an_old_start() -> None:
    """A pool that took ten minutes to grow must not make the first failed pull the last one."""
    recorded = situation("image_not_found_once")
    explanation = recorded.explain()
    assert verdict(explanation, 600) is Verdict.FAIL
    assert verdict(explanation, 600, recorded.now) is Verdict.WAIT
    assert verdict(explanation, 600, recorded.now + timedelta(seconds=60)) is Verdict.FAIL


def test_an_autoscaled_pool_is_never_given_up_for_its_size_or_emptiness() -> None:
    facts = Facts(pool="GPU", autoscaled=True)
    for name in ("never_fits_gpu", "pool_empty", "zone_conflict"):
        assert verdict(situation(name).explain(facts), 3600) is Verdict.WAIT, name


# Time passes


def test_a_long_pull_says_how_long_and_how_big() -> None:
    told = situation("pulling").explain(Facts(image_bytes=1_288_490_188), later_s=120)
    assert "1.2 GiB" in told.sentence
    assert "2 minutes" in told.sentence
    assert told.percent is not None
    assert 45 < told.percent <= 65


def test_a_finalizer_or_a_lost_node_is_named_when_a_pod_does_not_go() -> None:
    told = situation("stopping_finalizer").explain(later_s=120)
    assert told.reason is Code.STOPPING_STUCK
    assert "example.org/backup" in told.sentence
    recorded = situation("stopping")
    assert "has not confirmed" in recorded.explain(later_s=120).sentence
    assert "is gone" in recorded.explain(Facts(nodes=frozenset({"other"})), later_s=120).sentence
    assert "has not confirmed" in recorded.explain(Facts(nodes=frozenset({"remuda-worker"})), later_s=120).sentence


def test_a_disk_on_a_lost_node_says_how_long_until_it_is_let_go() -> None:
    recorded = situation("multi_attach_lost_node")
    nodes = frozenset({"remuda-worker", "remuda-worker2"})
    told = recorded.explain(Facts(attachments=recorded.attachments, nodes=nodes))
    assert "That node is gone" in told.remedy
    assert "6 minutes" in told.remedy
    later = recorded.explain(Facts(attachments=recorded.attachments, nodes=nodes), later_s=310)
    assert "seconds" in later.remedy


def test_an_unknown_node_is_another_node() -> None:
    assert "another node" in situation("multi_attach").explain(Facts()).sentence


# Whose events


def test_events_of_another_pod_of_the_same_name_are_not_ours() -> None:
    ours, other = situation("ready"), situation("crash_loop")
    foreign = copy.deepcopy(other.events)
    for event in foreign:
        event["involvedObject"]["name"] = ours.pod["metadata"]["name"]
    for pod in ("attaching", "pulling", "no_room_gpu"):
        alone = situation(pod)
        both = Situation(alone.pod, alone.claim, alone.events + foreign, alone.attachments, alone.now)
        assert both.explain() == alone.explain()


@pytest.mark.parametrize("name", SITUATIONS)
def test_the_order_of_the_list_does_not_matter(name: str) -> None:
    recorded = situation(name)
    turned = Situation(recorded.pod, recorded.claim, recorded.events[::-1], recorded.attachments, recorded.now)
    assert turned.explain() == recorded.explain()


def test_nothing_made_yet() -> None:
    told = explain(None, None, [], facts=Facts(machine="GPU"), now=datetime.now(UTC))
    assert (told.reason, told.percent) == (Code.REQUESTED, 5)
    assert "'GPU'" in told.sentence


def test_a_claim_that_cannot_be_made_is_told_before_there_is_a_pod() -> None:
    recorded = situation("storage_class_missing")
    assert explain(None, recorded.claim, recorded.events, now=recorded.now).reason is Code.STORAGE_CLASS_MISSING


@pytest.mark.parametrize(
    ("name", "reason"), [("preempted", Code.PREEMPTED), ("node_lost", Code.NODE_LOST), ("ready", Code.POD_GONE)]
)
def test_a_pod_that_vanished_is_explained_by_its_last_events(name: str, reason: Code) -> None:
    recorded = situation(name)
    facts = Facts(pod_uid=recorded.pod["metadata"]["uid"])
    told = explain(None, None, recorded.events, facts=facts, now=recorded.now)
    assert (told.reason, told.severity) == (reason, F)


def test_a_bound_claims_old_trouble_is_over() -> None:
    recorded, trouble = situation("attaching"), situation("storage_class_missing")
    old = copy.deepcopy([e for e in trouble.events if e["reason"] == "ProvisioningFailed"])
    assert recorded.claim is not None
    assert old
    for event in old:
        event["involvedObject"]["uid"] = recorded.claim["metadata"]["uid"]
    both = Situation(recorded.pod, recorded.claim, recorded.events + old, (), recorded.now)
    assert both.explain() == recorded.explain()


def test_progress_only_goes_forward() -> None:
    way = ["no_room_gpu", "scaling_up", "scheduled", "attaching", "pulling", "pulled", "starting", "ready"]
    percents = [situation(name).explain().percent or 0 for name in way]
    assert percents == sorted(percents)
    assert percents[-1] == 100


# Refused by the API

REFUSED = {
    "quota_cpu": (Code.QUOTA_EXCEEDED, ["4 processor cores", "3 are", "1.5 more"]),
    "quota_gpu": (Code.QUOTA_EXCEEDED, ["4 GPUs", "3 are", "2 more"]),
    "quota_two": (Code.QUOTA_EXCEEDED, ["4 processor cores", "16 GiB of memory", "4.5 GiB are", "14 GiB more"]),
    "quota_never": (Code.QUOTA_EXCEEDED, ["16 more", "below what this machine needs"]),
    "quota_pods": (Code.QUOTA_EXCEEDED, ["3 machines"]),
    "quota_storage": (Code.QUOTA_EXCEEDED, ["30 GiB of disk space", "20 GiB are"]),
    "quota_needs": (Code.QUOTA_NEEDS_AMOUNTS, ["memory and processor cores"]),
    "range_max": (Code.LIMIT_RANGE, ["at most 2 processor cores", "wants 4"]),
    "range_max_two": (Code.LIMIT_RANGE, ["at most 4 GiB of memory", "wants 8 GiB"]),
    "range_min": (Code.LIMIT_RANGE, ["no less than 0.1 processor cores", "wants 0.05", "larger"]),
    "range_ratio": (Code.LIMIT_RANGE, ["2 times", "memory"]),
    "range_storage": (Code.LIMIT_RANGE, ["at most 20 GiB", "wants 100 GiB"]),
    "pod_security": (Code.POD_SECURITY, ["'restricted'", "unrestricted capabilities", "runAsNonRoot"]),
    "pod_security_host_path": (Code.POD_SECURITY, ["restricted volume types"]),
    "policy": (Code.POLICY_DENIED, ["no-latest", "images tagged latest are not allowed"]),
    "webhook_away": (Code.POLICY_UNREACHABLE, ["check.policy.example.org"]),
    "priority_class": (Code.PRIORITY_CLASS_MISSING, ["'nobody'"]),
    "runtime_class": (Code.RUNTIME_CLASS_MISSING, ["'nvidia'"]),
    "service_account": (Code.SERVICE_ACCOUNT_MISSING, ["'ghost'"]),
    "no_namespace": (Code.NAMESPACE_UNAVAILABLE, ["missing"]),
    "invalid": (Code.POD_INVALID, ["described"]),
    "not_allowed": (Code.HUB_NOT_ALLOWED, ["create pods"]),
    "exists": (Code.NAME_TAKEN, ["still there"]),
}


@pytest.mark.parametrize("name", rejections())
@pytest.mark.parametrize("form", ["object", "text", "bytes", "message"])
def test_rejections(name: str, form: str) -> None:
    kept = rejections()[name]
    body = kept["body"]
    as_sent = {"object": body, "text": json.dumps(body), "bytes": json.dumps(body).encode(), "message": body["message"]}
    told = explain_rejection(kept["status"], as_sent[form])
    reason, words = REFUSED[name]
    assert told.reason is reason
    assert [word for word in words if word not in told.message] == [], told.message
    assert told.detail == body["message"]
    waits = reason in {Code.POLICY_UNREACHABLE, Code.NAME_TAKEN}
    assert told.severity is (W if waits else F)


# Whatever comes, an explanation comes out

broken = st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.lists(st.integers(), max_size=2)


def broken_somewhere(value: Any, draw: Any) -> Any:
    """A copy with one part replaced by something of another type."""
    if isinstance(value, dict) and value and draw(st.integers(0, 3)):
        key = draw(st.sampled_from(sorted(value)))
        return {**value, key: broken_somewhere(value[key], draw)}
    if isinstance(value, list) and value and draw(st.integers(0, 3)):
        at = draw(st.integers(0, len(value) - 1))
        return [*value[:at], broken_somewhere(value[at], draw), *value[at + 1 :]]
    return draw(broken)


@given(st.sampled_from(SITUATIONS), st.sampled_from(["pod", "claim", "events"]), st.data())
def test_broken_objects_never_raise(name: str, part: str, data: Any) -> None:
    recorded = situation(name)
    parts = {"pod": recorded.pod, "claim": recorded.claim, "events": recorded.events}
    parts[part] = broken_somewhere(parts[part], data.draw)
    events = parts["events"] if isinstance(parts["events"], list) else []
    told = explain(
        parts["pod"], parts["claim"], events, facts=Facts(attachments=recorded.attachments), now=recorded.now
    )
    assert isinstance(told.reason, Code)
    assert told.sentence


@given(
    st.integers(), st.one_of(st.text(), st.binary(), broken, st.dictionaries(st.text(max_size=8), broken, max_size=3))
)
def test_broken_rejections_never_raise(status: int, body: Any) -> None:
    assert explain_rejection(status, body).sentence

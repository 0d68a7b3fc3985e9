"""The measurements, each alternating between the stacks; every start is stopped again."""

from __future__ import annotations

import secrets
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Barrier

from bench.spawn import browser
from bench.spawn.hub_client import Figures, HubClient
from bench.spawn.kube import PodWatch, inside
from bench.spawn.phases import CLICKED, READY, phases
from bench.spawn.stacks import Stack

Samples = dict[str, dict[str, list[float]]]
USERS = 4
#: What a hub does when nobody starts anything, and what reading its figures costs, are taken off what a start costs.
QUIET_S, READS = 8.0, 5


@dataclass(frozen=True)
class Idle:
    """CPU seconds of one reading of the figures, and of each second of quiet."""

    per_read: float
    per_second: float

    def net(self, spent_s: float, seconds: float) -> float:
        return spent_s - self.per_read - self.per_second * seconds


class Bench:
    def __init__(self, both: list[Stack], pods: PodWatch, known: Mapping[str, Mapping[str, list[float]]]) -> None:
        """`known` are samples of an earlier run, to be added to."""
        self.both, self.pods = both, pods
        self.samples: Samples = defaultdict(lambda: defaultdict(list))
        for name, by_stack in known.items():
            self.samples[name].update({stack: list(of) for stack, of in by_stack.items()})
        self.requests: dict[str, dict[str, float]] = {}
        # People nobody has seen before, with claims that are not there yet, however often this runs.
        self._run = f"bench{secrets.token_hex(2)}"
        self._admins = {stack.name: _logged_in(stack, "admin", stack.admin_password) for stack in both}
        self._idling = {stack.name: self._idle(stack) for stack in both}
        self._people: dict[tuple[str, str], HubClient] = {}

    # The measurements.

    def new_claims(self) -> None:
        """Everybody's first start makes the claim; it warms page caches and `.pyc` files, too."""
        for index in range(USERS):
            for stack in self._alternating(index):
                person = self._person(stack, index)
                self._record("click → ready, new claim", stack, _timed(_start, person, stack))
                person.stop()

    def starts(self, rounds: int) -> None:
        """Click → ready with phases, stop, and what both cost the hub."""
        for stack in self.both if rounds else ():
            self._record("hub CPU of a quiet hub", stack, 1000 * self._idling[stack.name].per_second)
        for index in range(rounds):
            for stack in self._alternating(index):
                self._one_start(stack, self._person(stack, index))

    def switches(self, rounds: int) -> None:
        for index in range(rounds):
            for stack in self._alternating(index):
                person = self._person(stack, index)
                _start(person, stack)
                self._record("switch", stack, _timed(_switch, person, stack))
                person.stop()

    def launchers(self, rounds: int) -> None:
        """In a new browser profile each time: nothing is cached."""
        for index in range(rounds):
            for stack in self._alternating(index):
                person = self._person(stack, index)
                with browser.chromium() as context:
                    page = context.new_page()
                    browser.log_in(page, stack.url, person.user, stack.password)
                    taken = browser.launcher_after_click(page, stack.url, stack.small["profile"])
                self._record("click → launcher visible", stack, taken)
                person.stop()

    def burst(self, people: int) -> None:
        """Everybody at once, twice: with new claims, and again; how many fail, how long the slowest waits."""
        for again in (False, True):
            for stack in self.both:
                self._burst(stack, people, f"{people} at once{'' if again else ', new claims'}")

    # One at a time.

    def _one_start(self, stack: Stack, person: HubClient) -> None:
        before, clicked = self._figures(stack), time.time()
        _start(person, stack)
        moments = {CLICKED: clicked, READY: time.time()}
        stopped = 0.0
        try:
            moments |= inside(stack.namespace, f"jupyter-{person.user}")
        finally:
            stopped = _timed(person.stop)
        self._record("click → ready", stack, moments[READY] - clicked)
        self._record("stop", stack, stopped)
        after = self._figures(stack)
        moments |= after.moments[person.user] | dict(self.pods.moments(stack.namespace, f"jupyter-{person.user}"))
        for name, seconds in phases(moments).items():
            self.samples[name][stack.name].append(seconds)
        self._cost(stack, before, after, time.time() - clicked)

    def _idle(self, stack: Stack) -> Idle:
        reads = [self._figures(stack).cpu_s for _ in range(READS + 1)]
        per_read = (reads[-1] - reads[0]) / READS
        time.sleep(QUIET_S)
        return Idle(per_read, max(0.0, self._figures(stack).cpu_s - reads[-1] - per_read) / QUIET_S)

    def _cost(self, stack: Stack, before: Figures, after: Figures, seconds: float) -> None:
        spent_s = self._idling[stack.name].net(after.cpu_s - before.cpu_s, seconds)
        self._record("hub CPU per start and stop", stack, 1000 * spent_s)
        asked = {what: n - before.requests.get(what, 0) for what, n in after.requests.items()}
        self._record("API requests per start and stop", stack, sum(asked.values()))
        self.requests[stack.name] = {what: n for what, n in asked.items() if n}

    def _burst(self, stack: Stack, people: int, name: str) -> None:
        crowd = [_logged_in(stack, f"{self._run}crowd{n}", stack.password) for n in range(people)]
        together = Barrier(people)

        def start(person: HubClient) -> float:
            together.wait()
            return _timed(_start, person, stack)

        before, began, errors = self._figures(stack), time.time(), []
        with ThreadPoolExecutor(people) as pool:
            for future in [pool.submit(start, person) for person in crowd]:
                try:
                    self.samples[f"{name}: click → ready"][stack.name].append(future.result())
                except Exception as error:
                    errors.append(f"{type(error).__name__}: {error}")
        with ThreadPoolExecutor(people) as pool:
            list(pool.map(HubClient.stop, crowd))
        self._record(f"{name}: failed", stack, len(errors))
        cpu_s = self._idling[stack.name].net(self._figures(stack).cpu_s - before.cpu_s, time.time() - began)
        self._record(f"{name}: hub CPU per start and stop", stack, 1000 * cpu_s / people)
        for error in sorted(set(errors)):
            print(f"         {error[:200]}", flush=True)

    # Small things.

    def _alternating(self, index: int) -> list[Stack]:
        return self.both if index % 2 else self.both[::-1]

    def _person(self, stack: Stack, index: int) -> HubClient:
        user = f"{self._run}{index % USERS}"
        if (stack.name, user) not in self._people:
            self._people[stack.name, user] = _logged_in(stack, user, stack.password)
        return self._people[stack.name, user]

    def _figures(self, stack: Stack) -> Figures:
        return self._admins[stack.name].figures()

    def _record(self, name: str, stack: Stack, value: float) -> None:
        self.samples[name][stack.name].append(value)
        print(f"  {stack.name:<6} {name:<40} {value:8.2f}", flush=True)


def _logged_in(stack: Stack, user: str, password: str) -> HubClient:
    client = HubClient(stack.url, user, password)
    client.log_in()
    return client


def _start(person: HubClient, stack: Stack) -> None:
    person.start(dict(stack.small))
    person.wait_ready()


def _switch(person: HubClient, stack: Stack) -> None:
    """From the wish to the other machine ready, with a server running before: each stack as its pages do it."""
    if stack.name == "plain":
        person.stop()
        person.start(dict(stack.other))
        person.wait_ready()
        return
    answer = person.session.post(
        f"{stack.url}/hub/switch",
        data={**stack.other, "_xsrf": person.xsrf},
        headers={"Referer": f"{stack.url}/hub/switch"},
        allow_redirects=False,
        timeout=60,
    )
    if answer.status_code != 302:
        raise RuntimeError(f"switch answered {answer.status_code}: {answer.text[:300]}")
    person.wait_ready(stream="remuda/progress/{user}")


def _timed(act: Callable[..., None], *args: object) -> float:
    began = time.monotonic()
    act(*args)
    return time.monotonic() - began

"""`python -m spawner.release --namespace NAMESPACE`: take the finalizer off people's pods where no hub will any more.

For the end of an installation, and for pods that are stuck. Prints what each pod would have been billed: no ledger is
written here. A hub that runs does this by itself, at each pod's end, and writes the ledger first.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime

from profiles.cost import micros
from profiles.lease import MICRO
from profiles.machine import RunningMachine
from spawner import billed
from spawner.cluster import POD, Access, ApiCluster, Cluster
from spawner.persist import persist
from spawner.podstate import USER_ANNOTATION, Ended, Pod, began_at, ended_at, liveness
from spawner.retry import ClusterError
from spawner.settling import release

MACHINE_ANNOTATION = "remuda.dev/machine"
#: Seconds that an API server which does not answer is waited for.
PATIENCE_S = 60.0
#: A hub that is just ending may put a finalizer on one pod more.
ROUNDS = 3


def told_of(pod: Pod, now: datetime) -> str:
    """PURE. One line: whose, from when to when, and for how much."""
    meta = pod["metadata"]
    notes = meta.get("annotations") or {}
    head = f"{meta['namespace']}/{meta['name']}  {notes.get(USER_ANNOTATION, 'nobody')}"
    began = began_at(pod)
    if began is None:
        return f"{head}  never ran"
    found = billed.outcome(pod, billed.FORCED_S)
    over = found.at if isinstance(found, billed.Over) else None
    if over is None and isinstance(liveness(pod), Ended) and liveness(pod) != Ended(1, "leaving"):
        over = ended_at(pod, now)
    seconds = max(0, int(((over or now) - began).total_seconds()))
    until = f"{over:%Y-%m-%d %H:%M:%S} UTC" if over is not None else "now, and it runs on"
    return f"{head}  {began:%Y-%m-%d %H:%M:%S} to {until}: {seconds} s{_price(notes, seconds)}"


def _price(notes: dict[str, str], seconds: int) -> str:
    try:
        machine = RunningMachine.from_dict(json.loads(notes[MACHINE_ANNOTATION]))
    except (KeyError, TypeError, ValueError):
        return ""
    price = machine.price_per_hour
    return f", {micros(price, seconds) / MICRO:.2f} {price.currency} as {machine.display_name}"


async def release_all(cluster: Cluster, namespace: str, say: Callable[[str], None], *, dry_run: bool) -> int:
    """How many were held."""
    loop = asyncio.get_running_loop()
    seen: set[str] = set()
    for _ in range(1 if dry_run else ROUNDS):
        listed = await persist(lambda: cluster.list(POD, namespace), loop.time() + PATIENCE_S)
        held = [pod for pod in listed["items"] if billed.is_held(pod)]
        for pod in held:
            if pod["metadata"]["uid"] not in seen:
                say(told_of(pod, datetime.now(UTC)))
            seen.add(pod["metadata"]["uid"])
            if not dry_run:
                await persist(lambda: release(cluster, pod), loop.time() + PATIENCE_S)  # noqa: B023 (awaited here)
        if not held:
            break
    return len(seen)


async def run(namespace: str, *, dry_run: bool) -> int:
    cluster = ApiCluster(Access())
    try:
        count = await release_all(cluster, namespace, print, dry_run=dry_run)
    except ClusterError as e:
        print(f"Not all pods could be released: {e}", file=sys.stderr)
        return 1
    finally:
        await cluster.close()
    what = "would be released" if dry_run else "released"
    print(f"{count} pod{'' if count == 1 else 's'} {what}.")
    return 0


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m spawner.release", description=__doc__)
    parser.add_argument("--namespace", required=True, help="where people's pods are")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
    options = parser.parse_args(arguments)
    return asyncio.run(run(options.namespace, dry_run=options.dry_run))


if __name__ == "__main__":
    sys.exit(main())

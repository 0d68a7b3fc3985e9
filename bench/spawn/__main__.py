"""`make bench-spawn`: ours against plain KubeSpawner in one cluster, alternating, so that both meet the same noise.

JSON goes to --out (default bench/results/spawn.json), a table to the terminal. Needs a cluster from `make up`.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from bench.spawn import stacks
from bench.spawn.figures import ratios, summaries, table
from bench.spawn.kube import watching
from bench.spawn.machine import Noise
from bench.spawn.measure import Bench


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.spawn", description=__doc__)
    parser.add_argument("--rounds", type=int, default=24, help="starts per stack with an existing claim")
    parser.add_argument("--switches", type=int, default=8)
    parser.add_argument("--launchers", type=int, default=10)
    parser.add_argument("--burst", type=int, default=20, help="people who start at the same moment; 0 leaves it out")
    parser.add_argument("--out", type=Path, default=Path("bench/results/spawn.json"))
    parser.add_argument("--keep", action="store_true", help="leave both stacks installed")
    parser.add_argument("--installed", action="store_true", help="images of an earlier run with --keep; no build")
    parser.add_argument("--add", action="store_true", help="keep the samples that --out has already")
    args = parser.parse_args()
    if not stacks.KUBECONFIG.exists():
        parser.exit(1, "bench.spawn: there is no cluster of this checkout; run `make up` first.\n")
    known = json.loads(args.out.read_text()) if args.add and args.out.exists() else {"samples": {}, "runs": []}
    references = stacks.images_installed() if args.installed else stacks.images()
    both = [stacks.plain(references), stacks.ours(references)]
    noise = Noise.begin()
    with watching() as pods:
        bench = Bench(both, pods, known["samples"])
        try:
            bench.new_claims()
            bench.starts(args.rounds)
            bench.switches(args.switches)
            bench.launchers(args.launchers)
            if args.burst:
                bench.burst(args.burst)
        finally:
            if bench.samples:
                report = {
                    "runs": [*known["runs"], noise.end()],
                    "images": references,
                    "figures": summaries(bench.samples),
                    "ratios": ratios(bench.samples),
                    "requests of one start and stop": bench.requests or known.get("requests of one start and stop", {}),
                    "samples": {name: dict(by) for name, by in bench.samples.items()},
                }
                args.out.parent.mkdir(parents=True, exist_ok=True)
                args.out.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n")
                print("\n" + table(bench.samples) + f"\n\n{json.dumps(report['runs'])}\nwritten to {args.out}")
    if not args.keep:
        stacks.remove()


if __name__ == "__main__":
    main()

"""`python -m tools.cluster COMMAND`: parse, call, and turn a ClusterError into an exit status.

The standard library is enough: `make up` works before anything of the project is installed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

NEEDED = (3, 11)
if sys.version_info < NEEDED:  # before the imports, which an older Python could not even read
    sys.exit(
        "make up: needs Python 3.11 or newer, and %s is %d.%d. Name another one: make up PYTHON=python3.12"  # noqa: UP031
        % (sys.executable, *sys.version_info[:2])
    )

from tools.cluster.errors import ClusterError  # noqa: E402
from tools.cluster.policy_enforcer import Api, enforce  # noqa: E402
from tools.cluster.settings import from_environment  # noqa: E402
from tools.cluster.up import LocalCluster  # noqa: E402


def parser() -> argparse.ArgumentParser:
    result = argparse.ArgumentParser(
        prog="python -m tools.cluster", description="A local Kubernetes with Remuda on it."
    )
    commands = result.add_subparsers(dest="command", required=True, metavar="COMMAND")
    up = commands.add_parser("up", help="cluster, images, chart: all that is missing, then the URL and the first login")
    up.add_argument("--cluster-only", action="store_true", help="Kubernetes alone, without images and chart")
    down = commands.add_parser("down", help="remove the cluster; homes stay")
    down.add_argument("--purge", action="store_true", help="remove the homes too")
    commands.add_parser("status", help="what is there; exit status 0 when the Hub is installed")
    commands.add_parser("images", help="build images whose sources have changed")
    commands.add_parser("load", help="build them, and load them into the cluster's nodes")
    commands.add_parser("tools", help="kind, helm, kubectl, kube-apiserver, etcd: build what is not there")
    commands.add_parser("node-image", help="build the kind node image from Go modules and Debian packages")
    commands.add_parser("kubeconfig", help="print the path of the cluster's kubeconfig")
    policy = commands.add_parser("network-policy", help="enforce NetworkPolicies on the nodes")
    how = policy.add_mutually_exclusive_group(required=True)
    how.add_argument("--once", action="store_true", help="load the rules of this moment")
    how.add_argument("--loop", action="store_true", help="stay, and follow every change")
    return result


def main(arguments: Sequence[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    try:
        return _run(options)
    except ClusterError as error:
        print(f"\nerror: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted; the same command goes on from here", file=sys.stderr)
        return 130


def _run(options: argparse.Namespace) -> int:
    settings = from_environment()
    cluster = LocalCluster.of(settings)
    commands: dict[str, Callable[[], object]] = {
        "up": cluster.cluster_alone if getattr(options, "cluster_only", False) else cluster.up,
        "down": lambda: cluster.down(purge=options.purge),
        "images": cluster.build_images,
        "load": cluster.load_images,
        "tools": cluster.tools,
        "node-image": lambda: print(cluster.node_image()),
        "kubeconfig": lambda: print(settings.kubeconfig),
        "network-policy": lambda: enforce(
            Api.from_kubeconfig(settings.kubeconfig, cluster.programs.need("kubectl")),
            tuple(node.name for node in cluster.kind.nodes),
            once=options.once,
        ),
    }
    if options.command == "status":
        return cluster.status()
    with cluster.room.explained():
        commands[options.command]()
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""How much disk `make up` asks for, from what is there already; and what it says when there is less."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from tools.cluster import space
from tools.cluster.command import Commands
from tools.cluster.errors import ClusterError
from tools.cluster.image_sources import IMAGES
from tools.cluster.kind import KindCluster, node_names
from tools.cluster.load import ImageLoading, forget_interrupted, wanted
from tools.cluster.programs import Programs
from tools.cluster.progress import Progress
from tools.cluster.room import Room, used
from tools.cluster.settings import Settings
from tools.cluster.space import GIB, Need, Place, Present, Removable, Shortage

NAMES = {image.name: image.name for image in IMAGES}
ALL = frozenset(NAMES)
NODES = {node.name: wanted(NAMES, node) for node in node_names("remuda")}
NOTHING_YET = Present(lacking=NODES, empty=frozenset(NODES))
BUILT = Present(built=ALL, earlier=ALL, node_image=True, lacking=NODES, empty=frozenset(NODES))
LOADED = Present(built=ALL, earlier=ALL, node_image=True, nodes=True, lacking=dict.fromkeys(NODES, ()))
EDITED = Present(
    built=ALL - {"hub"}, earlier=ALL, node_image=True, nodes=True,
    lacking={**dict.fromkeys(NODES, ()), "remuda-control-plane": ("hub",)},
)  # fmt: skip


def of_up(present: Present) -> Need:
    steps = (space.for_nodes, space.for_images, space.for_loading)
    return sum((step(present) for step in steps), space.ROOM_TO_RUN)


def total_gib(present: Present) -> float:
    need = of_up(present)
    return (need.docker + need.cache) / GIB


@pytest.mark.parametrize(
    ("present", "least", "most"),
    [(NOTHING_YET, 24, 32), (BUILT, 16.6, 20.5), (EDITED, 0.5, 1.8), (LOADED, 0.4, 0.6)],
    ids=["nothing yet", "images built", "one image edited", "complete"],
)
def test_the_more_is_there_the_less_is_needed(present: Present, least: float, most: float) -> None:
    assert least < total_gib(present) < most


def test_a_cluster_whose_loading_failed_still_needs_what_its_nodes_lack() -> None:
    failed = replace(BUILT, nodes=True)
    assert 11 < total_gib(failed) < total_gib(BUILT)
    assert of_up(failed).parts == ("images into 4 nodes",)


def test_each_step_says_what_it_needs_room_for() -> None:
    assert of_up(LOADED).parts == ()
    assert of_up(EDITED).parts == ("images to build: hub", "images into 1 nodes")
    assert space.for_programs(()) == space.NOTHING
    assert space.for_programs(("kind",)).parts == ("building kind",)


def test_every_image_has_a_measured_size() -> None:
    assert set(space.OWN_MB) == ALL


def test_images_that_share_layers_travel_together_and_the_largest_first() -> None:
    first, *others = space.families(ALL)
    assert first == ("notebook", "notebook-gpu")
    assert sorted(others) == [("hive-metastore",), ("hub",), ("postgres",), ("proxy",), ("s3",)]
    assert space.families(("notebook-gpu",)) == (("notebook-gpu",),)


def place(path: str, device: int, free_gib: float) -> Place:
    return Place(Path(path), device, int(free_gib * GIB))


def test_two_folders_on_one_disk_share_what_is_free() -> None:
    need = Need(docker=3 * GIB, cache=2 * GIB)
    docker, cache = place("/docker", 1, 4), place("/cache", 1, 4)
    assert space.shortages(need, docker, cache) == (Shortage(5 * GIB, 4 * GIB, (docker.path, cache.path), 1),)
    assert space.shortages(need, docker, place("/cache", 2, 4)) == ()
    assert space.shortages(need, place("/docker", 1, 1), place("/cache", 2, 1)) == (
        Shortage(2 * GIB, GIB, (cache.path,), 2),
        Shortage(3 * GIB, GIB, (docker.path,), 1),
    )


def test_a_disk_that_is_not_of_this_computer_is_left_to_docker() -> None:
    assert space.shortages(Need(docker=100 * GIB, cache=GIB), None, place("/cache", 1, 1)) == ()


def test_limit_against_actual_and_what_can_be_removed() -> None:
    need = of_up(BUILT)
    found = space.shortages(need, place("/var/lib/docker", 1, 5), place("/srv/cache/remuda", 1, 5))
    said = space.told(need, found)
    assert f"{total_gib(BUILT):.1f} GiB at /var/lib/docker and /srv/cache/remuda, where 5.0 GiB are free" in said
    assert "four Kubernetes nodes; images into 4 nodes" in said
    removable = [
        Removable("Docker's build cache", "3.2GB", "docker builder prune -f", 1),
        Removable("tables of make bench-data", "27 GiB", "make clean", 2),
    ]
    remedy = space.remedy(removable, {1})
    assert "docker builder prune -f   removes Docker's build cache (3.2GB)" in remedy
    assert "REMUDA_CACHE" in remedy
    assert "bench-data" not in remedy, "it is on another disk"
    assert "REMUDA_CACHE" in space.remedy([], {1})


@pytest.mark.parametrize(
    ("said", "full"),
    [
        ("write /var/lib/docker/tmp/docker-export-1/x/layer.tar: no space left on device", True),
        ("OSError: [Errno 28] No space left on device", True),
        ("connection refused", False),
    ],
)
def test_a_full_disk_is_known_by_its_words(said: str, full: bool) -> None:
    assert space.disk_is_full(said) is full


@pytest.fixture
def room(tmp_path: Path) -> Room:
    settings = Settings(root=tmp_path, cache=tmp_path / "cache", state=tmp_path / "state", name="nowhere")
    commands = Commands(tmp_path / "log", {"DOCKER_HOST": f"unix://{tmp_path}/none"})
    kind = KindCluster(settings, commands, Programs(settings, commands))
    return Room(settings, commands, kind, ImageLoading(settings, commands, Progress()))


def test_a_cache_that_is_not_there_yet_is_looked_up_where_it_will_be(room: Room, tmp_path: Path) -> None:
    (tmp_path / ".remuda/bench-data").mkdir(parents=True)
    (tmp_path / ".remuda/bench-data/table").write_bytes(b"x" * 210 * space.MB)
    with pytest.raises(ClusterError) as caught:
        room.need(Need(cache=2**60, parts=("building kind",)))
    assert f"{2**30:.1f} GiB at {tmp_path / 'cache'}, where" in caught.value.what
    tables = tmp_path / ".remuda/bench-data"
    assert f"rm -r {tables}   removes tables of make bench-data (0.2 GiB)" in caught.value.remedy
    assert "0.0 GiB needed" in room.need(Need())


def test_the_check_can_be_switched_off(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REMUDA_DISK_CHECK", "off")
    assert room.need(Need(cache=2**60)) == "not checked, REMUDA_DISK_CHECK is off"


def test_a_program_that_found_the_disk_full_is_explained_and_others_are_not(room: Room, tmp_path: Path) -> None:
    with pytest.raises(ClusterError) as caught, room.explained():
        room.commands.run("sh", "-c", "echo 'x.tar: no space left on device' >&2; exit 1")
    assert caught.value.what.startswith("A disk is full;")
    assert f"GiB at {tmp_path / 'cache'}. `sh -c" in caught.value.what
    assert "The same command goes on from here." in caught.value.remedy
    with pytest.raises(ClusterError, match="refused") as other, room.explained():
        room.commands.run("sh", "-c", "echo refused >&2; exit 1")
    assert other.value.what.startswith("`sh -c")


def test_an_archive_of_a_killed_run_goes_and_that_of_a_running_one_stays(tmp_path: Path) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    for pid in (ended.pid, os.getpid()):
        (tmp_path / f"images-{pid}-x").mkdir()
        (tmp_path / f"images-{pid}-x" / "saved.tar").touch()
    forget_interrupted(tmp_path)
    assert [each.name for each in tmp_path.iterdir()] == [f"images-{os.getpid()}-x"]


def test_used_counts_what_is_on_disk(tmp_path: Path) -> None:
    assert used(tmp_path / "none") == 0
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b").write_bytes(b"x" * 10_000)
    assert 10_000 <= used(tmp_path) <= 20_000

"""A real conda channel on disk, made in seconds and without a network: Python, ipykernel and small packages.

`python` is the interpreter of this test run made relocatable: it needs a machine with this C library or a newer one.
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib.metadata
import json
import platform
import shutil
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

from rattler.index import index_fs
from rattler_build import assemble_package

MINOR = f"{sys.version_info.major}.{sys.version_info.minor}"
SUBDIR = {"x86_64": "linux-64", "aarch64": "linux-aarch64"}[platform.machine()]
PLACEHOLDER = "/opt/anaconda1anaconda2anaconda3"
LEFT_OUT = shutil.ignore_patterns(
    "__pycache__", "test", "tests", "idlelib", "tkinter", "EXTERNALLY-MANAGED", "config-3*", "dist-packages",
    "site-packages", "ensurepip", "lib2to3", "sitecustomize.py", "*.a",
)  # fmt: skip


@dataclass(frozen=True)
class LocalChannel:
    """Where the channel is, as tools want it."""

    folder: Path

    @property
    def url(self) -> str:
        return self.folder.as_uri()


def make_channel(folder: Path, scratch: Path) -> LocalChannel:
    """Build the packages and index them: about 6 s."""
    for subdir in ("noarch", SUBDIR):
        (folder / subdir).mkdir(parents=True)
    _python(folder, scratch / "python")
    _ipykernel(folder, scratch / "ipykernel")
    for version in ("1.0", "2.0"):
        _library(folder, scratch / f"lib-{version}", version)
    _noarch_package(folder, scratch / "tinypkg")
    _r_like_kernel(folder, scratch / "shellkernel")
    asyncio.run(index_fs(folder, write_zst=True))
    return LocalChannel(folder)


def _python(channel: Path, root: Path) -> None:
    """CPython with an empty site-packages."""
    source = Path(sys.base_prefix)
    (root / "bin").mkdir(parents=True)
    shutil.copy2((source / f"bin/python{MINOR}").resolve(), root / f"bin/python{MINOR}")
    for name in ("python", "python3"):
        (root / "bin" / name).symlink_to(f"python{MINOR}")
    shutil.copytree(source / f"lib/python{MINOR}", root / f"lib/python{MINOR}", ignore=LEFT_OUT)
    for library in source.glob(f"lib/libpython{MINOR}*.so*"):
        shutil.copy2(library, root / "lib" / library.name)
    _find_libraries_beside(root / f"bin/python{MINOR}", source / "lib")
    library_folder = root / f"lib/python{MINOR}"
    (library_folder / "site-packages").mkdir()
    (library_folder / "site-packages/README.txt").write_text("Packages go here.\n")
    if source == Path("/usr"):
        _undo_debian_layout(library_folder)
    build = f"0_cp{MINOR.replace('.', '')}"
    assemble_package(
        "python", platform.python_version(), SUBDIR, build, channel / SUBDIR, files_dir=root, compression_level=1
    )


def _find_libraries_beside(program: Path, built_for: Path) -> None:
    """As conda's Python does: libpython is looked for beside the program, so that it runs on another machine, too."""
    old, new = str(built_for).encode() + b"\0", b"$ORIGIN/../lib"
    content = program.read_bytes()
    if old in content:
        program.write_bytes(content.replace(old, new.ljust(len(old), b"\0")))


def _undo_debian_layout(library: Path) -> None:
    """Debian's Python looks in dist-packages; a conda one in site-packages."""
    (library / "sitecustomize.py").write_text(
        f"import site, sys\nsite.addsitedir(sys.prefix + '/lib/python{MINOR}/site-packages')\n"
    )


def _ipykernel(channel: Path, root: Path) -> None:
    """ipykernel with everything it imports, as one package."""
    names = requirements_of("ipykernel", without=frozenset({"debugpy"}))  # 20 MB, and only for the debugger
    site = root / f"lib/python{MINOR}/site-packages"
    for name in sorted(names):
        distribution = importlib.metadata.distribution(name)
        for file in distribution.files or ():
            target = site / file
            if ".." in file.parts or "__pycache__" in file.parts:
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(str(file.locate()), target)
    kernel = root / "share/jupyter/kernels/python3/kernel.json"
    kernel.parent.mkdir(parents=True)
    kernel.write_text(
        f'{{"argv": ["{root}/bin/python", "-m", "ipykernel_launcher", "-f", "{{connection_file}}"], '
        '"display_name": "Python 3 (ipykernel)", "language": "python", "metadata": {"debugger": false}}'
    )
    version = importlib.metadata.version("ipykernel")
    depends = [f"python {MINOR}.*"]
    assemble_package(
        "ipykernel", version, SUBDIR, "0", channel / SUBDIR, files_dir=root, depends=depends, compression_level=1
    )


def requirements_of(name: str, without: frozenset[str] = frozenset()) -> set[str]:
    """A distribution and what it requires here, transitively, extras left out."""
    from packaging.requirements import Requirement

    seen: set[str] = set()
    waiting = [name]
    while waiting:
        current = waiting.pop()
        if current in seen or current in without:
            continue
        seen.add(current)
        for text in importlib.metadata.requires(current) or ():
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                waiting.append(requirement.name)
    return seen


def _library(channel: Path, root: Path, version: str) -> None:
    """A library with its prefix written into a file, and scripts that run at activation."""
    _put(root / "bin/tiny", f"#!/bin/sh\necho tiny {version} in {PLACEHOLDER}\n", 0o755)
    _put(root / "etc/conda/activate.d/tiny.sh", f'export TINY_DATA="$CONDA_PREFIX/share/tiny-{version}"\n')
    _put(root / "etc/conda/deactivate.d/tiny.sh", "unset TINY_DATA\n")
    _packed_with_prefix(channel, root, "tinylib", version, "h0_0")


def _packed_with_prefix(channel: Path, root: Path, name: str, version: str, build: str) -> None:
    """A .tar.bz2 package whose metadata says which files carry the build prefix, for installers to rewrite."""
    files = sorted(path for path in root.rglob("*") if path.is_file())
    paths = [_path_entry(file, root) for file in files]
    index = {"name": name, "version": version, "build": build, "build_number": 0, "depends": [], "subdir": SUBDIR}
    _put(root / "info/index.json", json.dumps(index))
    _put(root / "info/paths.json", json.dumps({"paths": paths, "paths_version": 1}))
    with tarfile.open(channel / SUBDIR / f"{name}-{version}-{build}.tar.bz2", "w:bz2") as archive:
        for file in [root / "info/index.json", root / "info/paths.json", *files]:
            archive.add(file, arcname=file.relative_to(root))


def _path_entry(file: Path, root: Path) -> dict[str, object]:
    content = file.read_bytes()
    entry: dict[str, object] = {
        "_path": file.relative_to(root).as_posix(),
        "path_type": "hardlink",
        "sha256": hashlib.sha256(content).hexdigest(),
        "size_in_bytes": len(content),
    }
    if PLACEHOLDER.encode() in content:
        entry |= {"prefix_placeholder": PLACEHOLDER, "file_mode": "text"}
    return entry


def _noarch_package(channel: Path, root: Path) -> None:
    site = root / "site-packages"
    _put(site / "tinypkg/__init__.py", "VALUE = 42\n")
    _put(site / "tinypkg-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tinypkg\nVersion: 1.0\n")
    _put(site / "tinypkg-1.0.dist-info/RECORD", "")
    _put(site / "tinypkg-1.0.dist-info/INSTALLER", "conda\n")
    depends = ["python", "tinylib"]
    assemble_package(
        "tinypkg", "1.0", "noarch", "py_0", channel / "noarch", files_dir=root, noarch="python", depends=depends
    )


def _r_like_kernel(channel: Path, root: Path) -> None:
    """A kernel of another language, without any Python."""
    spec = f'{{"argv": ["{PLACEHOLDER}/bin/shk", "{{connection_file}}"], "display_name": "Shell", "language": "sh"}}'
    _put(root / "share/jupyter/kernels/shk/kernel.json", spec)
    _put(root / "bin/shk", "#!/bin/sh\n", 0o755)
    _packed_with_prefix(channel, root, "shellkernel", "1.0", "0")


def _put(path: Path, text: str, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)

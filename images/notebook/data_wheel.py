"""`data_wheel.py REMUDA.whl FOLDER`: a wheel `remuda_data` with the data module alone, for people's own environments.

The project's wheel would bring `remuda-singleuser` and more into each of them. Files are the very same; what the extra
`data` of the project needs, this one always needs. It is installed from its path: there is no such name on PyPI, and a
name that anybody may take there must not be asked for.
"""

from __future__ import annotations

import base64
import hashlib
import sys
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path

NAME, DISTRIBUTION = "remuda-data", "remuda_data"
PACKAGE = "data_access/"
SCRIPT = "data-access = data_access.cli:main"
EXTRA = "extra == 'data'"


def requirements(metadata: Message) -> list[str]:
    """What the project always needs, and what its extra `data` adds."""
    found = []
    for line in metadata.get_all("Requires-Dist") or []:
        requirement, _, marker = (part.strip() for part in line.partition(";"))
        parts = [part.strip() for part in marker.replace('"', "'").split(" and ")] if marker else []
        if any(part.startswith("extra ==") and part != EXTRA for part in parts):
            continue
        kept = " and ".join(part for part in parts if part != EXTRA)
        found.append(f"{requirement}; {kept}" if kept else requirement)
    return found


def described(metadata: Message) -> str:
    """METADATA of the small wheel."""
    lines = ["Metadata-Version: 2.1", f"Name: {NAME}", f"Version: {metadata['Version']}"]
    lines += ["Summary: data_access, the data module of Remuda, by itself"]
    lines += [f"Requires-Python: {metadata['Requires-Python']}"]
    lines += [f"Requires-Dist: {each}" for each in requirements(metadata)]
    return "\n".join([*lines, ""])


def make(project: Path, folder: Path) -> Path:
    with zipfile.ZipFile(project) as source:
        info = next(name for name in source.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = Parser().parsestr(source.read(info).decode())
        licence = next(name for name in source.namelist() if name.endswith("/LICENSE") and ".dist-info/" in name)
        files = {name: source.read(name) for name in source.namelist() if name.startswith(PACKAGE)}
        own = f"{DISTRIBUTION}-{metadata['Version']}.dist-info"
        files |= {
            f"{own}/METADATA": described(metadata).encode(),
            f"{own}/WHEEL": source.read(info.replace("METADATA", "WHEEL")),
            f"{own}/entry_points.txt": f"[console_scripts]\n{SCRIPT}\n".encode(),
            f"{own}/licenses/LICENSE": source.read(licence),
        }
    record = "".join(f"{name},{_hash(content)},{len(content)}\n" for name, content in files.items())
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{DISTRIBUTION}-{metadata['Version']}-py3-none-any.whl"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as out:
        for name, content in {**files, f"{own}/RECORD": f"{record}{own}/RECORD,,\n".encode()}.items():
            out.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
    return target


def _hash(content: bytes) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


if __name__ == "__main__":
    print(make(Path(sys.argv[1]), Path(sys.argv[2])))

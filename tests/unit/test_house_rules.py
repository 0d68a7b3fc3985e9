"""Rules of the house that a machine can keep: one-way imports, no paths of somebody's machine, a licence."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TEXT = {".py", ".md", ".yaml", ".yml", ".json", ".toml", ".html", ".css", ".js", ".sh", ".tpl", ".txt", ""}
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:work|root|home/(?!jovyan|\w*\{))/?[\w.-]*/")


def _tracked() -> list[Path]:
    out = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [path for line in out.splitlines() if (path := ROOT / line).suffix in TEXT and path.is_file()]


def test_imports_point_one_way() -> None:
    lint = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert lint.returncode == 0, lint.stdout + lint.stderr


def test_no_absolute_path_of_a_machine_is_committed() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in _tracked()
        if path.name not in {"uv.lock", "Dockerfile", Path(__file__).name}  # /root in a Dockerfile is the image's
        for match in MACHINE_PATH.finditer(path.read_text(errors="replace"))
    ]
    assert not found, "\n".join(found)


def test_licence_is_bsd_3_clause() -> None:
    assert "BSD 3-Clause License" in (ROOT / "LICENSE").read_text()


def test_links_between_pages_lead_somewhere() -> None:
    link = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")
    dead = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
        for target in link.findall(page.read_text())
        if not (page.parent / target).exists()
    ]
    assert not dead, "\n".join(dead)

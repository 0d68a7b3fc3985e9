"""The page about settings is what the model says, and leaves none out."""

from __future__ import annotations

from pathlib import Path

import yaml

from data_access.config import PREFIX, DatabaseSettings, S3Settings, Settings, read_settings
from tools.generate import ROOT, data_files

PAGE = "docs/reference/data-settings.md"


def test_the_committed_page_is_what_the_model_says() -> None:
    assert (ROOT / PAGE).read_text(encoding="utf-8") == data_files()[PAGE], "run python -m tools.generate"


def test_every_key_has_a_row_with_its_meaning_and_its_variable() -> None:
    page = data_files()[PAGE]
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    keys = [*Settings.model_fields, *(f"s3.{key}" for key in S3Settings.model_fields)]
    keys += [f"databases.<name>.{key}" for key in DatabaseSettings.model_fields]
    assert [row.split("`")[1] for row in rows] == keys
    assert all(row.rstrip("| ").rpartition("| ")[2].endswith(".") for row in rows), "each row ends with a sentence"
    assert all(f"`{PREFIX}{key.upper()}`" in page for key in Settings.model_fields)


def test_the_example_of_the_page_is_read(tmp_path: Path) -> None:
    example = data_files()[PAGE].split("```yaml\n")[1].split("```")[0]
    file = tmp_path / "data.yaml"
    file.write_text(example)
    read = read_settings(environ={f"{PREFIX}CONFIG": str(file)})
    assert read.grants == {"sales*": ("ann", "ben"), "shared": ("*",)}
    assert set(yaml.safe_load(example)) <= read.model_fields_set

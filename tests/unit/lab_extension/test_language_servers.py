"""npm's folder for global packages, worked out by npm's own rule."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab_extension.language_servers import npm_prefix


@pytest.mark.parametrize(
    ("environ", "npmrc", "prefix"),
    [
        ({}, None, "/usr"),
        ({"NPM_CONFIG_PREFIX": "/opt/npm"}, "prefix=/x", "/opt/npm"),
        ({}, "registry=https://r.example\nprefix = ~/.npm-global\n", "{home}/.npm-global"),
        ({}, 'prefix="${HOME}/n"', "{home}/n"),
        ({}, "prefix", "/usr"),
    ],
)
def test_the_prefix(tmp_path: Path, environ: dict[str, str], npmrc: str | None, prefix: str) -> None:
    if npmrc is not None:
        (tmp_path / ".npmrc").write_text(npmrc)
    assert npm_prefix("/usr/bin/npm", environ, tmp_path) == prefix.format(home=tmp_path)

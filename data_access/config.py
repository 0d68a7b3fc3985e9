"""Settings of `data_access`: one typed model, from a file, the environment, or arguments; the later wins.

The file is `$REMUDA_DATA_CONFIG`, else `~/.config/remuda/data.yaml`, else
`/etc/remuda/data.yaml` (the chart mounts that one).
Environment variables are `REMUDA_DATA_` and the field's name in capitals: `REMUDA_DATA_METASTORE=thrift://…`.
Credentials are never settings: they come from the SDK's own chain and refresh themselves.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from data_access.errors import DataError, Reason
from data_access.names import near

PREFIX = "REMUDA_DATA_"


class S3Settings(BaseModel):
    """Which S3 server; empty is AWS's own, by region."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    endpoint: str | None = Field(None, description="URL of the server; AWS_ENDPOINT_URL is read when this is not set.")
    region: str | None = Field(None, description="Region; AWS_REGION is read when this is not set.")
    path_style: bool | None = Field(None, description="Bucket in the path; by default where an endpoint is set.")
    connections: int = Field(16, ge=1, le=256, description="Requests at once.")


class DatabaseSettings(BaseModel):
    """A database that `sql` may join with."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(description="postgresql://host/db; a password belongs into ~/.pgpass or the environment.")
    comment: str = Field("", description="What it holds.")


class Settings(BaseModel):
    """Everything `data_access` can be told: where tables are, who may write which, how calls behave.

    `read_settings` makes one of file, environment and arguments; all keys are in docs/reference/data-settings.md.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    metastore: str = Field(
        "sqlite",
        description="thrift://host:9083, glue://region, postgresql://…, sqlite:///path; `sqlite`: a file in the home.",
    )
    warehouse: str | None = Field(
        None, description="Where new databases are made: s3://bucket/folder or a folder; by default ~/warehouse."
    )
    user: str | None = Field(None, description="Who writes; JUPYTERHUB_USER or the login name when not set.")
    sandbox_prefix: str = Field(
        "sandbox_", description="Databases named with it are sandboxes; the rest is production."
    )
    grants: dict[str, tuple[str, ...]] = Field(
        default_factory=dict,
        description="Which users may write a database beside their own sandbox: name or pattern → users, `*` for all.",
    )
    s3: S3Settings = Field(S3Settings(), description="The S3 server, where it is not AWS's own.")
    databases: dict[str, DatabaseSettings] = Field(
        default_factory=dict, description="Databases that `sql` reaches: crm → {url: postgresql://…}."
    )
    models: str | None = Field(None, description="Where model artifacts are kept; by default <warehouse>/_models.")
    lock_wait_s: float = Field(60, ge=0, description="How long a commit waits for another one's lock.")
    gc_grace_hours: float = Field(
        168,
        ge=0,
        description="What gc leaves alone because a running job may still use it; longer than the longest job.",
    )
    compression: str = Field("zstd", pattern="^(zstd|snappy|lz4|gzip|none)$", description="Of Parquet files.")
    threads: int | None = Field(None, ge=1, description="Threads that decode and encode; by default one per core.")
    progress: bool | None = Field(None, description="Progress bars; by default where a person looks on.")


def read_settings(
    arguments: Mapping[str, Any] | None = None, environ: Mapping[str, str] | None = None, home: Path | None = None
) -> Settings:
    """From file, environment and arguments. Raises DataError(bad-configuration): each wrong field and its source."""
    environ = os.environ if environ is None else environ
    merged: dict[str, Any] = {}
    source: dict[str, str] = {}
    for origin, values in (
        _file(environ, home or Path.home()),
        ("the environment", _environment(environ)),
        ("the arguments", {key: value for key, value in (arguments or {}).items() if value is not None}),
    ):
        for key, value in values.items():
            known = merged.get(key)
            merged[key] = {**known, **value} if isinstance(known, dict) and isinstance(value, dict) else value
            source[key] = origin
    try:
        return Settings.model_validate(merged)
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(map(str, each['loc']))} in {source.get(str(each['loc'][0]), 'the settings')}: {_wrong(each)}"
            for each in error.errors(include_input=False, include_url=False)
        )
        raise DataError(
            Reason.BAD_CONFIGURATION, f"The settings are not right: {wrong}.", "See docs/reference/data-settings.md."
        ) from error


def _wrong(error: Any) -> str:
    """Pydantic's sentence, but of a key that there is not: the nearest one."""
    *section, name = error["loc"]
    if error["type"] != "extra_forbidden":
        return str(error["msg"])
    close = near(str(name), Settings.model_fields) if not section else []
    return "there is no such setting" + (f" (did you mean {' or '.join(close)}?)" if close else "")


def _environment(environ: Mapping[str, str]) -> dict[str, Any]:
    import yaml

    given = {name: PREFIX + name.upper() for name in Settings.model_fields}
    try:
        return {name: yaml.safe_load(environ[key]) for name, variable in given.items() if (key := variable) in environ}
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        at = "" if mark is None else f" at line {mark.line + 1}, column {mark.column + 1}"
        raise DataError(
            Reason.BAD_CONFIGURATION, f"The environment's {key} is no YAML{at}.", "Correct it, or unset it."
        ) from error


def _file(environ: Mapping[str, str], home: Path) -> tuple[str, dict[str, Any]]:
    named = environ.get(f"{PREFIX}CONFIG")
    for path in [Path(named)] if named else [home / ".config/remuda/data.yaml", Path("/etc/remuda/data.yaml")]:
        if path.is_file():
            return str(path), _yaml(path)
    if named:
        raise DataError(
            Reason.BAD_CONFIGURATION, f"{named} does not exist.", f"{PREFIX}CONFIG must name a file, or not be set."
        )
    return "", {}


def _yaml(path: Path) -> dict[str, Any]:
    import yaml

    try:
        read = yaml.safe_load(path.read_text()) or {}
    except yaml.YAMLError as error:
        raise DataError(Reason.BAD_CONFIGURATION, f"{path} is no YAML: {error}.", "Correct it.") from error
    if not isinstance(read, dict):
        raise DataError(Reason.BAD_CONFIGURATION, f"{path} holds no settings.", "Write `name: value` lines.")
    return read

"""Fixtures of all data tests: real servers on free ports of loopback, which end with the session however it ends."""

from __future__ import annotations

from tests.data.servers.databases import (
    hive4_server,
    hive4_session,
    hive4_url,
    hive_server,
    hive_session,
    hive_url,
    postgres_database,
    postgres_server,
    postgresql_url,
)
from tests.data.servers.glue import glue_url, strict_glue
from tests.data.servers.s3 import moto_endpoint, moto_s3, s3, versitygw_server
from tests.data.servers.workspaces import metastore_url, warehouse_settings, workspace, workspaces

__all__ = [
    "glue_url",
    "hive4_server",
    "hive4_session",
    "hive4_url",
    "hive_server",
    "hive_session",
    "hive_url",
    "metastore_url",
    "moto_endpoint",
    "moto_s3",
    "postgres_database",
    "postgres_server",
    "postgresql_url",
    "s3",
    "strict_glue",
    "versitygw_server",
    "warehouse_settings",
    "workspace",
    "workspaces",
]

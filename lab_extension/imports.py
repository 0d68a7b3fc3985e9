"""What a single-user server can do without until it serves its first page, and how each is put off.

Every entry was measured with `python -X importtime`; the milliseconds are of a 2-core machine with warm files.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Mapping
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lab_extension.deferred import deferred, late_class, late_function

PLAIN_URL = re.compile(r"https?://[A-Za-z0-9.-]+(/[A-Za-z0-9._/-]*)?\Z")

AFTER_FIRST_ANSWER = (
    "aiohttp",
    "jupyterhub.httpclient",
    "nbformat.v4",
    "jupyter_client.provisioning.local_provisioner",
)
"""Imported in the background once the server has answered: the first page or the first kernel will ask for them."""


class _DurationParsingException(Exception):
    """What jsonschema catches when a duration is malformed."""


def _parse_duration(text: str) -> object:
    import isoduration

    try:
        return isoduration.parse_duration(text)
    except isoduration.DurationParsingException as error:
        raise _DurationParsingException(str(error)) from error


def _validate_rfc3986(url: str, rule: str = "URI") -> object:
    """Plain web addresses, all that event schemas carry, need none of rfc3986_validator's 28 ms of patterns."""
    if PLAIN_URL.match(url):
        return True
    return importlib.import_module("rfc3986_validator").validate_rfc3986(url, rule=rule)


def import_jsonschema() -> None:
    """jsonschema without the libraries behind its format checkers: 60 ms, and 740 ms where rfc3987_syntax is there.

    The checkers stay registered; each loads its library when it first checks a value.
    """
    formats: dict[str, Mapping[str, object]] = {
        "fqdn": {"FQDN": late_function("fqdn", "FQDN")},
        "isoduration": {"DurationParsingException": _DurationParsingException, "parse_duration": _parse_duration},
        "rfc3339_validator": {"validate_rfc3339": late_function("rfc3339_validator", "validate_rfc3339")},
        "rfc3986_validator": {"validate_rfc3986": _validate_rfc3986},
        "rfc3987_syntax": {
            "is_valid_syntax": late_function("rfc3987_syntax", "is_valid_syntax", unless_installed=True)
        },
        "uri_template": {},
        "webcolors": {},
    }
    with deferred({name: names for name, names in formats.items() if find_spec(name) is not None}):
        importlib.import_module("jsonschema")


async def _fetch(url: str, **options: Any) -> Any:
    """JupyterHub's HTTP client, loaded (80 ms, aiohttp) with the first call to the Hub."""
    from jupyterhub.httpclient import fetch

    return await fetch(url, **options)


class _NeverServed:
    """Stands for classes that the single-user server only compares with."""


class _NeverRaised(Exception):
    """Stands for exceptions that only the Hub's own code raises."""


def import_hub_extension() -> Any:
    """`jupyterhub.singleuser.extension` without the Hub's database, handlers and aiohttp: 350 ms less.

    The package's `__init__` is passed over too: it imports the older server classes that Jupyter Server 2 replaced.
    """
    if "jupyterhub.singleuser.extension" in sys.modules:
        return sys.modules["jupyterhub.singleuser.extension"]
    import jupyterhub

    package = Path(str(jupyterhub.__file__)).parent / "singleuser"
    stand_ins: dict[str, Mapping[str, object]] = {
        "aiohttp": {},
        "jupyterhub.handlers": {},
        "jupyterhub.handlers.pages": {"HealthCheckHandler": _NeverServed},
        "jupyterhub.httpclient": {"fetch": _fetch},
        "jupyterhub.orm": {},
        "jupyterhub.roles": {},
        "jupyterhub.singleuser": {"__path__": [str(package)]},
        "sqlalchemy": {},
        "sqlalchemy.exc": {"SQLAlchemyError": _NeverRaised},
    }
    with deferred(stand_ins):
        return importlib.import_module("jupyterhub.singleuser.extension")


def import_lab() -> None:
    """JupyterLab's server side without asking Node for yarn's registry (275 ms), and without HTTP clients (110 ms).

    The registry matters only to `jupyter lab build`, which runs in its own process; httpx to the extension manager,
    which loads it when a person opens it.
    """
    later: dict[str, Mapping[str, object]] = {
        "httpx": {
            "__version__": version("httpx"),
            "AsyncClient": late_class("httpx", "AsyncClient"),
            "AsyncHTTPTransport": late_class("httpx", "AsyncHTTPTransport"),
        },
        "requests": {},
    }
    with deferred(later):
        from jupyterlab import commands

        ask_node = commands._yarn_config
        commands._yarn_config = lambda _logger: {"yarn config": {}, "npm config": {}}
        try:
            importlib.import_module("jupyterlab.labapp")
        finally:
            commands._yarn_config = ask_node

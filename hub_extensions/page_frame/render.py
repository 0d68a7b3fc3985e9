"""The one Jinja environment of our own pages: values are escaped, and a missing one is an error.

JupyterHub inserts `options_form` as it is, and an admin may configure its template environment; so what we put
into its pages is rendered here, by an environment whose escaping nobody can turn off.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

_HERE = Path(__file__).parent
#: Every room's own folder of parts; names are unique over all of them.
PARTS = tuple(sorted(_HERE.parent.glob("*/parts")))


@cache
def environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(PARTS),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render(part: str, **view: Any) -> Markup:
    """HTML of one part; what is returned is safe to insert into any page."""
    return Markup(environment().get_template(part).render(**view))  # noqa: S704 (escaped by the environment)

"""In what a page is looked at, and what holds for it in each: light, dark, phone, without JavaScript."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.sync_api import Page

CONTRAST = Path(__file__).with_name("contrast.js").read_text()
DRESSES: dict[str, dict[str, Any]] = {
    "light": {},
    "dark": {"color_scheme": "dark"},
    "phone": {"viewport": {"width": 360, "height": 740}, "is_mobile": True, "has_touch": True},
    "dark-without-javascript": {"color_scheme": "dark", "java_script_enabled": False},
}
#: A logo is a picture, which no rule on colours of text sees: on a dark page it needs a light plate for its dark word.
LOGO = """() => {
    const dark = getComputedStyle(document.documentElement).getPropertyValue("--rm-surface").trim() !== "#fff";
    const logo = document.querySelector("#jupyterhub-logo .jpy-logo");
    return !dark || !logo || getComputedStyle(logo).backgroundColor === "rgb(255, 255, 255)";
}"""


def assert_readable(page: Page) -> None:
    page.wait_for_load_state("load")  # a heading can be seen before the last style sheet is there
    assert page.evaluate(CONTRAST) == []
    assert page.evaluate(LOGO), "the logo's dark word is on a dark page"
    inner, width = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert inner <= width, f"the page is {inner} px wide in a window of {width} px"

"""PURE: what the buttons of a page mean when they come back."""

from __future__ import annotations

from collections.abc import Mapping

START_BUTTON = "start"


def with_pressed_button(fields: Mapping[str, list[bytes]]) -> dict[str, list[bytes]]:
    """Each card's Start button names its machine; it wins over the radio button. Enter names none: the radio counts."""
    plain = {name: values for name, values in fields.items() if name != START_BUTTON}
    pressed = [value for value in fields.get(START_BUTTON, []) if value]
    return plain | {"profile": pressed} if pressed else plain

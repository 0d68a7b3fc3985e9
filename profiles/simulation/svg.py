"""Plots as SVG: lines, steps and bars with labelled axes, readable on light and on dark. No library.

An SVG says its colours by itself for both, so the same file serves in a page, in a document and alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as ET

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 300, 62, 18, 58, 46
#: Of a letter at 12 px, on average: enough to place legends.
LETTER = 6.6
TONES = 6

STYLE = """
.plot { --paper: #ffffff; --ink: #1d2433; --soft: #5b6474; --line: #dfe3ea;
  --t0: #1f5fbf; --t1: #b4520a; --t2: #0d7a5f; --t3: #7a3db8; --t4: #a3123f; --t5: #5c6b12; }
@media (prefers-color-scheme: dark) { .plot { --paper: #171b22; --ink: #e8ebf0; --soft: #a4adbb; --line: #323a47;
  --t0: #82b1ff; --t1: #ffa45c; --t2: #56cfa9; --t3: #cda4ff; --t4: #ff8ba7; --t5: #c6d65c; } }
.plot text { font: 12px system-ui, "Segoe UI", "DejaVu Sans", sans-serif; fill: var(--soft); }
.plot .title { font-size: 15px; font-weight: 600; fill: var(--ink); }
.plot .strong { fill: var(--ink); }
.plot .paper { fill: var(--paper); }
.plot .grid { stroke: var(--line); stroke-width: 1; }
.plot .axis { stroke: var(--soft); stroke-width: 1; }
.plot .curve { fill: none; stroke-width: 2.2; stroke-linejoin: round; }
"""
#: Lines differ also by dashes: colour alone tells not everybody.
DASHES = ("", "7 3", "2 3", "10 3 2 3", "4 4", "1 2")


@dataclass(frozen=True, slots=True)
class Curve:
    """`tone` is one of a few colours; the same thing has the same one in every plot."""

    name: str
    points: Sequence[tuple[float, float]]
    tone: int


@dataclass(frozen=True, slots=True)
class Axis:
    """From 0 or `least` to `most`; `ticks` are drawn and written by `words`."""

    label: str
    most: float
    ticks: Sequence[float]
    words: Callable[[float], str] = "{:g}".format
    least: float = 0.0

    def at(self, value: float) -> float:
        """0 … 1."""
        return (min(value, self.most) - self.least) / ((self.most - self.least) or 1.0)


@dataclass(frozen=True, slots=True)
class Panel:
    title: str
    curves: Sequence[Curve]


def axis(label: str, most: float, words: Callable[[float], str] = "{:g}".format, steps: int = 5) -> Axis:
    """From 0 to a round number that is `most` or above it."""
    rough = max(most, 1e-9) / steps
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough * 0.999)
    count = max(1, math.ceil(most / step - 1e-9))
    return Axis(label, step * count, [step * number for number in range(count + 1)], words)


def panels(title: str, many: Sequence[Panel], x: Axis, y: Axis) -> str:
    """Plots side by side with the same axes, and one legend for all."""
    width = WIDTH if len(many) == 1 else max(WIDTH, LEFT + RIGHT + 330 * len(many))
    head = TOP + (20 if len(many) > 1 else 0)
    root = _root(title, width, HEIGHT + head - TOP)
    names = {curve.name: curve.tone for panel in many for curve in panel.curves}
    _legend(root, list(names.items()), width, dashed=True)
    each = (width - LEFT - RIGHT - 24 * (len(many) - 1)) / len(many)
    for number, panel in enumerate(many):
        frame = _Frame(LEFT + number * (each + 24), head, each, HEIGHT - TOP - BOTTOM)
        if len(many) > 1:
            _text(root, frame.left, head - 9, panel.title, "strong")
        _axes(root, frame, x, y, with_words=number == 0)
        for curve in panel.curves:
            _curve(root, frame, curve, x, y)
    _text(root, LEFT + (width - LEFT - RIGHT) / 2, HEIGHT + head - TOP - 8, x.label, anchor="middle")
    return _written(root)


def bars(title: str, rows: Sequence[tuple[str, Sequence[float]]], names: Sequence[str], x: Axis) -> str:
    """A group of horizontal bars for each row, one for each name, its value written beside it."""
    thick, gap = 15, 12
    left = 24 + max((min(len(name), 28) for name, _ in rows), default=4) * LETTER
    height = TOP + len(rows) * (len(names) * thick + gap) + BOTTOM
    root = _root(title, WIDTH, height)
    _legend(root, [(name, tone) for tone, name in enumerate(names)], WIDTH, dashed=False)
    frame = _Frame(left, TOP, WIDTH - left - RIGHT - 74, height - TOP - BOTTOM)
    _x_axis(root, frame, x)
    top = frame.top + gap / 2
    for row, values in rows:
        _text(root, left - 8, top + len(values) * thick / 2 + 4, _cut(row, 28), "strong", anchor="end")
        for tone, value in enumerate(values):
            long = frame.width * x.at(value)
            mark = {"x": frame.left, "y": top + 1, "width": long, "height": thick - 2, "rx": 2}
            _shape(root, "rect", mark, fill=_tone(tone))
            _text(root, frame.left + long + 5, top + thick - 4, x.words(value))
            top += thick
        top += gap
    _text(root, frame.left + frame.width / 2, height - 8, x.label, anchor="middle")
    return _written(root)


@dataclass(frozen=True, slots=True)
class _Frame:
    left: float
    top: float
    width: float
    height: float

    def point(self, x: float, y: float) -> tuple[float, float]:
        return self.left + x * self.width, self.top + (1 - y) * self.height


def _root(title: str, width: float, height: float) -> ET.Element:
    root = ET.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {_n(width)} {_n(height)}",
            "width": _n(width),
            "height": _n(height),
            "class": "plot",
            "role": "img",
            "aria-label": title,
        },
    )
    ET.SubElement(root, "title").text = title
    ET.SubElement(root, "style").text = STYLE
    _shape(root, "rect", {"width": width, "height": height, "rx": 6}, "paper")
    _text(root, 16, 24, title, "title")
    return root


def _legend(root: ET.Element, names: Sequence[tuple[str, int]], width: float, *, dashed: bool) -> None:
    if len(names) < 2:
        return
    left = 16.0
    for name, tone in names:
        shown = _cut(name, max(8, int((width - 32) / len(names) / LETTER) - 6))
        line = {"x1": left, "x2": left + 24, "y1": 41, "y2": 41, "stroke-width": 2.2 if dashed else 10}
        _shape(root, "line", line, stroke=_tone(tone), **_dash(tone if dashed else 0))
        _text(root, left + 30, 45, shown, "strong")
        left += 30 + len(shown) * LETTER + 20


def _axes(root: ET.Element, frame: _Frame, x: Axis, y: Axis, *, with_words: bool) -> None:
    for tick in y.ticks:
        _, at = frame.point(0, y.at(tick))
        line = {"x1": frame.left, "x2": frame.left + frame.width, "y1": at, "y2": at}
        _shape(root, "line", line, "axis" if tick == y.least else "grid")
        if with_words:
            _text(root, frame.left - 8, at + 4, y.words(tick), anchor="end")
    if with_words:
        middle = frame.top + frame.height / 2
        text = _text(root, 0, 0, y.label, anchor="middle")
        text.set("transform", f"translate(14 {_n(middle)}) rotate(-90)")
    _x_axis(root, frame, x, grid=False)


def _x_axis(root: ET.Element, frame: _Frame, x: Axis, *, grid: bool = True) -> None:
    bottom = frame.top + frame.height
    for tick in x.ticks:
        at, _ = frame.point(x.at(tick), 0)
        line = {"x1": at, "x2": at, "y1": frame.top if grid else bottom, "y2": bottom + 4}
        _shape(root, "line", line, "grid" if grid else "axis")
        at_edge = {x.least: "start", x.most: "end"} if not grid else {}
        _text(root, at, bottom + 18, x.words(tick), anchor=at_edge.get(tick, "middle"))


def _curve(root: ET.Element, frame: _Frame, curve: Curve, x: Axis, y: Axis) -> None:
    points = (frame.point(x.at(one), y.at(other)) for one, other in curve.points)
    path = "M" + "L".join(f"{_n(one)} {_n(other)}" for one, other in points)
    _shape(root, "path", {"d": path}, "curve", stroke=_tone(curve.tone), **_dash(curve.tone))


def _dash(tone: int) -> dict[str, str]:
    dash = DASHES[tone % len(DASHES)]
    return {"stroke-dasharray": dash} if dash else {}


def _tone(tone: int) -> str:
    return f"var(--t{tone % TONES})"


def _shape(root: ET.Element, kind: str, numbers: dict[str, float] | dict[str, str], css: str = "", **more: str) -> None:
    """Colours are styles and no attributes: attributes cannot name variables everywhere."""
    plain = {key: value if isinstance(value, str) else _n(value) for key, value in numbers.items()}
    element = ET.SubElement(root, kind, plain)
    if css:
        element.set("class", css)
    if more:
        element.set("style", "; ".join(f"{key}: {value}" for key, value in more.items()))


def _text(  # noqa: PLR0913, where, what and how: each caller names few
    root: ET.Element, x: float, y: float, text: str, css: str = "", *, anchor: str = "start"
) -> ET.Element:
    element = ET.SubElement(root, "text", {"x": _n(x), "y": _n(y), "text-anchor": anchor})
    element.text = text
    if css:
        element.set("class", css)
    return element


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _written(root: ET.Element) -> str:
    return ET.tostring(root, encoding="unicode") + "\n"

"""Pictures of rectangles, lines and words, as SVG or, through Pillow, as pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

Point = tuple[float, float]
FONT = "Helvetica, Arial, sans-serif"
WIDE, NARROW = "MW@mw%", "iljtfrI.,:;'|()[]! "


@dataclass
class Drawing:
    """A picture of `width` x `height` that notebooks show, and that `save` writes; y goes down.

    >>> picture = Drawing(40, 20)
    >>> picture.rectangle((2, 2), (38, 18))
    >>> picture.svg().startswith("<svg")
    True
    """

    width: float
    height: float
    shapes: list[tuple[str, dict[str, Any]]] = field(default_factory=list, repr=False)

    def rectangle(self, start: Point, end: Point, fill: str = "#ffffff", line: str = "#333333", **style: Any) -> None:
        """A box from its upper left to its lower right corner; `dashed`, `radius` and `weight` of its line."""
        self.shapes.append(("rectangle", {"start": start, "end": end, "fill": fill, "line": line, **style}))

    def line(self, points: Sequence[Point], color: str = "#333333", weight: float = 1.0, arrow: bool = False) -> None:
        """A line through points, with the head of an arrow at its end where one is wanted."""
        self.shapes.append(("line", {"points": list(points), "color": color, "weight": weight, "arrow": arrow}))

    def text(
        self, place: Point, words: str, size: float = 12.0, anchor: str = "middle", color: str = "#111111"
    ) -> None:
        """Words around ('middle'), behind ('start') or before ('end') a place, on the height of its y."""
        self.shapes.append(("text", {"place": place, "words": words, "size": size, "anchor": anchor, "color": color}))

    def svg(self) -> str:
        """The picture as SVG."""
        size = f'width="{self.width:.0f}" height="{self.height:.0f}" viewBox="0 0 {self.width:.0f} {self.height:.0f}"'
        body = [_SVG[kind](**options) for kind, options in self.shapes]
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="{FONT}">',
                '<rect width="100%" height="100%" fill="#ffffff"/>',
                *body,
                "</svg>",
                "",
            ]
        )

    _repr_svg_ = svg

    def save(self, path: Any, dpi: int = 96) -> None:
        """Write the picture as `.svg`, or as pixels or `.pdf` by any other suffix that Pillow knows.

        Raises ValueError for another suffix.
        """
        path = Path(path)
        if path.suffix.lower() == ".svg":
            path.write_text(self.svg(), encoding="utf-8")
            return
        from PIL import Image

        if path.suffix.lower() not in Image.registered_extensions():
            raise ValueError(
                f"Drawing: expected a file name that ends with '.svg', '.png', '.jpg' or '.pdf'; received '{path}'."
            )
        self.image(dpi).save(path, dpi=(dpi, dpi))

    def image(self, dpi: int = 96) -> Any:
        """The picture as a Pillow image, at `dpi` pixels for 96 units."""
        from PIL import Image, ImageDraw, ImageFont

        fine = 2 * dpi / 96  # drawn twice as large, then averaged: Pillow's lines have hard edges
        canvas = Image.new("RGB", (round(self.width * fine), round(self.height * fine)), "#ffffff")
        pen = ImageDraw.Draw(canvas)
        for kind, options in self.shapes:
            if kind == "text":
                font = ImageFont.load_default(options["size"] * fine)
                x, y = (value * fine for value in options["place"])
                anchor = {"start": "lm", "middle": "mm", "end": "rm"}[options["anchor"]]
                pen.text((x, y), options["words"], fill=options["color"], font=font, anchor=anchor)
            else:
                _PIXELS[kind](pen, fine, **options)
        return canvas.resize((round(self.width * fine / 2), round(self.height * fine / 2)), Image.Resampling.BOX)


def text_width(words: str, size: float = 12.0) -> float:
    """About how wide words are in a font without serifs."""
    return size * sum(0.86 if c in WIDE else 0.32 if c in NARROW else 0.62 if c.isupper() else 0.56 for c in words)


def arrow_head(points: Sequence[Point], size: float = 7.0) -> list[Point]:
    """The triangle at the end of a line."""
    (x0, y0), (x, y) = points[-2], points[-1]
    length = max(((x - x0) ** 2 + (y - y0) ** 2) ** 0.5, 1e-6)
    dx, dy = (x - x0) / length * size, (y - y0) / length * size
    return [(x, y), (x - dx - dy * 0.45, y - dy + dx * 0.45), (x - dx + dy * 0.45, y - dy - dx * 0.45)]


def _points(points: Sequence[Point]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _svg_rectangle(
    start: Point, end: Point, fill: str, line: str, dashed: bool = False, radius: float = 3.0, weight: float = 1.0
) -> str:
    place = f'x="{start[0]:.1f}" y="{start[1]:.1f}" width="{end[0] - start[0]:.1f}" height="{end[1] - start[1]:.1f}"'
    dashes = ' stroke-dasharray="6 4"' if dashed else ""
    return f'<rect {place} rx="{radius}" fill="{fill}" stroke="{line}" stroke-width="{weight}"{dashes}/>'


def _svg_line(points: Sequence[Point], color: str, weight: float, arrow: bool) -> str:
    path = f'<polyline points="{_points(points)}" fill="none" stroke="{color}" stroke-width="{weight}"/>'
    return path + f'<polygon points="{_points(arrow_head(points))}" fill="{color}"/>' if arrow else path


def _svg_text(place: Point, words: str, size: float, anchor: str, color: str) -> str:
    where = f'x="{place[0]:.1f}" y="{place[1] + size * 0.35:.1f}" font-size="{size:g}" text-anchor="{anchor}"'
    return f'<text {where} fill="{color}">{escape(words)}</text>'


def _draw_rectangle(
    pen: Any,
    fine: float,
    start: Point,
    end: Point,
    fill: str,
    line: str,
    dashed: bool = False,
    radius: float = 3.0,
    weight: float = 1.0,
) -> None:
    box = [value * fine for value in (*start, *end)]
    color = None if fill == "none" else fill
    if not dashed:
        pen.rounded_rectangle(box, radius * fine, color, None if line == "none" else line, max(1, round(weight * fine)))
        return
    pen.rounded_rectangle(box, radius * fine, color)
    corners = [start, (end[0], start[1]), end, (start[0], end[1]), start]
    for (x0, y0), (x1, y1) in zip(corners, corners[1:], strict=False):
        length = max(abs(x1 - x0) + abs(y1 - y0), 1e-6)
        for at in range(0, int(length), 10):
            a, b = at / length, min(at + 6, length) / length
            ends = [(x0 + (x1 - x0) * part, y0 + (y1 - y0) * part) for part in (a, b)]
            pen.line([(x * fine, y * fine) for x, y in ends], line, max(1, round(weight * fine)))


def _draw_line(pen: Any, fine: float, points: Sequence[Point], color: str, weight: float, arrow: bool) -> None:
    pen.line([(x * fine, y * fine) for x, y in points], color, max(1, round(weight * fine)), joint="curve")
    if arrow:
        pen.polygon([(x * fine, y * fine) for x, y in arrow_head(points)], fill=color)


_SVG = {"rectangle": _svg_rectangle, "line": _svg_line, "text": _svg_text}
_PIXELS = {"rectangle": _draw_rectangle, "line": _draw_line}

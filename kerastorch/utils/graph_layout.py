"""Places for the boxes of a graph: in rows along its edges, with few crossings (Sugiyama et al., 1981)."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

Point = tuple[float, float]
Size = tuple[float, float]
Edge = tuple[Hashable, Hashable]
SWEEPS = 12


class Layout:
    """The centre of each box in `places`, the way of each edge in `paths`, and the whole `size`.

    `sizes` are the widths and heights of the boxes, in an order in which no edge goes back. Rows follow each other
    from top to bottom, `gap` apart; an edge that skips rows has a place of its own in each.
    """

    def __init__(self, sizes: Mapping[Hashable, Size], edges: Sequence[Edge], gap: float = 28, space: float = 22):
        self.sizes: dict[Hashable, Size] = dict(sizes)
        self.gap, self.space = gap, space
        rows = _rows(sizes, edges)
        self._chains = {edge: self._chain(edge, rows) for edge in dict.fromkeys(edges)}
        steps = [step for chain in self._chains.values() for step in zip(chain, chain[1:], strict=False)]
        self._above: dict[Hashable, list[Hashable]] = {one: [] for one in self.sizes}
        self._below: dict[Hashable, list[Hashable]] = {one: [] for one in self.sizes}
        for upper, lower in steps:
            self._above[lower].append(upper)
            self._below[upper].append(lower)
        self.lines: list[list[Hashable]] = [[] for _ in range(max(rows.values(), default=-1) + 1)]
        for one, row in rows.items():
            self.lines[row].append(one)
        self._order()
        self.places = self._place()
        self.paths = {edge: self._path(chain) for edge, chain in self._chains.items()}

    def _chain(self, edge: Edge, rows: dict[Hashable, int]) -> list[Hashable]:
        """The boxes of an edge with the empty ones between them."""
        first, last = edge
        between: list[Hashable] = [(edge, row) for row in range(rows[first] + 1, rows[last])]
        for row, one in enumerate(between, rows[first] + 1):
            rows[one], self.sizes[one] = row, (4.0, 0.0)
        return [first, *between, last]

    def _order(self) -> None:
        """Sort each row by the mean place of its neighbours, downwards and upwards in turn."""
        for sweep in range(SWEEPS):
            down = sweep % 2 == 0
            near = self._above if down else self._below
            for line in self.lines if down else self.lines[::-1]:
                place = {one: number for row in self.lines for number, one in enumerate(row)}
                means = {one: _mean([place[other] for other in near[one]], place[one]) for one in line}
                line.sort(key=means.__getitem__)

    def _place(self) -> dict[Hashable, Point]:
        x: dict[Hashable, float] = {}
        for line in self.lines:
            at = 0.0
            for one in line:
                x[one] = at + self.sizes[one][0] / 2
                at += self.sizes[one][0] + self.space
        for sweep in range(2 * SWEEPS):
            near = self._above if sweep % 2 == 0 else self._below
            for line in self.lines if sweep % 2 == 0 else self.lines[::-1]:
                wanted = [_mean([x[other] for other in near[one]], x[one]) for one in line]
                x.update(zip(line, self._apart(line, wanted), strict=True))
        for line in (*self.lines, *self.lines[::-1]):
            wanted = [_mean([x[other] for other in self._above[one] + self._below[one]], x[one]) for one in line]
            x.update(zip(line, self._apart(line, wanted), strict=True))
        left = min((x[one] - self.sizes[one][0] / 2 for one in x), default=0.0)
        places, top = {}, 0.0
        self._heights: dict[Hashable, float] = {}
        for line in self.lines:
            height = max(self.sizes[one][1] for one in line)
            self._heights.update(dict.fromkeys(line, height))
            places.update({one: (x[one] - left, top + height / 2) for one in line})
            top += height + self.gap
        right = max((places[one][0] + self.sizes[one][0] / 2 for one in places), default=0.0)
        self.size = (right, max(top - self.gap, 0.0))
        return places

    def _apart(self, line: Sequence[Hashable], wanted: Sequence[float]) -> list[float]:
        """Places near the wanted ones at which boxes do not touch: the mean of pushing right and pushing left."""
        gaps = [(self.sizes[a][0] + self.sizes[b][0]) / 2 + self.space for a, b in zip(line, line[1:], strict=False)]
        right, left = list(wanted), list(wanted)
        for place, gap in enumerate(gaps, 1):
            right[place] = max(right[place], right[place - 1] + gap)
        for place in range(len(gaps) - 1, -1, -1):
            left[place] = min(left[place], left[place + 1] - gaps[place])
        middle = [(a + b) / 2 for a, b in zip(right, left, strict=True)]
        for place, gap in enumerate(gaps, 1):  # the mean of two rows that keep apart keeps apart, but for rounding
            middle[place] = max(middle[place], middle[place - 1] + gap)
        return middle

    def _path(self, chain: Sequence[Hashable]) -> list[Point]:
        first, last = chain[0], chain[-1]
        (x0, y0), (x1, y1) = self.places[first], self.places[last]
        start, end = (x0, y0 + self.sizes[first][1] / 2), (x1, y1 - self.sizes[last][1] / 2)
        between = []
        for one in chain[1:-1]:  # straight past the boxes of its row
            (x, y), half = self.places[one], self._heights[one] / 2
            between += [(x, y - half), (x, y + half)]
        return [start, *between, end]


def _rows(sizes: Mapping[Hashable, Size], edges: Sequence[Edge]) -> dict[Hashable, int]:
    """The longest way from a start to each box; boxes nothing leads to stand right above what they lead to."""
    rows = dict.fromkeys(sizes, 0)
    order = {one: place for place, one in enumerate(sizes)}
    forward = sorted(edges, key=lambda edge: order[edge[0]])
    for first, last in forward:
        rows[last] = max(rows[last], rows[first] + 1)
    entered = {last for _, last in edges}
    for one in sizes:
        after = [rows[last] for first, last in edges if first == one]
        if one not in entered and after:
            rows[one] = min(after) - 1
    return rows


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise

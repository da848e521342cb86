"""The layers of a model as boxes with arrows: `plot_model` draws them, `model_to_dot` hands them to pydot."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kerastorch.core.config import dtype_name
from kerastorch.utils.drawing import Drawing, text_width
from kerastorch.utils.graph_layout import Layout

SIZE, LINE, MARGIN = 12.0, 18.0, 12.0
COLORS = {
    "InputLayer": "#e3e8ef",
    "Dense": "#ffe9c7",
    "Conv": "#cfe6ff",
    "Pooling": "#d6f3dc",
    "Normalization": "#efe0fa",
    "Dropout": "#f5f0d8",
    "Embedding": "#ffe0e0",
}


@dataclass(frozen=True)
class Look:
    """What the boxes say."""

    show_shapes: bool = False
    show_dtype: bool = False
    show_layer_names: bool = True
    expand_nested: bool = False
    show_layer_activations: bool = False
    show_trainable: bool = False

    def lines(self, layer: Any) -> list[str]:
        """The lines of text in the box of a layer."""
        kind = type(layer).__name__
        inner = getattr(layer, "layer", None)
        if inner is not None and hasattr(inner, "name"):
            kind = f"{kind}({type(inner).__name__})"
        title = f"{layer.name}: {kind}" if self.show_layer_names else kind
        activation = getattr(layer, "activation", None)
        if self.show_layer_activations and activation is not None:
            title += f" | {getattr(activation, '__name__', getattr(activation, 'name', activation))}"
        lines = [title]
        if self.show_dtype:
            lines.append(f"dtype: {layer.dtype if isinstance(layer.dtype, str) else dtype_name(layer.dtype)}")
        if self.show_shapes:
            lines += [f"{side}: {_shape(layer, side)}" for side in ("input", "output")]
        if self.show_trainable:
            lines.append("trainable" if layer.trainable else "not trainable")
        return lines


@dataclass
class Boxes:
    """The layers that get a box, by key, what leads from one to another, and the models whose layers stand inside."""

    layers: dict[str, Any]
    edges: list[tuple[str, str]]
    groups: dict[str, list[str]]


def plot_model(
    model: Any,
    to_file: Any = "model.png",
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = True,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int = 96,
    layer_range: Sequence[str] | None = None,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
) -> Drawing:
    """Draw the layers of a model into a file, as `.png`, `.svg` or `.pdf`; a notebook shows what is returned.

    `rankdir` is where the arrows go: 'TB' (down), 'LR' (right), 'BT' or 'RL'. `to_file=None` writes nothing.
    Raises ValueError for a model that is not built, another direction, or names that are not in the model.

    >>> picture = plot_model(Sequential([Dense(2, input_shape=(3,))]), to_file=None, show_shapes=True)
    >>> "(None, 3)" in picture.svg()
    True
    """
    if rankdir not in ("TB", "LR", "BT", "RL"):
        raise ValueError(f"plot_model: expected rankdir to be 'TB', 'LR', 'BT' or 'RL'; received rankdir={rankdir!r}.")
    look = Look(show_shapes, show_dtype, show_layer_names, expand_nested, show_layer_activations, show_trainable)
    picture = _draw(boxes_of(model, look, layer_range), look, rankdir)
    if to_file is not None:
        path = Path(to_file)
        _save(picture, path if path.suffix else path.with_suffix(".png"), dpi)
    return picture


def model_to_dot(
    model: Any,
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = True,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int = 96,
    subgraph: bool = False,
    layer_range: Sequence[str] | None = None,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
) -> Any:
    """The layers of a model as a `pydot.Dot` (a `pydot.Cluster` with `subgraph`), for graphviz.

    Raises ImportError where pydot is not installed.
    """
    try:
        import pydot
    except ImportError as error:
        raise ImportError(
            "model_to_dot: expected pydot, whose objects it returns; received no such package. Install it: "
            "pip install 'kerastorch[plot]', or call plot_model, which draws without it."
        ) from error
    look = Look(show_shapes, show_dtype, show_layer_names, expand_nested, show_layer_activations, show_trainable)
    boxes = boxes_of(model, look, layer_range)
    if subgraph:
        dot = pydot.Cluster(graph_name=f'"{model.name}"', label=model.name, style="dashed")
    else:
        dot = pydot.Dot(graph_type="digraph", rankdir=rankdir, concentrate="true", dpi=dpi)
    dot.set_node_defaults(shape="record")
    inside = {key: name for name, keys in boxes.groups.items() for key in keys}
    clusters = {name: pydot.Cluster(graph_name=f'"{name}"', label=name, style="dashed") for name in boxes.groups}
    for key, layer in boxes.layers.items():
        label = "{" + "|".join(re.sub(r"([{}|<>])", r"\\\1", line) for line in look.lines(layer)) + "}"
        (clusters[inside[key]] if key in inside else dot).add_node(pydot.Node(f'"{key}"', label=f'"{label}"'))
    for cluster in clusters.values():
        dot.add_subgraph(cluster)
    for first, last in boxes.edges:
        dot.add_edge(pydot.Edge(f'"{first}"', f'"{last}"'))
    return dot


def boxes_of(model: Any, look: Look, layer_range: Sequence[str] | None = None) -> Boxes:
    """What is drawn of a model; ValueError where it is not built."""
    if not model.built:
        raise ValueError(
            f"{type(model).__name__} '{model.name}': expected a model that is built; received one whose layers are "
            "not connected yet. Call it on data, call build(), or give the first layer an input_shape."
        )
    boxes = Boxes({}, [], {})
    if model.graph is None:
        boxes.layers[model.name] = model
        return boxes
    _collect(model, look, boxes, "")
    if layer_range is not None:
        _keep(boxes, layer_range)
    boxes.edges = list(dict.fromkeys(boxes.edges))
    return boxes


def _collect(model: Any, look: Look, boxes: Boxes, prefix: str) -> tuple[list[str], list[str]]:
    """Add the layers of a model; the keys at its inputs and at its outputs."""
    first: dict[int, list[str]] = {}
    last: dict[int, list[str]] = {}
    for layer in model.graph.layers:
        key = f"{prefix}{layer.name}"
        if look.expand_nested and getattr(layer, "graph", None) is not None:
            before = len(boxes.layers)
            first[id(layer)], last[id(layer)] = _collect(layer, look, boxes, f"{key}/")
            boxes.groups[layer.name] = list(boxes.layers)[before:]
        else:
            boxes.layers[key] = layer
            first[id(layer)] = last[id(layer)] = [key]
    for node in model.graph.nodes:
        if id(node.layer) not in first:
            continue
        for tensor in node.inputs:
            for start in last[id(tensor.node.layer)]:
                boxes.edges += [(start, end) for end in first[id(node.layer)]]
    inputs = [key for tensor in model.graph.flat_inputs for key in first[id(tensor.node.layer)]]
    outputs = [key for tensor in model.graph.flat_outputs for key in last[id(tensor.node.layer)]]
    return list(dict.fromkeys(inputs)), list(dict.fromkeys(outputs))


def _keep(boxes: Boxes, layer_range: Sequence[str]) -> None:
    """Leave only the layers from one name, or pattern of names, to another."""
    keys = list(boxes.layers)
    places = []
    for pattern in layer_range:
        found = [place for place, key in enumerate(keys) if re.match(pattern, key)]
        if not found:
            raise ValueError(f"plot_model: expected layer_range to name layers of the model; received {pattern!r}.")
        places += [found[0], found[-1]]
    kept = set(keys[min(places) : max(places) + 1])
    boxes.layers = {key: layer for key, layer in boxes.layers.items() if key in kept}
    boxes.edges = [edge for edge in boxes.edges if set(edge) <= kept]
    boxes.groups = {name: [key for key in group if key in kept] for name, group in boxes.groups.items()}


def _shape(layer: Any, side: str) -> str:
    is_input = type(layer).__name__ == "InputLayer"
    side = "output" if is_input else side
    try:
        shape = getattr(layer, f"{side}_shape")
    except AttributeError:
        return "?"
    if isinstance(shape, list) and len(shape) == 1:
        shape = shape[0]
    return str([shape] if is_input else shape)


def _color(layer: Any) -> str:
    kind = type(layer).__name__
    return next((color for word, color in COLORS.items() if word in kind), "#f7f7f7")


def _draw(boxes: Boxes, look: Look, rankdir: str) -> Drawing:
    texts = {key: look.lines(layer) for key, layer in boxes.layers.items()}
    sizes = {
        key: (max(text_width(line, SIZE) for line in lines) + 20, LINE * len(lines) + 8) for key, lines in texts.items()
    }
    sideways = rankdir in ("LR", "RL")
    turned = {key: (size[1], size[0]) for key, size in sizes.items()} if sideways else sizes
    layout = Layout(turned, boxes.edges)
    frame = MARGIN + (20 * _depth(boxes) if boxes.groups else 0)
    width, height = (value + 2 * frame for value in layout.size)

    def seen(point: tuple[float, float]) -> tuple[float, float]:
        x, y = point[0] + frame, point[1] + frame
        y = height - y if rankdir in ("BT", "RL") else y
        return (y, x) if sideways else (x, y)

    picture = Drawing(height, width) if sideways else Drawing(width, height)
    places = {key: seen(layout.places[key]) for key in texts}
    for depth, (name, keys) in enumerate(sorted(boxes.groups.items(), key=lambda group: -len(group[1]))):
        _draw_group(picture, name, [(places[key], sizes[key]) for key in keys], 8 * (_depth(boxes) - depth))
    for path in layout.paths.values():
        picture.line([seen(point) for point in path], "#5b6573", 1.2, arrow=True)
    for key, lines in texts.items():
        (x, y), (wide, high) = places[key], sizes[key]
        top = y - high / 2
        picture.rectangle((x - wide / 2, top), (x + wide / 2, y + high / 2), _color(boxes.layers[key]))
        if len(lines) > 1:
            picture.line([(x - wide / 2, top + LINE + 4), (x + wide / 2, top + LINE + 4)], "#9aa3ad")
        for number, words in enumerate(lines):
            offset = 2 if number == 0 else 6
            picture.text((x, top + offset + LINE * (number + 0.5)), words, SIZE)
    return picture


def _depth(boxes: Boxes) -> int:
    return len(boxes.groups)


def _draw_group(picture: Drawing, name: str, members: Sequence[Any], margin: float) -> None:
    if not members:
        return
    left, right = (min(x - w / 2 for (x, _), (w, _) in members), max(x + w / 2 for (x, _), (w, _) in members))
    top, bottom = (min(y - h / 2 for (_, y), (_, h) in members), max(y + h / 2 for (_, y), (_, h) in members))
    picture.rectangle(
        (left - margin, top - margin - 4), (right + margin, bottom + margin), "none", "#7d8794", dashed=True, radius=6
    )
    picture.text((left - margin + 6, top - margin + 3), name, 9, "start", "#5b6573")


def _save(picture: Drawing, path: Path, dpi: int) -> None:
    """Write the file; where Pillow, or its font, is missing, an SVG beside it."""
    try:
        picture.save(path, dpi)
    except (ImportError, TypeError, OSError) as error:
        if isinstance(error, OSError) and not isinstance(error, ImportError) and "font" not in str(error).lower():
            raise
        other = path.with_suffix(".svg")
        picture.save(other)
        sys.stdout.write(f"plot_model: {path} needs Pillow 10.1 or later; {other} has the same picture.\n")

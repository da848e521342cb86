"""What an image model looks at: heat maps of places, of pixels, and pictures that excite a filter."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from kerastorch.core.config import image_data_format
from kerastorch.engine.context import structure_version
from kerastorch.models import Model


def grad_cam(model: Model, images: Any, classes: Any = None, layer: Any = None) -> np.ndarray:
    """Where the model sees a class (arXiv:1610.02391): heat maps (batch, height, width), 0 to 1, of the images' size.

    The features of `layer` (its name; else the last one with a spatial output, in nested models too) are summed with
    the mean gradients of the class's score as weights; what is negative becomes 0. `classes` is one number or one for
    each image, else the likeliest. Raises ValueError where no layer has a spatial output.

    >>> heat = grad_cam(model, photos, classes=281)  # doctest: +SKIP
    """
    x = _images(model, images)
    found = _layer(model, layer)
    with _kept(found) as outputs, torch.enable_grad():
        score = _scores(model, x, classes).sum()
        (gradient,) = torch.autograd.grad(score, outputs[-1])
    features, axis = outputs[-1].detach(), _channels(found)
    spatial = [one for one in (1, 2, 3) if one != axis]
    heat = torch.relu((features * gradient.mean(spatial, keepdim=True)).sum(axis))
    first = 2 if image_data_format() == "channels_first" else 1
    size = tuple(x.shape[first : first + 2])
    heat = F.interpolate(heat[:, None], size=size, mode="bilinear", align_corners=False)[:, 0]
    return _scaled(heat)


def saliency(model: Model, images: Any, classes: Any = None, samples: int = 1, noise: float = 0.1) -> np.ndarray:
    """How much each pixel matters (arXiv:1312.6034): the largest absolute gradient of its colours, 0 to 1.

    Returns (batch, height, width). With more `samples`, gradients are averaged over copies with normal noise of
    `noise` times the images' range, which makes the maps smoother (arXiv:1706.03825).

    >>> saliency(model, photos, samples=16)  # doctest: +SKIP
    """
    x = _images(model, images)
    with torch.no_grad():
        classes = _classes(model(x, training=False), classes)
    spread = noise * (x.max() - x.min()) if samples > 1 else 0.0
    total = torch.zeros_like(x)
    for _ in range(samples):
        changed = (x + spread * torch.randn_like(x)).requires_grad_()
        with torch.enable_grad():
            (gradient,) = torch.autograd.grad(_scores(model, changed, classes).sum(), changed)
        total += gradient
    axis = 1 if image_data_format() == "channels_first" else -1
    return _scaled(total.abs().amax(axis))


def maximize_filter(
    model: Model,
    layer: Any,
    filter_index: int,
    size: int | tuple[int, int] = 128,
    steps: int = 40,
    step_size: float = 1.0,
    seed: int = 0,
) -> np.ndarray:
    """A picture (height, width, channels), 0 to 1, that a filter of `layer` answers to most, by gradient ascent.

    It starts from noise around 0; each step goes `step_size` along the gradient, scaled to a length of 1 a pixel. A
    model that takes one size only gets that one. Raises ValueError for a filter that the layer does not have.

    >>> maximize_filter(model, "block3_conv1", 7)  # doctest: +SKIP
    """
    found = _layer(model, layer)
    shape = _shape(model, (size, size) if isinstance(size, int) else size)
    generator = torch.Generator().manual_seed(seed)
    x = (0.1 * torch.randn(shape, generator=generator)).to(model.device)
    with _kept(found, and_stop=True) as outputs:
        for _ in range(steps):
            outputs.clear()
            x.requires_grad_()
            with torch.enable_grad():
                with contextlib.suppress(_Reached):
                    model(x, training=False)
                features = outputs[-1]
                axis = _channels(found) if features.dim() == 4 else -1
                if not -features.shape[axis] <= filter_index < features.shape[axis]:
                    raise ValueError(
                        f"maximize_filter: expected a filter below {features.shape[axis]} of layer '{found.name}'; "
                        f"received filter_index={filter_index}."
                    )
                (gradient,) = torch.autograd.grad(features.select(axis, filter_index).mean(), x)
            x = (x + step_size * gradient / gradient.square().mean().sqrt().clamp_min(1e-12)).detach()
    picture = x[0] if image_data_format() == "channels_last" else x[0].movedim(0, -1)
    picture = (picture - picture.mean()) / picture.std().clamp_min(1e-6) * 0.15 + 0.5
    return picture.clamp(0.0, 1.0).cpu().numpy()


def overlay(images: Any, heat: Any, strength: float = 0.5) -> np.ndarray:
    """Images (batch, height, width, channels) with heat maps over them, blue to red, as uint8.

    Images that go up to 1 are taken as 0 to 1, others as 0 to 255.

    >>> keras.utils.save_img("seen.png", overlay(photos, grad_cam(model, photos))[0])  # doctest: +SKIP
    """
    pictures, heat = np.asarray(images, "float32"), np.asarray(heat, "float32")[..., None]
    pictures = pictures if pictures.max() > 1.0 else 255.0 * pictures
    colors = np.clip(1.5 - np.abs(4.0 * heat - np.array([3.0, 2.0, 1.0], "float32")), 0.0, 1.0)
    share = strength * heat
    return np.clip(pictures * (1.0 - share) + 255.0 * colors * share, 0.0, 255.0).astype("uint8")


def _images(model: Model, images: Any) -> torch.Tensor:
    x = torch.as_tensor(np.asarray(images) if not isinstance(images, torch.Tensor) else images).detach()
    if x.dim() != 4:
        raise ValueError(
            f"explain: expected a batch of images of 4 axes; received shape {tuple(x.shape)}. Pass image[None] for one."
        )
    return x.to(device=model.device, dtype=torch.get_default_dtype())


def _layer(model: Model, wanted: Any) -> Any:
    layers = [model, *model.inner_layers]
    if wanted is not None and not isinstance(wanted, str):
        return wanted
    if isinstance(wanted, str):
        found = [layer for layer in layers if layer.name == wanted]
        return found[0] if found else model.get_layer(wanted)
    for layer in _in_order(model)[::-1]:
        try:
            shape = layer.output_shape
        except AttributeError:
            continue
        if isinstance(shape, tuple) and len(shape) == 4:
            return layer
    raise ValueError(
        f"{type(model).__name__} '{model.name}': expected a layer with output (batch, height, width, channels); "
        "received a model without one. Name the layer."
    )


def _in_order(model: Any) -> list[Any]:
    """The layers, those of models inside in their place."""
    found: list[Any] = []
    for layer in model.layers:
        found += _in_order(layer) if isinstance(layer, Model) and layer.graph is not None else [layer]
    return found


class _Reached(Exception):
    """Ends a forward where nothing behind a layer is needed."""


@contextlib.contextmanager
def _kept(layer: Any, and_stop: bool = False) -> Iterator[list[torch.Tensor]]:
    """The outputs of a layer while the block runs, with gradients even where everything before it is frozen."""
    outputs: list[torch.Tensor] = []

    def keep(module: Any, arguments: Any, output: torch.Tensor) -> torch.Tensor:
        output = output if output.requires_grad else output.detach().requires_grad_()
        outputs.append(output)
        if and_stop:
            raise _Reached
        return output

    handle = layer.register_forward_hook(keep)
    try:
        yield outputs
    finally:
        handle.remove()
        structure_version.bump()  # generated code may leave the hook out again


def _classes(outputs: torch.Tensor, classes: Any) -> torch.Tensor:
    if classes is None:
        return outputs.argmax(-1)
    numbers = torch.as_tensor(classes, device=outputs.device).long()
    if int(numbers.max()) >= outputs.shape[-1] or int(numbers.min()) < 0:
        raise ValueError(f"explain: expected classes below {outputs.shape[-1]}; received {classes}.")
    return numbers.expand(outputs.shape[0])


def _scores(model: Model, x: torch.Tensor, classes: Any) -> torch.Tensor:
    """The scores of the classes, before the softmax where the model ends with one."""
    outputs = model(x, training=False)
    if outputs.dim() != 2:
        raise ValueError(
            f"{type(model).__name__} '{model.name}': expected outputs (batch, classes); received shape "
            f"{tuple(outputs.shape)}. Pass the model of one classifier."
        )
    scores = getattr(outputs, "_keras_logits", outputs)
    return scores.gather(1, _classes(outputs, classes)[:, None])[:, 0]


def _channels(layer: Any) -> int:
    first = getattr(layer, "data_format", None) or image_data_format()
    return 1 if first == "channels_first" else 3


def _shape(model: Model, size: tuple[int, int]) -> tuple[int, ...]:
    first = image_data_format() == "channels_first"
    given = model.input_shape[1:]
    channels = given[0] if first else given[-1]
    rows, columns = (wanted or own for wanted, own in zip(given[1:] if first else given[:2], size, strict=True))
    return (1, channels, rows, columns) if first else (1, rows, columns, channels)


def _scaled(maps: torch.Tensor) -> np.ndarray:
    """Each map divided by its largest value."""
    return (maps / maps.amax((1, 2), keepdim=True).clamp_min(1e-12)).cpu().numpy()


__all__ = ["grad_cam", "maximize_filter", "overlay", "saliency"]

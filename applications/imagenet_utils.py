"""What networks trained on ImageNet share: pictures in, class names out, and the sizes they take."""

from __future__ import annotations

import functools
import json
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from kerastorch import activations
from kerastorch.core.config import current_device, floatx, image_data_format, torch_dtype
from kerastorch.core.errors import describe
from kerastorch.datasets.download import get_file
from kerastorch.engine.symbolic import KerasTensor

CLASS_INDEX = "https://storage.googleapis.com/download.tensorflow.org/data/imagenet_class_index.json"
CLASS_INDEX_HASH = "c2c37ea517e94d9795004a39431a14cb"

_MEANS = {"caffe": (103.939, 116.779, 123.68), "torch": (0.485, 0.456, 0.406)}
_DEVIATIONS = {"torch": (0.229, 0.224, 0.225)}
_SCALES = {"tf": 127.5, "torch": 255.0}


def preprocess_input(x: Any, data_format: str | None = None, mode: str = "caffe") -> Any:
    """Pictures with values of 0 to 255 as a network was trained on them.

    'caffe' turns RGB into BGR and subtracts the mean colour of ImageNet, 'tf' scales to -1...1, 'torch' scales to
    0...1 and normalises each colour. Takes (height, width, 3) or a batch of them, or the channels first.
    An array of floats is written over, as in Keras; tensors and arrays of integers stay as they are.
    Raises ValueError for another mode, data format, or shape.

    >>> preprocess_input(np.array([[[0.0, 127.5, 255.0]]]), mode="tf").tolist()
    [[[-1.0, 0.0, 1.0]]]
    """
    if mode not in ("caffe", "tf", "torch"):
        raise ValueError(
            f"preprocess_input: expected mode to be one of 'caffe', 'tf' or 'torch'; received mode={mode!r}. "
            "The module of each network has a preprocess_input with the right mode."
        )
    data_format = image_data_format() if data_format is None else data_format
    if data_format not in ("channels_first", "channels_last"):
        raise ValueError(
            "preprocess_input: expected data_format to be 'channels_first' or 'channels_last'; received "
            f"data_format={data_format!r}. Leave it out for the default."
        )
    if not isinstance(x, np.ndarray | torch.Tensor | KerasTensor):
        x = np.asarray(x)
    axis = -1 if data_format == "channels_last" else -3
    if mode != "tf" and (x.ndim not in (3, 4) or x.shape[axis] not in (3, None)):
        raise ValueError(
            f"preprocess_input: expected pictures of three colours, {data_format}; received {describe(x)}. Repeat a "
            "grey channel three times: np.repeat(x, 3, axis=-1)."
        )
    return _preprocess_array(x, axis, mode) if isinstance(x, np.ndarray) else _preprocess_tensor(x, axis, mode)


def _preprocess_array(x: np.ndarray, axis: int, mode: str) -> np.ndarray:
    if not np.issubdtype(x.dtype, np.floating):
        x = x.astype(floatx())
    if mode in _SCALES:
        x /= _SCALES[mode]
    if mode == "tf":
        x -= 1.0
        return x
    if mode == "caffe":
        x = np.flip(x, axis)
    shape = (3,) if axis == -1 else (3, 1, 1)
    x -= np.reshape(_MEANS[mode], shape).astype(x.dtype)
    if mode in _DEVIATIONS:
        x /= np.reshape(_DEVIATIONS[mode], shape).astype(x.dtype)
    return x


def _preprocess_tensor(x: Any, axis: int, mode: str) -> Any:
    dtype = x.dtype if x.dtype.is_floating_point else torch_dtype(floatx())
    device = x.device if isinstance(x, torch.Tensor) else current_device()
    x = x.to(dtype)
    if mode in _SCALES:
        x = x / _SCALES[mode]
    if mode == "tf":
        return x - 1.0
    if mode == "caffe":
        x = x.flip(axis)
    shape = (3,) if axis == -1 else (3, 1, 1)
    x = x - torch.tensor(_MEANS[mode], dtype=dtype, device=device).reshape(shape)
    if mode in _DEVIATIONS:
        x = x / torch.tensor(_DEVIATIONS[mode], dtype=dtype, device=device).reshape(shape)
    return x


def preprocessing(mode: str) -> Callable[..., Any]:
    """The `preprocess_input` of networks that were trained with one mode."""

    def preprocess_one_mode(x: Any, data_format: str | None = None) -> Any:
        return preprocess_input(x, data_format, mode)

    preprocess_one_mode.__name__ = preprocess_one_mode.__qualname__ = "preprocess_input"
    preprocess_one_mode.__doc__ = f"Pictures with values of 0 to 255 as this network takes them (mode {mode!r})."
    return preprocess_one_mode


def preprocessing_inside(x: Any, data_format: str | None = None) -> Any:
    """The pictures as they are: the network itself begins with the scaling of 0...255."""
    return x


def decode_predictions(preds: Any, top: int = 5) -> list[list[tuple[str, str, Any]]]:
    """The `top` likeliest classes of each row of (batch, 1000) probabilities as (WordNet id, name, probability).

    The names come from a file in `~/.keras/models`, which is downloaded where it is missing.
    Raises ValueError for another shape, FileNotFoundError where the file is missing and the download fails.

    >>> decode_predictions(model.predict(photo), top=1)  # doctest: +SKIP
    [[('n02124075', 'Egyptian_cat', 0.91)]]
    """
    if isinstance(preds, torch.Tensor):
        preds = preds.detach().cpu().numpy()
    shape = tuple(np.shape(preds))
    if len(shape) != 2 or shape[1] != 1000:
        raise ValueError(
            "decode_predictions: expected a batch of predictions, an array of shape (samples, 1000); received shape "
            f"{shape}. Only networks with the 1000 classes of ImageNet can be decoded."
        )
    classes = _class_index(get_file("imagenet_class_index.json", CLASS_INDEX, "", None, CLASS_INDEX_HASH, "models"))
    best = np.argsort(preds, axis=1)[:, ::-1][:, :top]
    return [[(*classes[place], row[place]) for place in places] for row, places in zip(preds, best, strict=True)]


@functools.lru_cache(maxsize=1)
def _class_index(path: str) -> list[tuple[str, str]]:
    index = json.loads(Path(path).read_text(encoding="utf-8"))
    return [tuple(index[str(place)]) for place in range(len(index))]


def obtain_input_shape(
    input_shape: Sequence[int | None] | None,
    default_size: int,
    min_size: int,
    data_format: str | None = None,
    require_flatten: bool = True,
    weights: Any = None,
    owner: str = "obtain_input_shape",
) -> tuple[int | None, ...]:
    """The checked shape of one picture: the given one, or the default with a classifier, or any size without one.

    Raises ValueError for a shape that is too small, has not three axes, or does not fit the pretrained weights; it
    warns of a number of channels other than 1 and 3.
    """
    channels_first = (data_format or image_data_format()) == "channels_first"
    pretrained = isinstance(weights, str) and weights == "imagenet"

    def with_channels(channels: int | None, rows: int | None, columns: int | None) -> tuple[int | None, ...]:
        return (channels, rows, columns) if channels_first else (rows, columns, channels)

    if input_shape is not None:
        input_shape = tuple(input_shape)
        if len(input_shape) != 3:
            raise ValueError(
                f"{owner}: expected input_shape to be a tuple of three integers; received input_shape={input_shape}. "
                f"Pass for example {with_channels(3, default_size, default_size)}."
            )
    channels = 3 if input_shape is None else input_shape[0 if channels_first else 2]
    default = with_channels(3 if pretrained else channels, default_size, default_size)
    if pretrained and require_flatten:
        if input_shape not in (None, default):
            raise ValueError(
                f"{owner}: expected input_shape={default} with include_top=True and weights='imagenet'; received "
                f"input_shape={input_shape}. Pass include_top=False for other sizes."
            )
        return default
    if pretrained and channels != 3:
        raise ValueError(
            f"{owner}: expected an input of 3 channels with weights='imagenet'; received input_shape={input_shape}. "
            "Repeat a grey channel three times, or pass weights=None."
        )
    if channels not in (1, 3):
        warnings.warn(
            f"{owner}: expected 1 or 3 input channels; received input_shape={input_shape} with {channels}.",
            stacklevel=4,
        )
    if input_shape is None:
        return default if require_flatten else with_channels(3, None, None)
    rows, columns = input_shape[1:] if channels_first else input_shape[:2]
    if any(size is not None and size < min_size for size in (rows, columns)):
        raise ValueError(
            f"{owner}: expected an input size of at least {min_size}x{min_size}; received input_shape={input_shape}. "
            "Resize or repeat the pictures."
        )
    if require_flatten and None in input_shape:
        raise ValueError(
            f"{owner}: expected a static input_shape with include_top=True; received input_shape={input_shape}. Give "
            "every size, or pass include_top=False."
        )
    return input_shape


def correct_pad(inputs: Any, kernel_size: int | Sequence[int]) -> tuple[tuple[int, int], tuple[int, int]]:
    """The padding with which a 'valid' convolution of stride 2 sees what TensorFlow's 'same' one does."""
    sizes = inputs.shape[2:4] if image_data_format() == "channels_first" else inputs.shape[1:3]
    kernel = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    odd = [0 if sizes[0] is None else size % 2 for size in sizes]
    return tuple((window // 2 - 1 + rest, window // 2) for window, rest in zip(kernel, odd, strict=True))


def validate_activation(classifier_activation: Any, weights: Any, owner: str = "validate_activation") -> None:
    """Raises ValueError for an activation that the pretrained classifier was not trained with."""
    if weights is None or activations.get(classifier_activation) in (
        activations.get("softmax"),
        activations.get(None),
    ):
        return
    raise ValueError(
        f"{owner}: expected classifier_activation to be 'softmax' or None with pretrained weights and "
        f"include_top=True; received classifier_activation={classifier_activation!r}. Pass weights=None, or put a "
        "layer of your own on top of include_top=False."
    )

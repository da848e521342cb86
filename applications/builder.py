"""What all networks share: their arguments and checks, the way in, the way out, and the files of weights."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import torch
from kerastorch.applications.imagenet_utils import obtain_input_shape, validate_activation
from kerastorch.applications.torch_weights import TorchNames, load_state_dict, read_old_torch_file

from kerastorch import layers
from kerastorch.core import nest
from kerastorch.core.config import image_data_format
from kerastorch.core.errors import describe, did_you_mean
from kerastorch.core.naming import names
from kerastorch.datasets.download import get_file
from kerastorch.engine.context import call_context
from kerastorch.engine.symbolic import KerasTensor
from kerastorch.models import Model
from kerastorch.models.raw_pictures import expect_preprocessed
from kerastorch.saving import torch_files
from kerastorch.saving.kinds import kind_of_content

STORAGE = "https://storage.googleapis.com/tensorflow/keras-applications/"
SCALING = (layers.Rescaling, layers.Normalization)
Constructor = Callable[..., Model]
Body = Callable[[Any], Any]
Weights = str | os.PathLike[str] | Mapping[str, torch.Tensor] | None


class File(NamedTuple):
    """A file of weights: its name in the cache, where Keras publishes it, and its hash."""

    name: str
    url: str
    hash: str | None = None


def keras_files(
    folder: str,
    stem: str,
    hashes: Sequence[str | None] = (None, None),
    endings: Sequence[str] = (
        "_weights_tf_dim_ordering_tf_kernels.h5",
        "_weights_tf_dim_ordering_tf_kernels_notop.h5",
    ),
) -> dict[str, tuple[File, ...]]:
    """The files of weights='imagenet', with the classifier and without, where both follow Keras' usual names."""
    both = zip(endings, hashes, strict=True)
    return {"imagenet": tuple(File(stem + ending, folder + stem + ending, hash) for ending, hash in both)}


@dataclass(frozen=True)
class Request:
    """The arguments that all constructors share."""

    include_top: bool = True
    weights: Any = "imagenet"
    input_tensor: Any = None
    input_shape: Any = None
    pooling: str | None = None
    classes: int = 1000
    classifier_activation: Any = "softmax"


def dense_classifier(
    pool_name: str | None = "avg_pool", dropout: float = 0.0, **options: Any
) -> Callable[[Any, Request], Any]:
    """The usual classifier: global average pooling, dropout where there is any, and one fully connected layer."""

    def classify(x: Any, request: Request) -> Any:
        x = layers.GlobalAveragePooling2D(name=pool_name)(x)
        if dropout > 0:
            x = layers.Dropout(dropout, name="top_dropout")(x)
        return layers.Dense(request.classes, request.classifier_activation, name="predictions", **options)(x)

    return classify


def pooled(x: Any, pooling: str | None, named: bool = False) -> Any:
    """Features as `pooling` asks for them."""
    if pooling == "avg":
        return layers.GlobalAveragePooling2D(name="avg_pool" if named else None)(x)
    if pooling == "max":
        return layers.GlobalMaxPooling2D(name="max_pool" if named else None)(x)
    return x


def pooled_by_name(x: Any, pooling: str | None) -> Any:
    """Features as `pooling` asks for them, from a layer called 'avg_pool' or 'max_pool'."""
    return pooled(x, pooling, named=True)


@dataclass(frozen=True)
class Network:
    """An architecture: the name of its models, its layers, and what differs at its ends."""

    name: str
    body: Body
    size: int = 224
    smallest: int = 32
    files: Mapping[str, Any] = field(default_factory=dict)  # by word: both files, or a function that finds one
    torch_names: TorchNames = TorchNames()
    classifier: Callable[[Any, Request], Any] = dense_classifier()
    pool: Callable[[Any, str | None], Any] = pooled

    def build(self, owner: str, request: Request, shape: tuple[int | None, ...] | None = None) -> Model:
        """The model that the constructor called `owner` returns; `shape` skips the check of the shape.

        Raises ValueError for words and combinations that no constructor takes.
        """
        check(owner, request, self.files)
        if shape is None:
            shape = self.input_shape(owner, request)
        inputs = _start(owner, request.input_tensor, shape)
        with _without_values(request.weights is not None):
            x = self.body(inputs)
            x = self.classifier(x, request) if request.include_top else self.pool(x, request.pooling)
        model = Model(_sources(inputs), x, name=self.name)
        if request.weights is not None:
            self.load(owner, model, request)
            if request.input_tensor is None and not any(isinstance(layer, SCALING) for layer in model.layers[:4]):
                expect_preprocessed(inputs.node.layer, owner)
        return model

    def load(self, owner: str, model: Model, request: Request) -> None:
        """Put the weights into `model` that `request` asks for: Keras' files, others of Keras, or torch's."""
        weights = request.weights
        if not isinstance(weights, Mapping):
            path = Path(weights_path(request, self.files))
            kind = kind_of_content(path)
            if kind == "pickle" and path.suffix in (".pth", ".pt"):
                weights = read_old_torch_file(path, owner)
            elif kind == "torch" and (found := torch_files.read(path, f"{owner}, '{path}'"))[0] is None:
                weights = found[1]
            else:
                model.load_weights(path)
                return
        load_state_dict(owner, model, weights, self.torch_names)

    def input_shape(self, owner: str, request: Request) -> tuple[int | None, ...]:
        """The shape of one picture."""
        return obtain_input_shape(
            request.input_shape, self.size, self.smallest, None, request.include_top, request.weights, owner
        )


@contextlib.contextmanager
def _without_values(wanted: bool) -> Iterator[None]:
    """Make weights without drawing values for them, as a file has those of all."""
    before = call_context.weights_left
    if wanted:
        call_context.weights_left = sys.maxsize
    try:
        yield
    finally:
        call_context.weights_left = before


def check(owner: str, request: Request, files: Mapping[str, Any]) -> None:
    """Raises ValueError for arguments of a wrong kind, and for those that pretrained weights rule out."""
    weights, pooling = request.weights, request.pooling
    is_word = isinstance(weights, str) and weights in files
    is_path = not is_word and isinstance(weights, str | os.PathLike) and os.path.exists(weights)
    if not (weights is None or is_word or is_path or isinstance(weights, Mapping)):
        words = " or ".join(repr(word) for word in files) or "no name of weights"
        hint = did_you_mean(weights, files) if isinstance(weights, str) and files else ""
        raise ValueError(
            f"{owner}: expected weights to be None (random initialization), {words} (pre-training on ImageNet), or "
            f"the path to an existing weights file; received weights={weights!r}. {hint}".rstrip()
        )
    if pooling not in (None, "avg", "max"):
        raise ValueError(
            f"{owner}: expected pooling to be None, 'avg' or 'max'; received pooling={pooling!r}. "
            + (did_you_mean(pooling, ("avg", "max")) if isinstance(pooling, str) else "Leave it out for none.")
        )
    if is_word and request.include_top and request.classes != 1000:
        raise ValueError(
            f"{owner}: expected classes=1000 with weights={weights!r} and include_top=True; received "
            f"classes={request.classes}. Pass include_top=False and put a Dense layer of your own on top."
        )
    if request.include_top:
        validate_activation(request.classifier_activation, weights, owner)


def weights_path(request: Request, files: Mapping[str, Any]) -> Any:
    """The file that `weights` means, downloaded where it is one of Keras' own and not in the cache."""
    if not (isinstance(request.weights, str) and request.weights in files):
        return request.weights
    published = files[request.weights]
    if callable(published):
        return published()
    file = published[0 if request.include_top else 1]
    return get_file(file.name, file.url, file_hash=file.hash, cache_subdir="models")


def constructor(name: str, about: str, network: Network) -> Constructor:
    """The function called `name` that builds a network, with the arguments that most of tf.keras' functions have."""

    def construct(
        include_top: bool = True,
        weights: Weights = "imagenet",
        input_tensor: KerasTensor | None = None,
        input_shape: Sequence[int | None] | None = None,
        pooling: str | None = None,
        classes: int = 1000,
        classifier_activation: Any = "softmax",
    ) -> Model:
        arguments = (include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation)
        return network.build(name, Request(*arguments))

    return named(construct, name, f"{about} Pictures of {network.size}x{network.size} with the classifier.")


def preprocessing_constructor(
    name: str, model_name: str, about: str, network: Callable[[str, bool], Network]
) -> Constructor:
    """As `constructor`, for functions that also take the model's name and whether it scales the pictures itself."""

    def construct(
        model_name: str = model_name,
        include_top: bool = True,
        include_preprocessing: bool = True,
        weights: Weights = "imagenet",
        input_tensor: KerasTensor | None = None,
        input_shape: Sequence[int | None] | None = None,
        pooling: str | None = None,
        classes: int = 1000,
        classifier_activation: Any = "softmax",
    ) -> Model:
        arguments = (include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation)
        return network(model_name, include_preprocessing).build(name, Request(*arguments))

    return named(construct, name, about)


def named(function: Constructor, name: str, about: str) -> Constructor:
    """`function` under the name and with the description of one network."""
    function.__name__ = function.__qualname__ = name
    function.__doc__ = about
    return function


def _start(owner: str, tensor: Any, shape: tuple[int | None, ...]) -> KerasTensor:
    if tensor is None:
        return layers.Input(shape=shape)
    if not isinstance(tensor, KerasTensor):
        raise ValueError(
            f"{owner}: expected input_tensor to be a symbolic tensor; received {describe(tensor)}. Pass the output of "
            "Input(...) or of a layer that was called on it."
        )
    return tensor


def _sources(tensor: KerasTensor) -> Any:
    """The inputs that a symbolic tensor follows from; one alone is not in a list."""
    found: dict[Any, KerasTensor] = {}
    waiting, seen = [tensor], set()
    while waiting:
        one = waiting.pop()
        if isinstance(one.node.layer, layers.InputLayer):
            found[one.key] = one
        elif id(one.node) not in seen:
            seen.add(id(one.node))
            before = nest.flatten((one.node.args, one.node.kwargs))
            waiting += [leaf for leaf in reversed(before) if isinstance(leaf, KerasTensor)]
    sources = list(found.values())
    return sources[0] if len(sources) == 1 else sources


# --- pieces of bodies ----------------------------------------------------------------------------------------------


def channel_axis() -> int:
    """Where the channels are in a batch of pictures."""
    return 1 if image_data_format() == "channels_first" else 3


def channels_of(x: Any) -> int:
    return x.shape[channel_axis()]


def make_divisible(value: float, divisor: int = 8, smallest: int | None = None) -> int:
    """The multiple of `divisor` nearest to `value`, and not less than 0.9 of it (arXiv:1801.04381)."""
    nearest = max(smallest or divisor, int(value + divisor / 2) // divisor * divisor)
    return nearest + divisor if nearest < 0.9 * value else nearest


def batch_norm(x: Any, name: str | None = None, **options: Any) -> Any:
    return layers.BatchNormalization(axis=channel_axis(), name=name, **options)(x)


def add_tensors(a: Any, b: Any) -> Any:
    """`a + b` under the name that tf.keras gives the layer of a sum."""
    return layers.TorchOp(torch.Tensor.__add__, name=names.next("tf.__operators__.add"))(a, b)


def multiply_tensors(a: Any, b: Any) -> Any:
    """`a * b` under the name that tf.keras gives the layer of a product."""
    return layers.TorchOp(torch.Tensor.__mul__, name=names.next("tf.math.multiply"))(a, b)

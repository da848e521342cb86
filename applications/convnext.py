"""ConvNeXt: Tiny, Small, Base, Large and XLarge (arXiv:2201.03545)."""

from __future__ import annotations

from typing import Any

import torch
from kerastorch.applications import builder
from kerastorch.applications.builder import STORAGE, Constructor, Network, Request, keras_files
from kerastorch.applications.imagenet_utils import decode_predictions, preprocessing_inside

from kerastorch import layers
from kerastorch.core.registry import register_keras_serializable
from kerastorch.initializers import Constant
from kerastorch.models import Sequential

MEAN = [0.485 * 255, 0.456 * 255, 0.406 * 255]
VARIANCE = [(0.229 * 255) ** 2, (0.224 * 255) ** 2, (0.225 * 255) ** 2]
FIRST_SCALE = 1e-6


@register_keras_serializable()
class LayerScale(layers.Layer):
    """`inputs * gamma`, with one learned factor a channel that starts at `init_values` (arXiv:2103.17239).

    >>> LayerScale(0.5, 2)(torch.ones(1, 2)).tolist()
    [[0.5, 0.5]]
    """

    def __init__(self, init_values: float, projection_dim: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.init_values = init_values
        self.projection_dim = projection_dim

    def build(self, input_shape: Any) -> None:
        self.gamma = self.add_weight("gamma", (self.projection_dim,), initializer=Constant(self.init_values))

    def call(self, inputs: torch.Tensor) -> torch.Tensor:
        return inputs * self.gamma

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape


@register_keras_serializable()
class StochasticDepth(layers.Layer):
    """Zero for a share `drop_path_rate` of the samples in training, the others scaled up (arXiv:1603.09382).

    >>> StochasticDepth(0.5)(torch.ones(1)).tolist()
    [1.0]
    """

    preserves_shape = True

    def __init__(self, drop_path_rate: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.drop_path_rate = drop_path_rate

    def call(self, inputs: torch.Tensor, training: bool | None = None) -> torch.Tensor:
        if not training:
            return inputs
        kept = 1.0 - self.drop_path_rate
        shape = (inputs.shape[0], *(1,) * (inputs.dim() - 1))
        return inputs / kept * inputs.new_empty(shape).bernoulli_(kept)


def _norm(name: str | None) -> Any:
    return layers.LayerNormalization(epsilon=1e-6, name=name)


def _block(inputs: Any, filters: int, name: str) -> Any:
    x = layers.Conv2D(filters, 7, padding="same", groups=filters, name=f"{name}_depthwise_conv")(inputs)
    x = _norm(f"{name}_layernorm")(x)
    x = layers.Dense(4 * filters, name=f"{name}_pointwise_conv_1")(x)
    x = layers.Activation("gelu", name=f"{name}_gelu")(x)
    x = layers.Dense(filters, name=f"{name}_pointwise_conv_2")(x)
    x = LayerScale(FIRST_SCALE, filters, name=f"{name}_layer_scale")(x)
    return builder.add_tensors(inputs, layers.Activation("linear", name=f"{name}_identity")(x))


def _downsampling(filters: tuple[int, ...], name: str) -> list[Sequential]:
    """The stem, and what stands before each later stage."""
    stem = [layers.Conv2D(filters[0], 4, 4, name=f"{name}_stem_conv"), _norm(f"{name}_stem_layernorm")]
    steps = [Sequential(stem, name=f"{name}_stem")]
    for number, width in enumerate(filters[1:]):
        step = [
            _norm(f"{name}_downsampling_layernorm_{number}"),
            layers.Conv2D(width, 2, 2, name=f"{name}_downsampling_conv_{number}"),
        ]
        steps.append(Sequential(step, name=f"{name}_downsampling_block_{number}"))
    return steps


def _convnext(variant: str, depths: tuple[int, ...], filters: tuple[int, ...], hashes: tuple[str, str]) -> Constructor:
    function, default_name = f"ConvNeXt{variant}", f"convnext_{variant.lower()}"
    files = keras_files(f"{STORAGE}convnext/", default_name, hashes, (".h5", "_notop.h5"))

    def network(name: str, include_preprocessing: bool) -> Network:
        def body(x: Any) -> Any:
            if include_preprocessing and builder.channels_of(x) == 3:
                x = layers.Normalization(mean=MEAN, variance=VARIANCE, name=f"{name}_prestem_normalization")(x)
            steps = _downsampling(filters, name)
            for stage, (step, depth, width) in enumerate(zip(steps, depths, filters, strict=True)):
                x = step(x)
                for place in range(depth):
                    x = _block(x, width, f"{name}_stage_{stage}_block_{place}")
            return x

        def classifier(x: Any, request: Request) -> Any:
            x = layers.GlobalAveragePooling2D(name=f"{name}_head_gap")(x)
            x = _norm(f"{name}_head_layernorm")(x)
            return layers.Dense(request.classes, request.classifier_activation, name=f"{name}_head_dense")(x)

        def pool(x: Any, pooling: str | None) -> Any:
            return _norm(None)(builder.pooled(x, pooling))

        return Network(name, body, files=files, classifier=classifier, pool=pool)

    about = f"{function} of {'-'.join(map(str, depths))} blocks; pictures of 224x224, 0...255."
    return builder.preprocessing_constructor(function, default_name, about, network)


ConvNeXtTiny = _convnext(
    "Tiny",
    (3, 3, 9, 3),
    (96, 192, 384, 768),
    (
        "8ae6e78ce2933352b1ef4008e6dd2f17bc40771563877d156bc6426c7cf503ff",
        "d547c096cabd03329d7be5562c5e14798aa39ed24b474157cef5e85ab9e49ef1",
    ),
)
ConvNeXtSmall = _convnext(
    "Small",
    (3, 3, 27, 3),
    (96, 192, 384, 768),
    (
        "ce1277d8f1ee5a0ef0e171469089c18f5233860ceaf9b168049cb9263fd7483c",
        "6fc8009faa2f00c1c1dfce59feea9b0745eb260a7dd11bee65c8e20843da6eab",
    ),
)
ConvNeXtBase = _convnext(
    "Base",
    (3, 3, 27, 3),
    (128, 256, 512, 1024),
    (
        "52cbb006d3dadd03f6e095a8ca1aca47aecdd75acb4bc74bce1f5c695d0086e6",
        "40a20c5548a5e9202f69735ecc06c990e6b7c9d2de39f0361e27baeb24cb7c45",
    ),
)
ConvNeXtLarge = _convnext(
    "Large",
    (3, 3, 27, 3),
    (192, 384, 768, 1536),
    (
        "070c5ed9ed289581e477741d3b34beffa920db8cf590899d6d2c67fba2a198a6",
        "96f02b6f0753d4f543261bc9d09bed650f24dd6bc02ddde3066135b63d23a1cd",
    ),
)
ConvNeXtXLarge = _convnext(
    "XLarge",
    (3, 3, 27, 3),
    (256, 512, 1024, 2048),
    (
        "c1f5ccab661354fc3a79a10fa99af82f0fbf10ec65cb894a3ae0815f17a889ee",
        "de3f8a54174130e0cecdc71583354753d557fcf1f4487331558e2a16ba0cfe05",
    ),
)
preprocess_input = preprocessing_inside

__all__ = [
    "ConvNeXtBase",
    "ConvNeXtLarge",
    "ConvNeXtSmall",
    "ConvNeXtTiny",
    "ConvNeXtXLarge",
    "LayerScale",
    "StochasticDepth",
    "decode_predictions",
    "preprocess_input",
]

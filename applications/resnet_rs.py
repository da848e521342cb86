"""ResNetRS50 to ResNetRS420 (arXiv:2103.07579)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kerastorch.applications import builder
from kerastorch.applications.builder import STORAGE, Constructor, Network, Request, Weights, keras_files
from kerastorch.applications.efficientnet import conv, squeeze_and_excite
from kerastorch.applications.imagenet_utils import decode_predictions, preprocessing_inside

from kerastorch import layers
from kerastorch.core.naming import names
from kerastorch.engine.symbolic import KerasTensor
from kerastorch.models import Model

MEAN, VARIANCE = [0.485, 0.456, 0.406], [0.229**2, 0.224**2, 0.225**2]


def _conv(x: Any, filters: int, kernel: int, name: str, stride: int = 1) -> Any:
    if stride > 1:
        ends = (kernel - 1) // 2, kernel // 2
        return conv(layers.ZeroPadding2D((ends, ends))(x), filters, kernel, name, stride, "valid")
    return conv(x, filters, kernel, name)


def _norm(x: Any, name: str) -> Any:
    return builder.batch_norm(x, name, momentum=0.0, epsilon=1e-5)


def _relu(x: Any, name: str) -> Any:
    return layers.Activation("relu", name=name)(x)


def _stem(x: Any) -> Any:
    name = f"{names.next('stem', first_is_bare=False)}_stem"
    for place, (filters, stride) in enumerate(((32, 2), (32, 1), (64, 1), (64, 2)), 1):
        x = _norm(_conv(x, filters, 3, f"{name}_conv_{place}", stride), f"{name}_batch_norm_{place}")
        x = _relu(x, f"{name}_act_{place}")
    return x


def _block(inputs: Any, filters: int, stride: int, projected: bool, rate: float, name: str) -> Any:
    shortcut = inputs
    if projected:
        if stride == 2:
            shortcut = layers.AveragePooling2D(2, 2, "same", name=f"{name}_projection_pooling")(inputs)
        shortcut = _norm(_conv(shortcut, 4 * filters, 1, f"{name}_projection_conv"), f"{name}_projection_batch_norm")
    x = _conv(inputs, filters, 1, f"{name}_conv_1")
    x = _relu(_norm(x, f"{name}batch_norm_1"), f"{name}_act_1")
    x = _conv(x, filters, 3, f"{name}_conv_2", stride)
    x = _relu(_norm(x, f"{name}_batch_norm_2"), f"{name}_act_2")
    x = _norm(_conv(x, 4 * filters, 1, f"{name}_conv_3"), f"{name}_batch_norm_3")
    x = squeeze_and_excite(x, filters, "relu", f"{name}_se_")
    if rate:
        x = layers.Dropout(rate, noise_shape=(None, 1, 1, 1), name=f"{name}_drop")(x)
    return _relu(layers.Add()([x, shortcut]), f"{name}_output_act")


def _resnet_rs(
    depths: tuple[int, ...],
    number: int,
    drop_connect_rate: float,
    dropout: float,
    hashes: Mapping[int, tuple[str, str]],
) -> Constructor:
    function, name = f"ResNetRS{number}", f"resnet-rs-{number}"
    files: dict[str, Any] = {}
    for size in sorted(hashes):  # the largest comes last: it is what 'imagenet' means
        files |= keras_files(f"{STORAGE}resnet_rs/", f"{name}-i{size}", hashes[size], (".h5", "_notop.h5"))
        files[f"imagenet-i{size}"] = files["imagenet"]

    def body(x: Any, include_preprocessing: bool) -> Any:
        if include_preprocessing:
            channels = builder.channels_of(x)
            x = layers.Rescaling(1.0 / 255)(x)
            if channels == 3:
                x = layers.Normalization(mean=MEAN, variance=VARIANCE, axis=builder.channel_axis())(x)
        x = _stem(x)
        for stage, (depth, filters) in enumerate(zip(depths, (64, 128, 256, 512), strict=True)):
            rate = drop_connect_rate * (stage + 2) / (len(depths) + 1)
            for place in range(depth):
                stride = 2 if stage and not place else 1
                x = _block(x, filters, stride, place == 0, rate, f"BlockGroup{stage + 2}__block_{place}_")
        return x

    def construct(
        include_top: bool = True,
        weights: Weights = "imagenet",
        classes: int = 1000,
        input_shape: Sequence[int | None] | None = None,
        input_tensor: KerasTensor | None = None,
        pooling: str | None = None,
        classifier_activation: Any = "softmax",
        include_preprocessing: bool = True,
    ) -> Model:
        if isinstance(weights, str) and weights == "imagenet":  # any size of picture is taken, so not by that word
            weights = f"imagenet-i{max(hashes)}"
        network = Network(
            name,
            lambda x: body(x, include_preprocessing),
            files=files,
            classifier=builder.dense_classifier(dropout=dropout),
            pool=builder.pooled_by_name,
        )
        arguments = (include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation)
        return network.build(function, Request(*arguments))

    about = f"{function} of {'-'.join(map(str, depths))} blocks; pictures of 224x224, 0...255."
    return builder.named(construct, function, about)


ResNetRS50 = _resnet_rs(
    (3, 4, 6, 3), 50, 0.0, 0.25, {160: ("69d9d925319f00a8bdd4af23c04e4102", "90daa68cd26c95aa6c5d25451e095529")}
)
ResNetRS101 = _resnet_rs(
    (3, 4, 23, 3),
    101,
    0.0,
    0.25,
    {
        160: ("544b3434d00efc199d66e9058c7f3379", "82d5b90c5ce9d710da639d6216d0f979"),
        192: ("eb285be29ab42cf4835ff20a5e3b5d23", "f9a0f6b85faa9c3db2b6e233c4eebb5b"),
    },
)
ResNetRS152 = _resnet_rs(
    (3, 8, 36, 3),
    152,
    0.0,
    0.25,
    {
        192: ("8d72a301ed8a6f11a47c4ced4396e338", "5fbf7ac2155cb4d5a6180ee9e3aa8704"),
        224: ("31a46a92ab21b84193d0d71dd8c3d03b", "dc8b2cba2005552eafa3167f00dc2133"),
        256: ("ba6271b99bdeb4e7a9b15c05964ef4ad", "fa79794252dbe47c89130f65349d654a"),
    },
)
ResNetRS200 = _resnet_rs(
    (3, 24, 36, 3), 200, 0.1, 0.25, {256: ("a76930b741884e09ce90fa7450747d5f", "bbdb3994718dfc0d1cd45d7eff3f3d9c")}
)
ResNetRS270 = _resnet_rs(
    (4, 29, 53, 4), 270, 0.1, 0.25, {256: ("20d575825ba26176b03cb51012a367a8", "2c42ecb22e35f3e23d2f70babce0a2aa")}
)
ResNetRS350 = _resnet_rs(
    (4, 36, 72, 4),
    350,
    0.1,
    0.4,
    {
        256: ("f4a039dc3c421321b7fc240494574a68", "6e44b55025bbdff8f51692a023143d66"),
        320: ("7ccb858cc738305e8ceb3c0140bee393", "ab0c1f9079d2f85a9facbd2c88aa6079"),
    },
)
ResNetRS420 = _resnet_rs(
    (4, 44, 87, 4), 420, 0.1, 0.4, {320: ("ae0eb9bed39e64fc8d7e0db4018dc7e8", "fe6217c32be8305b1889657172b98884")}
)
preprocess_input = preprocessing_inside

__all__ = [
    "ResNetRS101",
    "ResNetRS152",
    "ResNetRS200",
    "ResNetRS270",
    "ResNetRS350",
    "ResNetRS420",
    "ResNetRS50",
    "decode_predictions",
    "preprocess_input",
]

"""What the suite measures: by title, the layer in Keras' words, the module in torch's, and the input."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

IMAGE = (32, 28, 28, 32)
SEQUENCE = (32, 100, 64)


@dataclass(frozen=True)
class Entry:
    """`keras` and `torch` name a class and its arguments; images go to torch as channels_last tensors."""

    shape: tuple[int, ...]
    keras: tuple[str, dict[str, Any]]
    torch: tuple[str, dict[str, Any]]
    calls: int = 5  # in one piece
    integers: int = 0  # the size of a vocabulary, for inputs that are words
    pad: tuple[int, ...] = ()  # zeros that torch must add first, where Keras' padding is not symmetric
    mask: str = ""  # the side on which the sequences are padded
    options: dict[str, Any] = field(default_factory=dict)  # further keywords of the call in Keras


def _convolution(kind: str, rank: int, **options: Any) -> tuple[str, dict[str, Any]]:
    return f"{kind}{rank}d", {"in_channels": 32, "out_channels": 32, **options}


LAYERS: dict[str, Entry] = {
    "Dense": Entry((256, 512), ("Dense", {"units": 512}), ("Linear", {"in_features": 512, "out_features": 512})),
    "Conv1D": Entry(
        (32, 256, 32),
        ("Conv1D", {"filters": 32, "kernel_size": 5, "padding": "same"}),
        _convolution("Conv", 1, kernel_size=5, padding=2),
    ),
    "Conv2D": Entry(
        IMAGE,
        ("Conv2D", {"filters": 32, "kernel_size": 3, "padding": "same"}),
        _convolution("Conv", 2, kernel_size=3, padding=1),
    ),
    "Conv2D, 1 x 1": Entry(
        IMAGE, ("Conv2D", {"filters": 32, "kernel_size": 1}), _convolution("Conv", 2, kernel_size=1)
    ),
    "Conv2D, strides 2": Entry(
        IMAGE,
        ("Conv2D", {"filters": 32, "kernel_size": 3, "strides": 2, "padding": "same"}),
        _convolution("Conv", 2, kernel_size=3, stride=2),
        pad=(0, 1, 0, 1),
    ),
    "Conv3D": Entry(
        (4, 12, 12, 12, 32),
        ("Conv3D", {"filters": 32, "kernel_size": 3, "padding": "same"}),
        _convolution("Conv", 3, kernel_size=3, padding=1),
    ),
    "Conv2DTranspose": Entry(
        (32, 14, 14, 32),
        ("Conv2DTranspose", {"filters": 32, "kernel_size": 4, "strides": 2, "padding": "same"}),
        _convolution("ConvTranspose", 2, kernel_size=4, stride=2, padding=1),
    ),
    "DepthwiseConv2D": Entry(
        IMAGE,
        ("DepthwiseConv2D", {"kernel_size": 3, "padding": "same"}),
        _convolution("Conv", 2, kernel_size=3, padding=1, groups=32),
    ),
    "MaxPooling2D": Entry(IMAGE, ("MaxPooling2D", {}), ("MaxPool2d", {"kernel_size": 2})),
    "MaxPooling2D, same": Entry(
        IMAGE,
        ("MaxPooling2D", {"pool_size": 3, "strides": 2, "padding": "same"}),
        ("MaxPool2d", {"kernel_size": 3, "stride": 2, "ceil_mode": True}),
    ),
    "AveragePooling2D": Entry(IMAGE, ("AveragePooling2D", {}), ("AvgPool2d", {"kernel_size": 2})),
    "GlobalAveragePooling2D": Entry(
        IMAGE, ("GlobalAveragePooling2D", {"keepdims": True}), ("AdaptiveAvgPool2d", {"output_size": 1})
    ),
    "UpSampling2D": Entry((32, 14, 14, 32), ("UpSampling2D", {}), ("Upsample", {"scale_factor": 2})),
    "BatchNormalization": Entry(
        IMAGE,
        ("BatchNormalization", {}),
        ("BatchNorm2d", {"num_features": 32, "eps": 1e-3}),
        options={"training": True},
    ),
    "BatchNormalization, inference": Entry(
        IMAGE, ("BatchNormalization", {}), ("BatchNorm2d", {"num_features": 32, "eps": 1e-3})
    ),
    "LayerNormalization": Entry((32, 100, 256), ("LayerNormalization", {}), ("LayerNorm", {"normalized_shape": 256})),
    "GroupNormalization": Entry(
        IMAGE, ("GroupNormalization", {"groups": 8}), ("GroupNorm", {"num_groups": 8, "num_channels": 32})
    ),
    "Embedding": Entry(
        (64, 100),
        ("Embedding", {"input_dim": 5000, "output_dim": 64}),
        ("Embedding", {"num_embeddings": 5000, "embedding_dim": 64}),
        integers=5000,
    ),
    "MultiHeadAttention": Entry(
        SEQUENCE,
        ("MultiHeadAttention", {"num_heads": 4, "key_dim": 16}),
        ("MultiheadAttention", {"embed_dim": 64, "num_heads": 4, "batch_first": True}),
    ),
}
for _name, _torch in (("SimpleRNN", "RNN"), ("LSTM", "LSTM"), ("GRU", "GRU")):
    LAYERS[_name] = Entry(
        SEQUENCE,
        (_name, {"units": 64, "return_sequences": True}),
        (_torch, {"input_size": 64, "hidden_size": 64, "batch_first": True}),
        calls=2,
    )
for _name in ("LSTM", "GRU"):
    for _side in ("left", "right"):
        _plain = LAYERS[_name]
        LAYERS[f"{_name}, masked on the {_side}"] = Entry(_plain.shape, _plain.keras, _plain.torch, 2, mask=_side)

# `fit` of Embedding, the layer and Dense on sentences; at most these ratios to the others.
RECURRENT: dict[str, dict[str, float]] = {
    "LSTM": {"keras": 1 / 8, "tf_keras": 1 / 2},
    "GRU": {"keras": 1 / 3},
}

"""Modules in which earlier Keras kept the layers: their names are today's layers."""

from __future__ import annotations

import importlib

import numpy as np
import pytest
import torch

import kerastorch as keras

PATHS = {
    "layers.core": "Activation Dense Dropout Flatten Masking Permute RepeatVector Reshape Lambda",
    "layers.convolutional": "Conv1D Conv2D Conv2DTranspose Cropping2D MaxPooling2D UpSampling2D ZeroPadding2D",
    "layers.pooling": "AveragePooling2D GlobalAveragePooling2D GlobalMaxPooling1D MaxPooling2D",
    "layers.recurrent": "GRU LSTM RNN SimpleRNN GRUCell LSTMCell SimpleRNNCell StackedRNNCells",
    "layers.convolutional_recurrent": "ConvLSTM2D",
    "layers.embeddings": "Embedding",
    "layers.normalization": "BatchNormalization LayerNormalization",
    "layers.merge": "Add Average Concatenate Dot Maximum Minimum Multiply Subtract add concatenate dot",
    "layers.merging": "Add Concatenate add concatenate",
    "layers.noise": "AlphaDropout GaussianDropout GaussianNoise",
    "layers.local": "LocallyConnected1D LocallyConnected2D",
    "layers.wrappers": "Bidirectional TimeDistributed Wrapper",
    "layers.advanced_activations": "ELU LeakyReLU PReLU ReLU Softmax ThresholdedReLU",
    "layers.cudnn_recurrent": "CuDNNGRU CuDNNLSTM",
    "layers.attention": "AdditiveAttention Attention",
    "layers.experimental": "EinsumDense SyncBatchNormalization",
    "layers.experimental.preprocessing": "CenterCrop Normalization RandomContrast RandomCrop RandomFlip RandomHeight "
    "RandomRotation RandomTranslation RandomWidth RandomZoom Rescaling Resizing",
}


@pytest.mark.parametrize("path", PATHS)
def test_old_paths(path: str) -> None:
    module = importlib.import_module(f"kerastorch.{path}")
    for name in PATHS[path].split():
        assert getattr(module, name) is getattr(keras.layers, name)
    # `import keras` alone is enough to write the whole path
    found = keras
    for part in path.split("."):
        found = getattr(found, part)
    assert found is module


def test_topology() -> None:
    from kerastorch.engine.topology import InputSpec, Layer

    assert Layer is keras.layers.Layer is keras.Layer and InputSpec is keras.layers.InputSpec


def test_merging_layers_of_programs() -> None:
    class Between(keras.layers.merge._Merge):
        def _merge_function(self, inputs: list[torch.Tensor]) -> torch.Tensor:
            return 0.25 * inputs[0] + 0.75 * inputs[1]

    a, b = keras.Input((3,)), keras.Input((3,))
    model = keras.Model([a, b], Between()([a, b]))
    assert model.output_shape == (None, 3)
    np.testing.assert_allclose(model.predict([np.ones((2, 3)), np.zeros((2, 3))], verbose=0), np.full((2, 3), 0.25))
    with pytest.raises(NotImplementedError, match="_Merge 'merge_rule': expected a method `_merge_function"):
        keras.layers.merge._Merge(name="merge_rule")([torch.ones(1, 2), torch.ones(1, 2)])


OPTIMIZERS = "Adadelta Adagrad Adam Adamax Ftrl Nadam RMSprop"


@pytest.mark.parametrize(
    ("module", "name"), [("gradient_descent", "SGD"), *((n.lower(), n) for n in OPTIMIZERS.split())]
)
def test_old_paths_of_optimizers(module: str, name: str) -> None:
    """What these modules held is today's `optimizers.legacy`."""
    for folder in ("optimizer_v2", "optimizers.optimizer_v2"):
        found = importlib.import_module(f"kerastorch.{folder}.{module}")
        assert getattr(found, name) is getattr(keras.optimizers.legacy, name)
    assert keras.optimizer_v2.learning_rate_schedule.CosineDecay is keras.optimizers.schedules.CosineDecay

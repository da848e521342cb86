"""What is trained is what was trainable when the model was compiled, as in tf.keras."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, IterableDataset

import kerastorch as keras
from kerastorch.layers import BatchNormalization, Dense, Input


def changed(model: Any, step: Any) -> list[bool]:
    before = model.get_weights()
    step()
    return [not np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True)]


def test_gan_discriminator_trains_by_itself_and_not_in_the_combined_model() -> None:
    critic = keras.Sequential([Dense(4, input_shape=(3,)), BatchNormalization(), Dense(1, activation="sigmoid")])
    critic.compile("sgd", "binary_crossentropy")
    maker = keras.Sequential([Dense(3, input_shape=(2,))])
    critic.trainable = False
    noise = Input((2,))
    both = keras.Model(noise, critic(maker(noise)))
    both.compile("sgd", "binary_crossentropy")
    rng = np.random.default_rng(0)
    real, ones = rng.random((8, 3), dtype="float32"), np.ones((8, 1), dtype="float32")
    for _ in range(2):
        assert all(changed(critic, lambda: critic.train_on_batch(real, ones)))
        assert not any(changed(critic, lambda: both.train_on_batch(rng.random((8, 2), dtype="float32"), ones)))
    assert not critic.trainable and critic.trainable_weights == []
    assert all(changed(maker, lambda: both.fit(rng.random((8, 2), dtype="float32"), ones, verbose=0)))


def test_freezing_counts_from_the_next_compile_on() -> None:
    model = keras.Sequential([Dense(4, input_shape=(3,)), Dense(1)])
    model.compile("sgd", "mse")
    x, y = np.random.default_rng(0).random((8, 3), dtype="float32"), np.ones((8, 1), dtype="float32")
    model.layers[0].trainable = False
    assert changed(model, lambda: model.fit(x, y, verbose=0)) == [True] * 4
    model.compile("sgd", "mse")
    assert changed(model, lambda: model.fit(x, y, verbose=0)) == [False, False, True, True]
    assert [weight.requires_grad for weight in model.weights] == [False, False, True, True]
    model.trainable = False
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="weights are all frozen"):
        model.fit(x, y, verbose=0)


def test_double_moves_the_dtype_of_inputs_too() -> None:
    model = keras.Sequential([Dense(4, activation="relu", input_shape=(3,)), Dense(1)]).double()
    assert model(torch.ones(2, 3)).dtype is torch.float64
    assert model(torch.ones(2, 3, dtype=torch.float64)).dtype is torch.float64
    assert model.float()(torch.ones(2, 3, dtype=torch.float64)).dtype is torch.float32


def test_loader_of_unknown_length() -> None:
    class Stream(IterableDataset):
        def __iter__(self) -> Any:
            return iter([(torch.ones(3), torch.ones(1))] * 10)

    model = keras.Sequential([Dense(1, input_shape=(3,))])
    model.compile("sgd", "mse")
    history = model.fit(DataLoader(Stream(), batch_size=4), epochs=2, verbose=0)
    assert len(history.history["loss"]) == 2


def test_constructor_whose_first_argument_is_not_called_self() -> None:
    class Odd(keras.layers.Layer):
        def __init__(me, units: int = 2, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            me.units = units

        def call(me, inputs: Any) -> Any:
            return inputs * me.units

    config = Odd(3, name="odd").get_config()
    assert config["units"] == 3 and "me" not in config
    assert Odd.from_config(config)(torch.ones(1)).item() == 3.0


def test_model_that_defines_forward() -> None:
    class Net(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.dense = Dense(1)

        def forward(self, x: Any) -> Any:
            return self.dense(x)

    model = Net()
    model.compile("sgd", "mse")
    history = model.fit(np.ones((8, 3), "float32"), np.ones((8, 1), "float32"), epochs=2, verbose=0)
    assert history.history["loss"][1] < history.history["loss"][0]


def test_clone_of_a_functional_class_with_its_own_constructor() -> None:
    class Network(keras.Model):
        def __init__(self, units: int) -> None:
            inputs = Input((3,))
            super().__init__(inputs, Dense(units)(inputs))

    copy = keras.models.clone_model(Network(2))
    assert copy.output_shape == (None, 2) and copy.count_params() == 8


def test_messages() -> None:
    class Forgetful(keras.layers.Layer):
        def call(self, inputs: Any) -> Any:
            inputs * 2

    with pytest.raises(ValueError, match="Forgetful 'forgetful': expected `call` to return a tensor; received None"):
        Forgetful()(torch.ones(1))
    with pytest.raises(TypeError, match="Dense 'dense': expected a tensor; received the layer Dense"):
        Dense(3)(Dense(4))


def test_checkpoints_of_whole_models(tmp_path: Any) -> None:
    model = keras.Sequential([Dense(1, input_shape=(3,))])
    model.compile("sgd", "mse")
    x, y = np.ones((4, 3), "float32"), np.ones((4, 1), "float32")
    path = tmp_path / "best.h5"
    model.fit(x, y, verbose=0, callbacks=[keras.callbacks.ModelCheckpoint(path)])
    np.testing.assert_array_equal(keras.models.load_model(path).predict(x), model.predict(x))

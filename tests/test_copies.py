"""Copies of models, by config, JSON, clone, deepcopy and pickle; names and lookup of layers."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import kerastorch as keras
from functional_tools import LEFT, RIGHT, same
from kerastorch.layers import (
    BatchNormalization,
    Concatenate,
    Conv2D,
    Dense,
    Input,
    Layer,
    Softmax,
)
from support import normal

# --- copies --------------------------------------------------------------------------------------------


def branching_model() -> Any:
    a, b = Input((3,), name="a"), Input((2,), name="b")
    shared = Dense(4, activation="relu", kernel_regularizer="l2", name="shared")
    inner = keras.Sequential([Dense(4, input_shape=(4,)), BatchNormalization()], name="inner")
    left = inner(shared(a))
    right = shared(torch.cat([b, b[:, :1]], 1) * 0.5)
    joined = Concatenate(axis=-1, name="joined")([left, right, torch.tanh(left)])
    return keras.Model([a, b], [Dense(1, name="one")(joined), Softmax(name="two")(joined)], name="branching")


@pytest.mark.parametrize(
    "make",
    [
        lambda m: keras.Model.from_config(m.get_config()),
        lambda m: keras.models.model_from_json(m.to_json()),
        lambda m: keras.models.model_from_config(json.loads(m.to_json())),
        keras.models.clone_model,
        copy.deepcopy,
        lambda m: pickle.loads(pickle.dumps(m)),
    ],
    ids=["from_config", "json", "model_from_config", "clone_model", "deepcopy", "pickle"],
)
def test_copies_of_models(make: Callable[[Any], Any]) -> None:
    model = branching_model()
    for weight in model.weights:
        weight.assign(np.abs(normal(weight.name, tuple(weight.shape))))
    twin = make(model)
    assert type(twin) is type(model) and twin.name == "branching"
    assert [layer.name for layer in twin.layers] == [layer.name for layer in model.layers]
    assert [w.name for w in twin.weights] == [w.name for w in model.weights]
    assert not {id(w) for w in twin.weights} & {id(w) for w in model.weights}
    twin.set_weights(model.get_weights())
    for training in (False, True):
        for found, expected in zip(twin([LEFT, RIGHT], training), model([LEFT, RIGHT], training), strict=True):
            same(found, expected)
    assert len(twin.losses) == len(model.losses) == 1
    before = twin.get_weights()
    model.set_weights([weight + 1 for weight in model.get_weights()])
    for weight, value in zip(twin.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, value)
    part = keras.Model(twin.input, twin.get_layer("joined").output)
    assert part([LEFT, RIGHT]).shape == (4, 12)
    twin.compile("sgd", "mse")
    twin.fit([LEFT, RIGHT], [torch.ones(4, 1), torch.ones(4, 12)], verbose=0)


def test_copies_of_compiled_and_trained_models() -> None:
    model = keras.Sequential([Dense(4, activation="relu", input_shape=(3,)), Dense(1)])
    model.compile(keras.optimizers.Adam(0.1), "mse", metrics=["mae"])
    y = torch.ones(4, 1)
    model.fit(LEFT, y, epochs=2, verbose=0, shuffle=False)
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        ours = copy.deepcopy(model)
        assert int(twin.optimizer.iterations) == 2
        for one in (twin, ours):
            one.fit(LEFT, y, epochs=3, verbose=0, shuffle=False)
        for found, expected in zip(twin.get_weights(), ours.get_weights(), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-6)
        assert twin.evaluate(LEFT, y, verbose=0) == pytest.approx(ours.evaluate(LEFT, y, verbose=0))
    assert int(model.optimizer.iterations) == 2


def test_clone_model_with_a_function_and_with_inputs() -> None:
    model = keras.Sequential([Dense(4, activation="relu", input_shape=(3,)), Dense(2, activation="relu")])

    def linear(layer: Any) -> Any:
        config = layer.get_config()
        if "activation" in config:
            config["activation"] = "linear"
        return type(layer).from_config(config)

    twin = keras.models.clone_model(model, clone_function=linear)
    twin.set_weights(model.get_weights())
    kernels = [w for w in model.weights if "kernel" in w.name]
    same(twin(LEFT), LEFT @ kernels[0] @ kernels[1])
    x = Input((3,), name="fresh")
    assert keras.models.clone_model(model, input_tensors=x).input_names == ["fresh"]
    functional = keras.Model(x, Dense(2)(x))
    y = Input((3,), name="other")
    assert keras.models.clone_model(functional, input_tensors=[y]).input_names == ["other"]
    with pytest.raises(ValueError, match="clone_model: expected a model; received 3"):
        keras.models.clone_model(3)


def test_custom_layers_in_configs() -> None:
    class Scale(Layer):
        def __init__(self, factor: float = 1.0, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.factor = factor

        def call(self, inputs: torch.Tensor) -> torch.Tensor:
            return inputs * self.factor

    class Old(Layer):
        def __init__(self, units: int, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.n = units

        def call(self, inputs: torch.Tensor) -> torch.Tensor:
            return inputs + self.n

        def get_config(self) -> dict[str, Any]:
            config = super().get_config()
            config.update({"units": self.n})
            return config

    x = Input((3,))
    model = keras.Model(x, Old(2)(Scale(3.0)(x)))
    again = keras.models.model_from_json(model.to_json(), custom_objects={"Scale": Scale, "Old": Old})
    same(again(LEFT), LEFT * 3 + 2)
    with keras.utils.custom_object_scope({"Scale": Scale, "Old": Old}):
        same(keras.models.model_from_json(model.to_json())(LEFT), LEFT * 3 + 2)
    with pytest.raises(ValueError, match="expected the name of a known layer; received 'Scale'"):
        keras.models.model_from_json(model.to_json())


def test_a_config_cannot_call_what_is_no_function_of_tensors() -> None:
    x = Input((3,))
    text = keras.Model(x, torch.exp(x)).to_json()
    assert '"torch.exp"' in text
    for name in ("torch.load", "torch.save", "torch.hub.load", "exp", "os.system"):
        with pytest.raises(ValueError, match="expected the name of a torch function on tensors"):
            keras.models.model_from_json(text.replace('"function": "torch.exp"', f'"function": "{name}"'))


# --- names and lookup ----------------------------------------------------------------------------------


def test_names_count_per_process() -> None:
    assert [Dense(1).name, Dense(1).name, Conv2D(1, 1).name] == ["dense", "dense_1", "conv2d"]
    assert keras.Input((1,)).name == "input_1" and keras.Input((1,)).name == "input_2"
    x = Input((1,))
    assert [keras.Model(x, x).name, keras.Model(x, x).name] == ["model", "model_1"]
    assert keras.Sequential().name == "sequential"
    keras.backend.clear_session()
    assert [Dense(1).name, Input((1,)).name, keras.Model(x, x).name] == ["dense", "input_1", "model"]

    class MyNet(keras.Model):
        pass

    assert [MyNet().name, MyNet(name="x").name] == ["my_net", "x"]


def test_get_layer() -> None:
    model = branching_model()
    assert model.get_layer("joined") is model.get_layer(index=model.layers.index(model.get_layer("joined")))
    assert model.get_layer(index=-1) is model.layers[-1]
    with pytest.raises(ValueError, match="expected the name of a layer; received 'joint'. Did you mean 'joined'"):
        model.get_layer("joint")
    with pytest.raises(ValueError, match="Known: "):
        model.get_layer("zzzzzz")


def test_a_subclass_may_be_functional() -> None:
    class Autoencoder(keras.Model):
        def __init__(self, width: int, code: int) -> None:
            x = Input((width,))
            z = Dense(code, name="code")(x)
            super().__init__(x, Dense(width, name="out")(z))
            self.encoder = keras.Model(x, z)

    model = Autoencoder(3, 2)
    assert isinstance(model, Autoencoder) and model.name == "autoencoder"
    same(model(LEFT), model.get_layer("out")(model.encoder(LEFT)))
    assert len(model.weights) == 4
    model.compile("sgd", "mse")
    model.fit(LEFT, LEFT, verbose=0)
    model.summary(print_fn=lambda line: None)

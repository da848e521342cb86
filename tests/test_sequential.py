"""Sequential models: built at once, later or from data; add, pop, configs; layers of all kinds in the stack."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import kerastorch as keras
from kerastorch.layers import (
    Activation,
    BatchNormalization,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Input,
    InputLayer,
    Lambda,
    Layer,
    MaxPooling2D,
)
from support import normal

X = torch.from_numpy(normal("x", (4, 3)))

WAYS = {
    "input_shape": lambda: keras.Sequential([Dense(2, input_shape=(3,)), Dense(1)]),
    "input_dim": lambda: keras.Sequential([Dense(2, input_dim=3), Dense(1)]),
    "batch_input_shape": lambda: keras.Sequential([Dense(2, batch_input_shape=(None, 3)), Dense(1)]),
    "Input": lambda: keras.Sequential([Input((3,)), Dense(2), Dense(1)]),
    "Input tensor": lambda: keras.Sequential([keras.Input(shape=(3,)), Dense(2), Dense(1)]),
    "InputLayer": lambda: keras.Sequential([InputLayer(input_shape=(3,)), Dense(2), Dense(1)]),
    "InputLayer shape": lambda: keras.Sequential([InputLayer((3,)), Dense(2), Dense(1)]),
    "add": lambda: added(),
    "build": lambda: built_by_hand(),
    "tuple": lambda: keras.Sequential((Dense(2, input_shape=(3,)), Dense(1))),
    "data": lambda: built_by_data(),
}


def added() -> Any:
    model = keras.Sequential()
    model.add(Dense(2, input_shape=(3,)))
    model.add(Dense(1))
    return model


def built_by_hand() -> Any:
    model = keras.Sequential([Dense(2), Dense(1)])
    model.build((None, 3))
    return model


def built_by_data() -> Any:
    model = keras.Sequential([Dense(2), Dense(1)])
    model(X)
    return model


@pytest.mark.parametrize("way", WAYS)
def test_ways_to_say_the_shape(way: str) -> None:
    model = WAYS[way]()
    assert model.built
    assert model.input_shape == (None, 3) and model.output_shape == (None, 1)
    assert [layer.name for layer in model.layers] == ["dense", "dense_1"]
    assert [tuple(w.shape) for w in model.weights] == [(3, 2), (2,), (2, 1), (1,)]
    assert [w.name for w in model.weights] == ["dense/kernel:0", "dense/bias:0", "dense_1/kernel:0", "dense_1/bias:0"]
    first, second = model.layers
    torch.testing.assert_close(model(X), (X @ first.kernel + first.bias) @ second.kernel + second.bias)
    assert model.predict(X, verbose=0).shape == (4, 1)
    assert keras.Model(model.input, model.layers[0].output)(X).shape == (4, 2)
    again = keras.models.model_from_json(model.to_json())
    again.set_weights(model.get_weights())
    torch.testing.assert_close(again(X), model(X))


def test_deferred_models_are_built_by_whatever_comes_first() -> None:
    array = X.numpy()
    for use in (
        lambda m: m(X),
        lambda m: m(array),
        lambda m: m.predict(array, verbose=0),
        lambda m: m.fit(array, np.ones((4, 1)), verbose=0),
        lambda m: m.evaluate(array, np.ones((4, 1)), verbose=0),
        lambda m: m.train_on_batch(array, np.ones((4, 1))),
        lambda m: m.build((None, 3)),
        lambda m: m.build(input_shape=[None, 3]),
    ):
        model = keras.Sequential([Dense(2), Dense(1)])
        model.compile("sgd", "mse", metrics=["mae"])
        assert not model.built and model.weights == [] and len(list(model.parameters())) == 0
        use(model)
        assert model.built and len(model.weights) == 4
        assert model.output_shape == (None, 1)
        assert model.fit(array, np.ones((4, 1)), verbose=0).history.keys() == {"loss", "mae"}


def test_add_and_pop() -> None:
    model = keras.Sequential([Dense(2, input_shape=(3,)), Dense(4), Dense(1)])
    kept = model.layers[:2]
    model.pop()
    assert model.layers == kept and model.output_shape == (None, 4) and len(model.weights) == 4
    torch.testing.assert_close(model(X), kept[1](kept[0](X)))
    model.add(Dense(5, name="new"))
    assert model(X).shape == (4, 5) and len(model.state_dict()) == 6
    assert list(model.state_dict())[-2:] == ["new.kernel", "new.bias"]
    for _ in range(3):
        model.pop()
    assert model.layers == [] and model.weights == []
    with pytest.raises(TypeError, match="expected at least one layer to pop"):
        model.pop()
    model.add(Dense(2))
    assert model(X).shape == (4, 2)


def test_pop_of_a_deferred_model() -> None:
    model = keras.Sequential([Dense(2), Dense(1)])
    model.pop()
    assert model(X).shape == (4, 2)


def test_layers_added_after_compile_are_trained() -> None:
    model = keras.Sequential([Dense(2, input_shape=(3,))])
    model.compile("sgd", "mse")
    model.fit(X, torch.ones(4, 2), verbose=0)
    model.add(Dense(1))
    model.compile("sgd", "mse")
    before = model.layers[1].get_weights()[0]
    model.fit(X, torch.ones(4, 1), verbose=0)
    assert np.abs(model.layers[1].get_weights()[0] - before).max() > 0


def test_the_layers_list_is_a_copy() -> None:
    model = WAYS["input_shape"]()
    model.layers.append(Dense(3))
    model.layers.clear()
    assert len(model.layers) == 2


def test_inputs_of_integers() -> None:
    model = keras.Sequential([Embedding(10, 2, input_length=4), Flatten(), Dense(1)])
    assert model.input_shape == (None, 4) and model.output_shape == (None, 1)
    words = torch.tensor([[1, 2, 3, 9]])
    expected = model.layers[2](model.layers[0].embeddings[words].reshape(1, -1))
    torch.testing.assert_close(model(words), expected)
    np.testing.assert_allclose(model.predict(words.numpy().astype("float32"), verbose=0), expected.detach(), rtol=1e-6)
    open_length = keras.Sequential([Embedding(10, 2)])
    assert open_length.input_shape == (None, None) and open_length(words).shape == (1, 4, 2)
    with pytest.raises(ValueError, match="Embedding 'embedding': expected integers from 0 to 9; received .* to 10"):
        model(torch.tensor([[1, 2, 3, 10]]))


def test_torch_modules_in_the_stack() -> None:
    model = keras.Sequential([Input((3,)), nn.Linear(3, 5), nn.Tanh(), Dense(2), nn.BatchNorm1d(2), nn.Dropout(0.5)])
    linear, norm = model.layers[0].module, model.layers[3].module
    dense = model.layers[2]
    expected = torch.tanh(linear(X)) @ dense.kernel + dense.bias
    torch.testing.assert_close(model(X), expected / np.sqrt(1 + 1e-5))
    assert [tuple(w.shape) for w in model.trainable_weights] == [(5, 3), (5,), (5, 2), (2,), (2,), (2,)]
    assert model.count_params() == 15 + 5 + 10 + 2 + 4 + 4
    assert model.output_shape == (None, 2)
    model.compile("sgd", "mse")
    before = linear.weight.detach().clone()
    model.fit(X, torch.ones(4, 2), epochs=2, verbose=0)
    assert (linear.weight - before).abs().max() > 0 and norm.running_mean.abs().max() > 0
    assert not norm.training and norm.num_batches_tracked == 2
    lines: list[str] = []
    model.summary(print_fn=lines.append)
    assert any("torch_module (TorchModule)" in line for line in lines)
    convolutional = keras.Sequential(
        [Input((6, 6, 1)), Conv2D(2, 3), Lambda(lambda t: t.permute(0, 3, 1, 2)), nn.Flatten()]
    )
    assert convolutional.output_shape == (None, 32)
    assert keras.Sequential([nn.Linear(3, 2)])(X).shape == (4, 2)


def test_nested_sequentials() -> None:
    inner = keras.Sequential([Dense(4, activation="relu"), Dropout(0.5)], name="inner")
    model = keras.Sequential([inner, keras.Sequential([Dense(1)])])
    assert model(X).shape == (4, 1)
    assert list(model.state_dict()) == [
        "inner.dense.kernel", "inner.dense.bias", "sequential.dense.kernel", "sequential.dense.bias",
    ]  # fmt: skip
    assert [w.name for w in model.weights][2:] == ["dense_1/kernel:0", "dense_1/bias:0"]
    declared = keras.Sequential([keras.Sequential([Dense(4, input_shape=(3,))]), Dense(1)])
    assert declared.built and declared.input_shape == (None, 3)
    again = keras.models.model_from_json(declared.to_json())
    again.set_weights(declared.get_weights())
    torch.testing.assert_close(again(X), declared(X))


def test_subclasses_of_sequential() -> None:
    class Net(keras.Sequential):
        def __init__(self, units: int = 2, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.add(Dense(units, activation="relu"))
            self.add(Dense(1))

    model = Net(5)
    assert model.name == "net" and model(X).shape == (4, 1)
    assert tuple(model.layers[0].kernel.shape) == (3, 5)


def test_configs_of_all_keras_versions() -> None:
    model = keras.Sequential([Dense(2, input_shape=(3,), activation="relu"), Dense(1)])
    text = json.loads(model.to_json())
    assert [layer["class_name"] for layer in text["config"]["layers"]] == ["InputLayer", "Dense", "Dense"]
    layers_only = text["config"]["layers"][1:]
    layers_only[0]["config"]["batch_input_shape"] = [None, 3]
    oldest = keras.models.model_from_json(json.dumps({"class_name": "Sequential", "config": layers_only}))
    assert oldest.built and oldest.output_shape == (None, 1)
    deferred = keras.Sequential([Dense(2), Dense(1)])
    assert not keras.models.model_from_json(deferred.to_json()).built


def test_fixed_batch_sizes() -> None:
    model = keras.Sequential([Dense(2, batch_input_shape=(4, 3))])
    assert model.input_shape == (4, 3) and model.output_shape == (4, 2)
    assert model.predict(X, batch_size=4, verbose=0).shape == (4, 2)
    assert model(X[:2]).shape == (2, 2)  # as in tf.keras: the last batch of an epoch may be smaller
    assert model.predict(X, batch_size=3, verbose=0).shape == (4, 2)
    with pytest.raises(ValueError, match=r"expected shape \(4, 3\) for input 'dense_input'; received \(4, 2\)"):
        model(X[:, :2])


def test_one_layer_given_without_a_list() -> None:
    assert keras.Sequential(Dense(2, input_shape=(3,)))(X).shape == (4, 2)


def test_other_names_and_types() -> None:
    model = keras.Sequential([Dense(2, input_shape=(3,), dtype="float64"), Activation("relu")], name="mine")
    assert model.name == "mine" and model.layers[0].dtype == "float64"
    assert model.layers[0].kernel.dtype is torch.float64
    keras.backend.set_floatx("float64")
    try:
        double = keras.Sequential([Dense(2, input_shape=(3,)), BatchNormalization(), Dense(1)])
        double.compile("sgd", "mse")
        double.fit(X.numpy(), np.ones((4, 1)), verbose=0)
        assert {w.dtype for w in double.weights} == {torch.float64}
        assert double.predict(X.numpy(), verbose=0).dtype == np.float64
    finally:
        keras.backend.set_floatx("float32")


def test_relus_that_move_behind_a_pooling_change_nothing() -> None:
    model = keras.Sequential(
        [Conv2D(3, 3, activation="relu", input_shape=(8, 8, 1)), MaxPooling2D(), Flatten(), Dense(2)]
    )
    images = torch.from_numpy(normal("images", (2, 8, 8, 1)))
    conv, pool, flatten, dense = model.layers
    expected = dense(flatten(pool(conv(images))))
    torch.testing.assert_close(model(images), expected)
    features = keras.Model(model.input, conv.output)
    assert float(features(images).detach().min()) == 0.0
    conv.activation = keras.activations.get("tanh")
    torch.testing.assert_close(model(images), dense(flatten(pool(conv(images)))))
    assert (model(images) - expected).abs().max() > 1e-4
    conv.activation = keras.activations.get("relu")
    seen: list[float] = []
    handle = conv.register_forward_hook(lambda module, args, output: seen.append(float(output.detach().min())))
    torch.testing.assert_close(model(images), expected)
    assert seen == [0.0]  # hooks see what the layer alone would give
    handle.remove()
    torch.testing.assert_close(model(images), expected)
    assert len(seen) == 1


class Counting(Layer):
    calls = 0

    def call(self, inputs: torch.Tensor) -> torch.Tensor:
        if inputs.device.type != "meta":
            type(self).calls += 1
        return inputs


def test_layers_run_once_a_call() -> None:
    model = keras.Sequential([Counting(input_shape=(3,)), Dense(1)])
    Counting.calls = 0
    model(X)
    assert Counting.calls == 1
    model.compile("sgd", "mse")
    model.fit(X, torch.ones(4, 1), batch_size=2, verbose=0)
    assert Counting.calls == 3

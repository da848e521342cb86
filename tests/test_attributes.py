"""What is set as an attribute of a layer: weights, layers, lists and dicts of them, torch modules, metrics."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch
from torch import nn

import kerastorch as keras
from kerastorch.layers import Dense, Layer
from support import normal

X = torch.from_numpy(normal("x", (4, 3)))
Y = torch.from_numpy(normal("y", (4, 2)))


class Linear(Layer):
    def __init__(self, units: int = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape: Any) -> None:
        self.w = self.add_weight(shape=(input_shape[-1], self.units), initializer="random_normal", trainable=True)
        self.b = self.add_weight(shape=(self.units,), initializer="zeros", trainable=True)

    def call(self, inputs: torch.Tensor) -> torch.Tensor:
        return inputs @ self.w + self.b


def test_layers_in_attributes_lists_and_dicts() -> None:
    class Net(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.first = Dense(3)
            self.blocks = [Dense(3), [Dense(3), Dense(3)]]
            self.heads = {"a": Dense(2), "b": [Dense(2)]}
            self.pair = (Dense(2), Dense(2))
            self.later: list[Any] = []
            self.by_name: dict[str, Any] = {}
            self.numbers = [1, 2, 3]
            self.options = {"rate": 0.5}
            for _ in range(2):
                self.later.append(Dense(2))
            self.later += [Dense(2)]
            self.by_name["x.y"] = Dense(2)

        def call(self, inputs: torch.Tensor) -> torch.Tensor:
            x = self.first(inputs)
            x = self.blocks[0](x)
            for layer in self.blocks[1]:
                x = layer(x)
            x = self.heads["a"](x) + self.heads["b"][0](x)
            for layer in (*self.pair, *self.later, *self.by_name.values()):
                x = layer(x)
            return x

    model = Net()
    assert model(X).shape == (4, 2)
    assert len(model.layers) == 12 and len(model.weights) == 24
    assert [layer.name for layer in model.layers[:4]] == ["dense", "dense_1", "dense_2", "dense_3"]
    assert model.numbers == [1, 2, 3] and model.options == {"rate": 0.5}
    keys = list(model.state_dict())
    assert len(keys) == len(set(keys)) == 24
    assert keys[:6] == [
        "first.kernel",
        "first.bias",
        "blocks.0.kernel",
        "blocks.0.bias",
        "blocks.1.0.kernel",
        "blocks.1.0.bias",
    ]
    assert "heads.b.0.kernel" in keys and "by_name.x_y.kernel" in keys
    model.later[0] = Dense(2)
    del model.later[2]
    model(X)
    assert len(model.weights) == 22
    model.heads["c"] = model.first  # a second path to known weights adds none
    assert len(model.weights) == 22
    twin = copy.deepcopy(model)
    torch.testing.assert_close(twin(X), model(X))
    twin.later.append(Dense(2))
    twin(X)
    assert len(twin.weights) == 24 and len(model.weights) == 22
    model.compile("sgd", "mse")
    before = model.get_weights()
    model.fit(X, Y, verbose=0)
    assert all(np.abs(a - b).max() > 0 for a, b in zip(model.get_weights()[:2], before[:2], strict=True))


def test_nested_lists_that_are_filled_later() -> None:
    class Net(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.stages: list[Any] = []
            for _ in range(2):
                stage: list[Any] = []
                self.stages.append(stage)
                self.stages[-1].append(Dense(3))
                self.stages[-1].append(Dense(3))

        def call(self, inputs: torch.Tensor) -> torch.Tensor:
            for stage in self.stages:
                for layer in stage:
                    inputs = layer(inputs)
            return inputs

    model = Net()
    model(X)
    assert len(model.layers) == 4 and len(model.weights) == 8
    assert list(model.state_dict())[0] == "stages.0.0.kernel"
    for twin in (copy.deepcopy(model), keras.models.clone_model(model)):
        twin(X)
        assert len(twin.weights) == 8
        assert not {id(w) for w in twin.weights} & {id(w) for w in model.weights}


def test_list_methods_keep_track() -> None:
    class Holder(Layer):
        def __init__(self) -> None:
            super().__init__()
            self.items = [Linear(1)]

        def call(self, inputs: torch.Tensor) -> Any:
            return [layer(inputs) for layer in self.items]

    layer = Holder()
    second, third = Linear(1), Linear(1)
    layer.items.insert(0, second)
    layer.items.extend([third])
    assert layer.items[0] is second and [type(item) for item in layer.items] == [Linear] * 3
    layer(X)
    assert len(layer.weights) == 6
    assert layer.items.pop() is third and len(layer.weights) == 4
    layer.items.remove(second)
    assert len(layer.weights) == 2
    layer.items[:] = [second, third]
    assert len(layer.weights) == 4 and len(layer.state_dict()) == 4
    assert layer.weights[0] is second.w
    layer.items.reverse()
    assert layer.weights[0] is third.w
    layer.items.sort(key=lambda item: item is not second)
    assert layer.weights[0] is second.w
    layer.items.clear()
    assert layer.weights == []
    layer.items = [second]
    assert len(layer.weights) == 2


def test_layers_appended_between_fits_are_trained() -> None:
    class Growing(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.blocks = [Dense(2)]
            self.seen: list[float] = []

        def call(self, inputs: torch.Tensor) -> torch.Tensor:
            for block in self.blocks:
                inputs = block(inputs)
            self.seen.append(1.0)
            return inputs

    model = Growing()
    model.compile("sgd", "mse")
    model.fit(X, Y, verbose=0)
    second = Dense(2)
    second(torch.ones(1, 2))
    before = second.get_weights()[0]
    model.blocks.append(second)
    model.compile("sgd", "mse")
    model.fit(X, Y, verbose=0)
    assert len(model.trainable_weights) == 4 and np.abs(second.get_weights()[0] - before).max() > 0
    assert len(model.seen) == 2 and list(model.state_dict())[-1] == "blocks.1.bias"


def test_metrics_in_lists_and_dicts_are_held() -> None:
    class Watched(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.dense = Dense(2)
            self.several = [keras.metrics.Mean(name="a"), keras.metrics.Mean(name="b")]
            self.named = {"c": keras.metrics.Mean(name="c")}
            self.later: list[Any] = []
            self.later.append(keras.metrics.Mean(name="d"))

        def call(self, inputs: torch.Tensor) -> torch.Tensor:
            for number, metric in enumerate((*self.several, *self.named.values(), *self.later)):
                metric.update_state(float(number))
            return self.dense(inputs)

    model = Watched()
    model.compile("sgd", "mse")
    history = model.fit(X, Y, batch_size=2, epochs=2, verbose=0).history
    assert {key: history[key] for key in "abcd"} == {"a": [0.0] * 2, "b": [1.0] * 2, "c": [2.0] * 2, "d": [3.0] * 2}
    assert list(history) == ["loss", "a", "b", "c", "d"]


def test_weights_with_several_names() -> None:
    class Aliased(Layer):
        def __init__(self) -> None:
            super().__init__()
            self.kernel = None

        def build(self, input_shape: Any) -> None:
            self.kernel = self.add_weight(name="other_name", shape=(input_shape[-1], 2))
            self.alias = self.kernel
            self.again = self.alias

        def call(self, inputs: torch.Tensor) -> torch.Tensor:
            return inputs @ self.kernel + inputs @ self.alias

    layer = Aliased()
    expected = layer(X)
    assert list(layer.state_dict()) == ["kernel"] and len(layer.weights) == 1
    assert layer.kernel is layer.alias is layer.again and layer.kernel.name == "aliased/other_name:0"
    twin = copy.deepcopy(layer)
    assert twin.kernel is twin.alias and twin.kernel is not layer.kernel
    torch.testing.assert_close(twin(X), expected)
    layer.kernel = keras.Variable(np.zeros((3, 2)))
    assert len(layer.weights) == 1 and not layer.kernel.detach().any()


def test_attributes_do_not_hide_layers_of_the_graph() -> None:
    class Both(keras.Model):
        def __init__(self) -> None:
            x = keras.Input((3,))
            super().__init__(x, Dense(2, name="head")(Dense(2)(x)))
            self.dense = Dense(4)
            self.head = [Dense(5)]

    model = Both()
    model.dense(X)
    model.head[0](X)
    assert len(model.weights) == 8 and len(model.state_dict()) == 8
    assert [tuple(w.shape) for w in model.get_layer("head").weights] == [(2, 2), (2,)]
    assert model(X).shape == (4, 2)
    names = ("training", "built", "loss", "optimizer", "stop_training", "call", "add", "history")
    stack = keras.Sequential([Dense(2, name=name) for name in names])
    stack.compile("sgd", "mse")
    stack.fit(X, Y, verbose=0)
    assert len(stack.weights) == 16 and [layer.name for layer in stack.layers] == list(names)
    assert len(stack.state_dict()) == 16


def test_torch_modules_in_attributes() -> None:
    class Net(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(3, 4)
            self.norm = nn.BatchNorm1d(4)
            self.stack = nn.ModuleList([nn.Linear(4, 4), Dense(2)])
            self.drop = nn.Dropout(0.5)

        def call(self, inputs: torch.Tensor, training: bool = False) -> torch.Tensor:
            x = self.norm(self.linear(inputs))
            for layer in self.stack:
                x = layer(x)
            return self.drop(x)

    model = Net()
    model(X)
    assert len(model.trainable_weights) == 8 and len(list(model.parameters())) == 8
    assert (model(X) == model(X)).all()
    model.compile("sgd", "mse")
    model.fit(X, Y, verbose=0)
    assert model.norm.num_batches_tracked == 1 and not model.norm.training  # fit has put it into training
    assert model.evaluate(X, Y, verbose=0) > 0
    assert model.norm.num_batches_tracked == 1
    model.train()
    assert model.drop.training and model.norm.training
    model.eval()
    assert not model.drop.training


def test_attributes_can_be_replaced_and_deleted() -> None:
    model = keras.Model()
    model.dense = Dense(2)
    model.dense(X)
    first = model.dense
    model.dense = Dense(2)
    model.dense(X)
    assert len(model.weights) == 2 and model.weights[0] is not first.kernel
    del model.dense
    assert model.weights == [] and model.layers == []
    model.dense = None
    assert model.dense is None

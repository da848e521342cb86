"""Layers and models of the author's own: weights, layers in attributes, losses, metrics, steps."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import kerastorch as keras
from kerastorch import layers
from kerastorch.engine.promises import PromisesMixin
from kerastorch.layers import BatchNormalization, Dense, Dropout, Layer
from kerastorch.models import Model
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


def test_a_layer_of_ones_own() -> None:
    layer = Linear(2)
    assert not layer.built and layer.weights == [] and layer.name == "linear"
    same = layer(X)
    torch.testing.assert_close(same, X @ layer.w + layer.b)
    assert layer.built and len(layer.weights) == 2 and layer.weights[0] is layer.w
    assert list(layer.state_dict()) == ["w", "b"]
    assert layer.get_config() == {"name": "linear", "trainable": True, "dtype": "float32", "units": 2}
    twin = Linear.from_config(layer.get_config())
    assert twin.units == 2 and not twin.built
    assert layer.count_params() == 8
    assert [tuple(array.shape) for array in layer.get_weights()] == [(3, 2), (2,)]


def test_weights_made_in_every_way() -> None:
    class Many(Layer):
        def __init__(self) -> None:
            super().__init__()
            self.a = self.add_weight(name="a", shape=(2,), initializer="ones")
            self.add_weight("unnamed_attribute", (1,), initializer="zeros", trainable=False)
            self.c = keras.Variable([1.0, 2.0], name="c")
            self.d = nn.Parameter(torch.ones(3))
            self.counter = self.add_weight(name="counter", shape=(), dtype="int64", trainable=False)
            self.e = self.add_weight(shape=(2, 2), name="e")
            self.k3 = self.add_weight((4,), "ones")
            self.function = self.add_weight(
                name="f", shape=(2,), initializer=lambda shape, dtype=None: torch.full(shape, 7.0)
            )

        def call(self, inputs: torch.Tensor) -> torch.Tensor:
            return inputs

    layer = Many()
    assert layer.a.numpy().tolist() == [1.0, 1.0] and layer.function.numpy().tolist() == [7.0, 7.0]
    assert [tuple(w.shape) for w in layer.trainable_weights] == [(2,), (2,), (3,), (2, 2), (4,), (2,)]
    assert [tuple(w.shape) for w in layer.non_trainable_weights] == [(1,), ()]
    assert layer.counter.dtype is torch.int64
    assert len(layer.state_dict()) == len(layer.weights) == 8
    assert layer.e.name == "many/e:0"
    with pytest.raises(ValueError, match=r"Many 'many': expected known sizes for the weight 'g'; .*\(None, 2\)"):
        layer.add_weight("g", (None, 2))


class Normalized(keras.Model):
    def __init__(self, units: int = 2, rate: float = 0.5) -> None:
        super().__init__()
        self.units, self.rate = units, rate
        self.dense = Dense(units)
        self.norm = BatchNormalization()
        self.drop = Dropout(rate)

    def call(self, inputs: torch.Tensor, training: bool = False) -> torch.Tensor:
        return self.drop(self.norm(self.dense(inputs), training=training), training=training)


class Implicit(Normalized):
    """Does not pass `training` on."""

    def call(self, inputs: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
        return self.drop(self.norm(self.dense(inputs)))


@pytest.mark.parametrize("kind", [Normalized, Implicit])
def test_training_reaches_the_layers_inside(kind: type) -> None:
    model = kind()
    quiet = model(X)
    assert (quiet != 0).all() and model.norm.moving_mean.abs().max() == 0
    torch.manual_seed(0)
    assert (model(X, training=True) == 0).any()
    moved = model.norm.moving_mean.clone()
    assert moved.abs().max() > 0
    model.train()
    torch.manual_seed(0)
    assert (model(X) == 0).any()
    assert (model(X, training=False) != 0).all()
    model.eval()
    assert (model(X) != 0).all()
    model.compile("sgd", "mse")
    model.fit(X, Y, verbose=0)
    before = model.norm.moving_mean.clone()
    model.evaluate(X, Y, verbose=0)
    model.predict(X, verbose=0)
    assert torch.equal(model.norm.moving_mean, before)


def test_models_of_ones_own_are_copied() -> None:
    model = Normalized(2, 0.1)
    model(X)
    config = model.get_config()
    assert config["units"] == 2 and config["rate"] == 0.1
    for twin in (
        Normalized.from_config(config),
        keras.models.clone_model(model),
        keras.models.model_from_json(model.to_json(), custom_objects={"Normalized": Normalized}),
        copy.deepcopy(model),
        pickle.loads(pickle.dumps(model)),
    ):
        twin(X)
        twin.set_weights(model.get_weights())
        torch.testing.assert_close(twin(X), model(X))
        assert twin.rate == 0.1


def test_build_with_a_shape() -> None:
    model = Normalized()
    model.build((None, 3))
    assert model.built and [tuple(w.shape) for w in model.weights] == [(3, 2), (2,), (2,), (2,), (2,), (2,)]
    assert model.input_shape == (None, 3)
    assert float(model.dense.kernel.detach().abs().sum()) > 0 and model.norm.moving_mean.abs().max() == 0
    model.summary(print_fn=lambda line: None)

    class OwnBuild(keras.Model):
        def build(self, input_shape: Any) -> None:
            self.kernel = self.add_weight(name="kernel", shape=(input_shape[-1], 2))
            self.dense = Dense(2)
            self.dense.build((None, 2))
            super().build(input_shape)

        def call(self, inputs: torch.Tensor) -> torch.Tensor:
            return self.dense(inputs @ self.kernel)

    for use in (lambda m: m(X), lambda m: m.build((None, 3)), lambda m: m.predict(X, verbose=0)):
        model = OwnBuild()
        use(model)
        assert len(model.weights) == 3 and model.built
        torch.testing.assert_close(model(X), model.dense(X @ model.kernel))


def test_layers_built_by_hand_are_not_built_again() -> None:
    for layer in (Dense(2), Linear(2), Linear(2, dtype="float64")):
        layer.build((None, 3))
        assert layer.built and len(layer.weights) == 2
        layer.set_weights([np.ones((3, 2)), np.zeros(2)])
        assert layer(np.ones((1, 3))).tolist() == [[3.0, 3.0]]
        assert len(layer.weights) == 2 and len(layer.state_dict()) == 2
        keras.Sequential([keras.Input((3,)), layer])
        assert layer.get_weights()[0].tolist() == [[1.0, 1.0]] * 3

    class Child(Linear):
        def build(self, input_shape: Any) -> None:
            super().build(input_shape)
            self.scale = self.add_weight(name="scale", shape=(), initializer="ones")

    layer = Child(2)
    layer.build(input_shape=(None, 3))
    layer(X)
    assert list(layer.state_dict()) == ["w", "b", "scale"]
    given = Dense(1, weights=[np.full((3, 1), 2.0), np.ones(1)])
    given.build((None, 3))
    assert given(torch.ones(1, 3)).tolist() == [[7.0]]
    flat = keras.layers.Flatten()
    flat.build((None, 2, 2))
    assert flat.built


def test_several_inputs_of_call() -> None:
    class Attention(Layer):
        def __init__(self) -> None:
            super().__init__()
            self.query, self.key = Dense(4), Dense(4)

        def call(self, query: torch.Tensor, value: torch.Tensor, scale: float = 1.0) -> torch.Tensor:
            scores = self.query(query) @ self.key(value).transpose(-1, -2)
            return torch.softmax(scores * scale, -1) @ value

    layer = Attention()
    q, v = torch.ones(2, 3, 5), torch.arange(40.0).reshape(2, 4, 5)
    expected = layer(q, v, scale=0.0)
    torch.testing.assert_close(expected, v.mean(1, keepdim=True).expand(2, 3, 5))
    torch.testing.assert_close(layer(query=q, value=v, scale=0.0), expected)
    a, b = keras.Input((3, 5)), keras.Input((4, 5))
    model = keras.Model([a, b], layer(a, b, scale=0.0))
    torch.testing.assert_close(model([q, v]), expected)
    torch.testing.assert_close(keras.Model([a, b], layer(a, value=b, scale=0.0))([q, v]), expected)
    assert model.output_shape == (None, 3, 5)


def test_inputs_in_dicts_and_keyword_only_arguments() -> None:
    class Sum(Layer):
        def call(self, inputs: dict[str, torch.Tensor], *, weight: float = 1.0) -> dict[str, torch.Tensor]:
            return {"sum": inputs["a"] + weight * inputs["b"], "a": inputs["a"]}

    assert Sum()({"a": X, "b": X}, weight=2.0)["sum"].equal(X + 2 * X)
    a, b = keras.Input((3,)), keras.Input((3,))
    outputs = Sum()({"a": a, "b": b}, weight=2.0)
    model = keras.Model([a, b], outputs)
    torch.testing.assert_close(model([X, X])["sum"], 3 * X)
    torch.testing.assert_close(model([X, 2 * X])["a"], X)


def test_layers_take_arrays_and_lists() -> None:
    layer = Dense(2, kernel_initializer="ones")
    assert layer(np.ones((1, 3))).tolist() == [[3.0, 3.0]]
    assert layer([[1.0, 2.0, 3.0]]).tolist() == [[6.0, 6.0]]
    assert layer(torch.ones(1, 3, dtype=torch.float64)).dtype is torch.float32
    assert Linear(2, dtype="float64")(np.ones((1, 3), "float32")).dtype is torch.float64


def test_metrics_that_layers_and_models_hold() -> None:
    class Watched(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.dense = Dense(2)
            self.seen = keras.metrics.Mean(name="seen")

        def call(self, inputs: torch.Tensor) -> torch.Tensor:
            outputs = self.dense(inputs)
            self.seen.update_state(inputs.sum())
            return outputs

    model = Watched()
    model.compile("sgd", "mse", metrics=["mae"])
    history = model.fit(X, Y, batch_size=4, epochs=2, verbose=0).history
    assert list(history) == ["loss", "mae", "seen"]
    assert history["seen"][1] == pytest.approx(float(X.sum()), rel=1e-5)
    assert [metric.name for metric in model.metrics] == ["loss", "mae", "seen"]


def test_a_train_step_of_ones_own() -> None:
    class Custom(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.dense = Dense(2)
            self.tracker = keras.metrics.Mean(name="my_loss")
            self.error = keras.metrics.MeanAbsoluteError(name="my_mae")

        def call(self, inputs: torch.Tensor) -> torch.Tensor:
            return self.dense(inputs)

        def train_step(self, data: Any) -> dict[str, Any]:
            x, y = data
            y_pred = self(x, training=True)
            loss = (y_pred - y).square().mean()
            gradients = torch.autograd.grad(loss, self.trainable_variables)
            self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
            self.tracker.update_state(loss.detach())
            self.error.update_state(y, y_pred.detach())
            return {"my_loss": self.tracker.result(), "my_mae": self.error.result()}

        def test_step(self, data: Any) -> dict[str, Any]:
            x, y = data
            self.error.update_state(y, self(x, training=False))
            return {"my_mae": self.error.result()}

        @property
        def metrics(self) -> list[Any]:
            return [self.tracker, self.error]

    model = Custom()
    model.compile(keras.optimizers.SGD(0.1))
    history = model.fit(X, Y, epochs=3, validation_data=(X, Y), verbose=0, shuffle=False, batch_size=2).history
    assert list(history) == ["my_loss", "my_mae", "val_my_mae"]
    assert history["my_loss"][2] < history["my_loss"][0]
    reference = keras.Sequential([Dense(2)])
    reference.build((None, 3))
    fresh = Custom()
    fresh(X)
    fresh.set_weights(reference.get_weights())
    fresh.compile(keras.optimizers.SGD(0.1))
    reference.compile(keras.optimizers.SGD(0.1), "mse", metrics=["mae"])
    ours = fresh.fit(X, Y, epochs=3, verbose=0, shuffle=False, batch_size=2).history
    theirs = reference.fit(X, Y, epochs=3, verbose=0, shuffle=False, batch_size=2).history
    np.testing.assert_allclose(ours["my_loss"], theirs["loss"], rtol=1e-5)
    np.testing.assert_allclose(ours["my_mae"], theirs["mae"], rtol=1e-5)
    assert model.evaluate(X, Y, verbose=0, return_dict=True).keys() == {"my_mae"}
    assert isinstance(model.train_on_batch(X, Y, return_dict=True)["my_loss"], float)


def test_a_variational_autoencoder() -> None:
    class Sampling(Layer):
        def call(self, inputs: Any) -> torch.Tensor:
            mean, log_variance = inputs
            return mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)

    class VAE(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            x = keras.Input((3,))
            mean, log_variance = Dense(2, name="mean")(x), Dense(2, name="log_variance")(x)
            self.encoder = keras.Model(x, [mean, log_variance, Sampling()([mean, log_variance])], name="encoder")
            z = keras.Input((2,))
            self.decoder = keras.Model(z, Dense(3)(z), name="decoder")
            self.total = keras.metrics.Mean(name="loss")
            self.kl = keras.metrics.Mean(name="kl_loss")

        @property
        def metrics(self) -> list[Any]:
            return [self.total, self.kl]

        def train_step(self, data: Any) -> dict[str, Any]:
            mean, log_variance, z = self.encoder(data)
            reconstruction = (self.decoder(z) - data).square().sum(1).mean()
            kl = (-0.5 * (1 + log_variance - mean.square() - log_variance.exp())).sum(1).mean()
            loss = reconstruction + kl
            self.apply_gradients_of(loss)
            self.total.update_state(loss.detach())
            self.kl.update_state(kl.detach())
            return {metric.name: metric.result() for metric in self.metrics}

    model = VAE()
    model.compile(keras.optimizers.Adam(0.01))
    before = model.encoder.get_weights()[0]
    history = model.fit(X, epochs=3, batch_size=2, verbose=0).history
    assert list(history) == ["loss", "kl_loss"] and len(history["loss"]) == 3
    assert np.isfinite(history["loss"]).all() and np.abs(model.encoder.get_weights()[0] - before).max() > 0
    assert [layer.name for layer in model.layers] == ["encoder", "decoder"]
    assert len(model.weights) == 6


def test_compute_loss_and_compute_metrics_of_ones_own() -> None:
    class Doubled(keras.Sequential):
        def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None) -> Any:
            return 2 * super().compute_loss(x, y, y_pred, sample_weight)

        def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any) -> Any:
            return {**super().compute_metrics(x, y, y_pred, sample_weight), "extra": 5.0}

    plain = keras.Sequential([Dense(2, input_shape=(3,))])
    doubled = Doubled([Dense(2, input_shape=(3,))])
    doubled.set_weights(plain.get_weights())
    plain.compile(keras.optimizers.SGD(0.2), "mse")
    doubled.compile(keras.optimizers.SGD(0.1), "mse")
    plain.fit(X, Y, verbose=0)
    history = doubled.fit(X, Y, verbose=0).history
    for a, b in zip(plain.get_weights(), doubled.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)
    assert history["extra"] == [5.0]


def test_make_train_function_of_ones_own() -> None:
    class Logged(keras.Sequential):
        batches = 0

        def make_train_function(self) -> Any:
            step = super().make_train_function()

            def function(iterator: Any) -> Any:
                type(self).batches += 1
                return step(iterator)

            return function

        def predict_step(self, data: Any) -> Any:
            return super().predict_step(data) * 0 + 3

    model = Logged([Dense(2, input_shape=(3,))])
    model.compile("sgd", "mse")
    model.fit(X, Y, batch_size=2, epochs=2, verbose=0)
    assert 4 <= Logged.batches <= 6  # the last call of an epoch may find the data at an end
    assert model.predict(X, verbose=0).tolist() == [[3.0, 3.0]] * 4


def test_calls_without_a_call_method() -> None:
    class Nothing(Layer):
        pass

    with pytest.raises(NotImplementedError, match="Nothing 'nothing': expected a method `call"):
        Nothing()(X)

    class Empty(keras.Model):
        pass

    with pytest.raises(NotImplementedError, match="Empty 'empty': expected a method `call"):
        Empty()(X)
    with pytest.raises(ValueError, match="Dense 'dense': expected an input; received none"):
        Dense(2)()


def test_attributes_before_super_init() -> None:
    class Early(keras.Model):
        def __init__(self) -> None:
            self.dense = Dense(2)
            super().__init__()

    with pytest.raises((AttributeError, RuntimeError), match="__init__"):
        Early()


def test_layers_called_as_forward_and_modules() -> None:
    layer = Linear(2)
    layer(X)
    torch.testing.assert_close(layer.forward(X), layer(X))
    assert isinstance(layer, nn.Module)
    assert layer.training is False
    stack = nn.Sequential(layer, nn.ReLU())
    torch.testing.assert_close(stack(X), torch.relu(layer(X)))
    assert len(list(stack.parameters())) == 2


# --- layers derived from Keras' own, with a `call` of their own ------------------------------------------------


class ScaledConv(layers.Conv2D):
    def call(self, inputs: Any) -> Any:
        return 2 * super().call(inputs) + 1


class ScaledNorm(layers.BatchNormalization):
    def call(self, inputs: Any, training: Any = None) -> Any:
        return 3 * super().call(inputs, training=training)


class ShiftedRelu(layers.ReLU):
    def call(self, inputs: Any) -> Any:
        return super().call(inputs) + 1


class ShiftedActivation(layers.Activation):
    def call(self, inputs: Any) -> Any:
        return super().call(inputs) + 1


class ShiftedSum(layers.Add):
    def call(self, inputs: Any) -> Any:
        return super().call(inputs) + 1


DERIVED: dict[str, Callable[[Any], Any]] = {
    "convolution": lambda x: layers.BatchNormalization()(ScaledConv(4, 3)(x)),
    "normalization": lambda x: ScaledNorm()(layers.Conv2D(4, 3)(x)),
    "relu": lambda x: ShiftedRelu()(layers.BatchNormalization()(layers.Conv2D(4, 3)(x))),
    "swish": lambda x: ShiftedActivation("swish")(layers.BatchNormalization()(layers.Conv2D(4, 3)(x))),
    "sum": lambda x: ShiftedSum()([layers.BatchNormalization()(layers.Conv2D(4, 3)(x)), layers.Conv2D(4, 3)(x)]),
    "convolution before pooling": lambda x: layers.MaxPooling2D()(ScaledConv(4, 3, activation="relu")(x)),
    "relu before pooling": lambda x: layers.MaxPooling2D()(ShiftedRelu()(layers.Conv2D(4, 3)(x))),
}


@pytest.mark.parametrize("name", DERIVED)
def test_a_call_of_ones_own_is_what_runs(name: str) -> None:
    inputs = layers.Input((8, 8, 3))
    model = Model(inputs, DERIVED[name](inputs))
    x = np.random.default_rng(0).random((16, 8, 8, 3), dtype="float32")
    values: dict[tuple[int, int], torch.Tensor] = {(id(model.graph.nodes[0]), 0): torch.from_numpy(x)}
    with torch.no_grad():
        for node in model.graph.nodes[1:]:
            given = [values[tensor.key] for tensor in node.inputs]
            values[id(node), 0] = node.layer(given if isinstance(node.args[0], list) else given[0])
        expected = values[model.graph.flat_outputs[0].key].numpy()
        np.testing.assert_allclose(model(torch.from_numpy(x)).numpy(), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(model.predict(x, verbose=0), expected, rtol=1e-5, atol=1e-5)


class StandardizedConv(layers.Conv2D):
    """As the guide to Keras' `convolution_op` has it."""

    def convolution_op(self, inputs: Any, kernel: Any) -> Any:
        variance, mean = torch.var_mean(kernel, dim=(0, 1, 2), keepdim=True, correction=0)
        return super().convolution_op(inputs, (kernel - mean) / torch.sqrt(variance + 1e-10))


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("use_bias", [True, False])
def test_a_convolution_with_a_changed_kernel(data_format: str, use_bias: bool) -> None:
    axis = -1 if data_format == "channels_last" else 1
    shape = (8, 8, 3) if axis == -1 else (3, 8, 8)
    options = {"data_format": data_format, "use_bias": use_bias, "bias_initializer": "random_normal"}
    inputs, layer = layers.Input(shape), StandardizedConv(4, 3, padding="same", activation="relu", **options)
    model = Model(inputs, layers.MaxPooling2D(data_format=data_format)(layer(inputs)))
    plain = layers.Conv2D.from_config(layer.get_config())
    plain.build((None, *shape))
    kernel = layer.get_weights()[0]
    standard = (kernel - kernel.mean((0, 1, 2))) / np.sqrt(kernel.var((0, 1, 2)) + 1e-10)
    plain.set_weights([standard, *layer.get_weights()[1:]])
    x = torch.from_numpy(normal("images", (16, *shape)))
    expected = layers.MaxPooling2D(data_format=data_format)(plain(x)).detach().numpy()
    np.testing.assert_allclose(model(x).detach().numpy(), expected, rtol=1e-4, atol=1e-5)
    folded = Model(inputs, layers.BatchNormalization(axis=axis, epsilon=0.0)(StandardizedConv(4, 3, **options)(inputs)))
    with torch.no_grad():
        np.testing.assert_allclose(folded.predict(x, verbose=0), folded(x).numpy(), rtol=1e-4, atol=1e-5)


class ConcatenatedRelu(layers.ReLU):
    def call(self, inputs: Any) -> Any:
        return torch.cat([super().call(inputs), super().call(-inputs)], -1)


class TwiceDense(layers.Dense):
    def call(self, inputs: Any) -> Any:
        y = super().call(inputs)
        return torch.cat([y, y], -1)


class FirstRows(layers.MaxPooling2D):
    def call(self, inputs: Any) -> Any:
        return super().call(inputs)[:, :1]


@pytest.mark.parametrize("layer", [ConcatenatedRelu(), TwiceDense(5), FirstRows()], ids=lambda layer: layer.name)
def test_the_shape_is_that_of_ones_own_call(layer: Any) -> None:
    inputs = layers.Input((4, 4, 3))
    model = Model(inputs, layer(inputs))
    assert model.output_shape == (None, *model(torch.zeros(2, 4, 4, 3)).shape[1:])


def test_a_shape_that_is_said_again_counts() -> None:
    class Known(TwiceDense):
        def call(self, inputs: Any) -> Any:
            return torch.from_numpy(np.asarray(super().call(inputs)))  # cannot run without values

        def compute_output_shape(self, input_shape: Any) -> Any:
            return (*input_shape[:-1], 10)

    assert Known(5)(layers.Input((3,))).shape == (None, 10)


def test_the_layers_of_the_package_say_again_what_is_true_of_their_call() -> None:
    def classes(base: type) -> list[type]:
        return [found for one in base.__subclasses__() for found in (one, *classes(one))]

    promises = [name for name in vars(PromisesMixin) if not name.startswith("__")] + ["compute_output_spec"]
    ours = [cls for cls in classes(Layer) if cls.__module__.startswith("kerastorch.") and "call" in vars(cls)]
    reset = {
        cls.__name__
        for cls in ours
        if any(getattr(cls, name) is getattr(Layer, name) is not getattr(cls.__mro__[1], name) for name in promises)
    }
    assert reset == {"_Merge"}  # whose `_merge_function` anybody may write

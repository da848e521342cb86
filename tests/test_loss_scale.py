"""LossScaleOptimizer: the numbers of tf_keras, steps that change nothing, and all ways to update."""

from __future__ import annotations

import copy
import pickle
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import cases_precision
import kerastorch as keras
from kerastorch import mixed_precision, optimizers
from kerastorch.core.variable import Variable
from kerastorch.layers import Dense
from kerastorch.mixed_precision import LossScaleOptimizer, loss_scale_optimizer
from support import Golden

INFINITE = float("inf")


@pytest.fixture(autouse=True)
def policy() -> Iterator[None]:
    mixed_precision.set_global_policy("mixed_float16")
    yield
    mixed_precision.set_global_policy(None)


def apply(optimizer: Any, weight: Any, gradient: float) -> None:
    """One update by the gradient of a scaled loss, without a warning."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "LossScaleOptimizer")
        optimizer.update([torch.full_like(weight, gradient).detach() * optimizer.loss_scale], (weight,))


def model() -> Any:
    result = keras.Sequential([keras.Input((4,)), Dense(6, activation="tanh"), Dense(3, "softmax", dtype="float32")])
    result.compile(optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    return result


def data(scale: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(1)
    return (generator.normal(size=(8, 4)) * scale).astype("float32"), generator.integers(0, 3, 8)


# --- the scale --------------------------------------------------------------------------------------------------------


def test_the_scale_moves_as_in_tf_keras() -> None:
    weight = Variable(1.0)
    optimizer = LossScaleOptimizer(optimizers.SGD(0.25), initial_scale=4, dynamic_growth_steps=3)
    found = []
    for gradient in cases_precision.GRADIENTS:
        apply(optimizer, weight, gradient)
        found.append([float(optimizer.loss_scale), int(optimizer.dynamic_counter), weight.item()])
    assert found == Golden("precision").facts["loss_scale"]


def test_defaults_are_those_of_tf_keras() -> None:
    optimizer = LossScaleOptimizer("adam")
    assert (optimizer.dynamic, optimizer.initial_scale, optimizer.dynamic_growth_steps) == (True, 2.0**15, 2000)
    assert optimizer.loss_scale.dtype is torch.float32 and float(optimizer.loss_scale) == 2.0**15
    assert isinstance(optimizer.inner_optimizer, optimizers.Adam) and isinstance(optimizer, optimizers.Optimizer)


def test_the_scale_stops_growing_before_infinity() -> None:
    optimizer, weight = LossScaleOptimizer("sgd", initial_scale=2.0**126, dynamic_growth_steps=1), Variable(0.0)
    for wanted in (2.0**127, 2.0**127, 2.0**127):
        apply(optimizer, weight, 0.0)
        assert float(optimizer.loss_scale) == wanted


def test_a_fixed_scale_stays() -> None:
    weight = Variable(1.0)
    optimizer = LossScaleOptimizer(optimizers.SGD(0.5), dynamic=False, initial_scale=8)
    assert optimizer.dynamic_counter is None and optimizer.dynamic_growth_steps is None
    for gradient, wanted in ((1.0, 0.5), (INFINITE, 0.5), (-1.0, 1.0)):
        apply(optimizer, weight, gradient)
        assert weight.item() == wanted and float(optimizer.loss_scale) == 8.0
    assert len(optimizer.get_weights()) == len(optimizer.inner_optimizer.get_weights())
    old = mixed_precision.experimental.LossScaleOptimizer(optimizers.SGD(), loss_scale=16)
    assert not old.dynamic and float(old.loss_scale) == 16
    assert mixed_precision.experimental.LossScaleOptimizer(optimizers.SGD(), "dynamic").dynamic


@pytest.mark.parametrize(
    "make",
    [
        lambda: optimizers.SGD(0.1, momentum=0.9, nesterov=True),
        lambda: optimizers.Adam(0.1, weight_decay=0.1, use_ema=True),
        lambda: optimizers.RMSprop(0.1, clipnorm=1.0),
        lambda: optimizers.Adagrad(optimizers.schedules.ExponentialDecay(0.5, 1, 0.5)),
        lambda: optimizers.Adam(0.1, gradient_accumulation_steps=2),
        lambda: optimizers.Adam(0.1, loss_scale_factor=4.0),
        lambda: optimizers.legacy.Adam(0.1, decay=0.5),
        lambda: optimizers.TorchOptimizer(lambda weights: torch.optim.Adam(weights, lr=0.1)),
    ],
)
@pytest.mark.filterwarnings("ignore:.*decay. is an old argument", "ignore:LossScaleOptimizer")
def test_skipped_steps_leave_no_trace(make: Any) -> None:
    """Weights, slots, iterations and schedules are as if the infinite gradients had never come."""
    weights = [Variable([1.0, -2.0], constraint=keras.constraints.MaxNorm(3.0)), Variable([[0.5]])]
    others = [copy.deepcopy(weight) for weight in weights]
    scaled, plain = LossScaleOptimizer(make()), make()
    factor = plain.loss_scale_factor or 1.0
    for step in range(6):
        gradients = [torch.full_like(weight, 0.3 * (step + 1)).detach() for weight in weights]
        scaled.update([gradient * scaled.loss_scale * factor for gradient in gradients], weights)
        bad = [torch.full_like(weight, value).detach() for weight, value in zip(weights, (1.0, INFINITE), strict=True)]
        scaled.update(bad, weights)
        plain.update([gradient * factor for gradient in gradients], others)
    assert scaled.skipped_steps == 6
    assert int(scaled.iterations) == int(plain.iterations)
    for ours, wanted in zip((*weights, *scaled.inner_optimizer.variables), (*others, *plain.variables), strict=True):
        np.testing.assert_array_equal(ours.numpy(), wanted.numpy())
    assert float(scaled.learning_rate) == float(plain.learning_rate)


@pytest.mark.parametrize("make", [lambda: optimizers.Adam(0.1), lambda: optimizers.SGD(0.1, momentum=0.5)])
@pytest.mark.filterwarnings("ignore:LossScaleOptimizer")
def test_kernels_skip_by_themselves_where_nothing_waits_for_them(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The way of GPUs, on which the host learns a step later that a step was skipped."""

    def update(self: Any, gradients: Any, variables: Any, factor: torch.Tensor) -> None:
        self._settle()
        infinite = loss_scale_optimizer._unscale(gradients, factor)
        assert loss_scale_optimizer.skips_by_itself(self.inner_optimizer, gradients, variables)
        self.inner_optimizer.found_inf = infinite
        self.inner_optimizer.update(gradients, variables)
        self.inner_optimizer.found_inf = None
        self.__dict__["_pending"] = lambda: bool(infinite)

    monkeypatch.setattr(LossScaleOptimizer, "_update", update)
    weights, others = [Variable([1.0, -2.0])], [Variable([1.0, -2.0])]
    scaled, plain = LossScaleOptimizer(make(), dynamic=False, initial_scale=2.0), make()
    for step in range(4):
        for value in (step + 1.0, INFINITE, float("nan")):
            scaled.update([torch.full((2,), 2 * value)], weights)
        plain.update([torch.full((2,), step + 1.0)], others)
    assert scaled.skipped_steps == 8 and int(scaled.iterations) == 4
    for ours, wanted in zip((*weights, *scaled.inner_optimizer.variables), (*others, *plain.variables), strict=True):
        np.testing.assert_array_equal(ours.numpy(), wanted.numpy())


@pytest.mark.parametrize(
    ("make", "constraint", "alone"),
    [
        (lambda: optimizers.Adam(), None, True),
        (lambda: optimizers.AdamW(), None, True),
        (lambda: optimizers.SGD(momentum=0.9), None, True),
        (lambda: optimizers.SGD(momentum=0.9, nesterov=True), None, False),
        (lambda: optimizers.SGD(weight_decay=0.1), None, False),
        (lambda: optimizers.Adam(use_ema=True), None, False),
        (lambda: optimizers.Adam(gradient_accumulation_steps=2), None, False),
        (lambda: optimizers.Adam(), keras.constraints.NonNeg(), False),
        (lambda: optimizers.RMSprop(), None, False),
    ],
)
def test_which_updates_a_kernel_can_skip(make: Any, constraint: Any, alone: bool) -> None:
    weight = Variable([1.0], constraint=constraint)
    assert loss_scale_optimizer.skips_by_itself(make(), [torch.ones(1)], (weight,)) is alone


# --- ways to update ---------------------------------------------------------------------------------------------------


def test_minimize_scales_and_unscales() -> None:
    weight, seen = Variable(1.0), []
    weight.register_hook(lambda gradient: seen.append(gradient.item()))
    optimizer = LossScaleOptimizer(optimizers.SGD(0.25))
    assert int(optimizer.minimize(lambda: weight**2, [weight])) == 1
    assert weight.item() == 0.5 and seen == [2.0 * 2**15]
    ((gradient, _),) = optimizer.compute_gradients(weight**2, [weight])
    assert gradient.item() == 1.0


def test_a_loop_of_ones_own() -> None:
    weight, optimizer = Variable(1.0), LossScaleOptimizer(optimizers.SGD(0.25))
    loss = optimizer.get_scaled_loss(weight**2)
    assert loss.item() == 2.0**15 and optimizer.get_scaled_loss(lambda: weight**2)().item() == 2.0**15
    gradients = torch.autograd.grad(loss, [weight])
    unscaled = optimizer.get_unscaled_gradients([*gradients, None])
    assert unscaled[0].item() == 2.0 and unscaled[1] is None
    assert int(optimizer.apply_gradients([(unscaled[0], weight)])) == 1
    assert weight.item() == 0.5


def test_a_loss_of_float16_does_not_overflow() -> None:
    optimizer = LossScaleOptimizer("sgd")
    assert optimizer.scale_loss(torch.tensor(4.0, dtype=torch.float16)).item() == 4 * 2.0**15


def test_a_forgotten_scale_is_named_once() -> None:
    weight, optimizer = Variable(1.0), LossScaleOptimizer(optimizers.SGD(0.25))
    with pytest.warns(UserWarning, match="without get_scaled_loss and get_unscaled_gradients. Differentiate"):
        optimizer.apply_gradients([(torch.tensor(2.0), weight)])
    optimizer.apply_gradients([(torch.tensor(2.0), weight)])
    assert weight.item() == 0.0


def test_ways_of_keras_3_and_torch() -> None:
    weight, optimizer = Variable(1.0), LossScaleOptimizer(optimizers.SGD(0.25))
    optimizer.build([weight])
    optimizer.apply([torch.tensor(2.0) * optimizer.loss_scale])  # Keras 3 unscales itself
    assert weight.item() == 0.5
    (weight**2).backward()
    optimizer.step()  # torch's loss is not scaled
    assert weight.item() == 0.25
    optimizer.zero_grad()
    assert weight.grad is None and optimizer.step() is None
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.5)
    weight.grad = torch.tensor(1.0)
    optimizer.step()
    schedule.step()
    assert weight.item() == 0.0 and float(optimizer.learning_rate) == 0.125


def test_gradients_that_are_missing() -> None:
    weights, optimizer = [Variable(1.0), Variable(1.0, name="alone")], LossScaleOptimizer(optimizers.SGD(0.5))
    with pytest.warns(UserWarning, match="Gradients do not exist for variables"):
        optimizer.update([torch.tensor(2.0) * optimizer.loss_scale, None], weights)
    assert [weight.item() for weight in weights] == [0.0, 1.0]
    with pytest.raises(ValueError, match="No gradients provided for any variable"):
        optimizer.update([None, None], weights)


def test_attributes_are_those_of_the_inner_optimizer() -> None:
    inner = optimizers.Adam(0.1, beta_1=0.8, clipnorm=2.0)
    optimizer = LossScaleOptimizer(inner)
    assert (optimizer.beta_1, optimizer.clipnorm, optimizer.name, optimizer.use_ema) == (0.8, 2.0, "Adam", False)
    optimizer.learning_rate = 0.5
    optimizer.clipnorm = 3.0
    optimizer.iterations = 7
    assert (float(inner.learning_rate), float(inner.lr), inner.clipnorm, int(inner.iterations)) == (0.5, 0.5, 3.0, 7)
    keras.backend.set_value(optimizer.lr, 0.25)
    assert float(inner.learning_rate) == 0.25
    seen: list[Any] = []
    optimizer.gradient_watcher = lambda before, after: seen.append(before[0].item())
    apply(optimizer, Variable(1.0), 3.0)
    assert seen == [3.0] and optimizer.gradient_watcher is inner.gradient_watcher
    with pytest.raises(AttributeError, match="momentum"):
        optimizer.momentum  # noqa: B018


# --- models -----------------------------------------------------------------------------------------------------------


def test_compile_scales_losses_of_float16_alone() -> None:
    assert isinstance(model().optimizer, LossScaleOptimizer)
    for name in ("mixed_bfloat16", "float16", "float32"):
        mixed_precision.set_global_policy(name)
        assert isinstance(model().optimizer, optimizers.Adam)
    mixed_precision.set_global_policy("mixed_float16")
    net = keras.Sequential([keras.Input((2,)), Dense(1)])
    given = LossScaleOptimizer("sgd", initial_scale=8)
    net.compile(given, "mse")
    assert net.optimizer is given
    net.compile(torch.optim.SGD(net.parameters(), lr=0.1), "mse")
    assert isinstance(net.optimizer, LossScaleOptimizer) and float(net.optimizer.learning_rate) == pytest.approx(0.1)


def test_fit_trains_on_scaled_losses() -> None:
    scaled, exact = model(), model()
    exact.set_weights(scaled.get_weights())
    exact.compile(LossScaleOptimizer(optimizers.Adam(0.01), dynamic=False, initial_scale=1.0), exact.loss)
    x, y = data()
    histories = [net.fit(x, y, epochs=20, batch_size=4, verbose=0, shuffle=False).history for net in (scaled, exact)]
    assert histories[0]["loss"][-1] < 0.8 * histories[0]["loss"][0]
    np.testing.assert_allclose(histories[0]["loss"], histories[1]["loss"], rtol=2e-3)
    assert int(scaled.optimizer.iterations) == 40 and int(scaled.optimizer.dynamic_counter) == 40


def test_small_gradients_survive() -> None:
    """A gradient of 1e-8 vanishes in float16, unless the loss is scaled."""
    x, y = np.ones((2, 1), "float32"), np.full((2, 1), 1e-8, "float32")
    moved = []
    for scale in (1.0, 2.0**15):
        net = keras.Sequential([keras.Input((1,)), Dense(1, use_bias=False, kernel_initializer="zeros")])
        net.compile(LossScaleOptimizer(optimizers.SGD(1.0), dynamic=False, initial_scale=scale), "mse")
        net.train_on_batch(x, y)
        moved.append(net.get_weights()[0].item())
    assert moved[0] == 0.0 and moved[1] == pytest.approx(2e-8, rel=0.01)


def test_an_infinite_step_of_fit_is_named_once_and_changes_nothing() -> None:
    net = model()
    x, y = data()
    net.fit(x, y, verbose=0)
    net.optimizer._scale.assign(2.0**40)
    before = [*net.get_weights(), *net.optimizer.inner_optimizer.get_weights()]
    with pytest.warns(UserWarning) as caught:
        net.fit(x, y, epochs=3, verbose=0)
    after = [*net.get_weights(), *net.optimizer.inner_optimizer.get_weights()]
    assert [str(warning.message) for warning in caught] == [
        "LossScaleOptimizer 'Adam': step 2: the gradients are not finite; no weight is changed, and the loss scale is "
        "halved. A few such steps are usual while the scale finds its size; `skipped_steps` counts them."
    ]
    assert caught[0].filename == __file__
    assert all(np.array_equal(one, other) for one, other in zip(before, after, strict=True))
    assert net.optimizer.skipped_steps == 3 and float(net.optimizer.loss_scale) == 2.0**37
    net.fit(x, y, epochs=40, verbose=0)
    assert float(net.optimizer.loss_scale) < 2.0**25 and int(net.optimizer.iterations) > 10


def test_gradients_that_no_scale_makes_finite_are_named_once() -> None:
    optimizer, weight = LossScaleOptimizer("sgd", initial_scale=2.0), Variable(1.0)
    with pytest.warns(UserWarning) as caught:
        for _ in range(5):
            optimizer.update([torch.tensor(float("nan"))], [weight])
    assert [str(warning.message).partition(": ")[2] for warning in caught] == [
        "step 1: the gradients are not finite; no weight is changed, and the loss scale is halved. A few such steps "
        "are usual while the scale finds its size; `skipped_steps` counts them.",
        "step 1: the gradients are not finite even at a loss scale of 1; no weight is changed. Look for NaN or "
        "infinity in the data, the loss or the weights.",
    ]
    assert weight.item() == 1.0 and optimizer.skipped_steps == 5


# --- state ------------------------------------------------------------------------------------------------------------


def trained() -> tuple[LossScaleOptimizer, Variable]:
    optimizer, weight = LossScaleOptimizer(optimizers.Adam(0.1), initial_scale=64), Variable([1.0, 2.0])
    for gradient in (1.0, INFINITE, 2.0, 3.0):
        apply(optimizer, weight, gradient)
    return optimizer, weight


def test_weights_hold_the_scale() -> None:
    optimizer, weight = trained()
    state = optimizer.get_weights()
    assert [array.item() for array in state[-2:]] == [32.0, 2] and int(state[0]) == 3
    assert [v.name for v in optimizer.variables][-2:] == ["current_loss_scale:0", "good_steps:0"]
    other = LossScaleOptimizer(optimizers.Adam(0.1))
    other.build([weight])
    other.set_weights(state)
    assert all(np.array_equal(one, two) for one, two in zip(other.get_weights(), state, strict=True))
    other.set_weights(optimizer.inner_optimizer.get_weights())  # as files of tf_keras hold them
    assert float(other.loss_scale) == 32.0
    with pytest.raises(ValueError, match="expected 5 arrays|expected 3 arrays"):
        other.set_weights(state[:-1])


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda optimizer: pickle.loads(pickle.dumps(optimizer))])
def test_copies_go_on_by_themselves(copied: Any) -> None:
    optimizer, weight = trained()
    other = copied(optimizer)
    assert float(other.loss_scale) == 32.0 and other.skipped_steps == 1 and int(other.iterations) == 3
    mine = other.inner_optimizer.param_groups[0]["params"][0]
    apply(other, mine, 1.0)
    apply(optimizer, weight, 1.0)
    assert mine is not weight and torch.equal(mine, weight)
    apply(other, mine, INFINITE)
    assert (float(other.loss_scale), float(optimizer.loss_scale)) == (16.0, 32.0)


def test_state_dict() -> None:
    optimizer, weight = trained()
    other = LossScaleOptimizer(optimizers.Adam(0.1))
    other.build([weight])
    other.load_state_dict(optimizer.state_dict())
    assert all(np.array_equal(one, two) for one, two in zip(other.get_weights(), optimizer.get_weights(), strict=True))
    other.load_state_dict(optimizer.inner_optimizer.state_dict())
    assert float(other.loss_scale) == 32.0


def test_config_round_trip() -> None:
    optimizer = LossScaleOptimizer(optimizers.SGD(0.5, momentum=0.9), initial_scale=16, dynamic_growth_steps=5)
    config = optimizers.serialize(optimizer)
    assert config["class_name"] == "LossScaleOptimizer"
    assert {key: config["config"][key] for key in ("dynamic", "initial_scale", "dynamic_growth_steps")} == {
        "dynamic": True,
        "initial_scale": 16.0,
        "dynamic_growth_steps": 5,
    }
    for name in ("LossScaleOptimizer", "LossScaleOptimizerV3"):  # tf_keras writes the second
        again = optimizers.deserialize({**config, "class_name": name})
        assert again.get_config() == optimizer.get_config() and again.momentum == 0.9
    fixed = LossScaleOptimizer("sgd", dynamic=False, initial_scale=4.0)
    assert LossScaleOptimizer.from_config(fixed.get_config()).get_config() == fixed.get_config()


@pytest.mark.parametrize("suffix", ["keras", "h5", "safetensors"])
def test_files_hold_the_scale(tmp_path: Any, suffix: str) -> None:
    net = model()
    net.fit(*data(), epochs=3, verbose=0)
    net.optimizer._scale.assign(256.0)
    net.save(tmp_path / f"model.{suffix}")
    mixed_precision.set_global_policy("float32")
    loaded = keras.models.load_model(tmp_path / f"model.{suffix}")
    assert isinstance(loaded.optimizer, LossScaleOptimizer) and float(loaded.optimizer.loss_scale) == 256.0
    for one, other in zip(loaded.optimizer.get_weights(), net.optimizer.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    losses = [one.fit(*data(), epochs=2, verbose=0, shuffle=False).history["loss"] for one in (net, loaded)]
    assert losses[0] == losses[1]


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: LossScaleOptimizer(LossScaleOptimizer("sgd")), TypeError, "expected an optimizer that scales no"),
        (lambda: LossScaleOptimizer("sgd", 1024), TypeError, "expected dynamic as True or False; received 1024. Pass"),
        (lambda: LossScaleOptimizer("sgd", False), ValueError, "expected an initial_scale with dynamic=False"),
        (
            lambda: LossScaleOptimizer("sgd", False, 2, 3),
            ValueError,
            "expected no dynamic_growth_steps with dynamic=False; received dynamic_growth_steps=3.",
        ),
        (lambda: LossScaleOptimizer("sgd", initial_scale=0), ValueError, "expected initial_scale above 0; received 0."),
        (lambda: LossScaleOptimizer("sgd", initial_scale=INFINITE), ValueError, "expected a finite initial_scale"),
        (
            lambda: LossScaleOptimizer("sgd", dynamic_growth_steps=0),
            ValueError,
            "expected dynamic_growth_steps of at least 1",
        ),
        (lambda: LossScaleOptimizer(None), TypeError, "LossScaleOptimizer: expected an optimizer"),
        (lambda: LossScaleOptimizer("adma"), ValueError, "Did you mean 'adam'?"),
    ],
)
def test_bad_arguments(make: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error) as caught:
        make()
    assert text in str(caught.value)


def test_any_parameter_is_updated() -> None:
    weight = nn.Parameter(torch.ones(2, 3).t())
    optimizer = LossScaleOptimizer(optimizers.SGD(0.5))
    optimizer.minimize(lambda: (weight**2).sum() / 2, [weight])
    torch.testing.assert_close(weight.detach(), torch.full((3, 2), 0.5))

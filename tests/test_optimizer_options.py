"""Optimizers: accumulated gradients, Keras 3's ways, legacy optimizers, names and modules, schedules, torch's tools."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import nn

import kerastorch as keras
from kerastorch import optimizers
from kerastorch.core.variable import Variable
from kerastorch.optimizers import SGD, Adam, AdamW, Ftrl, Nadam, Optimizer, RMSprop, legacy, plan, schedules
from optimizer_tools import KINDS, SINGLE, make_gradients, make_variables, one_step, train

EVERY = [*KINDS, SINGLE[0]]


# ------------------------------------------------------------------ accumulated gradients, scaled losses


@pytest.mark.parametrize(("kind", "options"), [KINDS[1], KINDS[3], KINDS[5]])
def test_accumulated_gradients_are_one_step_with_their_mean(kind: type[Optimizer], options: dict) -> None:
    several, single = kind(**options, gradient_accumulation_steps=3, use_ema=True), kind(**options, use_ema=True)
    first, second = make_variables(), make_variables()
    for round_ in range(2):
        batches = [make_gradients(first, 10 * round_ + i) for i in range(3)]
        before = [variable.numpy() for variable in first]
        for i, batch in enumerate(batches):
            assert int(several.iterations) == round_
            several.update(batch, first)
            if i < 2:
                for variable, value in zip(first, before, strict=True):
                    np.testing.assert_array_equal(variable.numpy(), value)
        single.update([torch.stack(parts).mean(0) for parts in zip(*batches, strict=True)], second)
    assert int(several.iterations) == int(single.iterations) == 2
    several.finalize_variable_values(first)
    single.finalize_variable_values(second)
    for a, b in zip(first, second, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), atol=1e-6)


def test_schedules_count_the_gradients_that_are_accumulated() -> None:
    optimizer = SGD(schedules.PiecewiseConstantDecay([2, 5], [1.0, 0.5, 0.25]), gradient_accumulation_steps=3)
    weight = Variable([0.0])
    seen = []
    for _ in range(9):
        optimizer.update([torch.ones(1)], [weight])
        seen.append(weight.item())
    assert seen == [0.0, 0.0, -1.0, -1.0, -1.0, -1.5, -1.5, -1.5, -1.75]  # the rates of steps 2, 5 and 8
    optimizer.iterations = 7
    assert int(optimizer.iterations) == 7
    config = optimizer.get_config()
    assert config["gradient_accumulation_steps"] == 3
    assert SGD.from_config(config).gradient_accumulation_steps == 3
    assert "gradient_accumulation_steps" not in SGD(gradient_accumulation_steps=1).get_config()


def test_missing_gradients_while_others_accumulate() -> None:
    optimizer = SGD(1.0, gradient_accumulation_steps=2)
    used, unused = Variable([0.0]), Variable([0.0])
    with pytest.warns(UserWarning, match="Gradients do not exist"):
        optimizer.update([torch.ones(1), None], [used, unused])
    optimizer.update([torch.ones(1) * 3, None], [used, unused])
    assert (used.item(), unused.item(), int(optimizer.iterations)) == (-2.0, 0.0, 1)


def test_fit_with_accumulated_gradients_or_scaled_losses() -> None:
    x = np.random.RandomState(0).rand(32, 4).astype("float32")
    y = x.sum(1, keepdims=True)

    def weights(batch: int, **options: int) -> list[np.ndarray]:
        keras.utils.set_random_seed(1)
        model = keras.Sequential([keras.layers.Dense(3, "tanh", input_shape=(4,)), keras.layers.Dense(1)])
        model.compile(Adam(0.05, **options), "mse")
        model.fit(x, y, batch_size=batch, epochs=2, shuffle=False, verbose=0)
        return model.get_weights()

    for a, b, c in zip(
        weights(8, gradient_accumulation_steps=2), weights(16), weights(16, loss_scale_factor=64.0), strict=True
    ):
        np.testing.assert_allclose(a, b, atol=1e-5)
        np.testing.assert_allclose(c, b, atol=1e-5)


def test_loss_scale_factor_leaves_the_step_as_it_is() -> None:
    scaled, plain = SGD(0.5, loss_scale_factor=1024.0), SGD(0.5)
    first, second = Variable([2.0]), Variable([2.0])
    scaled.minimize(lambda: first**2, [first])
    plain.minimize(lambda: second**2, [second])
    assert first.item() == second.item() == 0.0
    assert scaled.scale_loss(torch.ones(())).item() == 1024.0
    assert SGD.from_config(scaled.get_config()).loss_scale_factor == 1024.0


# ------------------------------------------------------------------ rules written for Keras 3 and for legacy Keras


class KerasThree(Optimizer):
    """Written as for Keras 3."""

    def __init__(self, learning_rate: float = 0.001, name: str = "keras_three", **options: object) -> None:
        super().__init__(learning_rate=learning_rate, name=name, **options)

    def build(self, variables: list[Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        self.momenta = self.add_optimizer_variables(variables, "momentum")
        self.counts = [
            self.add_variable_from_reference(reference_variable=v, name="count", initializer="ones") for v in variables
        ]

    def update_step(self, gradient: torch.Tensor, variable: Variable, learning_rate: torch.Tensor) -> None:
        index = self._get_variable_index(variable)
        self.assign(self.momenta[index], self.momenta[index] * 0.5 + gradient)
        self.assign_add(self.counts[index], 1.0)
        self.assign_sub(variable, learning_rate.to(variable.dtype) * self.momenta[index] * self.counts[index])


def test_rules_for_keras_3() -> None:
    optimizer, weight = KerasThree(0.5, clipvalue=4.0), Variable([0.0], name="w:0")
    optimizer.build([weight])
    optimizer.apply([torch.ones(1)])
    optimizer.apply([torch.full((1,), 9.0)], [weight])
    assert weight.item() == -0.5 * 1.0 * 2 - 0.5 * (0.5 + 4.0) * 3
    assert [v.name for v in optimizer.variables] == ["iteration:0", "keras_three/momentum/w:0", "keras_three/count/w:0"]
    with pytest.raises(ValueError, match="KerasThree 'keras_three': expected a gradient for each of 1 variables; rec"):
        optimizer.apply([])


def test_a_rule_for_keras_3_on_top_of_a_known_one() -> None:
    class Half(SGD):
        def update_step(self, gradient: torch.Tensor, variable: Variable, learning_rate: torch.Tensor) -> None:
            super().update_step(gradient, variable, learning_rate / 2)

    class HalfRoot(RMSprop):
        def update_step(self, gradient: torch.Tensor, variable: Variable, learning_rate: torch.Tensor) -> None:
            super().update_step(gradient, variable, learning_rate / 2)

    assert one_step(Half(1.0), [0.0], [1.0]) == [-0.5]
    assert one_step(HalfRoot(1.0, rho=0.75), [0.0], [3.0]) == [pytest.approx(-1.0)]


class Old(legacy.Optimizer):
    """Written as for tf.keras before 2.11."""

    def __init__(self, learning_rate: float = 0.1, beta: float = 0.5, name: str = "Old", **options: object) -> None:
        super().__init__(name, **options)
        self._set_hyper("learning_rate", options.get("lr", learning_rate))
        self._set_hyper("decay", self._initial_decay)
        self._set_hyper("beta", beta)

    def _create_slots(self, var_list: list[Variable]) -> None:
        for variable in var_list:
            self.add_slot(variable, "mean")
            self.add_slot(variable, "start", torch.tensor(2.0))

    def _resource_apply_dense(self, grad: torch.Tensor, var: Variable, apply_state: object = None) -> None:
        mean = self.get_slot(var, "mean")
        mean.assign(self._get_hyper("beta") * mean + grad)
        var.assign_sub(self._decayed_lr(var.dtype) * mean * self.get_slot(var, "start"))

    def get_config(self) -> dict:
        rate, beta = self._serialize_hyperparameter("learning_rate"), self._serialize_hyperparameter("beta")
        return {**super().get_config(), "learning_rate": rate, "beta": beta}


def test_rules_for_legacy_keras() -> None:
    optimizer, weight = Old(1.0, decay=1.0), Variable([0.0], name="w:0")
    for _ in range(2):
        optimizer.apply_gradients([(torch.ones(1), weight)])
    assert weight.item() == -2.0 - 0.5 * 1.5 * 2
    assert float(optimizer._decayed_lr("float32").numpy()) == pytest.approx(1 / 3)
    assert optimizer.get_slot_names() == ["mean", "start"]
    assert [v.name for v in optimizer.weights] == ["iteration:0", "Old/w/mean:0", "Old/w/start:0"]
    assert optimizer.get_config() == {"name": "Old", "learning_rate": 1.0, "decay": 1.0, "beta": 0.5}
    assert Old.from_config(optimizer.get_config()).decay == 1.0
    assert optimizer.add_slot(weight, "mean") is optimizer.get_slot(weight, "mean")


# ------------------------------------------------------------------ legacy optimizers


def test_legacy_optimizers_clip_in_all_ways_and_save_slot_after_slot() -> None:
    gradient = [3.0, -4.0]
    assert one_step(legacy.SGD(1.0, clipvalue=2.0, clipnorm=1.0), [0.0, 0.0], gradient) == [
        pytest.approx(-(0.5**0.5)),
        pytest.approx(0.5**0.5),
    ]
    assert one_step(SGD(1.0, clipvalue=2.0, clipnorm=1.0), [0.0, 0.0], gradient) == [
        pytest.approx(-0.6),
        pytest.approx(0.8),
    ]
    variables = make_variables()
    optimizer = legacy.Adam()
    optimizer._create_all_weights(variables)
    names = ["conv/kernel/m", "dense/bias/m", "conv/kernel/v", "dense/bias/v"]
    assert [v.name for v in optimizer.variables] == ["iteration:0", *(f"Adam/{name}:0" for name in names)]
    assert [v.name for v in Adam().variables] == ["iteration:0"]
    optimizer = legacy.Nadam()
    optimizer.build(variables)
    assert [v.name for v in optimizer.variables][1] == "momentum_cache:0"
    plain = legacy.SGD()
    plain.build(variables)
    assert len(plain.variables) == 1


def test_legacy_optimizers_decay_without_a_word_and_take_numbers_over_schedules() -> None:
    optimizer = legacy.SGD(schedules.ExponentialDecay(1.0, 1, 0.5), decay=1.0)
    assert [one_step(optimizer, [0.0], [1.0]) for _ in range(2)] == [[-1.0], [-0.25]]
    optimizer.learning_rate = 3.0
    assert one_step(optimizer, [0.0], [1.0]) == [-1.0]
    with pytest.warns(UserWarning, match="`lr` is the old name"):
        assert float(legacy.SGD(lr=0.5).lr) == 0.5
    with pytest.warns(UserWarning, match="Nadam 'Nadam': `decay` has no effect on this optimizer"):
        legacy.Nadam(decay=0.1)
    again = legacy.Nadam.from_config(legacy.Nadam(schedule_decay=0.1).get_config())
    assert (again.schedule_decay, again.decay) == (0.1, 0.0)
    weight = Variable([1.0, 2.0])
    gradients = legacy.SGD(clipnorm=1.0).get_gradients((weight**2).sum(), [weight, Variable([1.0])])
    np.testing.assert_allclose(gradients[0], np.array([2.0, 4.0]) / 20**0.5, rtol=1e-6)
    assert gradients[1] is None


@pytest.mark.parametrize("name", legacy.__all__)
def test_legacy_configs_make_legacy_optimizers(name: str) -> None:
    kind = getattr(legacy, name)
    assert issubclass(kind, legacy.Optimizer)
    if name == "Optimizer":
        return
    optimizer = kind(0.25, clipnorm=3.0)
    again = optimizers.deserialize(optimizers.serialize(optimizer))
    assert type(again) is kind
    assert again.get_config() == optimizer.get_config()
    today = getattr(optimizers, name)(0.25)
    assert type(optimizers.deserialize(optimizers.serialize(today))) is type(today)
    # as Keras 3 writes it: neither 'decay' nor 'is_legacy_optimizer'
    assert type(optimizers.get({"class_name": name, "config": {"learning_rate": 0.1}})) is type(today)


# ------------------------------------------------------------------ names and modules


@pytest.mark.parametrize("name", ["sgd", "SGD", "rmsProp", "AdaGrad", "ADADELTA", "adamW", "LION", "AdaFactor", "Ftrl"])
def test_names_in_any_case(name: str) -> None:
    expected = next(kind for kind in vars(optimizers).values() if getattr(kind, "__name__", "").lower() == name.lower())
    assert type(optimizers.get(name)) is expected
    assert type(optimizers.get({"class_name": name, "config": {}})) is expected


def test_own_classes_come_before_ours() -> None:
    class Mine(SGD):
        pass

    for name, key in (("Mine", "class_name"), ("adam", "class_name"), ("mine>Adam", "registered_name")):
        config = {"class_name": "Adam", "config": {"learning_rate": 0.5}, key: name}
        assert type(optimizers.deserialize(config, {name: Mine})) is Mine
    assert type(optimizers.get("Adam", {"Adam": Mine})) is Mine


def test_modules_of_all_keras_versions() -> None:
    from kerastorch.optimizers import adam, adam_v2, experimental, gradient_descent_v2, learning_rate_schedule
    from kerastorch.optimizers.legacy import SGD as legacy_sgd
    from kerastorch.optimizers.optimizer_v2 import rmsprop
    from kerastorch.optimizers.optimizer_v2.gradient_descent import SGD as old_sgd
    from kerastorch.optimizers.optimizer_v2.optimizer_v2 import OptimizerV2
    from kerastorch.optimizers.schedules.learning_rate_schedule import ExponentialDecay

    assert (adam.Adam, adam_v2.Adam, experimental.AdamW) == (Adam, legacy.Adam, AdamW)
    assert gradient_descent_v2.SGD is legacy_sgd is old_sgd is optimizers.gradient_descent.SGD
    assert (rmsprop.RMSprop, OptimizerV2) == (legacy.RMSprop, legacy.Optimizer)
    assert ExponentialDecay is learning_rate_schedule.ExponentialDecay is schedules.ExponentialDecay
    assert optimizers.nadam_v2.Nadam is optimizers.optimizer_v2.nadam.Nadam is legacy.Nadam


# ------------------------------------------------------------------ learning rates and schedules


def test_schedules_of_arrays_give_arrays() -> None:
    schedule = schedules.InverseTimeDecay(1.0, 10, 1.0)
    steps = np.linspace(0, 90, 4).reshape(2, 2)
    np.testing.assert_allclose(schedule(steps).numpy(), 1.0 / (1.0 + steps / 10), rtol=1e-6)
    np.testing.assert_allclose(schedule(torch.arange(3)), [1.0, 1 / 1.1, 1 / 1.2], rtol=1e-6)
    assert (schedule(10).numpy(), schedule(10).dtype) == (0.5, torch.float32)


def test_backend_functions_on_the_learning_rate() -> None:
    optimizer = Adam(0.5)
    assert keras.backend.get_value(optimizer.lr) == 0.5
    keras.backend.set_value(optimizer.learning_rate, 0.25)
    assert (optimizer.param_groups[0]["lr"], float(optimizer.lr)) == (0.5, 0.25)
    assert one_step(optimizer, [1.0], [1.0]) == [pytest.approx(0.75, abs=1e-4)]
    assert (int(keras.backend.get_value(optimizer.iterations)), optimizer.param_groups[0]["lr"]) == (1, 0.25)


class Bad(schedules.LearningRateSchedule):
    def __call__(self, step: Variable) -> torch.Tensor:
        return torch.ones(2)


@pytest.mark.parametrize(
    ("make", "kind", "text"),
    [
        (
            lambda: SGD(momentum=schedules.ExponentialDecay(0.1, 10, 0.5)),
            TypeError,
            "Pass a number; only learning_rate may be a schedule.",
        ),
        (lambda: Adam(beta_1="0.9"), TypeError, "expected beta_1 to be a number of at least 0 and below 1; received"),
        (lambda: Adam(schedules.ExponentialDecay), ValueError, "received the class ExponentialDecay. Make one of it."),
        (lambda: Adam(float("inf")), ValueError, "Adam 'Adam': expected a finite learning_rate; received inf."),
        (lambda: Adam(float("nan")), ValueError, "expected learning_rate of at least 0; received nan."),
        (
            lambda: SGD(Bad()),
            TypeError,
            "Bad: expected a schedule that returns a number; received Tensor of shape (2,)",
        ),
        (lambda: Nadam(beta_1=1.5), ValueError, "Nadam 'Nadam': expected beta_1 of at least 0 and below 1; received 1"),
        (lambda: optimizers.Adamax(epsilon=-1), ValueError, "Adamax 'Adamax': expected epsilon of at least 0; rec"),
        (
            lambda: optimizers.Adadelta(rho=2),
            ValueError,
            "Adadelta 'Adadelta': expected rho between 0 and 1; received 2",
        ),
        (
            lambda: optimizers.Adagrad(initial_accumulator_value=-1),
            ValueError,
            "initial_accumulator_value of at least 0",
        ),
        (lambda: optimizers.Adafactor(clip_threshold=0), ValueError, "expected clip_threshold above 0; received 0."),
        (lambda: optimizers.Adafactor(beta_2_decay=None), TypeError, "expected beta_2_decay to be a number; received"),
        (lambda: optimizers.Lion(beta_1=0), ValueError, "Lion 'Lion': expected beta_1 above 0; received 0."),
        (lambda: Ftrl(learning_rate_power=1), ValueError, "expected learning_rate_power of at most 0; received 1."),
        (
            lambda: Ftrl(l1_regularization_strength=-1),
            ValueError,
            "l1_regularization_strength of at least 0; received -1",
        ),
        (
            lambda: SGD(gradient_accumulation_steps=0),
            ValueError,
            "gradient_accumulation_steps of at least 1; received 0",
        ),
        (
            lambda: SGD(ema_overwrite_frequency=2.5),
            ValueError,
            "expected ema_overwrite_frequency to be a whole number;",
        ),
        (lambda: SGD(loss_scale_factor=0), ValueError, "SGD 'SGD': expected loss_scale_factor above 0; received 0."),
        (lambda: SGD(weight_decay=-0.1), ValueError, "SGD 'SGD': expected weight_decay of at least 0; received -0.1."),
        (
            lambda: legacy.SGD(weight_decay=0.1),
            TypeError,
            "SGD 'SGD': expected an argument of a legacy optimizer; received 'weight_decay'. optimizers.SGD takes it.",
        ),
        (lambda: legacy.SGD(momentun=0.1), TypeError, "received 'momentun'. Did you mean 'momentum'?"),
        (
            lambda: legacy.Nadam(schedules.CosineDecay(0.1, 5)),
            ValueError,
            "Nadam 'Nadam': expected a number as the learn",
        ),
        (lambda: legacy.SGD(decay=-1), ValueError, "SGD 'SGD': expected decay of at least 0; received -1."),
        (
            lambda: schedules.ExponentialDecay(0.1, 0, 0.5),
            ValueError,
            "ExponentialDecay 'ExponentialDecay': expected decay_steps to be a number above 0; received 0 (int). Pass",
        ),
        (
            lambda: schedules.CosineDecay("fast", 10),
            ValueError,
            "expected initial_learning_rate to be a number; received",
        ),
        (
            lambda: schedules.PolynomialDecay(schedules.CosineDecay(0.1, 10), 10, name="mine"),
            ValueError,
            "PolynomialDecay 'mine': expected initial_learning_rate to be a number; received <",
        ),
        (
            lambda: schedules.CosineDecayRestarts(0.1, 10, 0.5),
            ValueError,
            "expected t_mul to be a number of at least 1; re",
        ),
        (
            lambda: schedules.PiecewiseConstantDecay([5, 1], [1, 2, 3]),
            ValueError,
            "expected boundaries that rise; received [5, 1]. Sort them",
        ),
    ],
)
def test_errors_say_what_is_wrong(make: object, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind) as error:
        make()
    assert text in str(error.value)


# ------------------------------------------------------------------ blocks, rates of zero, moved weights


@pytest.mark.parametrize(("kind", "options"), KINDS)
def test_blocks_give_what_the_whole_gives(
    kind: type[Optimizer], options: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, blocks = kind(**options), kind(**options)
    first, second = make_variables(), make_variables()
    train(whole, first)
    monkeypatch.setattr(plan, "BLOCK", 5)
    train(blocks, second)
    pieces = [weights for weights, _, _ in blocks._plan.blocks([v.detach().clone() for v in blocks._plan.weights])]
    assert len(pieces) > 5
    assert sum(piece.numel() for weights in pieces for piece in weights) == 77
    for a, b in zip(first, second, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-6, atol=1e-7)


def test_a_rate_of_zero_leaves_the_weights() -> None:
    for kind, options in EVERY:
        variables = make_variables()
        before = [variable.numpy() for variable in variables]
        train(kind(**options | {"learning_rate": 0.0}), variables, 2)
        for variable, value in zip(variables, before, strict=True):
            np.testing.assert_array_equal(variable.numpy(), value)


# ------------------------------------------------------------------ torch's tools


@pytest.mark.parametrize(("kind", "options"), EVERY)
def test_gradient_scaler_steps_and_skips(kind: type[Optimizer], options: dict) -> None:
    plain, scaled = nn.Linear(2, 1), nn.Linear(2, 1)
    scaled.load_state_dict(plain.state_dict())
    first, second = kind(**options), kind(**options)
    first.build(plain.parameters())
    second.build(scaled.parameters())
    x = torch.tensor([[1.0, -2.0]])
    plain(x).square().sum().backward()
    first.step()
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    scaler.scale(scaled(x).square().sum()).backward()
    scaler.step(second)
    scaler.update()
    torch.testing.assert_close(scaled.weight, plain.weight)
    second.zero_grad()
    scaler.scale(scaled(x).sum() * torch.inf).backward()
    scaler.step(second)
    scaler.update()
    torch.testing.assert_close(scaled.weight, plain.weight)
    assert (int(second.iterations), scaler.get_scale()) == (1, 512.0)


@pytest.mark.parametrize(("kind", "options"), EVERY)
def test_schedulers_of_torch(kind: type[Optimizer], options: dict) -> None:
    optimizer, weight = kind(**options), Variable([1.0, 2.0])
    rate = options["learning_rate"]
    optimizer.build([weight])
    halving = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: 0.5**epoch)
    for epoch in range(3):
        assert float(optimizer.learning_rate) == pytest.approx(rate * 0.5**epoch)
        optimizer.update([torch.ones(2)], [weight])
        halving.step()
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=0)
    for loss in (1.0, 1.0):
        plateau.step(loss)
    assert float(optimizer.learning_rate) == pytest.approx(rate * 0.5**4)


@pytest.mark.parametrize("kind", [Nadam, optimizers.Adamax, optimizers.Lion, RMSprop])
def test_one_cycle_moves_the_momentum_of_a_running_optimizer(kind: type[Optimizer]) -> None:
    options = {"momentum": 0.5} if kind is RMSprop else {}
    optimizer, weight = kind(0.1, **options), Variable([1.0])
    optimizer.build([weight])
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=6, max_momentum=0.95)
    momenta = []
    for _ in range(5):
        optimizer.update([torch.ones(1)], [weight])
        momenta.append(optimizer.momentum if kind is RMSprop else optimizer.beta_1)
        cycle.step()
    assert momenta[0] == 0.95 and min(momenta) == pytest.approx(0.85, abs=0.01)
    assert np.isfinite(weight.item())


def test_a_nadam_that_goes_on_from_a_file_knows_its_momenta() -> None:
    weight, gradient = Variable([1.0]), torch.tensor([0.5])
    optimizer = Nadam(0.1)
    for _ in range(4):
        optimizer.update([gradient], [weight])
    resumed, other = Nadam(0.1), copy.deepcopy(weight)
    resumed.build([other])
    resumed.set_weights(optimizer.get_weights())  # which does not hold the product of the momenta
    for model, variable in ((optimizer, weight), (resumed, other)):
        model.update([gradient], [variable])
    assert weight.item() == pytest.approx(other.item(), abs=1e-7)

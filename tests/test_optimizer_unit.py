"""Optimizers: aliases, learning rate, clipping, custom rules, errors (trajectories: test_optimizers.py)."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from kerastorch import optimizers
from kerastorch.core.variable import Variable
from kerastorch.optimizers import SGD, Adam, AdamW, Optimizer, RMSprop, schedules
from kerastorch.optimizers.plan import memory_order_of
from optimizer_tools import KERNEL_ORDER, KINDS, loop_version, make_gradients, make_variables, one_step, train


@pytest.mark.parametrize(("kind", "options"), KINDS)
def test_lists_and_single_weights_follow_one_rule(kind: type[Optimizer], options: dict) -> None:
    fused, single = kind(**options), loop_version(kind)(**options)
    first, second = make_variables(), make_variables()
    for a, b in zip(train(fused, first), train(single, second), strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-6, atol=2e-6)
    assert fused._plan.fused
    assert not single._plan.fused


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_other_dtypes_take_the_fused_kernel(dtype: torch.dtype) -> None:
    variable = Variable(torch.tensor([1.0, -1.0]), dtype=dtype)
    optimizer = Adam(0.5)
    optimizer.apply_gradients([(torch.tensor([2.0, -3.0]), variable)])
    assert optimizer._plan.fused
    assert variable.tolist() == pytest.approx([0.5, -0.5], rel=1e-2)


def test_mixed_dtypes_are_updated_one_by_one() -> None:
    variables = [Variable(torch.ones(2)), Variable(torch.ones(2), dtype="float64")]
    optimizer = Adam(0.5)
    optimizer.apply_gradients([(torch.ones(2), v) for v in variables])
    assert not optimizer._plan.fused
    assert [v.tolist() for v in variables] == [pytest.approx([0.5, 0.5], rel=1e-5)] * 2


def test_gradients_of_permuted_kernels_arrive_in_memory_order() -> None:
    kernel = make_variables()[0]
    images = torch.randn(2, 8, 8, 2).permute(0, 3, 1, 2)
    (gradient,) = torch.autograd.grad(torch.conv2d(images, kernel.permute(3, 2, 0, 1)).square().sum(), [kernel])
    assert gradient.permute(KERNEL_ORDER).is_contiguous()
    assert memory_order_of(nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last).weight) == (0, 2, 3, 1)


@pytest.mark.parametrize("layout", ["expanded", "permuted", "strided"])
def test_gradients_of_any_layout_give_the_same_step(layout: str) -> None:
    gradient = torch.arange(6.0).reshape(2, 3) - 2
    if layout == "expanded":
        gradient = torch.tensor([1.0, -2.0, 3.0]).expand(2, 3)
    laid_out = {
        "expanded": gradient,
        "permuted": gradient.t().contiguous().t(),
        "strided": torch.stack([gradient, gradient], -1)[..., 0],
    }[layout]
    assert not laid_out.is_contiguous()
    weight = nn.Parameter(torch.zeros(2, 3))
    SGD(1.0).update([laid_out], [weight])
    np.testing.assert_array_equal(weight.detach().numpy(), -gradient.numpy())


def test_one_gradient_tensor_for_two_weights_stays_as_it_is() -> None:
    shared = torch.full((3,), 10.0)
    weights = [nn.Parameter(torch.zeros(3)), nn.Parameter(torch.zeros(3))]
    for optimizer in (
        SGD(1.0, momentum=0.9, nesterov=True),
        Adam(1.0, clipvalue=1.0),
        Adam(1.0, clipnorm=0.1),
    ):
        optimizer.update([shared, shared], weights)
        assert shared.tolist() == [10.0] * 3
    assert torch.equal(*weights)


def test_weights_that_move_are_followed() -> None:
    moved, kept = nn.Linear(3, 2), nn.Linear(3, 2)
    kept.load_state_dict(moved.state_dict())
    first, second = Adam(0.1), Adam(0.1)
    for step in range(4):
        if step == 2:
            moved.weight.data = moved.weight.data.clone()  # what Module.to does
        for optimizer, module in ((first, moved), (second, kept)):
            parameters = list(module.parameters())
            optimizer.update(make_gradients(parameters, step), parameters)
    assert torch.equal(moved.weight, kept.weight)
    moved.double()
    train(first, list(moved.parameters()), 1)
    assert {slot.dtype for slot in first.variables[1:]} == {torch.float64}


def test_a_channels_last_module_keeps_its_slots_in_its_layout() -> None:
    plain, last = nn.Conv2d(3, 4, 3), nn.Conv2d(3, 4, 3)
    last.load_state_dict(plain.state_dict())
    last = last.to(memory_format=torch.channels_last)
    first, second = Adam(0.1), Adam(0.1)
    train(first, list(plain.parameters()))
    train(second, list(last.parameters()))
    assert second._plan.fused
    assert second.variables[1].stride() == last.weight.stride()
    np.testing.assert_allclose(plain.weight.detach().numpy(), last.weight.detach().numpy(), atol=1e-6)


# ------------------------------------------------------------------ learning rate and iterations


def test_learning_rate_reads_and_assigns() -> None:
    optimizer = SGD(0.1)
    assert float(optimizer.learning_rate) == np.float32(0.1)
    assert optimizer.param_groups[0]["lr"] == 0.1
    optimizer.learning_rate = 0.5
    assert (optimizer.lr.numpy(), optimizer.param_groups[0]["lr"]) == (0.5, 0.5)
    optimizer.lr.assign(0.25)
    assert one_step(optimizer, [1.0], [1.0]) == [0.75]
    assert optimizer.param_groups[0]["lr"] == 0.25
    optimizer.param_groups[0]["lr"] = 2.0
    assert one_step(optimizer, [1.0], [1.0]) == [-1.0]
    assert float(optimizer.lr) == 2.0
    optimizer.lr = torch.tensor(0.125)
    assert optimizer.get_config()["learning_rate"] == 0.125


def test_the_last_writer_of_the_learning_rate_wins() -> None:
    optimizer = SGD(0.1)
    held = optimizer.learning_rate
    optimizer.param_groups[0]["lr"] = 0.5
    assert one_step(optimizer, [1.0], [1.0]) == [0.5]
    assert float(held) == 0.5
    held.assign(0.25)
    assert float(optimizer.learning_rate) == 0.25
    assert optimizer.param_groups[0]["lr"] == 0.25


def test_schedule_decides_by_iterations() -> None:
    optimizer = SGD(schedules.PiecewiseConstantDecay([1], [1.0, 0.5]))
    weight = Variable([0.0])
    seen = []
    for _ in range(3):
        optimizer.apply_gradients([(torch.ones(1), weight)])
        seen.append((weight.item(), float(optimizer.learning_rate)))
    assert seen == [(-1.0, 1.0), (-2.0, 1.0), (-2.5, 0.5)]
    with pytest.raises(TypeError, match="SGD 'SGD': expected a learning rate that its schedule decides"):
        optimizer.learning_rate = 0.1
    optimizer.learning_rate = schedules.ExponentialDecay(8.0, 1, 0.5)
    optimizer.iterations = 3
    assert one_step(optimizer, [0.0], [1.0]) == [-1.0]


def test_own_schedule_gets_iterations_and_callable_gets_nothing() -> None:
    class Ramp(schedules.LearningRateSchedule):
        def __call__(self, step: Variable) -> torch.Tensor:
            return torch.sqrt(step.double() + 1)

    optimizer = SGD(Ramp())
    optimizer.iterations = 3
    assert one_step(optimizer, [0.0], [1.0]) == [-2.0]
    rates = iter([9.0, 1.0, 4.0])  # the first is asked for at construction
    optimizer = SGD(lambda: next(rates))
    assert [one_step(optimizer, [0.0], [1.0]) for _ in range(2)] == [[-1.0], [-4.0]]


def test_iterations_count_updates_and_are_assignable() -> None:
    optimizer = Adam()
    held = optimizer.iterations
    assert int(optimizer.apply_gradients([(torch.ones(1), Variable([0.0]))])) == 1
    assert int(held) == 1
    held.assign(7)
    optimizer.apply_gradients([(torch.ones(1), Variable([0.0]))])
    assert (int(optimizer.iterations), optimizer.iterations.dtype) == (8, torch.int64)


def test_old_names_are_honoured_with_a_warning() -> None:
    with pytest.warns(UserWarning, match="SGD 'SGD': `lr` is the old name of `learning_rate`") as seen:
        optimizer = SGD(lr=0.5)
    assert seen[0].filename == __file__
    assert one_step(optimizer, [1.0], [1.0]) == [0.5]
    with pytest.warns(UserWarning, match="`decay` is an old argument"):
        optimizer = SGD(1.0, decay=1.0)
    weight = Variable([0.0])
    steps = [optimizer.apply_gradients([(torch.ones(1), weight)]) and weight.item() for _ in range(3)]
    assert steps == pytest.approx([-1.0, -1.5, -1.5 - 1 / 3])
    assert float(optimizer.lr) == 1.0
    assert SGD.from_config(optimizer.get_config()).decay == 1.0
    assert SGD.from_config({"lr": 0.5, "decay": 0.0}).get_config()["learning_rate"] == 0.5
    assert Adam(epsilon=None, decay=0.0).epsilon == 1e-7


# ------------------------------------------------------------------ what an update does


def test_any_parameter_is_taken_and_new_ones_are_added() -> None:
    optimizer = SGD(0.5)
    first, second = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(3))
    optimizer.apply_gradients([(np.ones(2), first)])
    optimizer.apply_gradients([(torch.ones(2, dtype=torch.float64), first), (torch.ones(3), second)])
    assert first.tolist() == [0.0, 0.0]
    assert second.tolist() == [0.5] * 3
    assert optimizer.param_groups[0]["params"] == [first, second]
    assert [v.name for v in optimizer.variables] == [
        "iteration:0",
        "SGD/m/parameter(2,)",
        "SGD/m/parameter(3,)",
    ]


def test_missing_gradients_are_skipped_and_said_once() -> None:
    optimizer = SGD(0.5)
    used, unused = Variable([1.0], name="a/kernel:0"), Variable([1.0], name="b/kernel:0")
    with pytest.warns(UserWarning, match=r"Gradients do not exist for variables \['b/kernel:0'\]"):
        optimizer.apply_gradients([(torch.ones(1), used), (None, unused)])
    optimizer.update([torch.ones(1), None], [used, unused])
    assert (used.item(), unused.item(), int(optimizer.iterations)) == (0.0, 1.0, 2)
    with pytest.raises(ValueError, match=r"SGD 'SGD': expected a gradient for at least one variable; received None"):
        optimizer.apply_gradients([(None, used), (None, unused)])
    assert int(optimizer.apply_gradients([])) == 2


def test_sparse_gradients_are_made_dense() -> None:
    embedding = nn.Embedding(4, 2, sparse=True)
    before = embedding.weight.detach().clone()
    embedding(torch.tensor([1, 1])).sum().backward()
    optimizer = SGD(0.5)
    optimizer.build(embedding.parameters())
    optimizer.step()
    expected = before.clone()
    expected[1] -= 1.0
    torch.testing.assert_close(embedding.weight.detach(), expected)


def test_clipping() -> None:
    gradients = [torch.tensor([3.0, 4.0]), torch.tensor([0.3, -0.4])]

    def steps(**options: float) -> list[list[float]]:
        weights = [nn.Parameter(torch.zeros(2)), nn.Parameter(torch.zeros(2))]
        SGD(1.0, **options).update(gradients, weights)
        return [(-weight).tolist() for weight in weights]

    assert steps(clipnorm=1.0) == [pytest.approx([0.6, 0.8]), pytest.approx([0.3, -0.4])]
    assert steps(clipvalue=0.35) == [pytest.approx([0.35, 0.35]), pytest.approx([0.3, -0.35])]
    scale = 1.0 / np.sqrt(25.25)
    assert steps(global_clipnorm=1.0) == [
        pytest.approx([3 * scale, 4 * scale]),
        pytest.approx([0.3 * scale, -0.4 * scale]),
    ]
    gradients[0] = torch.tensor([torch.inf, 1.0])
    assert np.isnan(steps(global_clipnorm=1.0)).all()


def test_weight_decay_and_its_exclusions() -> None:
    kernel, bias, kept = (Variable([1.0], name=name) for name in ("a/kernel:0", "a/bias:0", "b/kernel:0"))
    for optimizer in (AdamW(0.5, weight_decay=0.5), SGD(0.5, weight_decay=0.5)):
        for variable in (kernel, bias, kept):
            variable.assign([1.0])
        optimizer.exclude_from_weight_decay(var_list=[kept], var_names=["bias"])
        optimizer.update([torch.zeros(1)] * 3, [kernel, bias, kept])
        assert [v.item() for v in (kernel, bias, kept)] == [0.75, 1.0, 1.0]
    with pytest.raises(ValueError, match="expected exclude_from_weight_decay before build"):
        optimizer.exclude_from_weight_decay(var_names=["kernel"])


def test_constraints_follow_the_step() -> None:
    assert one_step(SGD(1.0), [0.5, 1.0], [1.0, 0.5], constraint=lambda w: w.clamp(min=0)) == [0.0, 0.5]


def test_moving_averages() -> None:
    weight = Variable([0.0])
    optimizer = SGD(1.0, use_ema=True, ema_momentum=0.5)
    for _ in range(2):
        optimizer.update([-torch.ones(1)], [weight])
    average = (0.0 * 0.5 + 1.0 * 0.5) * 0.5 + 2.0 * 0.5
    assert weight.item() == 2.0
    optimizer.finalize_variable_values([weight])
    assert weight.item() == average
    often = SGD(1.0, use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=1)
    assert one_step(often, [0.0], [-1.0]) == [0.5]


def test_minimize_takes_a_callable_or_a_tensor() -> None:
    weight = Variable([2.0, 3.0])
    optimizer = SGD(0.5)
    optimizer.minimize(lambda: (weight**2).sum(), [weight])
    assert weight.tolist() == [0.0, 0.0]
    optimizer.minimize(weight * 3.0, lambda: [weight])  # a vector is summed, as a gradient tape does
    assert weight.tolist() == [-1.5, -1.5]


# ------------------------------------------------------------------ custom optimizers


class KerasMomentum(Optimizer):
    """Written as for tf.keras."""

    def __init__(self, learning_rate: float = 0.1, beta: float = 0.5, name: str = "KerasMomentum", **kwargs: object):
        super().__init__(name, **kwargs)
        self._learning_rate = self._build_learning_rate(learning_rate)
        self.beta = beta

    def build(self, var_list: list[Variable]) -> None:
        super().build(var_list)
        if hasattr(self, "_built") and self._built:
            return
        self._built = True
        self.momentums = [self.add_variable_from_reference(v, "m") for v in var_list]
        self.norm = self.add_variable(shape=(2,), initializer="ones", name="norm")

    def update_step(self, gradient: torch.Tensor, variable: Variable) -> None:
        momentum = self.momentums[self._index_dict[self._var_key(variable)]]
        momentum.assign(momentum * self.beta + gradient)
        variable.assign_sub(momentum * self.learning_rate)

    def get_config(self) -> dict:
        return {**super().get_config(), "learning_rate": float(self.learning_rate), "beta": self.beta}


def test_custom_optimizer_in_keras_way() -> None:
    variables = make_variables()
    before = [v.numpy() for v in variables]
    optimizer = KerasMomentum(0.5, clipvalue=10.0)
    gradients = [make_gradients(variables, step) for step in range(2)]
    for step in gradients:
        optimizer.apply_gradients(zip(step, variables, strict=True))
    for variable, start, first, second in zip(variables, before, *gradients, strict=True):
        expected = start - 0.5 * first.numpy() - 0.5 * (0.5 * first.numpy() + second.numpy())
        np.testing.assert_allclose(variable.numpy(), expected, atol=1e-6)
    assert [v.name for v in optimizer.variables] == [
        "iteration:0",
        "KerasMomentum/m/conv/kernel:0",
        "KerasMomentum/m/dense/bias:0",
        "norm:0",
    ]
    assert KerasMomentum.from_config(optimizer.get_config()).beta == 0.5
    with pytest.raises(ValueError, match="expected the weights that it was built with; received 'new:0'"):
        optimizer.apply_gradients([(torch.ones(1), Variable([1.0], name="new:0"))])


def test_custom_rule_replaces_the_fused_one() -> None:
    class Sign(SGD):
        def update_step(self, gradient: torch.Tensor, variable: Variable) -> None:
            variable.sub_(gradient.sign(), alpha=self.current_rate())

    assert one_step(Sign(0.5), [0.0, 0.0], [3.0, -9.0]) == [-0.5, 0.5]
    with pytest.raises(NotImplementedError, match=r"Optimizer 'Optimizer': expected an optimizer that defines"):
        one_step(Optimizer(learning_rate=0.5), [0.0], [1.0])


# ------------------------------------------------------------------ names, configs and errors


def test_get_and_configs() -> None:
    assert isinstance(optimizers.get("ADAM"), Adam)
    assert isinstance(optimizers.get(RMSprop), RMSprop)
    optimizer = SGD(schedules.CosineDecay(0.1, 10), momentum=0.5, nesterov=True, clipvalue=2.0, name="mine")
    assert optimizers.get(optimizer) is optimizer
    again = optimizers.deserialize(optimizers.serialize(optimizer))
    assert again.get_config() == optimizer.get_config()
    assert (again.name, again.momentum, again.clipvalue) == ("mine", 0.5, 2.0)
    assert isinstance(optimizers.get({"class_name": "adamw", "config": {}}), AdamW)
    config = Adam().get_config()
    assert config["learning_rate"] == 0.001
    assert config["is_legacy_optimizer"] is False


@pytest.mark.parametrize(
    ("make", "kind", "text"),
    [
        (
            lambda: Adam(-0.1),
            ValueError,
            "Adam 'Adam': expected learning_rate of at least 0; received -0.1. Pass",
        ),
        (
            lambda: SGD("fast"),
            TypeError,
            "SGD 'SGD': expected learning_rate to be a number of at least 0; rec",
        ),
        (
            lambda: SGD(momentum=1.5),
            ValueError,
            "SGD 'SGD': expected momentum between 0 and 1; received 1.5.",
        ),
        (lambda: Adam(beta_2=1.0), ValueError, "expected beta_2 of at least 0 and below 1; received 1.0."),
        (lambda: SGD(clipnorm=-1), ValueError, "expected clipnorm of at least 0; received -1."),
        (
            lambda: SGD(clipnorm=1, global_clipnorm=1),
            ValueError,
            "expected at most one of clipnorm and global_cl",
        ),
        (
            lambda: SGD(use_ema=True, ema_momentum=2),
            ValueError,
            "expected ema_momentum between 0 and 1; received",
        ),
        (
            lambda: AdamW(weight_decay=None),
            ValueError,
            "AdamW 'AdamW': expected a number as weight_decay; rec",
        ),
        (
            lambda: Adam(learning_rat=0.1),
            TypeError,
            "expected known arguments; received 'learning_rat'. Did you ",
        ),
        (lambda: AdamW(beta1=0.1), TypeError, "received 'beta1'. Did you mean 'beta_1'?"),
        (
            lambda: optimizers.get("adm"),
            ValueError,
            "optimizer 'adm': expected the name of a known optimizer; rec",
        ),
        (
            lambda: optimizers.get(3),
            TypeError,
            "optimizer: expected a name, a config, a function or an object; ",
        ),
        (
            lambda: SGD().apply_gradients([(torch.ones(3), Variable([1.0], name="a:0"))]),
            ValueError,
            "apply_gradients: expected a gradient of shape (1,) for 'a:0'; received (3,).",
        ),
        (
            lambda: SGD().apply_gradients([(torch.ones(3), 1.0)]),
            TypeError,
            "received 1.0 (float) as a variable.",
        ),
        (
            lambda: schedules.PiecewiseConstantDecay([1], [1.0]),
            ValueError,
            "PiecewiseConstantDecay 'PiecewiseConstantDecay': expected one value more than boundaries; ",
        ),
        (
            lambda: schedules.deserialize({"class_name": "CosineDecai", "config": {}}),
            ValueError,
            "Did you mean 'CosineDecay'?",
        ),
    ],
)
def test_errors_say_what_is_wrong(make: object, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind) as error:
        make()
    assert text in str(error.value)


def test_nearest_optimizer_is_named() -> None:
    with pytest.raises(ValueError, match=r"Did you mean '(adam|Adam)'\?"):
        optimizers.get("adamm")

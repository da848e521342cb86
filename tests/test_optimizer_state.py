"""Optimizers: saving and copying their state, and torch's schedulers, scalers and optimizers with them."""

from __future__ import annotations

import copy
import io
import pickle
import weakref

import numpy as np
import pytest
import torch
from torch import nn

from kerastorch import optimizers
from kerastorch.core.variable import Variable
from kerastorch.optimizers import SGD, Adafactor, Adam, Optimizer, TorchOptimizer
from optimizer_tools import KINDS, SINGLE, make_gradients, make_variables, one_step, train


@pytest.mark.parametrize("way", ["weights", "state_dict", "deepcopy", "pickle"])
@pytest.mark.parametrize(("kind", "options"), [*KINDS[1:2], *KINDS[4:5], *KINDS[6:], *SINGLE])
def test_state_round_trip(way: str, kind: type[Optimizer], options: dict) -> None:
    optimizer, variables = kind(**options), make_variables()
    train(optimizer, variables, 3)
    if way in ("deepcopy", "pickle"):
        pair = (optimizer, variables)
        other, copies = copy.deepcopy(pair) if way == "deepcopy" else pickle.loads(pickle.dumps(pair))
        assert other.param_groups[0]["params"][0] is copies[0]
    else:
        other, copies = kind.from_config(optimizer.get_config()), copy.deepcopy(variables)
        other.build(copies)
        if way == "weights":
            other.set_weights(optimizer.get_weights())
        else:
            file = io.BytesIO()
            torch.save(optimizer.state_dict(), file)
            file.seek(0)
            other.load_state_dict(torch.load(file, weights_only=True))
    assert int(other.iterations) == int(optimizer.iterations) > 0
    other.lr.assign(0.05)
    optimizer.lr.assign(0.05)
    for a, b in zip(train(optimizer, variables), train(other, copies), strict=True):
        np.testing.assert_array_equal(a, b)
    assert other._plan.fused is (kind is not Adafactor)


def test_state_errors() -> None:
    optimizer, other = Adam(), Adam()
    with pytest.raises(ValueError, match=r"Adam 'Adam': expected a built optimizer; received set_weights before"):
        optimizer.set_weights([])
    optimizer.build(make_variables())
    with pytest.raises(ValueError, match="expected 5 arrays; received 1"):
        optimizer.set_weights([np.array(0)])
    with pytest.raises(ValueError, match=r"expected an array of shape \(3, 3, 2, 4\) for 'Adam/m/conv/kernel:0'"):
        optimizer.set_weights([np.array(0)] * 5)
    with pytest.raises(ValueError, match="expected the state of 0 weights; received that of 2"):
        other.load_state_dict(optimizer.state_dict())
    other = SGD()
    other.build(make_variables())
    with pytest.raises(ValueError, match=r"expected a state with 'm'; received \[\]") as error:
        plain = optimizer.state_dict()
        plain["state"] = {}
        other.load_state_dict(plain)
    assert "Load the state of an optimizer of the same class" in str(error.value)


def test_optimizer_and_weights_are_freed_without_the_collector() -> None:
    optimizer, variables = Adam(), make_variables()
    train(optimizer, variables, 2)
    dead = [weakref.ref(optimizer), weakref.ref(variables[0])]
    del optimizer, variables
    assert [reference() for reference in dead] == [None, None]


# ------------------------------------------------------------------ torch's tools


def test_torch_schedulers_work_before_and_after_build() -> None:
    optimizer = SGD(1.0, momentum=0.5)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.5)
    rates = []
    for _ in range(3):
        one_step(optimizer, [1.0], [1.0])
        scheduler.step()
        rates.append(float(optimizer.learning_rate))
    assert rates == [0.5, 0.25, 0.125]
    assert scheduler.get_last_lr() == [0.125]


@pytest.mark.parametrize("optimizer", [SGD(0.1, momentum=0.9), Adam(0.1)])
def test_one_cycle_sets_rate_and_momentum(optimizer: Optimizer) -> None:
    optimizer.build([Variable([1.0])])
    torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1.0, total_steps=10, div_factor=4.0, max_momentum=0.95)
    assert float(optimizer.learning_rate) == 0.25
    assert (optimizer.momentum if isinstance(optimizer, SGD) else optimizer.beta_1) == 0.95


def test_step_zero_grad_and_closure() -> None:
    module = nn.Linear(2, 1, bias=False)
    optimizer = SGD(0.5)
    with pytest.raises(ValueError, match=r"SGD 'SGD': expected a built optimizer; received step\(\) before build"):
        optimizer.step()
    optimizer.build(module.parameters())
    before = module.weight.detach().clone()

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = module(torch.tensor([[1.0, 2.0]])).sum()
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == pytest.approx((before * torch.tensor([1.0, 2.0])).sum().item())
    torch.testing.assert_close(module.weight.detach(), before - 0.5 * torch.tensor([[1.0, 2.0]]))
    optimizer.zero_grad()
    assert module.weight.grad is None


def test_gradient_scaler() -> None:
    weight = nn.Parameter(torch.ones(1))
    optimizer = SGD(0.5)
    optimizer.build([weight])
    scaler = torch.amp.GradScaler("cpu", init_scale=8.0)
    scaler.scale(weight.sum()).backward()
    scaler.step(optimizer)
    scaler.update()
    assert weight.item() == 0.5
    optimizer.zero_grad()
    scaler.scale(weight.sum() * torch.inf).backward()
    scaler.step(optimizer)
    assert (weight.item(), int(optimizer.iterations)) == (0.5, 1)


def test_add_param_group_adds_weights_but_no_second_rate() -> None:
    optimizer = SGD(0.5)
    weight = nn.Parameter(torch.ones(1))
    optimizer.add_param_group({"params": [weight]})
    assert optimizer.param_groups[0]["params"] == [weight]
    with pytest.raises(ValueError, match=r"expected one group of weights .* a group with its own \['lr'\]"):
        optimizer.add_param_group({"params": [nn.Parameter(torch.ones(1))], "lr": 1.0})


@pytest.mark.parametrize("form", ["instance", "factory", "class"])
def test_torch_optimizers_are_taken_as_they_are(form: str) -> None:
    ours, theirs = make_variables(), make_variables()
    reference = torch.optim.Adam(theirs, lr=0.1)
    given = {
        "instance": lambda: torch.optim.Adam(ours, lr=0.1),
        "factory": lambda: lambda parameters: torch.optim.Adam(parameters, lr=0.1),
        "class": lambda: torch.optim.Adam,
    }[form]()
    optimizer = optimizers.get(given)
    assert isinstance(optimizer, TorchOptimizer)
    assert optimizer.name == "Adam"
    optimizer.learning_rate = 0.1
    for step in range(4):
        if step == 2:
            optimizer.lr.assign(0.5)
            reference.param_groups[0]["lr"] = 0.5
        gradients = make_gradients(ours, step)
        optimizer.update(gradients, ours)
        for variable, gradient in zip(theirs, gradients, strict=True):
            variable.grad = gradient
        reference.step()
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), atol=1e-6)
    assert (int(optimizer.iterations), float(optimizer.learning_rate)) == (4, 0.5)
    assert ours[0].grad is None
    again = optimizers.deserialize(optimizers.serialize(optimizer))
    assert type(again.optimizer) is torch.optim.Adam


def test_torch_optimizer_errors() -> None:
    stranger = torch.optim.SGD([nn.Parameter(torch.ones(1))], lr=0.1)
    optimizer = optimizers.get(stranger)
    with pytest.raises(ValueError, match="SGD': expected an optimizer over the weights of the model; received one"):
        optimizer.build(make_variables())
    with pytest.raises(TypeError, match="expected a torch.optim optimizer or a callable that returns one; received"):
        optimizers.get(lambda parameters: 3)

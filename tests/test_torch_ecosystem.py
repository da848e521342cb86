"""Models are torch modules: state, hooks, optimizers, loops, devices and compilation of torch work on them."""

from __future__ import annotations

import copy
import io
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.modules import module as torch_module
from torch.utils.data import DataLoader, TensorDataset

import kerastorch as keras
from kerastorch.layers import Activation, Dense
from torch_models import IMAGES, MODELS, X, Y, cnn, data_of, mlp, residual

# --- state ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MODELS)
def test_state_dict_round_trip(name: str) -> None:
    model, x = MODELS[name](), data_of(name)
    state = model.state_dict()
    assert len(state) == len(model.weights)
    assert all("." in key and not key.startswith("_") for key in state)
    pointers = {weight.data_ptr() for weight in model.weights}
    assert {tensor.data_ptr() for tensor in state.values()} == pointers
    buffer = io.BytesIO()
    torch.save(state, buffer)
    buffer.seek(0)
    loaded = torch.load(buffer, weights_only=True)
    keras.backend.clear_session()
    Dense(1)  # other names in the process change no key
    other = MODELS[name]()
    assert list(other.state_dict()) == list(state)
    assert not torch.equal(other(x), model(x))
    result = other.load_state_dict(loaded)
    assert result.missing_keys == result.unexpected_keys == []
    assert torch.equal(other(x), model(x))
    for one, another in zip(other.weights, model.weights, strict=True):
        assert one.stride() == another.stride()
    other.load_state_dict({key: tensor * 2 for key, tensor in loaded.items()}, assign=True)
    assert [w.name for w in other.weights] == [w.name.replace("dense_1/", "dense_1/") for w in other.weights]
    torch.testing.assert_close(other.weights[0].detach(), model.weights[0].detach() * 2)
    assert all(type(weight) is keras.Variable for weight in other.weights)
    with pytest.raises(RuntimeError, match="Missing key"):
        other.load_state_dict({})


def test_parameters_and_children() -> None:
    model = mlp()
    assert len(list(model.parameters())) == 8
    assert [key for key, _ in model.named_parameters()] == list(model.state_dict())
    trained = [p for p in model.parameters() if p.requires_grad]
    assert len(trained) == 6 and {id(p) for p in trained} == {id(w) for w in model.trainable_weights}
    assert set(model.layers) <= set(model.children())
    assert sum(p.numel() for p in model.parameters()) == model.count_params()
    model.requires_grad_(False)
    assert model.trainable_weights == []
    assert isinstance(model, nn.Module) and "Dense" in repr(model)


def test_apply_and_initialisation_of_torch() -> None:
    model = mlp()

    def fill(module: nn.Module) -> None:
        if isinstance(module, Dense):
            nn.init.constant_(module.kernel, 0.5)
            nn.init.zeros_(module.bias)

    assert model.apply(fill) is model
    assert float(model.layers[0].kernel.detach().min()) == 0.5
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)


def test_functional_call_and_gradients_of_torch_func() -> None:
    model = residual()
    parameters = {key: value.detach() for key, value in model.named_parameters()}
    zeros = {key: torch.zeros_like(value) for key, value in parameters.items()}
    torch.testing.assert_close(torch.func.functional_call(model, parameters, (X,)), model(X))
    assert not torch.func.functional_call(model, zeros, (X,)).any()
    assert model(X).any()

    def loss(values: dict[str, torch.Tensor]) -> torch.Tensor:
        return (torch.func.functional_call(model, values, (X,)) - Y).square().mean()

    gradients = torch.func.grad(loss)(parameters)
    expected = torch.autograd.grad((model(X) - Y).square().mean(), list(model.parameters()))
    for found, one in zip(gradients.values(), expected, strict=True):
        torch.testing.assert_close(found, one)


# --- hooks ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("when", ["before the first call", "after it"])
def test_forward_hooks(name: str, when: str) -> None:
    model, x = MODELS[name](), data_of(name)
    expected = model(x).detach() if when == "after it" else None
    seen: dict[str, torch.Tensor] = {}

    def keep(module: Any, args: Any, output: torch.Tensor) -> None:
        seen[module.name] = output.detach()

    layers = [layer for layer in model.layers if "input" not in layer.name]
    handles = [layer.register_forward_hook(keep) for layer in layers]
    result = model(x)
    assert set(seen) == {layer.name for layer in layers}
    assert torch.equal(seen[layers[-1].name], result)
    if expected is not None:
        torch.testing.assert_close(result, expected)
    if name == "residual":
        torch.testing.assert_close(seen["a"], torch.relu(x @ model.get_layer("a").kernel + model.get_layer("a").bias))
    for handle in handles:
        handle.remove()
    seen.clear()
    torch.testing.assert_close(model(x), result)
    assert seen == {}


def test_hooks_change_values() -> None:
    model = residual()
    head = model.get_layer("head")
    before = model(X).detach()
    handle = head.register_forward_hook(lambda module, args, output: output + 1)
    torch.testing.assert_close(model(X), before + 1)
    handle.remove()
    handle = head.register_forward_pre_hook(lambda module, args: (args[0] * 0,))
    torch.testing.assert_close(model(X), head.bias.expand(8, 2))
    handle.remove()
    handle = model.register_forward_hook(lambda module, args, output: output * 2)
    torch.testing.assert_close(model(X), before * 2)
    np.testing.assert_allclose(model.predict(X, verbose=0), before * 2, rtol=1e-6)
    handle.remove()
    torch.testing.assert_close(model(X), before)


def test_hooks_are_heard_in_fit() -> None:
    model = mlp()
    model.compile("sgd", "mse")
    model.fit(X, Y, verbose=0)
    calls: list[str] = []
    model.layers[0].register_forward_hook(lambda *_: calls.append("layer"))
    model.register_forward_pre_hook(lambda *_: calls.append("model"))
    model.fit(X, Y, batch_size=4, verbose=0)
    assert calls == ["model", "layer"] * 2


def test_backward_hooks() -> None:
    model = residual()
    seen: list[Any] = []
    handle = model.get_layer("head").register_full_backward_hook(
        lambda module, grad_in, grad_out: seen.append((tuple(grad_in[0].shape), tuple(grad_out[0].shape)))
    )
    model(X).sum().backward()
    assert seen == [((8, 6), (8, 2))]
    handle.remove()
    kernel = model.get_layer("head").kernel
    kernel.register_hook(lambda gradient: gradient * 0)
    model.zero_grad()
    model(X).sum().backward()
    assert not kernel.grad.any()


@pytest.mark.parametrize("name", MODELS)
def test_global_hooks(name: str) -> None:
    model, x = MODELS[name](), data_of(name)
    expected = model(x).detach()
    seen: list[str] = []
    handle = torch_module.register_module_forward_hook(lambda module, args, output: seen.append(module.name))
    try:
        torch.testing.assert_close(model(x), expected)
    finally:
        handle.remove()
    assert [
        layer.name for layer in model.layers if "input" not in layer.name and not layer.name.startswith("torch.")
    ] == [one for one in seen if one != model.name and not one.startswith("torch.")]
    assert seen[-1] == model.name
    seen.clear()
    model(x)
    assert seen == []


# --- training loops ------------------------------------------------------------------------------------


OPTIMIZERS = {
    "SGD": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9),
    "Adam": lambda p: torch.optim.Adam(p, lr=0.01),
    "fused Adam": lambda p: torch.optim.Adam(p, lr=0.01, fused=True),
    "foreach AdamW": lambda p: torch.optim.AdamW(p, lr=0.01, foreach=True),
    "RMSprop": lambda p: torch.optim.RMSprop(p, lr=0.01),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_loop_of_torch(name: str) -> None:
    model = cnn()
    twin = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.MaxPool2d(2))
    head = nn.Linear(27, 2)
    conv, dense = model.layers[0], model.layers[-1]
    with torch.no_grad():
        twin[0].weight.copy_(conv.kernel.permute(3, 2, 0, 1))
        twin[0].bias.copy_(conv.bias)
        head.weight.copy_(dense.kernel.T)
        head.bias.copy_(dense.bias)
    labels = torch.tensor([0, 1, 1, 0])
    ours = OPTIMIZERS[name](model.parameters())
    theirs = OPTIMIZERS[name]([*twin.parameters(), *head.parameters()])
    model.train()
    for _ in range(5):
        ours.zero_grad()
        loss = F.cross_entropy(model(IMAGES), labels)
        loss.backward()
        ours.step()
        theirs.zero_grad()
        features = twin(IMAGES.permute(0, 3, 1, 2)).permute(0, 2, 3, 1).flatten(1)
        expected = F.cross_entropy(head(features), labels)
        expected.backward()
        theirs.step()
        torch.testing.assert_close(loss, expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(conv.kernel.detach().permute(3, 2, 0, 1), twin[0].weight.detach(), rtol=1e-4, atol=1e-5)


def test_torch_optimizers_and_losses_in_compile() -> None:
    start = mlp().get_weights()

    def history(optimizer: Any, loss: Any) -> list[float]:
        model = mlp()
        model.set_weights(start)
        model.compile(optimizer(model), loss, metrics=["mae"])
        return model.fit(X, Y, epochs=3, batch_size=4, shuffle=False, verbose=0).history["mae"]

    torch.manual_seed(0)
    ours = history(lambda m: keras.optimizers.SGD(0.1), "mse")
    for optimizer in (
        lambda m: torch.optim.SGD(m.parameters(), lr=0.1),
        lambda m: lambda parameters: torch.optim.SGD(parameters, lr=0.1),
    ):
        for loss in (nn.MSELoss(), F.mse_loss, lambda y_true, y_pred: (y_true - y_pred).square().mean(-1)):
            torch.manual_seed(0)
            np.testing.assert_allclose(history(optimizer, loss), ours, rtol=1e-5)


def test_classification_losses_of_torch_in_compile() -> None:
    labels = np.array([0, 1, 1, 0, 1, 0, 0, 1])
    start = mlp().get_weights()
    found = []
    for loss in (nn.CrossEntropyLoss(), keras.losses.SparseCategoricalCrossentropy(from_logits=True)):
        model = mlp()
        model.set_weights(start)
        model.compile(keras.optimizers.SGD(0.1), loss, metrics=["accuracy"])
        torch.manual_seed(0)
        found.append(model.fit(X, labels, epochs=3, shuffle=False, verbose=0).history["loss"])
    np.testing.assert_allclose(found[0], found[1], rtol=1e-5)


def test_schedulers_of_torch_with_our_optimizers() -> None:
    model = residual()
    optimizer = keras.optimizers.SGD(1.0)
    model.compile(optimizer, "mse")
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.1)
    rates = []
    callback = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: (rates.append(float(model.optimizer.learning_rate)), scheduler.step())
    )
    kernels = []
    snapshot = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: kernels.append(model.get_layer("head").get_weights()[0])
    )
    model.fit(X * 0.1, Y, epochs=3, verbose=0, callbacks=[callback, snapshot])
    np.testing.assert_allclose(rates, [1.0, 0.1, 0.01], rtol=1e-6)
    steps = [np.abs(b - a).max() for a, b in zip(kernels, kernels[1:], strict=False)]
    assert steps[1] < steps[0] / 4


def test_schedulers_of_torch_with_torch_optimizers() -> None:
    model = residual()
    inner = torch.optim.Adam(model.parameters(), lr=0.1)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(inner, 0.5)
    model.compile(inner, "mse")
    stop = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: scheduler.step())
    model.fit(X, Y, epochs=3, verbose=0, callbacks=[stop])
    assert float(model.optimizer.learning_rate) == pytest.approx(0.1 * 0.5**3)
    assert inner.state[model.weights[0]]["step"] == 3


def test_our_optimizers_on_torch_modules() -> None:
    module = nn.Linear(6, 2)
    optimizer = keras.optimizers.Adam(0.05)
    optimizer.build(list(module.parameters()))
    first = None
    for _ in range(30):
        module.zero_grad()
        loss = (module(X) - Y).square().mean()
        loss.backward()
        optimizer.step()
        first = first or float(loss.detach())
    assert float(loss.detach()) < 0.8 * first


def test_loaders_and_datasets_of_torch() -> None:
    model = residual()
    model.compile("sgd", "mse")
    dataset = TensorDataset(X, Y)
    for data in (dataset, DataLoader(dataset, batch_size=4)):
        assert model.fit(data, epochs=2, verbose=0).epoch == [0, 1]
    expected = model.evaluate(X, Y, verbose=0)
    assert model.evaluate(dataset, verbose=0) == pytest.approx(expected, rel=1e-6)
    assert model.evaluate(DataLoader(dataset, batch_size=4), verbose=0) == pytest.approx(expected, rel=1e-6)
    np.testing.assert_allclose(
        model.predict(DataLoader(dataset, batch_size=3), verbose=0), model.predict(X, verbose=0), rtol=1e-6
    )


# --- devices, types, copies, compilation ---------------------------------------------------------------


def test_moving_and_casting() -> None:
    model = residual()
    assert model.to("cpu") is model and model.to("/CPU:0") is model
    assert model.device == torch.device("cpu")
    meta = copy.deepcopy(model).to("meta")
    assert {w.device.type for w in meta.weights} == {"meta"}
    assert [type(w).__name__ for w in meta.weights] == ["Variable"] * 4
    assert [w.name for w in meta.weights] == [w.name for w in model.weights]
    assert copy.deepcopy(model).to_empty(device="cpu").weights[0].name == "a/kernel:0"
    double = copy.deepcopy(model).double()
    assert {w.dtype for w in double.weights} == {torch.float64}
    with keras.device("cpu") as device:
        assert device.type == "cpu"
        assert residual().device.type == "cpu"
    with pytest.raises(ValueError, match="expected a name such as 'cuda:0', 'mps' or 'cpu'; received 'gpux'"):
        with keras.device("gpux"):
            pass


def test_weights_made_on_another_device() -> None:
    with keras.device("meta"):
        model = keras.Sequential([Dense(3, input_shape=(2,))])
    assert model.weights[0].device.type == "meta" and model.device.type == "meta"
    assert residual().device.type == "cpu"


def test_autocast() -> None:
    model = residual()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        low = model(X)
    assert low.dtype is torch.bfloat16
    torch.testing.assert_close(low.float(), model(X), rtol=0.1, atol=0.1)


def test_inference_mode_and_no_grad() -> None:
    model = mlp()
    with torch.no_grad():
        assert model(X).grad_fn is None
    with torch.inference_mode():
        assert model(X).is_inference()
    assert model(X).grad_fn is not None
    model.compile("sgd", "mse")
    model.fit(X, Y, verbose=0)


def test_gradients_with_respect_to_inputs() -> None:
    model = cnn()
    x = IMAGES.clone().requires_grad_()
    model(x)[:, 0].sum().backward()
    assert x.grad.shape == x.shape and x.grad.abs().max() > 0
    jacobian = torch.autograd.functional.jacobian(model, IMAGES[:1])
    assert jacobian.shape == (1, 2, 1, 8, 8, 1)
    torch.testing.assert_close(jacobian[0, 0, 0], x.grad[0])


def test_modules_around_models() -> None:
    class Wrapper(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = mlp()
            self.scale = nn.Parameter(torch.ones(1))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.body(x) * self.scale

    wrapper = Wrapper()
    assert len(list(wrapper.parameters())) == 9
    wrapper.train()
    assert wrapper.body.training and (wrapper(X) != wrapper(X)).any()
    wrapper.eval()
    assert not wrapper.body.training
    assert torch.equal(wrapper(X), wrapper.body(X))
    assert list(wrapper.state_dict())[1:3] == ["body.dense.kernel", "body.dense.bias"]


def test_torch_activations_in_layers() -> None:
    for activation in (torch.tanh, nn.Tanh(), F.gelu, torch.nn.functional.softplus):
        layer = Dense(2, activation=activation)
        torch.testing.assert_close(layer(X), activation(X @ layer.kernel + layer.bias))
    assert Activation(torch.sin)(X).equal(torch.sin(X))


def test_compilation_by_torch() -> None:
    model = residual()
    expected = model(X)
    compiled = torch.compile(model, backend="eager")
    torch.testing.assert_close(compiled(X), expected)
    model.compile("sgd", "mse", jit_compile=False)


def test_graph_of_torch_fx_export() -> None:
    exported = torch.export.export(residual(), (X,))
    model = exported.module()
    assert model(X).shape == (8, 2)

"""Mixed precision: dtypes as in tf_keras, numbers within rounding, in every way to call a layer."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import cases_precision
import kerastorch as keras
from cases import CASES, Case
from kerastorch import layers, mixed_precision
from kerastorch.core import nest
from kerastorch.layers import Dense
from support import GOLDEN, Golden, assert_close

FACTS = Golden("precision")
ROWS = [case for case in CASES if FACTS.facts["layers"].get(case.id)]
BFLOAT16, FLOAT32 = torch.bfloat16, torch.float32
# bfloat16 rounds to 8 bits, 0.2 % at most, in each operation, and tf_keras rounds after others than torch does: in the
# worst model here it is 0.024 from float32, we are 0.005
ROUNDING = 3e-2


@pytest.fixture(autouse=True)
def policy() -> Iterator[None]:
    mixed_precision.set_global_policy("mixed_bfloat16")
    yield
    mixed_precision.set_global_policy(None)
    keras.backend.set_floatx("float32")


def names(tensors: list[Any]) -> list[str]:
    return [str(tensor.dtype).removeprefix("torch.") for tensor in tensors]


# --- policies ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "compute", "variable"),
    [
        ("mixed_float16", "float16", "float32"),
        ("mixed_bfloat16", "bfloat16", "float32"),
        ("float16", "float16", "float16"),
        ("float32", "float32", "float32"),
        ("float64", "float64", "float64"),
        ("int32", "int32", "int32"),
    ],
)
def test_a_policy_has_two_dtypes(name: str, compute: str, variable: str) -> None:
    policy = mixed_precision.Policy(name)
    assert (policy.name, policy.compute_dtype, policy.variable_dtype) == (name, compute, variable)
    assert mixed_precision.Policy.from_config(policy.get_config()) == policy
    assert repr(policy) == f'<Policy "{name}">'
    assert len({policy, mixed_precision.Policy(name)}) == 1


def test_the_global_policy_is_that_of_new_layers() -> None:
    assert mixed_precision.global_policy().name == "mixed_bfloat16"
    assert Dense(2).dtype_policy.name == "mixed_bfloat16"
    mixed_precision.set_global_policy(mixed_precision.Policy("float64"))
    assert Dense(2).dtype == "float64"
    mixed_precision.set_global_policy(None)
    assert mixed_precision.global_policy().name == "float32"
    keras.backend.set_floatx("float64")
    assert mixed_precision.global_policy().name == Dense(2).dtype_policy.name == "float64"


def test_keras_3_and_tensorflow_2_1_have_other_names() -> None:
    assert mixed_precision.DTypePolicy is mixed_precision.Policy
    mixed_precision.set_dtype_policy("float64")
    assert keras.config.dtype_policy() == mixed_precision.dtype_policy() == mixed_precision.Policy("float64")
    mixed_precision.experimental.set_policy("mixed_float16")
    assert mixed_precision.experimental.global_policy().compute_dtype == "float16"
    keras.config.set_dtype_policy("float32")
    assert mixed_precision.global_policy().name == "float32"


@pytest.mark.parametrize(
    ("wrong", "error", "text"),
    [
        ("mixed_bfloat", ValueError, "received 'mixed_bfloat'. Did you mean 'mixed_bfloat16'?"),
        ("no_type", ValueError, "Policy: expected 'mixed_float16', 'mixed_bfloat16' or the name of a dtype"),
        (16, TypeError, "Policy: expected a name such as 'mixed_float16'; received 16 (int)."),
    ],
)
def test_unknown_policies_are_refused(wrong: Any, error: type[Exception], text: str) -> None:
    for use in (mixed_precision.Policy, mixed_precision.set_global_policy):
        with pytest.raises(error) as caught:
            use(wrong)
        assert text in str(caught.value)
    with pytest.raises(ValueError, match="expected 'mixed_float16'"):
        Dense(2, dtype="mixed_float32")


def test_a_global_policy_is_one_of_floats() -> None:
    with pytest.raises(ValueError, match="set_global_policy: expected a policy of floats.*received 'int32'"):
        mixed_precision.set_global_policy("int32")


@pytest.mark.parametrize(
    "given",
    [
        "mixed_float16",
        mixed_precision.Policy("mixed_float16"),
        {"class_name": "Policy", "config": {"name": "mixed_float16"}},
        {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "mixed_float16"}, "registered_name": None},
    ],
)
def test_a_layer_takes_a_policy_in_any_form(given: Any) -> None:
    layer = Dense(2, dtype=given)
    assert layer.dtype_policy == mixed_precision.Policy("mixed_float16")
    assert (layer.dtype, layer.variable_dtype, layer.compute_dtype) == ("float32", "float32", "float16")


@pytest.mark.parametrize("given", ["float64", torch.float64, np.float64, np.dtype("float64")])
def test_a_layer_takes_a_dtype_in_any_form(given: Any) -> None:
    layer = Dense(2, dtype=given)
    assert (layer.dtype, layer.compute_dtype, layer.dtype_policy.name) == ("float64",) * 3
    assert layer(torch.zeros(1, 2)).dtype is layer.kernel.dtype is torch.float64


def test_configs_hold_policies_as_tf_keras_does() -> None:
    mixed = Dense(2)
    assert mixed.get_config()["dtype"] == {"class_name": "Policy", "config": {"name": "mixed_bfloat16"}}
    assert Dense(2, dtype="float32").get_config()["dtype"] == "float32"
    assert keras.Input((2,)).node.layer.get_config()["dtype"] == "float32"
    mixed_precision.set_global_policy("float32")
    assert Dense.from_config(mixed.get_config()).dtype_policy.name == "mixed_bfloat16"
    model = keras.Sequential([keras.Input((3,)), mixed])
    assert keras.models.model_from_json(model.to_json()).layers[0].dtype_policy.name == "mixed_bfloat16"
    assert keras.models.clone_model(model).layers[0].dtype_policy.name == "mixed_bfloat16"


@pytest.mark.parametrize("suffix", ["keras", "h5"])
def test_saved_models_keep_their_policies(tmp_path: Any, suffix: str) -> None:
    model = keras.Sequential([keras.Input((3,)), Dense(4), Dense(2, dtype="float32")])
    x = torch.randn(5, 3)
    expected = model(x)
    model.save(tmp_path / f"model.{suffix}")
    mixed_precision.set_global_policy("float32")
    loaded = keras.models.load_model(tmp_path / f"model.{suffix}")
    assert [layer.dtype_policy.name for layer in loaded.layers] == ["mixed_bfloat16", "float32"]
    assert torch.equal(loaded(x), expected)


def test_torch_changes_policies_with_the_weights() -> None:
    model = keras.Sequential([keras.Input((3,)), Dense(4), Dense(2, dtype="float32")])
    assert model(torch.zeros(1, 3)).dtype is FLOAT32
    model.to("cpu")
    assert model.layers[0].dtype_policy.name == "mixed_bfloat16"
    model.double()
    assert [layer.dtype_policy.name for layer in model.layers] == ["float64", "float64"]
    assert model(torch.zeros(1, 3)).dtype is torch.float64


# --- dtypes and numbers of tf_keras -----------------------------------------------------------------------------------


def test_the_table_is_covered() -> None:
    assert len(ROWS) > 900


def golden_of(case: Case, held: dict[str, Golden]) -> Golden | None:
    if not (GOLDEN / f"layers_{case.family}.npz").exists():
        return None
    if case.family not in held:
        held[case.family] = Golden(f"layers_{case.family}")
    return held[case.family]


@pytest.fixture(scope="module")
def in_float32() -> dict[str, Golden]:
    return {}


@pytest.mark.parametrize("case", ROWS, ids=[case.id for case in ROWS])
def test_outputs_have_the_dtypes_of_tf_keras(case: Case, in_float32: dict[str, Golden]) -> None:
    wanted = FACTS.facts["layers"][case.id]
    layer = case.make(keras)
    tensors = [torch.from_numpy(array) for array in case.inputs()]
    case.mask_inputs(tensors, torch.from_numpy)
    arguments = case.call_arguments([torch.from_numpy(x) for x in case.drawn_arrays()], torch.from_numpy)
    layer(*case.positional(tensors), **{key: value for key, value in arguments.items() if key != "training"})
    layer.set_weights(case.weights([tuple(w.shape) for w in layer.weights]))
    if getattr(layer, "stateful", False):
        layer.reset_states()
    outputs = nest.flatten(layer(*case.positional(tensors), **arguments))
    assert names(outputs) == wanted["eager"]
    golden = golden_of(case, in_float32)
    if golden is not None and f"{case.id}/output" in golden:
        for i, output in enumerate(outputs):
            # recurrences round at each step, and attention in the weights of its average
            assert_close(output.float(), golden[f"{case.id}/output{i or ''}"], 2 * ROUNDING, f"output {i}")
    total = sum(output.float().sum() for output in outputs if output.is_floating_point())
    if isinstance(total, torch.Tensor) and total.requires_grad:
        total.backward()
        for weight in layer.trainable_weights:
            assert weight.grad is None or weight.grad.dtype is weight.dtype


@pytest.mark.parametrize("case", ROWS, ids=[case.id for case in ROWS])
def test_symbolic_outputs_have_the_dtypes_of_tf_keras(case: Case) -> None:
    inputs = [keras.Input(batch_shape=s, dtype=d) for s, d in zip(case.unknown_shapes(), case.dtypes, strict=True)]
    outputs = case.make(keras)(*case.positional(inputs), **case.symbolic_arguments())
    assert names(nest.flatten(outputs)) == FACTS.facts["layers"][case.id]["symbolic"]
    if case.drawn_arrays():
        return
    inputs = [keras.Input(batch_shape=shape, dtype=d) for shape, d in zip(case.shapes, case.dtypes, strict=True)]
    model = keras.Model(inputs, case.make(keras)(*case.positional(inputs), **case.symbolic_arguments()))
    found = nest.flatten(model([torch.from_numpy(array) for array in case.inputs()]))
    assert names(found) == names(model.outputs)


@pytest.mark.parametrize("name", cases_precision.MODELS)
def test_models_equal_those_of_tf_keras(name: str) -> None:
    facts = FACTS.facts["models"][name]
    model = cases_precision.MODELS[name](keras)
    ours = [layer for layer in model.layers if not layer.name.startswith("torch.")]
    assert names([nest.flatten(layer.output)[0] for layer in ours]) == facts["layers"]
    assert [layer.dtype_policy.name for layer in ours] == facts["policies"]
    assert names(model.weights) == facts["variables"]
    weights = [tuple(w.shape) for w in model.weights], [w.name for w in model.weights]
    model.set_weights(cases_precision.weights_of(name, *weights))
    x = torch.from_numpy(cases_precision.inputs_of(name, model.input_shape))
    for outputs in (model(x), model([x]), copy.deepcopy(model)(x)):
        outputs = nest.flatten(outputs)
        assert names(outputs) == facts["outputs"]
        for i, output in enumerate(outputs):
            assert_close(output.float(), FACTS[f"{name}/{i}"], ROUNDING, f"output {i}")


# --- calls ------------------------------------------------------------------------------------------------------------


class Looking(keras.layers.Layer):
    """Remembers what torch would do inside of it."""

    def call(self, inputs: torch.Tensor) -> torch.Tensor:
        self.__dict__["seen"] = (inputs.dtype, torch.is_autocast_enabled("cpu"), torch.get_autocast_dtype("cpu"))
        return inputs


def test_autocast_is_on_for_layers_of_a_mixed_policy_alone() -> None:
    looking = [Looking(dtype=policy) for policy in (None, "float32", "mixed_float16", "float64", None)]
    outer = torch.is_autocast_enabled("cpu"), torch.get_autocast_dtype("cpu")
    stack = keras.Sequential([keras.Input((2,)), *looking])

    class Wrapped(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.inner = looking

        def call(self, inputs: torch.Tensor) -> torch.Tensor:
            assert inputs.dtype is BFLOAT16
            for layer in self.inner:
                inputs = layer(inputs)
            return inputs

    for model in (stack, Wrapped()):
        for layer in looking:
            layer.__dict__.pop("seen", None)
        model(torch.zeros(1, 2))
        assert [layer.seen[:2] for layer in looking] == [
            (BFLOAT16, True),
            (FLOAT32, False),
            (torch.float16, True),
            (torch.float64, False),
            (BFLOAT16, True),
        ]
        assert looking[0].seen[2] is BFLOAT16 and looking[2].seen[2] is torch.float16
        assert (torch.is_autocast_enabled("cpu"), torch.get_autocast_dtype("cpu")) == outer


def test_autocast_ends_where_a_layer_raises() -> None:
    class Broken(keras.layers.Layer):
        def call(self, inputs: torch.Tensor) -> torch.Tensor:
            if inputs.is_meta:
                return inputs
            raise KeyError("broken")

    x = keras.Input((2,))
    for model in (Broken(), keras.Model(x, Broken()(Dense(2)(x)))):
        with pytest.raises(KeyError):
            model(torch.zeros(1, 2))
        assert not torch.is_autocast_enabled("cpu")
        assert Dense(3, dtype="float32")(torch.zeros(1, 2)).dtype is FLOAT32


def test_autocast_of_the_caller_stays_as_it_is() -> None:
    looking = Looking(dtype="float32")
    with torch.autocast("cpu", torch.float16):
        looking(torch.zeros(1, 2))
        assert looking.seen[1:] == (True, torch.float16)
        Dense(2)(torch.zeros(1, 2))
        assert torch.is_autocast_enabled("cpu") and torch.get_autocast_dtype("cpu") is torch.float16


def test_generated_code_switches_as_seldom_as_it_can() -> None:
    model = cases_precision.branches(keras)
    code = model.code
    assert code.count("with self.mixed_bfloat16():") == 3
    model = keras.Sequential([keras.Input((4,)), *(Dense(4) for _ in range(5))])
    assert model.code.count("with self.mixed_bfloat16():") == 1
    mixed_precision.set_global_policy("float32")
    assert "with" not in keras.Sequential([keras.Input((4,)), Dense(4), Dense(4)]).code


def test_layers_compute_in_the_compute_dtype() -> None:
    """The kernel is rounded to bfloat16, not only the result."""
    layer = Dense(1, use_bias=False, kernel_initializer=keras.initializers.Constant(1.001953125))
    assert layer(torch.full((1, 256), 1.0)).item() == 256.0  # 1.00195 is 1 in bfloat16; in float32 it would be 256.5
    assert Dense(1, use_bias=False, kernel_initializer=keras.initializers.Constant(1.001953125), dtype="float32")(
        torch.full((1, 256), 1.0)
    ).item() == pytest.approx(256.5)


def test_a_layer_of_ones_own_returns_the_compute_dtype() -> None:
    class Scale(keras.layers.Layer):
        def build(self, input_shape: Any) -> None:
            self.factor = self.add_weight("factor", shape=input_shape[-1:], initializer="ones")

        def call(self, inputs: torch.Tensor) -> Any:
            return {"scaled": inputs * self.factor, "count": torch.tensor([2])}

    found = Scale()(torch.ones(2, 3))
    assert found["scaled"].dtype is BFLOAT16 and found["count"].dtype is torch.int64
    x = keras.Input((3,))
    outputs = Scale()(x)
    assert outputs["scaled"].dtype is BFLOAT16
    assert keras.Model(x, outputs)(torch.ones(2, 3))["scaled"].dtype is BFLOAT16

    class Explicit(Scale):
        casts_outputs = False

    assert Explicit()(torch.ones(2, 3))["scaled"].dtype is FLOAT32


def test_functions_between_layers_compute_in_the_dtype_of_their_inputs() -> None:
    x = keras.Input((4,))
    half, whole = Dense(4)(x), Dense(4, dtype="float32")(x)
    outputs = [half + 1, torch.matmul(whole, whole.transpose(0, 1)), torch.exp(half), half.float()]
    model = keras.Model(x, outputs)
    wanted = ["bfloat16", "float32", "bfloat16", "float32"]
    assert names(model.outputs) == names(model(torch.randn(3, 4))) == wanted
    a = torch.randn(3, 4)
    product = model.layers[2](a) if model.layers[2].dtype_policy.name == "float32" else model.layers[1](a)
    torch.testing.assert_close(model(a)[1], product @ product.mT)  # in float32, not under autocast


def test_torch_modules_run_under_autocast() -> None:
    model = keras.Sequential([keras.Input((4,)), Dense(3), nn.Linear(3, 2), Dense(1, dtype="float32")])
    assert names([model.layers[1].output, model.output]) == ["bfloat16", "float32"]
    assert model(torch.zeros(2, 4)).dtype is FLOAT32
    assert model.layers[1].module.weight.dtype is FLOAT32


def test_weights_are_made_in_full_precision() -> None:
    """A layer that is built inside the call of another one is not under its autocast."""

    class Late(keras.layers.Layer):
        def build(self, input_shape: Any) -> None:
            assert not torch.is_autocast_enabled("cpu")
            self.kernel = self.add_weight("kernel", shape=(3, 3), initializer="orthogonal")
            self.seen = torch.eye(3) @ self.kernel.detach()

        def call(self, inputs: torch.Tensor) -> torch.Tensor:
            return inputs @ self.kernel

    class Outer(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.late = Late()

        def call(self, inputs: torch.Tensor) -> torch.Tensor:
            return self.late(inputs)

    outer = Outer()
    outer(torch.zeros(1, 3))
    assert outer.late.seen.dtype is FLOAT32
    torch.testing.assert_close(outer.late.kernel @ outer.late.kernel.mT, torch.eye(3), atol=1e-6, rtol=0)


@pytest.mark.parametrize("name", ["mixed_float16", "mixed_bfloat16", "float16", "bfloat16"])
def test_masked_lstm_with_states_is_finite(name: str) -> None:
    """The mark that shuts the gates must stay in the range of the dtype."""
    layer = layers.LSTM(4, return_state=True, return_sequences=True, dtype=name)
    x, mask = torch.randn(2, 5, 3), torch.tensor([[True, True, False, True, False], [True] * 5])
    found = layer(x, mask=mask)
    exact = layers.LSTM(4, return_state=True, return_sequences=True, dtype="float32")
    exact(x)
    exact.set_weights(layer.get_weights())
    for one, wanted in zip(found, exact(x, mask=mask), strict=True):
        assert str(one.dtype).removeprefix("torch.") == layer.compute_dtype
        assert_close(one.float(), wanted.detach().numpy(), 2 * ROUNDING)


# --- training ---------------------------------------------------------------------------------------------------------


def data() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    x = generator.normal(size=(64, 8)).astype("float32")
    return x, (x.sum(1) > 0).astype("int64")


def classifier(last: str | None = "float32") -> Any:
    return keras.Sequential([keras.Input((8,)), Dense(16, activation="relu"), Dense(2, "softmax", dtype=last)])


class Subclassed(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.last = Dense(16, activation="relu"), Dense(2, activation="softmax", dtype="float32")

    def call(self, inputs: torch.Tensor) -> torch.Tensor:
        return self.last(self.hidden(inputs))


@pytest.mark.parametrize("name", ["mixed_bfloat16", "mixed_float16", "float16", "bfloat16", "float64"])
@pytest.mark.parametrize("make", [classifier, lambda: classifier(None), Subclassed])
def test_models_learn(name: str, make: Any) -> None:
    mixed_precision.set_global_policy(name)
    x, y = data()
    model = make()
    model.compile(keras.optimizers.Adam(0.01, epsilon=1e-4), "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(x, y, epochs=12, batch_size=16, verbose=0).history
    assert history["loss"][-1] < 0.6 * history["loss"][0]
    assert history["accuracy"][-1] > 0.85
    assert {w.dtype for w in model.weights if w is not model.layers[-1].bias} <= {
        getattr(torch, mixed_precision.Policy(name).variable_dtype),
        FLOAT32,
    }
    assert np.isfinite(model.predict(x, verbose=0)).all()
    assert model.evaluate(x, y, verbose=0)[0] == pytest.approx(history["loss"][-1], rel=0.3)


@pytest.mark.parametrize("floatx", ["float16", "bfloat16", "float64"])
def test_floatx_is_the_dtype_of_models_and_data(floatx: str) -> None:
    mixed_precision.set_global_policy(None)
    keras.backend.set_floatx(floatx)
    x, y = data()
    model = classifier(None)
    assert set(names(model.weights)) == {floatx} and names([model.input, model.output]) == [floatx] * 2
    model.compile(keras.optimizers.SGD(0.2), "sparse_categorical_crossentropy")
    losses = model.fit(x, y, epochs=15, batch_size=16, verbose=0).history["loss"]
    assert losses[-1] < 0.7 * losses[0]
    assert model.compiled_loss.total.dtype == ("float64" if floatx == "float64" else "float32")
    assert model.get_weights()[0].dtype == np.dtype("float32" if floatx == "bfloat16" else floatx)


def test_losses_of_16_bits_are_computed_in_32() -> None:
    model = keras.Sequential([keras.Input((4,)), Dense(3, activation="softmax", activity_regularizer="l2")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    x, y = torch.randn(6, 4), torch.tensor([0, 1, 2, 0, 1, 2])
    outputs = model(x)
    assert outputs.dtype is BFLOAT16
    loss = model.compiled_loss(y, outputs)
    assert loss.dtype is FLOAT32
    wanted = torch.nn.functional.cross_entropy(outputs._keras_logits.float(), y)
    torch.testing.assert_close(loss, wanted)
    assert model.losses[0].dtype is FLOAT32
    torch.testing.assert_close(model.losses[0], 0.01 * outputs.float().square().sum() / 6)


def test_gradients_are_those_of_float32_but_for_rounding() -> None:
    x, y = (torch.from_numpy(array) for array in data())
    mixed = classifier()
    mixed_precision.set_global_policy("float32")
    exact = classifier()
    exact.set_weights(mixed.get_weights())
    found = []
    for model in (mixed, exact):
        torch.nn.functional.nll_loss(model(x).log(), y).backward()
        found.append([weight.grad for weight in model.weights])
    for ours, wanted in zip(*found, strict=True):
        assert ours.dtype is FLOAT32
        assert_close(ours, wanted.numpy(), ROUNDING)


@pytest.mark.parametrize("mode", ["eager", "aot_eager"])
def test_torch_compile_takes_mixed_models(mode: str) -> None:
    model = classifier()
    x = torch.from_numpy(data()[0])
    expected = model(x)
    torch.testing.assert_close(torch.compile(model, backend=mode)(x), expected)
    assert not torch.is_autocast_enabled("cpu")

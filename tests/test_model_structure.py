"""Weights, layers, names, configs and JSON of models against tf_keras."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import kerastorch as keras
from cases_models import NAMES_FREE, STRUCTURES, WITHOUT_JSON
from support import GOLDEN, assert_close, config_differences, normal, plain

STRUCTURE: dict[str, Any] = json.loads((GOLDEN / "structures.json").read_text())
EVERY = pytest.mark.parametrize("name", STRUCTURES)
WITH_JSON = pytest.mark.parametrize("name", [name for name in STRUCTURES if name not in WITHOUT_JSON])
FUNCTIONAL = pytest.mark.parametrize("name", [name for name in STRUCTURES if "input_shape" in STRUCTURE[name]])


def golden_json(name: str) -> str:
    return (GOLDEN / "models" / f"{name}.json").read_text()


def without_axis(config: Any) -> Any:
    """Batch normalization's axis is written [3] by one library and -1 by the other: it says the same."""
    if isinstance(config, dict):
        return {
            key: without_axis(value) for key, value in config.items() if not (key == "axis" and "momentum" in config)
        }
    return [without_axis(entry) for entry in config] if isinstance(config, list) else config


def without_shapes(config: Any) -> Any:
    """Only an InputLayer has a batch_input_shape in a text that Keras 3 reads too."""
    if isinstance(config, dict):
        found = {key: without_shapes(value) for key, value in config.items()}
        if found.get("class_name") != "InputLayer" and isinstance(found.get("config"), dict):
            found["config"].pop("batch_input_shape", None)
        return found
    return [without_shapes(entry) for entry in config] if isinstance(config, list) else config


def fixed_weights(model: Any) -> list[np.ndarray]:
    return [np.abs(normal(f"structure/{i}", tuple(w.shape), scale=0.5)) for i, w in enumerate(model.weights)]


def some_inputs(model: Any) -> Any:
    if "embedding" in model.layers[0].name or (len(model.layers) > 1 and "embedding" in model.layers[1].name):
        return np.arange(12).reshape(2, 6)
    shape = model.input_shape
    if isinstance(shape, dict):
        return {key: normal(key, (2, *size[1:])) for key, size in shape.items()}
    if isinstance(shape, list):
        return [normal(str(i), (2, *size[1:])) for i, size in enumerate(shape)]
    return normal("structure/input", (2, *shape[1:]))


def flat_outputs(model: Any, inputs: Any) -> list[np.ndarray]:
    outputs = model.predict(inputs, verbose=0)
    if isinstance(outputs, dict):
        return [outputs[key] for key in sorted(outputs)]
    return outputs if isinstance(outputs, list) else [outputs]


@EVERY
def test_weights_and_their_order(name: str) -> None:
    model, golden = STRUCTURES[name](keras), STRUCTURE[name]
    if name in NAMES_FREE:
        assert [[w.name.split("/")[-1], list(w.shape)] for w in model.weights] == [
            [w.split("/")[-1], shape] for w, shape in golden["weights"]
        ]
        return
    assert [[w.name, list(w.shape)] for w in model.weights] == golden["weights"]
    assert [w.name for w in model.trainable_weights] == golden["trainable_weights"]
    assert [w.name for w in model.non_trainable_weights] == golden["non_trainable_weights"]
    assert [w.name for w in model.trainable_variables] == golden["trainable_weights"]
    assert [w.name for w in model.variables] == [w[0] for w in golden["weights"]]
    assert model.count_params() == golden["count_params"]
    assert [list(w.shape) for w in model.get_weights()] == [w[1] for w in golden["weights"]]


@EVERY
def test_layers_and_their_order(name: str) -> None:
    model, golden = STRUCTURES[name](keras), STRUCTURE[name]
    found = [[layer.name, type(layer).__name__] for layer in model.layers]
    if name == "operators":  # a layer that stands for an operator may have any name
        found = [layer for layer in found if layer[0] in ("a", "b") or layer[0].startswith("input")]
        assert found == [layer for layer in golden["layers"] if "tf." not in layer[0]]
        return
    assert found == golden["layers"]
    assert model.name == golden["name"]


@FUNCTIONAL
def test_inputs_and_outputs(name: str) -> None:
    model, golden = STRUCTURES[name](keras), STRUCTURE[name]
    assert list(model.input_names) == golden["input_names"]
    assert list(model.output_names) == golden["output_names"]
    assert plain(model.input_shape) == golden["input_shape"]
    assert plain(model.output_shape) == golden["output_shape"]


@EVERY
def test_state_dict_has_one_key_a_weight(name: str) -> None:
    model = STRUCTURES[name](keras)
    state = model.state_dict()
    assert len(state) == len(model.weights)
    model.set_weights(fixed_weights(model))
    pointers = {tensor.data_ptr() for tensor in model.state_dict().values()}
    assert pointers == {weight.data_ptr() for weight in model.weights}


@WITH_JSON
def test_config_is_that_of_keras(name: str) -> None:
    model = STRUCTURES[name](keras)
    wanted = json.loads(golden_json(name))
    config = plain(model.get_config())
    assert config_differences(without_axis(config), without_axis(plain(wanted["config"]))) == []


@WITH_JSON
def test_json_holds_the_config(name: str) -> None:
    """tests/test_formats.py shows that tf_keras and Keras 3 read the text."""
    model = STRUCTURES[name](keras)
    text = json.loads(model.to_json())
    assert text["class_name"] == {"Functional": "Model"}.get(type(model).__name__, type(model).__name__)
    assert text["backend"] == "tensorflow" and text["keras_version"].startswith("2.")
    again = plain(keras.models.model_from_json(json.dumps(text)).get_config())
    wanted = without_shapes(json.loads(golden_json(name))["config"])
    assert config_differences(without_axis(without_shapes(again)), without_axis(plain(wanted))) == []


@WITH_JSON
def test_json_of_keras_makes_the_model(name: str) -> None:
    model = STRUCTURES[name](keras)
    weights, inputs = fixed_weights(model), some_inputs(model)
    model.set_weights(weights)
    outputs = flat_outputs(model, inputs)
    keras.backend.clear_session()
    loaded = keras.models.model_from_json(golden_json(name))
    assert [[layer.name, type(layer).__name__] for layer in loaded.layers] == STRUCTURE[name]["layers"]
    assert [list(w.shape) for w in loaded.weights] == [w[1] for w in STRUCTURE[name]["weights"]]
    assert [w.name for w in loaded.trainable_weights] == STRUCTURE[name]["trainable_weights"]
    loaded.set_weights(weights)
    for output, expected in zip(flat_outputs(loaded, inputs), outputs, strict=True):
        assert_close(output, expected, 1e-6)


@WITH_JSON
def test_copies(name: str) -> None:
    model = STRUCTURES[name](keras)
    weights, inputs = fixed_weights(model), some_inputs(model)
    model.set_weights(weights)
    outputs = flat_outputs(model, inputs)
    for copy in (
        keras.models.model_from_json(model.to_json()),
        type(model).from_config(model.get_config()),
        keras.models.clone_model(model),
    ):
        assert [layer.name for layer in copy.layers] == [layer.name for layer in model.layers]
        assert not {id(w) for w in copy.weights} & {id(w) for w in model.weights}
        copy.set_weights(weights)
        for output, expected in zip(flat_outputs(copy, inputs), outputs, strict=True):
            assert_close(output, expected, 1e-6)


def test_sub_models_share_weights() -> None:
    whole = STRUCTURES["course_cnn"](keras)
    part = keras.Model(whole.input, whole.get_layer("max_pooling2d").output)
    assert all(w is v for w, v in zip(part.weights, whole.weights, strict=False))
    x = normal("cut", (2, 12, 12, 1))
    first = part.predict(x, verbose=0)
    whole.set_weights([weight + 1.0 for weight in whole.get_weights()])
    assert np.abs(part.predict(x, verbose=0) - first).max() > 0.1


def test_get_layer() -> None:
    model = STRUCTURES["branches"](keras)
    assert model.get_layer("long_3") is model.layers[5]
    assert model.get_layer(index=5) is model.layers[5]
    with pytest.raises(ValueError, match="long_9"):
        model.get_layer("long_9")

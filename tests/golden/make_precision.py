"""Makes precision.npz: the dtypes of every layer's outputs under a mixed policy, and the outputs of whole models.

TF_USE_LEGACY_KERAS=1 CUDA_VISIBLE_DEVICES= python tests/golden/make_precision.py
"""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
import tf_keras as keras  # noqa: E402

import cases  # noqa: E402
import cases_precision  # noqa: E402
from support import pack  # noqa: E402

POLICY = "mixed_bfloat16"


def of_layer(case: cases.Case) -> dict[str, list[str]]:
    """The dtypes of the outputs of a call on tensors and of one on symbolic tensors."""
    overrides: dict[str, Any] = {}
    inputs, shapes = case.inputs(), case.unknown_shapes()
    if case.transposed:  # TensorFlow's CPU kernels know channels_last only
        inputs = [np.moveaxis(x, 1, -1) for x in inputs]
        shapes = [(shape[0], *shape[2:], shape[1]) for shape in shapes]
        if "data_format" in case.config:
            overrides["data_format"] = "channels_last"
        if case.config.get("axis") == 1:
            overrides["axis"] = -1
    layer = case.make(keras, **overrides)
    tensors = [tf.constant(x) for x in inputs]
    case.mask_inputs(tensors, tf.constant)
    arguments = case.call_arguments([tf.constant(x) for x in case.drawn_arrays()], tf.constant)
    if "mask" in arguments and "mask" not in inspect.signature(layer.call).parameters:
        arguments.pop("mask")
    symbolic = [keras.Input(batch_shape=shape, dtype=d) for shape, d in zip(shapes, case.dtypes, strict=True)]
    results = {
        "eager": layer(*case.positional(tensors), **arguments),
        "symbolic": case.make(keras, **overrides)(*case.positional(symbolic), **case.symbolic_arguments()),
    }
    return {kind: [one.dtype.name for one in tf.nest.flatten(found)] for kind, found in results.items()}


def of_layers() -> dict[str, Any]:
    facts = {}
    for case in cases.CASES:
        keras.backend.clear_session()
        try:
            facts[case.id] = of_layer(case)
        except (TypeError, ValueError, tf.errors.InvalidArgumentError):
            # tf_keras does not cast states that are given, nor those that a cell is called with
            facts[case.id] = None
    return facts


def of_model(name: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    keras.backend.clear_session()
    model = cases_precision.MODELS[name](keras)
    model.set_weights(
        cases_precision.weights_of(name, [tuple(w.shape) for w in model.weights], [w.name for w in model.weights])
    )
    outputs = tf.nest.flatten(model(tf.constant(cases_precision.inputs_of(name, model.input_shape))))
    layers = [layer for layer in model.layers if not layer.name.startswith("tf.")]
    facts = {
        "layers": [tf.nest.flatten(layer.output)[0].dtype.name for layer in layers],
        "policies": [layer.dtype_policy.name for layer in layers],
        "outputs": [output.dtype.name for output in outputs],
        "variables": [weight.dtype.name for weight in model.weights],
    }
    return facts, {f"{name}/{i}": tf.cast(output, tf.float32).numpy() for i, output in enumerate(outputs)}


def of_loss_scale() -> list[list[float]]:
    """Loss scale, steps since it changed, and weight, after each of the gradients."""
    optimizer = keras.mixed_precision.LossScaleOptimizer(
        keras.optimizers.SGD(0.25), initial_scale=4, dynamic_growth_steps=3
    )
    weight = tf.Variable(1.0)
    found = []
    for gradient in cases_precision.GRADIENTS:
        optimizer.get_scaled_loss(tf.constant(0.0))
        scaled = optimizer.get_unscaled_gradients([tf.constant(gradient) * optimizer.loss_scale])
        optimizer.apply_gradients([(scaled[0], weight)])
        found.append([float(optimizer.loss_scale), int(optimizer.dynamic_counter), float(weight)])
    return found


def main() -> None:
    keras.mixed_precision.set_global_policy(POLICY)
    facts: dict[str, Any] = {"layers": of_layers(), "models": {}, "loss_scale": of_loss_scale()}
    arrays: dict[str, np.ndarray] = {}
    for name in cases_precision.MODELS:
        facts["models"][name], found = of_model(name)
        arrays.update(found)
    pack(HERE / "precision.npz", facts, arrays)
    sys.stdout.write(f"{(HERE / 'precision.npz').stat().st_size} bytes\n")


if __name__ == "__main__":
    main()

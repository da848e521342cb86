"""Makes the golden files of the parity tests from tf_keras (PyPI `tf-keras` with `tensorflow-cpu`, and its Keras 3).

Run it from anywhere, with an interpreter that has both packages; name files to remake only those:

    TF_USE_LEGACY_KERAS=1 CUDA_VISIBLE_DEVICES= python tests/golden/make_golden.py [layers losses layers:pooling ...]
"""

from __future__ import annotations

import inspect
import io
import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

os.environ["KERAS_BACKEND"] = "tensorflow"

import keras as keras3  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
import tf_keras as keras  # noqa: E402

import cases  # noqa: E402
import cases_backend  # noqa: E402
import cases_functions  # noqa: E402
import cases_losses  # noqa: E402
import cases_metrics  # noqa: E402
import cases_models  # noqa: E402
import cases_optimizers  # noqa: E402
import cases_progress  # noqa: E402
import cases_training  # noqa: E402
from support import pack, plain  # noqa: E402


def channels_last(array: np.ndarray) -> np.ndarray:
    return np.moveaxis(array, 1, -1)


def channels_first(array: np.ndarray) -> np.ndarray:
    return np.moveaxis(array, -1, 1)


def shape_list(shape: Any) -> list[int | None]:
    return list(tf.TensorShape(shape).as_list())


def shape_lists(shapes: Any) -> list[Any]:
    """One shape as a list, several as a list of lists."""
    if isinstance(shapes, list) or (isinstance(shapes, tuple) and any(isinstance(s, tf.TensorShape) for s in shapes)):
        return [shape_list(shape) for shape in shapes]
    return shape_list(shapes)


def layer_golden(case: cases.Case) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    inputs = case.inputs()
    overrides: dict[str, Any] = {}
    if case.transposed:
        inputs = [channels_last(x) for x in inputs]
        if "data_format" in case.config:
            overrides["data_format"] = "channels_last"
        if case.config.get("axis") == 1:
            overrides["axis"] = -1
    layer = case.make(keras, **overrides)
    tensors = [tf.constant(x) for x in inputs]
    drawn = [tf.constant(x) for x in case.drawn_arrays()]
    case.mask_inputs(tensors, tf.constant)
    positional = case.positional(tensors)
    arguments = case.call_arguments(drawn, tf.constant)
    if "mask" in arguments and "mask" not in inspect.signature(layer.call).parameters:
        for tensor, mask in zip(tensors, tf.nest.flatten(arguments.pop("mask")), strict=True):
            tensor._keras_mask = mask  # where the layers before it leave a mask for those that only pass it on
    untrained = {key: value for key, value in arguments.items() if key != "training"}

    built_by = tf.nest.flatten(layer(*positional, **untrained))
    shapes = [tuple(w.shape) for w in layer.weights]
    reset(layer, case.weights(shapes))
    watched = [x for x in tensors if x.dtype.is_floating and not case.whole] + drawn
    dtype = built_by[0].dtype.name
    cotangents = [
        cotangent_of(case, tuple(output.shape), output.dtype.name, i)
        for i, output in enumerate(built_by)
        if output.dtype.is_floating
    ]

    def compute() -> Any:
        with tf.GradientTape() as tape:
            for x in watched:
                tape.watch(x)
            results = layer(*positional, **arguments)
            floating = [output for output in tf.nest.flatten(results) if output.dtype.is_floating]
            total = tf.add_n([tf.reduce_sum(y * c) for y, c in zip(floating, cotangents, strict=True)])
        return results, tape.gradient(total, [*watched, *layer.trainable_weights])

    try:
        outputs, gradients = compute()
    except (tf.errors.UnimplementedError, tf.errors.InvalidArgumentError):
        # Eager CPU kernels lack some gradients (dilated convolutions), which XLA has.
        reset(layer, case.weights(shapes))
        outputs, gradients = tf.function(compute, jit_compile=True)()
    masks = [getattr(output, "_keras_mask", None) for output in tf.nest.flatten(outputs)]
    sources = [*watched, *layer.trainable_weights]
    gradients = [
        tf.convert_to_tensor(tf.zeros_like(source) if gradient is None else gradient).numpy()
        for gradient, source in zip(gradients, sources, strict=True)
    ]
    results = [output.numpy() for output in tf.nest.flatten(outputs)]
    input_gradients, weight_gradients = gradients[: len(watched)], gradients[len(watched) :]
    if case.transposed:
        results = [channels_first(result) for result in results]
        input_gradients = [channels_first(g) for g in input_gradients]

    arrays = {f"output{i or ''}": result for i, result in enumerate(results)}
    arrays.update({f"mask{i or ''}": mask.numpy() for i, mask in enumerate(masks) if mask is not None})
    arrays.update({f"input_gradient{i}": g for i, g in enumerate(input_gradients)})
    arrays.update({f"weight_gradient{i}": g for i, g in enumerate(weight_gradients)})
    if case.training:
        arrays.update({f"state{i}": w.numpy() for i, w in enumerate(layer.non_trainable_weights)})
    reset(layer, case.weights(shapes))
    layer(*positional, **arguments)
    arrays["losses"] = np.asarray(sum((float(loss) for loss in layer.losses), 0.0), "float32")

    facts = {
        "weight_shapes": [list(s) for s in shapes],
        "weight_names": [w.name.split("/")[-1] for w in layer.weights],
        "trainable": len(layer.trainable_weights),
        "dtype": dtype,
    }
    if case.computes_shape:
        batch_shapes = [tf.TensorShape(s) for s in case.shapes]
        computed = case.make(keras).compute_output_shape(*case.positional(batch_shapes))
        facts["computed_shape"] = shape_lists(computed)
    symbolic_inputs = [
        keras.Input(batch_shape=s, dtype=d) for s, d in zip(case.unknown_shapes(), case.dtypes, strict=True)
    ]
    symbolic = case.make(keras)(*case.positional(symbolic_inputs), **case.symbolic_arguments())
    found = [shape_list(output.shape) for output in tf.nest.flatten(symbolic)]
    facts["symbolic_shape"] = found[0] if len(found) == 1 else found
    if case.check_config and not callable(case.layer):
        facts["config"] = plain(case.make(keras).get_config())
    return facts, arrays


def reset(layer: Any, weights: list[np.ndarray]) -> None:
    """Set the weights, and forget what a stateful layer has seen."""
    layer.set_weights(weights)
    if getattr(layer, "stateful", False):
        layer.reset_states()


def cotangent_of(case: cases.Case, shape: tuple[int, ...], dtype: str, output: int) -> np.ndarray:
    if not case.transposed:
        return case.cotangent(shape, dtype, output)
    return channels_last(case.cotangent((shape[0], shape[-1], *shape[1:-1]), dtype, output))


def make_layers(*families: str) -> None:
    for family in families or dict.fromkeys(case.family for case in cases.CASES):
        facts: dict[str, Any] = {}
        arrays: dict[str, np.ndarray] = {}
        for case in cases.CASES:
            if case.family != family:
                continue
            keras.backend.clear_session()
            try:
                facts[case.id], found = layer_golden(case)
            except Exception as error:
                raise RuntimeError(f"case {case.id}") from error
            arrays.update({f"{case.id}/{part}": array for part, array in found.items()})
        pack(HERE / f"layers_{family}.npz", facts, arrays)


def gradient_of(function: Callable[[Any], Any], x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The value of a function of one tensor, and the gradient of its sum."""
    tensor = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(tensor)
        value = function(tensor)
    gradient = tape.gradient(value, tensor)
    return value.numpy(), tf.zeros_like(tensor).numpy() if gradient is None else gradient.numpy()


def make_functions() -> None:
    facts: dict[str, Any] = {}
    arrays: dict[str, np.ndarray] = {}
    x = cases_functions.activation_input()
    for name, activation in cases_functions.ACTIVATIONS.items():
        key = f"activations/{name}"
        arrays[key], arrays[f"{key}/gradient"] = gradient_of(
            lambda t, f=activation: f(keras, t) * cases_functions.COTANGENT, x
        )
    for name, make in cases_functions.REGULARIZERS.items():
        key = f"regularizers/{name}"
        arrays[key], arrays[f"{key}/gradient"] = gradient_of(make(keras), cases_functions.REGULARIZED)
    for name, (make, _) in cases_functions.CONSTRAINTS.items():
        constraint = make(keras)
        arrays[f"constraints/{name}"] = constraint(tf.Variable(cases_functions.constrained(name))).numpy()
    for name, (make, shape) in cases_functions.DETERMINISTIC_INITIALIZERS.items():
        arrays[f"initializers/{name}"] = make(keras)(shape).numpy()
    for name, case in cases_functions.ADAPTED.items():
        layer = case.layer(keras)
        for part, weight in zip(("mean", "variance", "count"), layer.get_weights(), strict=True):
            arrays[f"adapted/{name}/{part}"] = weight
        arrays[f"adapted/{name}/output"] = layer(np.asarray(case.data("first"))[:4]).numpy()
    for name, (module, make) in cases_functions.CONFIGURED.items():
        facts[name] = plain(getattr(keras, module).serialize(make(keras)))
    pack(HERE / "functions.npz", facts, arrays)


def make_losses() -> None:
    facts: dict[str, Any] = {}
    arrays: dict[str, np.ndarray] = {}
    for case in cases_losses.LOSSES:
        implementation = case.make(keras3 if case.later else keras)
        weights, mask = case.sample_weight(), case.mask()
        arguments = {} if weights is None else {"sample_weight": weights}

        def compute(
            x: Any, case: Any = case, implementation: Any = implementation, arguments: Any = arguments, mask: Any = mask
        ) -> Any:
            if case.activation:
                x = keras.activations.get(case.activation)(x)
            if mask is not None:
                x = tf.identity(x)
                x._keras_mask = tf.constant(mask)
            # Of an array that is no tensor, tf_keras would not drop or add the last axis of size 1.
            return implementation(tf.constant(case.y_true()), x, **arguments)

        arrays[case.id], arrays[f"{case.id}/gradient"] = gradient_of(compute, case.y_pred())
        if case.later and isinstance(implementation, keras3.losses.Loss):
            described = keras3.losses.serialize(implementation)
            facts[case.id] = plain({key: described[key] for key in ("class_name", "config")})
        if isinstance(implementation, keras.losses.Loss):
            config = plain(keras.losses.serialize(implementation))
            facts[case.id] = config if "fn" not in config["config"] else None
    pack(HERE / "losses.npz", facts, arrays)


def make_metrics() -> None:
    facts: dict[str, Any] = {}
    arrays: dict[str, np.ndarray] = {}
    for case in cases_metrics.METRICS:
        keras.backend.clear_session()
        metric = case.make(keras3 if case.later else keras)
        results = []
        for batch, weights in zip(case.batches(), case.sample_weights(), strict=True):
            metric.update_state(*batch, sample_weight=weights)
            results.append(np.asarray(metric.result()))
        arrays[case.id] = np.asarray(results)
        facts[case.id] = {"name": metric.name}
        if not case.id.startswith("MeanMetricWrapper"):
            facts[case.id]["config"] = plain(metric.get_config())
    for name, (function, true, predicted, shape) in cases_metrics.METRIC_FUNCTIONS.items():
        y_true = cases_losses.drawn(true, f"{name}/true", shape)
        y_pred = cases_losses.drawn(predicted, f"{name}/predicted", shape)
        arrays[f"function/{name}"] = function(keras, tf.constant(y_true), tf.constant(y_pred)).numpy()
    pack(HERE / "metrics.npz", facts, arrays)


def make_optimizers() -> None:
    facts: dict[str, Any] = {}
    arrays: dict[str, np.ndarray] = {}
    for name, make in cases_optimizers.OPTIMIZERS.items():
        optimizer = make(keras)
        variables = [tf.Variable(w) for w in cases_optimizers.start()]
        if name in cases_optimizers.EXCLUDED:
            optimizer.exclude_from_weight_decay(var_list=[variables[i] for i in cases_optimizers.EXCLUDED[name]])
        facts[name] = plain(optimizer.get_config())
        new_rate = cases_optimizers.NEW_RATES.get(name)
        for step in range(cases_optimizers.STEPS):
            if new_rate is not None and step == new_rate[0]:
                optimizer.learning_rate = new_rate[1]
            gradients = cases_optimizers.gradients([v.numpy() for v in variables], step)
            optimizer.apply_gradients(zip([tf.constant(g) for g in gradients], variables, strict=True))
        arrays.update({f"{name}/{i}": v.numpy() for i, v in enumerate(variables)})
    for name, make in cases_optimizers.SCHEDULES.items():
        schedule = make(keras)
        facts[f"schedule/{name}"] = plain(keras.optimizers.schedules.serialize(schedule))
        arrays[f"schedule/{name}"] = np.asarray([schedule(step).numpy() for step in range(60)], "float32")
    pack(HERE / "optimizers.npz", facts, arrays)


class Decayed(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule divided by 1 + decay * step, as `decay` does where an optimizer still has it."""

    def __init__(self, inner: Any, decay: float) -> None:
        self.inner, self.decay = inner, decay

    def __call__(self, step: Any) -> Any:
        return self.inner(step) / (1.0 + self.decay * tf.cast(step, "float32"))


def trajectory(name: str, options: dict[str, Any], legacy: bool) -> np.ndarray:
    """The weights, in one row, after the steps that are kept."""
    keras.backend.clear_session()
    decay = 0.0 if legacy else options.get("decay", 0.0)
    # today's optimizers refuse `decay`; the rates that it would give are handed to them
    known = {key: value for key, value in options.items() if legacy or key != "decay"}
    optimizer = cases_optimizers.make(keras, name, known, legacy)
    if decay and options["scheduled"]:
        optimizer.learning_rate = Decayed(optimizer._learning_rate, decay)
    variables = [tf.Variable(w) for w in cases_optimizers.tiny_start()]
    optimizer.build(variables) if hasattr(optimizer, "build") else optimizer._create_all_weights(variables)

    def train(gradients: list[Any]) -> None:
        optimizer.apply_gradients(zip(gradients, variables, strict=True))

    # a graph is faster, but in one today's Nadam multiplies its momenta once for every variable
    train = train if isinstance(optimizer, keras.optimizers.Nadam) else tf.function(train)
    rows = []
    for step in range(cases_optimizers.LONG):
        if decay and not options["scheduled"]:
            optimizer.learning_rate = np.float32(options["learning_rate"]) / np.float32(1.0 + decay * step)
        gradients = cases_optimizers.tiny_gradients([v.numpy() for v in variables], step)
        train([tf.constant(g) for g in gradients])
        if step + 1 == cases_optimizers.LONG and options.get("use_ema"):
            optimizer.finalize_variable_values(variables)
        if step + 1 in cases_optimizers.KEPT:
            rows.append(cases_optimizers.flat([v.numpy() for v in variables]))
    return np.stack(rows)


def make_trajectories() -> None:
    arrays: dict[str, np.ndarray] = {}
    for legacy, names in ((False, cases_optimizers.VARIANTS), (True, cases_optimizers.LEGACY_VARIANTS)):
        for name in names:
            runs = [trajectory(name, o, legacy) for o in cases_optimizers.combinations(name, legacy).values()]
            arrays[f"legacy/{name}" if legacy else name] = np.stack(runs)
    pack(HERE / "trajectories.npz", {}, arrays)


def training_run(case: cases_training.TrainingCase) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    keras.backend.clear_session()
    model = case.build(keras)
    start = case.initial_weights(model.get_weights())
    model.set_weights(start)
    settings = {"steps_per_execution": 1, **case.compile(keras)}
    model.compile(**settings)
    x, y = case.data()
    history = model.fit(x, y, **case.fit_arguments())
    steps = int(model.optimizer.iterations.numpy())
    evaluated = model.evaluate(x, y, batch_size=32, verbose=0, return_dict=True)
    metrics_names = list(model.metrics_names)
    model.predict(x, batch_size=32, verbose=0)
    predicted = model.predict(x, batch_size=32, verbose=0)
    if isinstance(predicted, dict):
        predicted = list(predicted.values())
    predicted = predicted if isinstance(predicted, list) else [predicted]
    arrays = {f"history/{key}": np.asarray(values, "float32") for key, values in history.history.items()}
    arrays.update({f"evaluate/{key}": np.asarray(value, "float32") for key, value in evaluated.items()})
    arrays.update({f"predict/{i}": p[:5].astype("float32") for i, p in enumerate(predicted)})
    arrays.update({f"weight/{i}": w for i, w in enumerate(model.get_weights())})
    first = (x[0] if isinstance(x, list) else next(iter(x.values())) if isinstance(x, dict) else x)[:16]
    facts = {
        "history": list(history.history),
        "epochs": history.epoch,
        "metrics_names": metrics_names,
        "evaluate": list(evaluated),
        "steps": steps,
        "outputs": len(predicted),
        "first": list(first.shape),
    }
    return facts, arrays


def make_training() -> None:
    facts: dict[str, Any] = {}
    arrays: dict[str, np.ndarray] = {}
    for case in cases_training.TRAINING:
        try:
            facts[case.id], found = training_run(case)
        except Exception as error:
            raise RuntimeError(f"case {case.id}") from error
        arrays.update({f"{case.id}/{part}": array for part, array in found.items()})
    pack(HERE / "training.npz", facts, arrays)


def structure_of(model: Any) -> dict[str, Any]:
    return {
        "name": model.name,
        "class": type(model).__name__,
        "layers": [[layer.name, type(layer).__name__] for layer in model.layers],
        "weights": [[w.name, list(w.shape)] for w in model.weights],
        "trainable_weights": [w.name for w in model.trainable_weights],
        "non_trainable_weights": [w.name for w in model.non_trainable_weights],
        "count_params": model.count_params(),
        "metrics_names": list(model.metrics_names),
    }


def make_backend() -> None:
    arrays: dict[str, np.ndarray] = {}
    for case in cases_backend.BACKEND:
        inputs = [tf.constant(x) for x in case.inputs]
        watched = [x for x in inputs if x.dtype.is_floating]
        with tf.GradientTape() as tape:
            for x in watched:
                tape.watch(x)
            outputs = tf.nest.flatten(case.call(keras.backend, *inputs))
            floating = [
                tf.reduce_sum(y * case.cotangent(i, tuple(y.shape)).astype(y.dtype.name))
                for i, y in enumerate(outputs)
                if y.dtype.is_floating
            ]
            total = tf.add_n(floating) if floating else None
        arrays.update({f"{case.id}/{i}": np.asarray(y) for i, y in enumerate(outputs)})
        if case.gradient and floating:
            for i, gradient in enumerate(tape.gradient(total, watched, unconnected_gradients="zero")):
                arrays[f"{case.id}/gradient{i}"] = tf.convert_to_tensor(gradient).numpy()
    pack(HERE / "backend.npz", {}, arrays)


def make_structures() -> None:
    facts: dict[str, Any] = {}
    models = HERE / "models"
    models.mkdir(exist_ok=True)
    for name, make in cases_models.STRUCTURES.items():
        keras.backend.clear_session()
        model = make(keras)
        facts[name] = structure_of(model)
        if getattr(model, "input_names", None):
            facts[name]["input_names"] = list(model.input_names)
            facts[name]["output_names"] = list(model.output_names)
            facts[name]["input_shape"] = plain(model.input_shape)
            facts[name]["output_shape"] = plain(model.output_shape)
        if name not in cases_models.WITHOUT_JSON:
            (models / f"{name}.json").write_text(model.to_json() + "\n")
    (HERE / "structures.json").write_text(json.dumps(facts, indent=1) + "\n")


def check_summaries() -> None:
    """The summary texts are given; tf_keras must agree on layers, order and parameters (its look differs)."""
    for name, make in cases_models.SUMMARIES.items():
        keras.backend.clear_session()
        model = make(keras)
        text = (HERE / "summaries" / f"{name}.txt").read_text()
        rows = [line for line in text.split("=\n")[1].splitlines() if re.match(r" \S+ \(\w+", line)]
        found = [line.split(" (")[0].strip() for line in rows]
        expected = [layer.name for layer in model.layers]
        if found != expected or f"Total params: {model.count_params():,}" not in text:
            raise RuntimeError(f"summary {name}: {found}, expected {expected}, {model.count_params()}")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def make_progress() -> None:
    runs: dict[str, list[str]] = {}
    for case in cases_progress.PROGRESS:
        seconds = [0.0]
        with mock.patch("time.time", lambda seconds=seconds: cases_progress.START + seconds[0]):
            with mock.patch("sys.stdout", Terminal()) as terminal:
                bar = keras.utils.Progbar(**case.arguments)
                runs[case.id] = []
                for now, current, values, more in case.updates:
                    seconds[0] = now
                    bar.update(current, values, **more)
                    runs[case.id].append(terminal.getvalue().replace("\b", ""))
                    terminal.seek(0)
                    terminal.truncate()
    outputs: dict[str, list[str]] = {}
    for name, (make, run) in cases_progress.RUNS.items():
        keras.backend.clear_session()
        model, data = make(keras)
        with mock.patch("sys.stdout", Terminal()) as terminal:
            run(model, *data)
        outputs[name] = cases_progress.rendered(terminal.getvalue())
    (HERE / "progress.json").write_text(json.dumps({"updates": runs, "runs": outputs}, indent=1) + "\n")


MAKERS: dict[str, Callable[..., None]] = {
    "layers": make_layers,
    "functions": make_functions,
    "losses": make_losses,
    "metrics": make_metrics,
    "optimizers": make_optimizers,
    "trajectories": make_trajectories,
    "training": make_training,
    "backend": make_backend,
    "structures": make_structures,
    "summaries": check_summaries,
    "progress": make_progress,
}


def main() -> None:
    for argument in sys.argv[1:] or MAKERS:
        name, *families = argument.split(":")
        MAKERS[name](*families)
    for path in sorted(HERE.rglob("*")):
        if path.is_file() and path.suffix in (".npz", ".json", ".txt"):
            sys.stdout.write(f"{path.stat().st_size:>9,}  {path.relative_to(HERE)}\n")


if __name__ == "__main__":
    main()

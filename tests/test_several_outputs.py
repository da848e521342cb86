"""Losses, metrics and weights output by output: dicts, lists, nested structures, what is refused before training."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import kerastorch as keras
from kerastorch.layers import Dense, Input
from kerastorch.training.outputs import Outputs
from refusals import refused
from support import normal

N = 24
X = normal("x", (N, 5))
SCORE = normal("score", (N, 1))
TOPIC = np.arange(N) % 3
FLAG = (np.arange(N) % 2).astype("float32")
LABELS = {"score": SCORE, "topic": TOPIC, "flag": FLAG}
LOSSES = {"score": "mse", "topic": "sparse_categorical_crossentropy", "flag": "binary_crossentropy"}
ORDER = list(LOSSES)


def heads(outputs: str = "list") -> Any:
    """A model of three outputs that does not change when it is trained."""
    x = Input((5,), name="x")
    found = {
        "score": Dense(1, name="score")(x),
        "topic": Dense(3, activation="softmax", name="topic")(x),
        "flag": Dense(1, activation="sigmoid", name="flag")(x),
    }
    model = keras.Model(x, found if outputs == "dict" else list(found.values()))
    model.set_weights([normal(f"w{i}", tuple(w.shape)) for i, w in enumerate(model.weights)])
    return model


def compiled(outputs: str = "list", **options: Any) -> Any:
    model = heads(outputs)
    model.compile(keras.optimizers.SGD(0.0), **{"loss": LOSSES, **options})
    return model


class Subclassed(keras.Model):
    """Its outputs are known only when it is called."""

    def __init__(self, wrap: Any) -> None:
        super().__init__()
        self.inner, self.wrap = heads(), wrap

    def call(self, inputs: torch.Tensor) -> Any:
        return self.wrap(*self.inner(inputs))


def fitted(model: Any, y: Any, **options: Any) -> dict[str, float]:
    return {name: values[0] for name, values in model.fit(X, y, batch_size=7, verbose=0, **options).history.items()}


def close(found: dict[str, float], expected: dict[str, float]) -> None:
    assert found == {name: pytest.approx(value, rel=1e-5) for name, value in expected.items()}


# --- class_weight ------------------------------------------------------------------------------------------

TABLES = {"topic": {0: 0.5, 1: 2.0, 2: 0.0}, "flag": {0: 3.0, 1: 1.0}}
BY_CLASS = {
    "topic": np.array([TABLES["topic"][label] for label in TOPIC]),
    "flag": np.array([TABLES["flag"][int(label)] for label in FLAG]),
}


def in_order(values: dict[str, Any], outputs: str) -> list[Any]:
    """A list in the order of the outputs: as the model has them, by their keys where it returns a dict."""
    return [values.get(name) for name in (sorted(ORDER) if outputs == "dict" else ORDER)]


@pytest.mark.parametrize("spelling", ["dict", "dict with None", "list", "tuple"])
@pytest.mark.parametrize("labels", ["dict", "list"])
@pytest.mark.parametrize("outputs", ["dict", "list"])
def test_class_weights_of_each_output_are_sample_weights(outputs: str, labels: str, spelling: str) -> None:
    options = {"weighted_metrics": {"topic": ["accuracy"], "flag": ["accuracy"]}}
    y = LABELS if labels == "dict" else in_order(LABELS, outputs)
    listed = in_order(TABLES, outputs)
    spellings = {"dict": TABLES, "dict with None": {"score": None, **TABLES}, "list": listed, "tuple": tuple(listed)}
    expected = fitted(compiled(outputs, **options), LABELS, sample_weight=BY_CLASS)
    found = fitted(compiled(outputs, **options), y, class_weight=spellings[spelling])
    close(found, expected)
    plain = fitted(compiled(outputs, **options), LABELS)
    assert found["score_loss"] == pytest.approx(plain["score_loss"], rel=1e-6)
    assert found["topic_loss"] != pytest.approx(plain["topic_loss"], rel=1e-3)


@pytest.mark.parametrize("given", ["dict", "list", "one for all"])
def test_class_weights_times_sample_weights(given: str) -> None:
    weights = np.linspace(0.5, 2.0, N)
    both = {"score": weights, **{name: weights * BY_CLASS[name] for name in BY_CLASS}}
    sample_weight: Any = {"dict": dict.fromkeys(ORDER, weights), "list": [weights] * 3, "one for all": weights}[given]
    expected = fitted(compiled(), LABELS, sample_weight=both)
    close(fitted(compiled(), LABELS, sample_weight=sample_weight, class_weight=TABLES), expected)
    some = fitted(compiled(), LABELS, sample_weight={"topic": weights}, class_weight={"flag": TABLES["flag"]})
    only = fitted(compiled(), LABELS, sample_weight={"topic": weights, "flag": BY_CLASS["flag"]})
    close(some, only)


def batches() -> Any:
    for start in range(0, N, 7):
        yield X[start : start + 7], {name: label[start : start + 7] for name, label in LABELS.items()}


def test_class_weights_of_generators_and_single_batches() -> None:
    expected = fitted(compiled(), LABELS, sample_weight=BY_CLASS)
    history = compiled().fit(batches(), class_weight=TABLES, verbose=0).history
    close({name: values[0] for name, values in history.items()}, expected)
    whole = compiled().train_on_batch(X, LABELS, sample_weight=BY_CLASS, return_dict=True)
    close(compiled().train_on_batch(X, LABELS, class_weight=TABLES, return_dict=True), whole)


@pytest.mark.parametrize("labels", ["dict", "list"])
def test_class_weights_of_outputs_that_are_not_known_yet(labels: str) -> None:
    names = {"dict": ORDER, "list": ["output_1", "output_2", "output_3"]}[labels]
    tables = {names[ORDER.index(name)]: table for name, table in TABLES.items()}
    y: Any = LABELS if labels == "dict" else list(LABELS.values())

    def model() -> Any:
        pack = (lambda *parts: dict(zip(ORDER, parts, strict=True))) if labels == "dict" else lambda *parts: list(parts)
        model = Subclassed(pack)
        model.compile(keras.optimizers.SGD(0.0), LOSSES if labels == "dict" else list(LOSSES.values()))
        return model

    weights = {names[ORDER.index(name)]: weight for name, weight in BY_CLASS.items()}
    expected = fitted(model(), y, sample_weight=weights)
    close(fitted(model(), y, class_weight=tables), expected)
    close(fitted(model(), y, class_weight=[tables.get(name) for name in sorted(names)]), expected)


def test_one_hot_rows_and_steps_of_sequences_have_classes_too() -> None:
    one_hot = {**LABELS, "topic": np.eye(3, dtype="float32")[TOPIC]}
    losses = {**LOSSES, "topic": "categorical_crossentropy"}
    found = fitted(compiled(loss=losses), one_hot, class_weight=TABLES)
    close(found, fitted(compiled(), LABELS, class_weight=TABLES))
    inputs = Input((4, 5))
    model = keras.Model(inputs, Dense(3, activation="softmax")(inputs))
    model.compile(keras.optimizers.SGD(0.0), "categorical_crossentropy")
    x, classes = normal("steps", (6, 4, 5)), np.arange(24).reshape(6, 4) % 3
    y, table = np.eye(3, dtype="float32")[classes], np.array([1.0, 0.0, 4.0])
    weighted = model.fit(x, y, class_weight=dict(enumerate(table)), verbose=0).history["loss"]
    assert weighted == pytest.approx(model.fit(x, y, sample_weight=table[classes], verbose=0).history["loss"])


@pytest.mark.parametrize(
    ("class_weight", "kind", "text"),
    [
        (
            {0: 1.0, 1: 2.0},
            ValueError,
            "fit: expected class_weight for each output that needs one, as there are several; received one table for "
            "all. Pass for example {'flag': {0: 1.0, 1: 5.0}}.",
        ),
        (
            {"topik": {0: 1.0}},
            ValueError,
            "expected class_weight for the outputs ['score', 'topic', 'flag']; received one for 'topik'. Did you mean "
            "'topic'?",
        ),
        ([{0: 1.0}, {0: 1.0}], ValueError, "expected class_weight as a list of 3, one for each of the outputs"),
        (
            {"topic": {0: 1.0, 1: 1.0}},
            ValueError,
            "expected a class_weight of output 'topic' for every class in y; received none for class 2. Add 2: 1.0",
        ),
        (
            {"topic": {0: 1.0, 1: 1.0, 2: 1.0, 3: 1.0}},
            ValueError,
            "expected class_weight of output 'topic' for classes 0 to 2; received one for class 3. Remove it, or",
        ),
        (
            {"flag": {0: 1.0, 1: 1.0, 2: 1.0}},
            ValueError,
            "expected class_weight of output 'flag' for classes 0 to 1; received one for class 2.",
        ),
        (
            {"topic": {0: 1.0}, "flag": 2.0},
            TypeError,
            "expected class_weight of output 'flag' as a dict from class number to weight; received 2.0 (float)",
        ),
        (
            {"score": {0: 1.0}},
            ValueError,
            "expected class numbers in the labels of output 'score', to look up class_weight; received",
        ),
        ({"topic": {0: -1.0, 1: 1.0, 2: 1.0}}, ValueError, "expected class_weight of output 'topic' as a dict"),
    ],
)
@pytest.mark.parametrize("outputs", ["list", "dict"])
def test_class_weights_that_cannot_be(outputs: str, class_weight: Any, kind: Any, text: str) -> None:
    model = compiled(outputs)
    if outputs == "dict":
        text = text.replace("['score', 'topic', 'flag']", "['flag', 'score', 'topic']").replace(
            "{'flag': {0:", "{'topic': {0:"
        )
    refused(model, lambda: model.fit(X, LABELS, class_weight=class_weight, verbose=0), kind, text)


def test_an_unknown_class_of_a_single_output() -> None:
    model = keras.Sequential([Dense(3, activation="softmax", input_shape=(5,))])
    model.compile("sgd", "sparse_categorical_crossentropy")
    text = "expected class_weight for classes 0 to 2; received one for class 7. Remove it, or give the last layer"
    table = {0: 1.0, 1: 1.0, 2: 1.0, 7: 1.0}
    refused(model, lambda: model.fit(X, TOPIC, class_weight=table, verbose=0), ValueError, text)
    model.compile("sgd", "categorical_crossentropy")
    refused(model, lambda: model.fit(X, np.eye(3)[TOPIC], class_weight=table, verbose=0), ValueError, text)


# --- sample_weight -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sample_weight", "text"),
    [
        (
            {"scor": np.ones(N)},
            "expected sample_weight for the outputs ['score', 'topic', 'flag']; received one for 'scor'",
        ),
        ([np.ones(N)] * 2, "expected sample_weight as a list of 3, one for each of the outputs"),
        ({"score": np.ones(N - 1)}, "expected arrays of the same number of samples; received 24 in x"),
        (
            {"score": np.ones((N, 2))},
            "Data 'sample_weight' of output 'score': expected one weight a sample, or weights that fit predictions of "
            "shape (24, 1); received shape (24, 2). Pass an array of shape (24,).",
        ),
        (np.zeros(N), "expected sample_weight with a weight above 0; received only zeros"),
        (dict.fromkeys(ORDER, np.zeros(N)), "expected sample_weight with a weight above 0; received only zeros"),
    ],
)
def test_sample_weights_that_cannot_be(sample_weight: Any, text: str) -> None:
    model = compiled()
    refused(model, lambda: model.fit(X, LABELS, sample_weight=sample_weight, verbose=0), ValueError, text)


def test_negative_sample_weights_are_warned_of() -> None:
    weights = np.ones(N)
    weights[3] = -0.5
    model = keras.Sequential([Dense(1, input_shape=(5,))])
    model.compile(keras.optimizers.SGD(0.0), "mse")
    with pytest.warns(UserWarning, match="expected sample_weight without negative weights; received -0.5"):
        found = model.fit(X, SCORE, sample_weight=weights, verbose=0).history["loss"][0]
    errors = ((model.predict(X, verbose=0) - SCORE) ** 2)[:, 0]
    assert found == pytest.approx((errors * weights).mean(), rel=1e-5)


# --- names are checked by compile, where they are known --------------------------------------------------------


@pytest.mark.parametrize("outputs", ["list", "dict"])
@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"loss": {**LOSSES, "scoer": "mse"}}, "received one for 'scoer'. Did you mean 'score'?"),
        ({"loss": ["mse", "mse"]}, "expected losses as a list of 3, one for each of the outputs"),
        ({"loss_weights": {"topics": 1.0}}, "received one for 'topics'. Did you mean 'topic'?"),
        ({"loss_weights": [1.0]}, "expected loss_weights as a list of 3"),
        ({"metrics": {"flg": "accuracy"}}, "expected metrics for the outputs"),
        ({"metrics": [["mae"], ["acc"]]}, "expected metrics as a list of 3"),
        ({"weighted_metrics": {"flg": "accuracy"}}, "received one for 'flg'. Did you mean 'flag'?"),
    ],
)
def test_compile_knows_the_outputs(outputs: str, options: dict[str, Any], text: str) -> None:
    model = compiled(outputs)
    before = model.compiled_loss
    with pytest.raises(ValueError, match=f"compile: .*{text}".replace("?", r"\?")):
        model.compile("sgd", **{"loss": LOSSES, **options})
    assert model.compiled_loss is before  # as it was


def test_loss_weights_are_numbers_or_variables() -> None:
    with pytest.raises(TypeError, match="compile: expected loss_weights as numbers; received 'a' "):
        compiled(loss_weights=[1.0, "a", 1.0])
    factor = keras.Variable(0.5, trainable=False)
    model = compiled(loss_weights=[factor, 0.0, 0.0])
    first = fitted(model, LABELS)
    factor.assign(2.0)
    second = fitted(model, LABELS)
    assert (first["loss"], second["loss"]) == (
        pytest.approx(0.5 * first["score_loss"], rel=1e-5),
        pytest.approx(2.0 * first["score_loss"], rel=1e-5),
    )


def test_names_of_subclassed_models_are_checked_at_the_first_batch() -> None:
    model = Subclassed(lambda *parts: dict(zip(ORDER, parts, strict=True)))
    model.compile("sgd", {"scoer": "mse"})
    text = r"compile: expected losses for the outputs \['flag', 'score', 'topic'\]; received one for 'scoer'. .*'score'"
    with pytest.raises(ValueError, match=text):
        model.fit(X, LABELS, verbose=0)
    assert int(model.optimizer.iterations) == 0


# --- nested outputs ------------------------------------------------------------------------------------------


def nested(*parts: torch.Tensor) -> Any:
    score, topic, flag = parts
    return {"main": [score, topic], "side": flag}


NESTED_LABELS = {"main": [SCORE, TOPIC], "side": FLAG}
NAMES = ["main_1", "main_2", "side"]


@pytest.mark.parametrize(
    "options",
    [
        {
            "loss": {"main": ["mse", LOSSES["topic"]], "side": "binary_crossentropy"},
            "loss_weights": {"main": [0.5, 2.0], "side": 1.0},
            "metrics": {"main": [["mae"], ["accuracy"]], "side": "accuracy"},
        },
        {
            "loss": dict(zip(NAMES, LOSSES.values(), strict=True)),
            "loss_weights": {"main_1": 0.5, "main_2": 2.0},
            "metrics": {"main_1": "mae", "main_2": "accuracy", "side": ["accuracy"]},
        },
    ],
)
def test_nested_outputs(options: dict[str, Any]) -> None:
    model = Subclassed(nested)
    model.compile(keras.optimizers.SGD(0.0), **options)
    weights = {"main": [np.linspace(0, 1, N), np.ones(N)], "side": np.ones(N)}
    found = fitted(model, NESTED_LABELS, sample_weight=weights)
    flat = compiled(loss_weights=[0.5, 2.0, 1.0], metrics=[["mae"], ["accuracy"], ["accuracy"]])
    expected = fitted(flat, LABELS, sample_weight=dict(zip(ORDER, [*weights["main"], weights["side"]], strict=True)))
    assert list(found) == [
        "loss",
        *(f"{name}_loss" for name in NAMES),
        "main_1_mae",
        "main_2_accuracy",
        "side_accuracy",
    ]
    assert list(found.values()) == pytest.approx(list(expected.values()), rel=1e-5)


@pytest.mark.parametrize(
    ("structure", "names"),
    [
        (1.0, ["output_1"]),
        ([1.0, 2.0], ["output_1", "output_2"]),
        ([1.0, [2.0, 3.0]], ["output_1", "output_2_1", "output_2_2"]),
        ({"b": 1.0, "a": 2.0}, ["a", "b"]),
        ({"b": [1.0, {"c": 2.0}], "a": 3.0}, ["a", "b_1", "b_2_c"]),
    ],
)
def test_names_of_outputs(structure: Any, names: list[str]) -> None:
    assert Outputs(structure, []).names == names
    assert Outputs(structure, [str(at) for at in range(len(names))]).names == [str(at) for at in range(len(names))]


def test_matching_of_nested_structures() -> None:
    outputs = Outputs({"b": [1.0, {"c": 2.0}], "a": 3.0}, [])
    assert outputs.match({"b": ["x", {"c": "y"}], "a": "z"}, "losses") == ["z", "x", "y"]
    assert outputs.match({"b": "x"}, "losses") == [None, "x", "x"]
    assert outputs.match("x", "losses") == ["x"] * 3
    assert outputs.match({"b_2_c": "x"}, "losses") == [None, None, "x"]
    for given, text in (
        ({"c": "x"}, r"expected losses for the outputs \['b', 'a', .*\]; received one for 'c'"),
        ({"b": ["x"]}, "expected losses as a list of 2"),
        ({"b": {"c": "x"}}, "expected losses nested as the outputs are, or a dict by their names .*; received dict"),
        (["x", "y"], "received list where the outputs are dict"),
    ):
        with pytest.raises(ValueError, match=text):
            outputs.match(given, "losses")


# --- shapes of labels ---------------------------------------------------------------------------------------


WIDTHS: list[tuple[Any, str, tuple[int, ...], tuple[int, ...], str]] = [
    ("mse", "MeanSquaredError 'mean_squared_error'", (3,), (5,), "Give the last layer 5 units, or change the labels."),
    ("mae", "MeanAbsoluteError 'mean_absolute_error'", (3,), (2,), "Give the last layer 2 units"),
    (keras.losses.Huber(), "Huber 'huber_loss'", (3,), (5,), "Give the last layer 5 units"),
    ("kld", "KLDivergence 'kl_divergence'", (3,), (4,), "Give the last layer 4 units"),
    ("mse", "MeanSquaredError 'mean_squared_error'", (4, 3), (3,), "Give the last layer 3 units"),
    ("mse", "MeanSquaredError 'mean_squared_error'", (4, 3), (5, 3), "change the labels"),
    ("binary_crossentropy", "BinaryCrossentropy 'binary_crossentropy'", (3,), (5,), "Give the last layer 5 units"),
    (
        "binary_crossentropy",
        "BinaryCrossentropy 'binary_crossentropy'",
        (3,),
        (),
        "Give the last layer one unit, or one label (0 or 1) to each unit; for class numbers use",
    ),
    (
        keras.losses.BinaryFocalCrossentropy(),
        "BinaryFocalCrossentropy 'binary_focal_crossentropy'",
        (3,),
        (1,),
        "Give the last layer one unit",
    ),
    (
        "categorical_focal_crossentropy",
        "CategoricalFocalCrossentropy 'categorical_focal_crossentropy'",
        (3,),
        (),
        "Use loss='sparse_categorical_crossentropy'",
    ),
]


def model_of(shape: tuple[int, ...], build: str, several: bool) -> Any:
    def wrap(x: Any) -> Any:
        out = Dense(shape[-1], name="out")(x)
        return [out, Dense(1, name="other")(x)] if several else out

    inputs = Input((*shape[:-1], 5))
    functional = keras.Model(inputs, wrap(inputs))
    if build == "functional":
        return functional

    class Later(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.inner = functional

        def call(self, inputs: torch.Tensor) -> Any:
            return self.inner(inputs)

    return Later()


@pytest.mark.parametrize("several", [False, True], ids=["one", "several"])
@pytest.mark.parametrize("build", ["functional", "subclassed"])
@pytest.mark.parametrize(("loss", "name", "predicted", "labels", "advice"), WIDTHS)
def test_labels_of_another_shape_are_found_before_the_first_update(
    loss: Any, name: str, predicted: Any, labels: Any, advice: str, build: str, several: bool
) -> None:
    model = model_of(predicted, build, several)
    model.compile("sgd", [loss, "mse"] if several else loss)
    x, y = np.ones((N, *predicted[:-1], 5), "float32"), np.zeros((N, *labels), "float32")
    other = np.zeros((N, *predicted[:-1], 1), "float32")
    output = "out" if build == "functional" else "output_1"
    texts = [f"{name}{f' of output {output!r}' if several else ''}: expected ", f"{(N, *labels)}", advice]
    if "categorical" not in str(loss):
        texts.append(
            f"expected labels of the predictions' shape {(N, *predicted)}; received labels of shape {(N, *labels)}."
        )
    refused(model, lambda: model.fit(x, [y, other] if several else y, verbose=0), ValueError, *texts)


@pytest.mark.parametrize(
    ("loss", "predicted", "labels"),
    [
        ("mse", (1,), ()),
        ("mse", (1,), (1,)),
        ("mse", (4, 1), (4,)),
        ("mse", (4,), (4, 1)),
        ("binary_crossentropy", (1,), ()),
        ("binary_crossentropy", (4, 1), (4,)),
        ("cosine_similarity", (4, 3), (4, 3)),
        (lambda y_true, y_pred: (y_pred - y_true[:, :1]).square().mean(-1), (3,), (7,)),
        (torch.nn.functional.mse_loss, (1,), ()),
    ],
)
def test_shapes_that_fit(loss: Any, predicted: tuple[int, ...], labels: tuple[int, ...]) -> None:
    model = model_of(predicted, "functional", several=False)
    model.compile("sgd", loss)
    x, y = np.ones((N, *predicted[:-1], 5), "float32"), np.zeros((N, *labels), "float32")
    assert np.isfinite(model.fit(x, y, verbose=0).history["loss"][0])


@pytest.mark.parametrize(
    ("predicted", "labels"), [((3,), ()), ((3,), (1,)), ((1,), (3,)), ((4, 1), (1,)), ((4, 3), (1, 3))]
)
def test_labels_that_stretch_are_warned_of_once_and_trained_as_in_tf_keras(predicted: Any, labels: Any) -> None:
    model = model_of(predicted, "functional", several=False)
    model.compile(keras.optimizers.SGD(0.0), "mse")
    x, y = normal("x", (N, *predicted[:-1], 5)), normal("y", (N, *labels))
    text = (
        "MeanSquaredError 'mean_squared_error': expected labels of the predictions' shape .*, which are stretched to it"
    )
    with pytest.warns(UserWarning, match=text) as said:
        found = model.fit(x, y, epochs=2, verbose=0).history["loss"][0]
    assert len(said) == 1
    stretched = y[:, None] if y.ndim == 1 else y
    y_pred = model.predict(x, verbose=0)
    y_pred = y_pred[..., 0] if y_pred.ndim == stretched.ndim + 1 else y_pred
    assert found == pytest.approx(float(((y_pred - stretched) ** 2).mean()), rel=1e-5)


def test_functions_of_ones_own_get_labels_as_columns() -> None:
    shapes = []

    def own(y_true: torch.Tensor, y_pred: torch.Tensor) -> torch.Tensor:
        shapes.append((tuple(y_true.shape), tuple(y_pred.shape)))
        return y_pred.mean(-1)

    model = model_of((3,), "functional", several=False)
    model.compile("sgd", own, metrics=[own])
    model.fit(np.ones((N, 5)), TOPIC, batch_size=N, verbose=0)
    assert shapes == [((N, 1), (N, 3))] * 2

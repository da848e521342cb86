"""The table of whole-model training runs: 50 steps from fixed weights, without shuffling."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cases_losses import one_hot, softmax
from support import generator, normal, uniform

SAMPLES = 80


def nothing(keras: Any) -> dict[str, Any]:
    return {}


@dataclass(frozen=True)
class TrainingCase:
    id: str
    build: Callable[[Any], Any]
    data: Callable[[], tuple[Any, Any]]
    compile: Callable[[Any], dict[str, Any]]
    fit: dict[str, Any] = field(default_factory=dict)
    tolerance: float = 1e-5  # of the final weights
    warns: str | None = None  # a pattern of the warning that fit gives

    def fit_arguments(self) -> dict[str, Any]:
        """Keyword arguments of `fit`: ten epochs of five steps unless the case says otherwise."""
        arguments = {"batch_size": 16, "epochs": 10, "shuffle": False, "verbose": 0, **self.fit}
        return {key: value() if callable(value) else value for key, value in arguments.items()}

    def initial_weights(self, weights: list[np.ndarray]) -> list[np.ndarray]:
        """Fixed weights of the shapes of `weights`; vectors stay near the values they are made with."""
        found = []
        for i, weight in enumerate(weights):
            key = f"training/{self.id}/{i}"
            if weight.ndim < 2:
                found.append(weight + uniform(key, weight.shape, 0.0, 0.1))
            else:
                fan_in = weight.size / weight.shape[-1]
                found.append(normal(key, weight.shape, scale=fan_in**-0.5))
        return found


# --- data ------------------------------------------------------------------------------------------------
def vectors(samples: int = SAMPLES, width: int = 8) -> np.ndarray:
    return normal("data/vectors", (samples, width))


def classes(x: np.ndarray, count: int = 4) -> np.ndarray:
    """Labels that a linear map of x decides, so that training has something to learn."""
    flat = x.reshape(len(x), -1).astype("float64")
    return (flat @ generator("data/map").standard_normal((flat.shape[1], count))).argmax(1).astype("int32")


def labelled() -> tuple[np.ndarray, np.ndarray]:
    x = vectors()
    return x, classes(x)


def labelled_one_hot() -> tuple[np.ndarray, np.ndarray]:
    x = vectors()
    return x, one_hot(classes(x), 4)


def two_classes() -> tuple[np.ndarray, np.ndarray]:
    x = vectors()
    return x, classes(x, 2).astype("float32")


def pictures() -> tuple[np.ndarray, np.ndarray]:
    x = uniform("data/pictures", (SAMPLES, 12, 12, 1), 0.0, 1.0)
    return x, classes(x - 0.5)


def pictures_without_channel() -> tuple[np.ndarray, np.ndarray]:
    x, y = pictures()
    return x[..., 0], y


def small_pictures() -> tuple[np.ndarray, np.ndarray]:
    x = normal("data/small", (SAMPLES, 7, 6, 2))
    return x, classes(x)


def regression() -> tuple[np.ndarray, np.ndarray]:
    x = vectors()
    return x, np.sin(x[:, :2].sum(1, keepdims=True)).astype("float32")


def regression_flat() -> tuple[np.ndarray, np.ndarray]:
    x, y = regression()
    return x, y[:, 0]


def words() -> tuple[np.ndarray, np.ndarray]:
    x = generator("data/words").randint(1, 20, size=(SAMPLES, 6)).astype("int32")
    lengths = generator("data/lengths").randint(1, 7, size=SAMPLES)
    x[np.arange(6)[None, :] >= lengths[:, None]] = 0
    return x, (x.sum(1) % 2).astype("float32")


def series() -> tuple[np.ndarray, np.ndarray]:
    x = normal("data/series", (SAMPLES, 10, 2))
    return x, classes(x)


def two_and_two() -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    left, right = normal("data/left", (SAMPLES, 5)), normal("data/right", (SAMPLES, 3))
    score = (left.sum(1, keepdims=True) * 0.3).astype("float32")
    return {"left": left, "right": right}, {"score": score, "topic": classes(np.hstack([left, right]), 3)}


def two_and_two_lists() -> tuple[list[np.ndarray], list[np.ndarray]]:
    x, y = two_and_two()
    return [x["left"], x["right"]], [y["score"], y["topic"]]


def distributions() -> tuple[np.ndarray, np.ndarray]:
    return vectors(), softmax(normal("data/distributions", (SAMPLES, 4)))


def sample_weights() -> np.ndarray:
    return uniform("data/sample_weights", (SAMPLES,), 0.0, 2.0)


def labelled_validation() -> tuple[np.ndarray, np.ndarray]:
    x = normal("data/validation", (30, 8))
    return x, classes(x)


def weighted_validation() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return (*labelled_validation(), uniform("data/validation_weights", (30,), 0.0, 2.0))


def small_pictures_validation() -> tuple[np.ndarray, np.ndarray]:
    x = normal("data/small_validation", (30, 7, 6, 2))
    return x, classes(x)


# A bias or a scale before batch normalization has no gradient but rounding, which Adam would blow up: the
# models below leave them out, so that 50 steps stay within 1e-5 of the same run in float64.
# --- models ----------------------------------------------------------------------------------------------
def mlp(keras: Any, units: int = 4, activation: str | None = "softmax", hidden: str = "tanh") -> Any:
    return keras.Sequential(
        [
            keras.layers.Dense(16, activation=hidden, input_shape=(8,)),
            keras.layers.Dense(units, activation=activation),
        ]
    )


def course_cnn(keras: Any) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            layers.Conv2D(4, (3, 3), activation="relu", input_shape=(12, 12, 1)),
            layers.MaxPooling2D(2, 2),
            layers.Conv2D(6, (3, 3), activation="relu"),
            layers.MaxPooling2D(2, 2),
            layers.Flatten(),
            layers.Dense(16, activation="relu"),
            layers.Dense(4, activation="softmax"),
        ]
    )


def batchnorm_cnn(keras: Any) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((7, 6, 2)),
            layers.Conv2D(4, 3, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.AveragePooling2D(2, padding="same"),
            layers.Conv2D(6, 2, strides=2, padding="same", use_bias=False),
            layers.BatchNormalization(momentum=0.9),
            layers.Activation("tanh"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(4, activation="softmax"),
        ]
    )


def batchnorm_mlp(keras: Any) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            layers.Dense(12, input_dim=8, use_bias=False),
            layers.BatchNormalization(),
            layers.Activation("tanh"),
            layers.Dense(4),
        ]
    )


def separable_cnn(keras: Any) -> Any:
    layers = keras.layers
    inputs = keras.Input((7, 6, 2))
    x = layers.SeparableConv2D(4, 3, padding="same", activation="tanh")(inputs)
    x = layers.DepthwiseConv2D(3, strides=2, padding="same", activation="tanh")(x)
    x = layers.Conv2D(4, 1, groups=2)(x)
    x = layers.GlobalMaxPooling2D()(x)
    return keras.Model(inputs, layers.Dense(4, activation="softmax")(x))


def residual(keras: Any) -> Any:
    layers = keras.layers
    inputs = keras.Input((8,))
    x = layers.Dense(8, activation="tanh")(inputs)
    y = layers.Dense(8)(x)
    x = layers.LeakyReLU()(layers.Add()([x, y]))
    x = layers.Concatenate()([x, inputs])
    return keras.Model(inputs, layers.Dense(4, activation="softmax")(x))


def two_inputs_two_outputs(keras: Any) -> Any:
    layers = keras.layers
    left, right = keras.Input((5,), name="left"), keras.Input((3,), name="right")
    x = layers.Concatenate()([layers.Dense(6, activation="tanh")(left), right])
    score = layers.Dense(1, name="score")(x)
    topic = layers.Dense(3, activation="softmax", name="topic")(x)
    return keras.Model([left, right], [score, topic])


def text(keras: Any) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            layers.Embedding(20, 8, input_length=6),
            layers.GlobalAveragePooling1D(),
            layers.Dense(8, activation="tanh"),
            layers.Dense(1, activation="sigmoid"),
        ]
    )


def masked_text(keras: Any) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            layers.Embedding(20, 8, mask_zero=True),
            layers.GlobalAveragePooling1D(),
            layers.Dense(1, activation="sigmoid"),
        ]
    )


def series_cnn(keras: Any) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            layers.Conv1D(4, 3, padding="causal", dilation_rate=2, activation="tanh", input_shape=(10, 2)),
            layers.MaxPooling1D(2),
            layers.Conv1D(6, 2, padding="same", strides=2),
            layers.Flatten(),
            layers.Dense(4, activation="softmax"),
        ]
    )


def regularized(keras: Any) -> Any:
    layers, regularizers = keras.layers, keras.regularizers
    return keras.Sequential(
        [
            layers.Dense(
                16,
                activation="tanh",
                input_shape=(8,),
                kernel_regularizer=regularizers.l2(0.01),
                bias_regularizer=regularizers.L1(0.001),
                activity_regularizer=regularizers.L2(0.01),
            ),
            layers.Dense(4, activation="softmax", kernel_regularizer="l1_l2"),
        ]
    )


def constrained(keras: Any) -> Any:
    layers, constraints = keras.layers, keras.constraints
    return keras.Sequential(
        [
            layers.Dense(16, activation="tanh", input_shape=(8,), kernel_constraint=constraints.MaxNorm(0.9)),
            layers.Dense(8, activation="tanh", kernel_constraint="unit_norm"),
            layers.Dense(
                4,
                activation="softmax",
                kernel_constraint=constraints.MinMaxNorm(0.5, 0.8, rate=0.5, axis=1),
                bias_constraint="non_neg",
            ),
        ]
    )


def frozen_base(keras: Any) -> Any:
    layers = keras.layers
    base = keras.Sequential(
        [
            layers.Conv2D(4, 3, input_shape=(7, 6, 2)),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.GlobalAveragePooling2D(),
        ],
        name="base",
    )
    base.trainable = False
    inputs = keras.Input((7, 6, 2))
    return keras.Model(inputs, layers.Dense(4, activation="softmax")(base(inputs, training=True)))


def partly_frozen(keras: Any) -> Any:
    model = batchnorm_cnn(keras)
    for layer in model.layers[:3]:
        layer.trainable = False
    return model


def shared_layers(keras: Any) -> Any:
    layers = keras.layers
    inputs = keras.Input((8,))
    shared = layers.Dense(8, activation="tanh")
    x = shared(shared(inputs))
    return keras.Model(inputs, layers.Dense(4, activation="softmax")(layers.add([x, shared(x)])))


def nested(keras: Any) -> Any:
    layers = keras.layers
    a = keras.Input((8,))
    inner = keras.Model(a, layers.Dense(6, activation="tanh")(a), name="inner")
    outer = keras.Sequential([inner, keras.Sequential([layers.Dense(5, activation="tanh")]), layers.Dense(4)])
    outer.build((None, 8))
    return outer


def subclassed(keras: Any) -> Any:
    class Network(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.blocks = [keras.layers.Dense(8, activation="tanh") for _ in range(2)]
            self.normalization = keras.layers.BatchNormalization()
            self.head = keras.layers.Dense(4, activation="softmax")

        def call(self, inputs: Any, training: Any = None) -> Any:
            x = inputs
            for block in self.blocks:
                x = block(x)
            return self.head(self.normalization(x, training=training))

    model = Network()
    model.build((None, 8))
    return model


# --- rows ------------------------------------------------------------------------------------------------
TRAINING: list[TrainingCase] = []


def row(
    id: str,
    build: Callable[[Any], Any],
    data: Callable[[], tuple[Any, Any]],
    compile: Callable[[Any], dict[str, Any]],
    **options: Any,
) -> None:
    TRAINING.append(TrainingCase(id, build, data, compile, **options))


def settings(optimizer: str, loss: Any, metrics: Any = None, **more: Any) -> Callable[[Any], dict[str, Any]]:
    return lambda keras: {"optimizer": optimizer, "loss": loss, "metrics": metrics, **more}


SPARSE = "sparse_categorical_crossentropy"
_RATES = {"SGD": 0.1, "Adam": 0.01, "AdamW": 0.01, "RMSprop": 0.005}

row("mlp-sgd", mlp, labelled, settings("sgd", SPARSE, ["accuracy"]))
row("mlp-adam", mlp, labelled, settings("adam", SPARSE, ["accuracy"]))
row("mlp-rmsprop", mlp, labelled, settings("rmsprop", SPARSE, ["acc"]))
for _name, _rate in _RATES.items():
    row(
        f"mlp-{_name}-rate",
        mlp,
        labelled,
        lambda keras, name=_name, rate=_rate: {
            "optimizer": getattr(keras.optimizers, name)(learning_rate=rate),
            "loss": SPARSE,
            "metrics": ["accuracy"],
        },
    )
row("mlp-relu-adam", lambda keras: mlp(keras, hidden="relu"), labelled, settings("adam", SPARSE, ["accuracy"]))
row(
    "mlp-momentum",
    mlp,
    labelled,
    lambda keras: {
        "optimizer": keras.optimizers.SGD(0.05, momentum=0.9, nesterov=True),
        "loss": SPARSE,
        "metrics": [
            keras.metrics.SparseCategoricalAccuracy(),
            keras.metrics.SparseTopKCategoricalAccuracy(2, name="top2"),
        ],
    },
)
row(
    "mlp-schedule",
    mlp,
    labelled,
    lambda keras: {
        "optimizer": keras.optimizers.Adam(keras.optimizers.schedules.ExponentialDecay(0.02, 10, 0.5)),
        "loss": SPARSE,
        "metrics": ["accuracy"],
    },
)
row(
    "mlp-clipped",
    mlp,
    labelled,
    lambda keras: {
        "optimizer": keras.optimizers.SGD(0.1, global_clipnorm=0.3, weight_decay=0.01),
        "loss": SPARSE,
        "metrics": ["accuracy"],
    },
)
row(
    "mlp-one-hot",
    mlp,
    labelled_one_hot,
    settings("adam", "categorical_crossentropy", ["accuracy", "mse", "categorical_crossentropy"]),
)
row(
    "mlp-one-hot-smoothing",
    mlp,
    labelled_one_hot,
    lambda keras: {
        "optimizer": "adam",
        "loss": keras.losses.CategoricalCrossentropy(label_smoothing=0.1),
        "metrics": ["accuracy"],
    },
)
row("mlp-soft-labels", mlp, distributions, settings("adam", "kl_divergence", ["mae"]))
row(
    "mlp-logits",
    lambda keras: mlp(keras, activation=None),
    labelled,
    lambda keras: {
        "optimizer": "adam",
        "loss": keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        "metrics": ["accuracy"],
    },
)
row(
    "mlp-activation-layer",
    lambda keras: keras.Sequential([keras.layers.Dense(4, input_shape=(8,)), keras.layers.Activation("softmax")]),
    labelled,
    settings("sgd", SPARSE, ["accuracy", SPARSE]),
)
row(
    "mlp-linear-classifier",
    lambda keras: mlp(keras, 1, "sigmoid"),
    two_classes,
    settings("adam", "binary_crossentropy", ["accuracy", "binary_crossentropy"]),
)
row(
    "mlp-loss-function",
    mlp,
    labelled,
    lambda keras: {
        "optimizer": "adam",
        "loss": keras.losses.sparse_categorical_crossentropy,
        "metrics": [keras.metrics.sparse_categorical_accuracy],
    },
)
row("mlp-no-metrics", mlp, labelled, settings("adam", SPARSE))
row(
    "regression",
    lambda keras: mlp(keras, 1, None),
    regression,
    lambda keras: {
        "optimizer": keras.optimizers.RMSprop(0.005),
        "loss": "mse",
        "metrics": ["mae", "mse", keras.metrics.RootMeanSquaredError()],
    },
)
row(
    "regression-flat",
    lambda keras: mlp(keras, 1, None),
    regression_flat,
    settings("adam", "mean_absolute_error", ["mean_squared_error"]),
)
row(
    "regression-huber",
    lambda keras: mlp(keras, 1, None),
    regression,
    lambda keras: {
        "optimizer": "adam",
        "loss": keras.losses.Huber(0.5),
        "metrics": [keras.metrics.MeanAbsoluteError(name="error")],
    },
)
row(
    "regression-weights",
    lambda keras: mlp(keras, 1, None),
    regression,
    lambda keras: {"optimizer": "adam", "loss": "mse", "metrics": ["mae"], "weighted_metrics": ["mae"]},
    fit={"sample_weight": sample_weights},
)
row(
    "cnn-sgd",
    course_cnn,
    pictures,
    lambda keras: {"optimizer": keras.optimizers.SGD(0.05), "loss": SPARSE, "metrics": ["accuracy"]},
)
row("cnn-adam", course_cnn, pictures, settings("adam", SPARSE, ["accuracy"]))
row("cnn-no-channel", course_cnn, pictures_without_channel, settings("adam", SPARSE, ["accuracy"]))
row(
    "cnn-batchnorm",
    batchnorm_cnn,
    small_pictures,
    lambda keras: {"optimizer": keras.optimizers.SGD(0.02, momentum=0.9), "loss": SPARSE, "metrics": ["accuracy"]},
    fit={"validation_data": small_pictures_validation},
)
row(
    "cnn-batchnorm-adam",
    batchnorm_cnn,
    small_pictures,
    settings("adam", SPARSE, ["accuracy"]),
    fit={"validation_split": 0.25},
)
row(
    "mlp-batchnorm",
    batchnorm_mlp,
    labelled,
    lambda keras: {
        "optimizer": keras.optimizers.Adam(0.01),
        "loss": keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        "metrics": ["accuracy"],
    },
    fit={"validation_data": labelled_validation},
)
row("cnn-separable", separable_cnn, small_pictures, settings("adam", SPARSE, ["accuracy"]))
row("series", series_cnn, series, settings("adam", SPARSE, ["accuracy"]))
row(
    "text",
    text,
    words,
    lambda keras: {"optimizer": keras.optimizers.Adam(0.01), "loss": "binary_crossentropy", "metrics": ["accuracy"]},
)
row(
    "text-sgd",
    text,
    words,
    lambda keras: {
        "optimizer": keras.optimizers.SGD(0.1, momentum=0.9),
        "loss": "binary_crossentropy",
        "metrics": ["accuracy"],
    },
)
row(
    "text-masked",
    masked_text,
    words,
    lambda keras: {"optimizer": keras.optimizers.RMSprop(0.01), "loss": "binary_crossentropy", "metrics": ["accuracy"]},
)
row("residual", residual, labelled, settings("adam", SPARSE, ["accuracy"]))
row("shared-layers", shared_layers, labelled, settings("adam", SPARSE, ["accuracy"]))
row(
    "nested",
    nested,
    labelled,
    lambda keras: {
        "optimizer": "adam",
        "loss": keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        "metrics": ["accuracy"],
    },
)
row(
    "subclassed",
    subclassed,
    labelled,
    settings("adam", SPARSE, ["accuracy"]),
    fit={"validation_data": labelled_validation},
)
row("frozen-base", frozen_base, small_pictures, settings("adam", SPARSE, ["accuracy"]))
row("partly-frozen", partly_frozen, small_pictures, settings("adam", SPARSE, ["accuracy"]))
row(
    "two-and-two",
    two_inputs_two_outputs,
    two_and_two,
    lambda keras: {
        "optimizer": "adam",
        "loss": {"score": "mse", "topic": SPARSE},
        "loss_weights": {"score": 0.3, "topic": 2.0},
        "metrics": {"score": ["mae", "mse"], "topic": "accuracy"},
    },
)
row(
    "two-and-two-lists",
    two_inputs_two_outputs,
    two_and_two_lists,
    lambda keras: {
        "optimizer": "adam",
        "loss": ["mae", SPARSE],
        "loss_weights": [0.5, 1.0],
        "metrics": [["mse"], ["accuracy"]],
    },
    fit={"validation_split": 0.2},
)
row(
    "two-and-two-one-loss",
    two_inputs_two_outputs,
    lambda: (two_and_two()[0], {"score": two_and_two()[1]["score"], "topic": one_hot(two_and_two()[1]["topic"], 3)}),
    settings("adam", "mse", ["mae"]),
)
row(
    "two-and-two-weights",
    two_inputs_two_outputs,
    two_and_two,
    lambda keras: {
        "optimizer": "adam",
        "loss": {"score": "mse", "topic": SPARSE},
        "metrics": {"topic": ["accuracy"]},
        "weighted_metrics": {"score": ["mae"], "topic": ["accuracy"]},
    },
    fit={"sample_weight": lambda: {"score": sample_weights(), "topic": sample_weights()[::-1].copy()}},
)
row(
    "two-and-two-one-trained",
    two_inputs_two_outputs,
    two_and_two,
    lambda keras: {"optimizer": "adam", "loss": {"topic": SPARSE}, "metrics": {"topic": "accuracy"}},
    warns="score/kernel:0.*score/bias:0",
)
row(
    "class-weight",
    mlp,
    labelled,
    settings("adam", SPARSE, ["accuracy"], weighted_metrics=["accuracy"]),
    fit={"class_weight": {0: 0.5, 1: 2.0, 2: 1.0, 3: 0.1}},
)
row(
    "class-weight-one-hot",
    mlp,
    labelled_one_hot,
    settings("adam", "categorical_crossentropy", ["accuracy"]),
    fit={"class_weight": {0: 0.5, 1: 2.0, 2: 1.0, 3: 0.1}},
)
row(
    "class-weight-binary",
    lambda keras: mlp(keras, 1, "sigmoid"),
    two_classes,
    settings("adam", "binary_crossentropy", ["accuracy"]),
    fit={"class_weight": {0: 3.0, 1: 1.0}, "validation_split": 0.25},
)
row(
    "sample-weight",
    mlp,
    labelled,
    settings("adam", SPARSE, ["accuracy"], weighted_metrics=["accuracy"]),
    fit={"sample_weight": sample_weights},
)
row(
    "sample-weight-split",
    mlp,
    labelled,
    settings("adam", SPARSE, ["accuracy"]),
    fit={"sample_weight": sample_weights, "validation_split": 0.25},
)
row(
    "sample-weight-validation",
    mlp,
    labelled,
    settings("adam", SPARSE, [], weighted_metrics=["accuracy"]),
    fit={"sample_weight": sample_weights, "validation_data": weighted_validation},
)
row(
    "sample-and-class-weight",
    mlp,
    labelled,
    settings("adam", SPARSE, ["accuracy"]),
    fit={"sample_weight": sample_weights, "class_weight": {0: 0.5, 1: 2.0, 2: 1.0, 3: 0.1}},
)
row("regularized", regularized, labelled, settings("adam", SPARSE, ["accuracy"]), fit={"validation_split": 0.2})
row(
    "constrained",
    constrained,
    labelled,
    lambda keras: {"optimizer": keras.optimizers.Adam(0.01), "loss": SPARSE, "metrics": ["accuracy"]},
)
row("validation-split", mlp, labelled, settings("adam", SPARSE, ["accuracy"]), fit={"validation_split": 0.3})
row(
    "validation-data",
    mlp,
    labelled,
    settings("adam", SPARSE, ["accuracy"]),
    fit={"validation_data": labelled_validation, "validation_batch_size": 7},
)
row(
    "validation-freq",
    mlp,
    labelled,
    settings("adam", SPARSE, ["accuracy"]),
    fit={"validation_data": labelled_validation, "validation_freq": 3},
)
row(
    "validation-freq-list",
    mlp,
    labelled,
    settings("adam", SPARSE, ["accuracy"]),
    fit={"validation_data": labelled_validation, "validation_freq": [1, 4, 10]},
)
row(
    "validation-steps",
    mlp,
    labelled,
    settings("adam", SPARSE, ["accuracy"]),
    fit={"validation_data": labelled_validation, "validation_batch_size": 8, "validation_steps": 2},
)
row("odd-batch", mlp, labelled, settings("adam", SPARSE, ["accuracy"]), fit={"batch_size": 19})
row("default-batch", mlp, labelled, settings("adam", SPARSE, ["accuracy"]), fit={"batch_size": None})
row("batch-over-data", mlp, labelled, settings("adam", SPARSE, ["accuracy"]), fit={"batch_size": 500})
row("initial-epoch", mlp, labelled, settings("adam", SPARSE, ["accuracy"]), fit={"initial_epoch": 4})
row("steps-per-execution", mlp, labelled, settings("adam", SPARSE, ["accuracy"], steps_per_execution=5))
row("eagerly", mlp, labelled, settings("adam", SPARSE, ["accuracy"], run_eagerly=True), fit={"epochs": 3})


# --- losses and metrics in training ------------------------------------------------------------------------
def tagged_words() -> tuple[np.ndarray, np.ndarray]:
    x, _ = words()
    return x, (x % 3).astype("int32")


def tagger(keras: Any) -> Any:
    layers = keras.layers
    inputs = keras.Input((6,))
    x = layers.Embedding(20, 8, mask_zero=True)(inputs)
    return keras.Model(inputs, layers.Dense(3, activation="softmax")(layers.Dense(8, activation="tanh")(x)))


def every_metric_of_a_classifier(keras: Any) -> list[Any]:
    metrics = keras.metrics
    return [
        "accuracy",
        metrics.TopKCategoricalAccuracy(2, name="top2"),
        metrics.AUC(name="auc"),
        metrics.AUC(curve="PR", multi_label=True, num_labels=4, name="auc_pr"),
        metrics.Precision(name="precision"),
        metrics.Recall(thresholds=0.3, name="recall"),
        metrics.F1Score(average="macro"),
        metrics.PrecisionAtRecall(0.5, name="precision_at_recall"),
        metrics.CategoricalCrossentropy(),
        "mae",
    ]


for _id, _fit in (
    ("all-metrics", {"validation_split": 0.25}),
    ("all-metrics-weights", {"sample_weight": sample_weights}),
    ("all-metrics-small-batches", {"batch_size": 3, "epochs": 2}),
):
    row(
        _id,
        mlp,
        labelled_one_hot,
        lambda keras: {
            "optimizer": "adam",
            "loss": "categorical_crossentropy",
            "metrics": every_metric_of_a_classifier(keras),
            "weighted_metrics": [keras.metrics.AUC(name="weighted_auc"), "accuracy"],
        },
        fit=_fit,
        tolerance=2e-5,  # with weights, 1e-7 of noise in x changes a bias by 8e-6
    )
for _reduction in ("none", "sum"):
    row(
        f"loss-{_reduction}",
        mlp,
        labelled,
        lambda keras, reduction=_reduction: {
            "optimizer": keras.optimizers.SGD(0.01),
            "loss": keras.losses.SparseCategoricalCrossentropy(reduction=reduction),
            "metrics": ["accuracy"],
        },
        fit={"batch_size": 19},
    )
row(
    "tagged-words",
    tagger,
    tagged_words,
    settings("adam", SPARSE, ["accuracy", SPARSE], weighted_metrics=["accuracy"]),
    fit={"validation_split": 0.25},
)
row(
    "tagged-words-weights",
    tagger,
    tagged_words,
    settings("adam", SPARSE, ["accuracy"], weighted_metrics=["accuracy"]),
    fit={"sample_weight": sample_weights},
)
row(
    "regression-metrics",
    lambda keras: mlp(keras, 2, None),
    lambda: (vectors(), vectors()[:, :2] ** 2),
    lambda keras: {
        "optimizer": "adam",
        "loss": keras.losses.Huber(),
        "metrics": [
            keras.metrics.RootMeanSquaredError(),
            keras.metrics.R2Score(),
            keras.metrics.CosineSimilarity(),
            keras.metrics.MeanMetricWrapper(keras.losses.mean_absolute_error, name="wrapped"),
            keras.losses.log_cosh,
            keras.losses.MeanSquaredError(name="batches"),
        ],
    },
    fit={"batch_size": 19},
)
row(
    "two-and-two-weighted-lists",
    two_inputs_two_outputs,
    two_and_two_lists,
    lambda keras: {
        "optimizer": "adam",
        "loss": ["mae", SPARSE],
        "loss_weights": {"topic": 0.5},
        "metrics": [["mse", "mae"], ["accuracy", keras.metrics.SparseCategoricalCrossentropy(name="ce")]],
        "weighted_metrics": [[], ["accuracy"]],
    },
    fit={"sample_weight": lambda: [sample_weights(), sample_weights()[::-1].copy()]},
)

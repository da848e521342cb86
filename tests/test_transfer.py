"""Transfer learning: frozen bases, fine-tuning, and features of frozen layers that are computed once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from kerastorch.applications import InceptionV3

import kerastorch as keras
from kerastorch.layers import (
    Add,
    BatchNormalization,
    Concatenate,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePooling2D,
    Input,
    Lambda,
    Rescaling,
)
from kerastorch.models import Model, Sequential
from kerastorch.optimizers import Adam
from kerastorch.preprocessing.image import ImageDataGenerator
from kerastorch.training import frozen_features
from network_tools import nested, small_base
from support import normal

X, Y = normal("pictures", (48, 32, 32, 3)), np.arange(48) % 4


def joined(base: Any, dropout: float = 0.0) -> Any:
    x = Dense(16, activation="relu")(Flatten()(base.output))
    return Model(base.input, Dense(4, activation="softmax")(Dropout(dropout)(x)))


def compiled(model: Any, rate: float = 1e-2) -> Any:
    model.compile(Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def weights_by_layer(model: Any) -> dict[str, list[np.ndarray]]:
    return {layer.name: layer.get_weights() for layer in model.layers if layer.weights}


def changed(before: dict[str, list[np.ndarray]], after: dict[str, list[np.ndarray]]) -> set[str]:
    """The layers of which some weight, statistics included, is not bit for bit what it was."""
    return {
        name
        for name, values in before.items()
        if any(not np.array_equal(a, b) for a, b in zip(values, after[name], strict=True))
    }


# --- as courses write it ---------------------------------------------------------------------------------------------


def test_the_program_of_the_course(capsys: pytest.CaptureFixture[str]) -> None:
    x_train, y_train = normal("x", (20, 84, 84, 3)), np.arange(20) % 10
    conv_base = InceptionV3(weights=None, include_top=False, input_shape=(84, 84, 3))
    for layer in conv_base.layers:
        layer.trainable = False
    conv_base.summary()
    assert "Trainable params: 0\n" in capsys.readouterr().out
    x = Flatten()(conv_base.output)
    x = Dense(1024, activation="relu")(x)
    x = Dropout(0.5)(x)
    out = Dense(10, activation="softmax")(x)
    model = Model(conv_base.input, out)
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    before = weights_by_layer(model)

    train_datagen = ImageDataGenerator(rotation_range=10, width_shift_range=0.1, horizontal_flip=True)
    flow = train_datagen.flow(x_train, y_train, batch_size=8)
    history = model.fit(flow, steps_per_epoch=len(x_train) / 8, epochs=2, verbose=1)
    assert "3/3 [==============================]" in capsys.readouterr().out
    assert len(history.history["loss"]) == 2
    assert changed(before, weights_by_layer(model)) == {layer.name for layer in model.layers if "dense" in layer.name}


@pytest.mark.parametrize("style", [joined, nested])
@pytest.mark.parametrize("cached", [False, "auto"])
def test_a_frozen_base_stays_bit_for_bit(style: Callable[[Any], Any], cached: Any) -> None:
    base = small_base()
    for layer in base.layers:
        layer.trainable = False
    before = [weight.copy() for weight in base.get_weights()]
    model = compiled(style(base))
    head = model.layers[-1].get_weights()
    model.fit(X[:40], Y[:40], batch_size=8, epochs=2, verbose=0, cache_features=cached)  # ten steps
    for mine, theirs in zip(base.get_weights(), before, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert not np.array_equal(model.layers[-1].get_weights()[0], head[0])


def test_a_frozen_base_builds_no_graph_of_gradients() -> None:
    base = small_base()
    base.trainable = False
    model, saved = compiled(joined(base)), []
    with torch.autograd.graph.saved_tensors_hooks(lambda tensor: saved.append(tensor.shape) or tensor, lambda t: t):
        model.train_on_batch(X[:8], Y[:8])
    assert saved and all(len(shape) < 4 or shape[1:3] == (1, 1) for shape in saved)
    assert base(torch.from_numpy(X[:2])).requires_grad is False


def test_slices_of_layers_are_frozen_and_thawed() -> None:
    base = InceptionV3(weights=None, include_top=False, input_shape=(75, 75, 3))
    for layer in base.layers[:249]:
        layer.trainable = False
    for layer in base.layers[249:]:
        layer.trainable = True
    names = {weight.name.split("/")[0] for weight in base.trainable_weights}
    assert names == {layer.name for layer in base.layers[249:] if layer.weights}
    # the two last blocks of Inception, as the guide of tf.keras trains them
    assert sum(weight.numel() for weight in base.trainable_weights) == 11_114_880


@pytest.mark.parametrize("style", [joined, nested])
def test_fine_tuning_after_unfreezing_the_last_block(style: Callable[[Any], Any]) -> None:
    base = small_base()
    base.trainable = False
    model = compiled(style(base))
    model.fit(X, Y, batch_size=16, epochs=2, verbose=0)
    base.trainable = True
    last = [place for place, layer in enumerate(base.layers) if layer.name.endswith("_13")][0]
    for layer in base.layers[:last]:
        layer.trainable = False
    before = weights_by_layer(base)
    model.fit(X, Y, batch_size=16, epochs=1, verbose=0)  # not compiled anew: still as it was
    assert changed(before, weights_by_layer(base)) == set()
    compiled(model, 1e-5).fit(X, Y, batch_size=16, epochs=2, verbose=0)
    assert changed(before, weights_by_layer(base)) == {layer.name for layer in base.layers[last:] if layer.weights}


# --- features that are computed once ---------------------------------------------------------------------------------


def both_ways(make: Callable[[], Any], *data: Any, **options: Any) -> tuple[Any, Any]:
    """The same training without and with kept features; the second must say that it keeps them."""
    models = []
    for cached in (False, True):
        keras.utils.set_random_seed(7)
        model = make()
        keras.utils.set_random_seed(8)
        model.fit(*data, verbose=0, cache_features=cached, **options)
        models.append(model)
    return models[0], models[1]


def assert_equal_training(first: Any, second: Any) -> None:
    assert first.history.history.keys() == second.history.history.keys()
    for name, values in first.history.history.items():
        np.testing.assert_allclose(second.history.history[name], values, rtol=2e-4, err_msg=name)
    for mine, theirs in zip(second.get_weights(), first.get_weights(), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=2e-3, atol=2e-5)


OPTIONS: dict[str, dict[str, Any]] = {
    "shuffled": {"epochs": 3, "batch_size": 10},
    "in order": {"epochs": 2, "batch_size": 16, "shuffle": False},
    "validation": {"epochs": 3, "batch_size": 16, "validation_data": (X[:20], Y[:20])},
    "split": {"epochs": 2, "batch_size": 16, "validation_split": 0.25},
    "class weights": {"epochs": 2, "batch_size": 16, "class_weight": {0: 1.0, 1: 2.0, 2: 0.5, 3: 1.5}},
    "sample weights": {"epochs": 2, "sample_weight": np.linspace(0.1, 2, 48)},
    "float steps": {"epochs": 4, "batch_size": 10, "steps_per_epoch": 48 / 16},
    "several steps at once": {"epochs": 2, "batch_size": 16, "initial_epoch": 1},
}


@pytest.mark.parametrize("name", OPTIONS)
def test_kept_features_change_nothing(name: str) -> None:
    def make() -> Any:
        base = small_base()
        base.trainable = False
        return compiled(joined(base, dropout=0.3), 1e-3)

    assert_equal_training(*both_ways(make, X, Y, **OPTIONS[name]))


def test_nested_and_partly_frozen_models_too() -> None:
    def frozen_base() -> Any:
        base = small_base()
        base.trainable = False
        return compiled(nested(base), 1e-3)

    def frozen_slice() -> Any:
        base = small_base()
        for layer in base.layers[:40]:
            layer.trainable = False
        return compiled(joined(base), 1e-4)

    for make in (frozen_base, frozen_slice):
        assert_equal_training(*both_ways(make, X, Y, epochs=2, batch_size=16))


def partly_frozen(count: int = 40) -> Any:
    base = small_base()
    for layer in base.layers[:count]:
        layer.trainable = False
    return base


@pytest.mark.parametrize("depth", [1, 2])
def test_a_model_inside_is_cut_where_its_frozen_layers_end(depth: int) -> None:
    def make() -> Any:
        base = partly_frozen()
        whole = nested(base) if depth == 1 else nested(Sequential([Input((32, 32, 3)), Rescaling(2.0), base]))
        whole.compile("sgd", "sparse_categorical_crossentropy")  # Adam enlarges what rounding leaves of a gradient
        return whole

    first, second = both_ways(make, X, Y, epochs=2, batch_size=16, validation_data=(X[:20], Y[:20]))
    assert_equal_training(first, second)
    part, base = second.frozen_part(), partly_frozen()
    assert part.count_layers() == 39 + (depth - 1)  # all but the input
    assert [shape for shape, _ in part.shapes] == [(None, *base.layers[39].output.shape[1:])]
    # nothing of it shows in the model: its layers are called where they were
    counts = [[len(layer._inbound_nodes) for layer in model._flatten_layers()] for model in (first, second)]
    assert counts[0] == counts[1]
    assert Sequential.from_config(second.get_config()).count_params() == second.count_params()


def test_models_inside_with_equal_names_and_in_inference_are_cut() -> None:
    def make(training: bool | None) -> Any:
        inputs = Input((32, 32, 3))
        inner = [Conv2D(4, 3, name="conv", trainable=False), Dropout(0.5), Conv2D(4, 3, name="last")]
        first = Sequential([Input((32, 32, 3)), *inner], name="first")
        second = Sequential([Input((28, 28, 4)), Conv2D(4, 3, name="conv"), GlobalAveragePooling2D()], name="second")
        return compiled(Model(inputs, Dense(4, activation="softmax")(second(first(inputs, training=training)))), 1e-3)

    first, second = both_ways(lambda: make(False), X, Y, epochs=2, batch_size=16)
    assert_equal_training(first, second)
    assert second.frozen_part().count_layers() == 2  # in inference Dropout passes its input on
    assert make(None).frozen_part().count_layers() == 1
    assert make(True).frozen_part().count_layers() == 1


def test_a_model_inside_that_adapts_its_inputs_stays_whole() -> None:
    base = partly_frozen()
    inputs = Input((32, 32, 3), dtype="float64")
    model = compiled(Model(inputs, Dense(4, activation="softmax")(GlobalAveragePooling2D()(base(inputs)))))
    with pytest.raises(ValueError, match="received a model that does not begin with frozen layers"):
        model.fit(X, Y, epochs=2, verbose=0, cache_features=True)


def test_several_inputs_shortcuts_and_recorded_functions() -> None:
    def make() -> Any:
        picture, extra = Input((32, 32, 3), name="picture"), Input((2,), name="extra")
        first = Conv2D(4, 3, padding="same", trainable=False)(Rescaling(0.5)(picture) / 2.0 - 1.0)
        second = Conv2D(4, 3, padding="same", activation="relu")(first)
        x = Concatenate()([GlobalAveragePooling2D()(Add()([first, second])), extra])
        return compiled(Model({"picture": picture, "extra": extra}, Dense(4, activation="softmax")(x)))

    data = {"picture": X, "extra": normal("extra", (48, 2))}
    first, second = both_ways(make, data, Y, epochs=2, batch_size=16)
    assert_equal_training(first, second)
    part = second.frozen_part()
    # the frozen convolution, and the input that goes past it
    assert [shape for shape, _ in part.shapes] == [(None, 32, 32, 4), (None, 2)]


def test_the_output_says_once_what_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    base = small_base()
    base.trainable = False
    model = compiled(joined(base))
    model.fit(X, Y, epochs=3, batch_size=16, validation_data=(X, Y))
    text = capsys.readouterr().out
    line = "The outputs of 86 frozen layers for 48 samples are computed once and kept in memory (0.0 MB):\n2/2 [==="
    assert text.count(line) == 1 and text.count("are computed once") == 1
    assert text.index("Epoch 1/3\n") < text.index(line) < text.index("Epoch 2/3\n")
    model.fit(X, Y, epochs=3, batch_size=16, verbose=0)
    assert capsys.readouterr().out == ""


def counting(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many features are computed, a number for each pass over the data."""
    passes: list[int] = []
    compute = frozen_features.FeatureSource._compute

    def counted(self: Any, x: Any) -> Any:
        passes.append(self.samples)
        return compute(self, x)

    monkeypatch.setattr(frozen_features.FeatureSource, "_compute", counted)
    return passes


def test_one_pass_over_each_data_set(monkeypatch: pytest.MonkeyPatch) -> None:
    passes, base = counting(monkeypatch), small_base()
    base.trainable = False
    model = compiled(nested(base))
    model.fit(X, Y, epochs=3, verbose=0, validation_data=(X[:10], Y[:10]))
    assert passes == [48, 10]
    model.fit(X, Y, epochs=1, verbose=0)  # one epoch has nothing to keep them for
    model.fit(X, Y, epochs=5, steps_per_epoch=1, batch_size=8, verbose=0)  # a pass over less than all
    assert passes == [48, 10]


def test_weights_that_change_meanwhile_count(monkeypatch: pytest.MonkeyPatch) -> None:
    passes = counting(monkeypatch)

    class Disturb(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            if epoch == 2:
                layer = self.model.get_layer("conv1")
                layer.set_weights([0.5 * layer.get_weights()[0]])

    def make() -> Any:
        base = small_base()
        base.trainable = False
        return compiled(joined(base), 1e-3)

    assert_equal_training(*both_ways(make, X, Y, epochs=4, batch_size=16, callbacks=[Disturb()]))
    assert passes == [48, 48]


def test_features_may_lie_in_a_file(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(frozen_features, "_memory", lambda: 1000.0)
    maps = []
    memmap = np.memmap
    monkeypatch.setattr(frozen_features.np, "memmap", lambda *args, **kw: maps.append(1) or memmap(*args, **kw))

    def make() -> Any:
        base = small_base()
        base.trainable = False
        return compiled(joined(base), 1e-3)

    assert_equal_training(*both_ways(make, X, Y, epochs=3, batch_size=16))
    assert maps == [1]
    make().fit(X, Y, epochs=2)
    assert "kept in a temporary file (0.0 MB)" in capsys.readouterr().out
    monkeypatch.setattr(frozen_features, "_disk", lambda: 1000.0)
    with pytest.raises(ValueError, match="received features of 0.0 MB, for which there is not enough room"):
        make().fit(X, Y, epochs=2, cache_features=True)
    make().fit(X, Y, epochs=2)
    assert "are computed once" not in capsys.readouterr().out


def test_features_far_larger_than_pictures_are_not_kept_in_a_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    inputs = Input((32, 32, 3))
    x = Conv2D(40, 1, trainable=False)(Conv2D(4, 1, trainable=False)(inputs))
    whole = compiled(Model(inputs, Dense(4, activation="softmax")(Flatten()(Conv2D(2, 3)(x)))))
    monkeypatch.setattr(frozen_features, "_memory", lambda: 1e6)
    whole.fit(X, Y, epochs=2)
    assert "are computed once" not in capsys.readouterr().out
    monkeypatch.setattr(frozen_features, "_memory", lambda: 1e9)
    whole.fit(X, Y, epochs=2)
    assert "kept in memory (7.9 MB)" in capsys.readouterr().out


class Tripled(keras.layers.Layer):
    def call(self, inputs: torch.Tensor) -> torch.Tensor:
        return 3 * inputs


class OwnStep(Model):
    def train_step(self, data: Any) -> Any:
        return super().train_step(data)


def front(*layers: Any, frozen: bool = True) -> Any:
    """A model whose frozen convolutions stand behind `layers`."""
    model = Sequential([Input((32, 32, 3)), *layers, Conv2D(2, 3), BatchNormalization(), Conv2D(2, 3)])
    for layer in model.layers[len(layers) :]:
        layer.trainable = not frozen
    model.add(GlobalAveragePooling2D())
    model.add(Dense(4, activation="softmax"))
    return model


def hooked() -> Any:
    model = front()
    model.register_forward_hook(lambda *args: None)
    return model


def own_step() -> Any:
    model = front()
    return OwnStep(model.input, model.output)


NOT_KEPT: dict[str, tuple[Callable[[], Any], str]] = {
    "trainable": (lambda: front(frozen=False), "a model that does not begin with frozen layers"),
    "dropout": (lambda: front(Dropout(0.1)), "a model that does not begin with frozen layers"),
    "lambda": (lambda: front(Lambda(lambda x: x + 1)), "a model that does not begin with frozen layers"),
    "code of others": (lambda: front(Tripled()), "a model that does not begin with frozen layers"),
    "noise": (lambda: front(keras.layers.GaussianNoise(0.1)), "a model that does not begin with frozen layers"),
    "hooks": (hooked, "a model with hooks or an activity regularizer"),
    "own step": (own_step, "a model with a step of training or a loss of its own"),
}


@pytest.mark.parametrize("name", NOT_KEPT)
def test_what_is_not_kept(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    make, reason = NOT_KEPT[name]
    model = compiled(make())
    with pytest.raises(ValueError, match=f"for cache_features=True; received {reason}. Pass cache_features='auto'"):
        model.fit(X, Y, epochs=2, verbose=0, cache_features=True)
    model.fit(X, Y, epochs=2)
    assert "are computed once" not in capsys.readouterr().out


def test_cache_features_takes_three_words() -> None:
    with pytest.raises(ValueError, match="expected cache_features to be 'auto', True or False; received cache_feature"):
        compiled(front()).fit(X, Y, cache_features="always")
    with pytest.raises(ValueError, match="received data that come batch by batch"):
        compiled(front()).fit(iter([(X, Y)]), epochs=2, steps_per_epoch=1, cache_features=True)


def test_what_is_random_in_the_graph_ends_the_frozen_part() -> None:
    inputs = Input((8, 8, 3))
    first = Conv2D(2, 3, trainable=False)(inputs)
    second = Conv2D(2, 3, trainable=False)(first + torch.rand_like(first))
    model = Model(inputs, Dense(1)(Flatten()(second)))
    assert [layer.name for layer in model.frozen_part().layers] == [first.node.layer.name]
    base = Model(inputs, BatchNormalization()(Dropout(0.5)(first)))
    base.trainable = False
    for training, kept in ((None, 1), (True, 1), (False, 4)):  # before the dropout, or all and Flatten
        whole = Input((8, 8, 3))
        outputs = Dense(1)(Flatten()(base(whole, training=training)))
        assert Model(whole, outputs).frozen_part().count_layers() == kept


class Pictures(keras.utils.Sequence):
    """Batches with weights for the samples, in the same order in each epoch."""

    def __len__(self) -> int:
        return 6

    def __getitem__(self, number: int) -> Any:
        part = slice(8 * number, 8 * number + 8)
        return X[part], Y[part], np.linspace(0.5, 1.5, 8)


STREAMS: dict[str, tuple[Callable[[], Any], dict[str, Any]]] = {
    "generator of pictures": (lambda: ImageDataGenerator().flow(X, Y, batch_size=8, seed=3), {"epochs": 2}),
    "sequence": (Pictures, {"epochs": 2, "validation_data": (X[:16], Y[:16])}),
    "pipeline": (lambda: keras.data.Dataset.from_tensor_slices((X, Y)).batch(8), {"epochs": 2}),
    "generator": (lambda: (Pictures()[step % 6] for step in range(12)), {"epochs": 2, "steps_per_epoch": 6}),
    "arrays that are seen once": (lambda: X, {"y": Y, "epochs": 1, "batch_size": 4}),
}


@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.parametrize("style", [joined, nested])
def test_frozen_layers_fold_where_their_features_are_not_kept(
    name: str, style: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    batches: list[int] = []
    through = frozen_features.StreamedSource._through
    monkeypatch.setattr(
        frozen_features.StreamedSource, "_through", lambda self, batch: batches.append(1) or through(self, batch)
    )
    make, options = STREAMS[name]
    models = []
    for cached in (False, "auto"):
        keras.utils.set_random_seed(7)
        base = small_base()
        base.trainable = False
        model = style(base)
        model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
        assert not batches
        model.fit(make(), verbose=0, cache_features=cached, **options)
        models.append(model)
    assert len(batches) == 12
    assert_equal_training(*models)


def test_few_steps_and_weights_that_change_where_features_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    part_of = type(compiled(joined(small_base())).frozen_part())
    beginning = part_of.beginning
    monkeypatch.setattr(part_of, "beginning", lambda self: made.append(1) or beginning(self))

    class Disturb(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            if batch == 3:
                layer = self.model.get_layer("conv1")
                layer.set_weights([0.5 * layer.get_weights()[0]])

    results = []
    for cached in (False, "auto"):
        base = small_base()
        base.trainable = False
        keras.utils.set_random_seed(7)
        model = joined(base)
        model.compile("sgd", "sparse_categorical_crossentropy")
        model.fit(Pictures(), epochs=1, verbose=0)  # too few steps for anything but the ordinary code
        assert not made
        model.fit(Pictures(), epochs=2, verbose=0, callbacks=[Disturb()], cache_features=cached)
        results.append(model)
    assert_equal_training(*results)
    assert len(made) == 3  # at the start, and after each change


def test_an_interrupted_training_goes_on_with_the_same_features(tmp_path: Path) -> None:
    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            if self.model.optimizer.iterations == 7:
                raise KeyboardInterrupt

    def make() -> Any:
        keras.utils.set_random_seed(3)
        base = small_base()
        base.trainable = False
        return compiled(joined(base, dropout=0.3))

    options = {"epochs": 4, "batch_size": 16, "verbose": 0}
    whole = make()
    whole.fit(X, Y, **options)
    backup = keras.callbacks.BackupAndRestore(tmp_path, save_freq=1)
    with pytest.raises(KeyboardInterrupt):
        make().fit(X, Y, callbacks=[backup, Stop()], **options)
    again = make()
    again.fit(X, Y, callbacks=[keras.callbacks.BackupAndRestore(tmp_path, save_freq=1)], **options)
    for mine, theirs in zip(again.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)

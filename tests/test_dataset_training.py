"""fit, evaluate, predict and adapt on a Dataset."""

from __future__ import annotations

import numpy as np
import pytest

import kerastorch as keras
from fit_tools import WIDTH, X, Y, regressor
from kerastorch.data import Dataset
from kerastorch.layers import Normalization

PAIRS = Dataset.from_tensor_slices((X, Y))


def test_fit_on_a_dataset_is_fit_on_its_arrays():
    arrays, dataset = regressor(), regressor()
    expected = arrays.fit(X, Y, batch_size=4, epochs=3, shuffle=False, verbose=0).history
    batches = PAIRS.map(lambda x, y: (x, y), num_parallel_calls=2).batch(4).prefetch(2)
    found = dataset.fit(batches, epochs=3, verbose=0, validation_data=PAIRS.batch(3)).history
    assert found["loss"] == pytest.approx(expected["loss"], rel=1e-6)
    assert found["val_loss"][-1] == pytest.approx(arrays.evaluate(X, Y, verbose=0)[0], rel=1e-5)
    assert dataset.evaluate(PAIRS.batch(4), verbose=0) == pytest.approx(arrays.evaluate(X, Y, verbose=0), rel=1e-5)
    for batches in (PAIRS.batch(4), PAIRS.map(lambda x, y: x).batch(4)):
        assert np.allclose(dataset.predict(batches, verbose=0), arrays.predict(X, verbose=0), atol=1e-6)


def test_dicts_weights_and_class_weights():
    inputs = {"a": keras.Input((WIDTH,), name="a"), "b": keras.Input((WIDTH,), name="b")}
    total = keras.layers.Dense(1)(keras.layers.Add()(list(inputs.values())))
    model = keras.Model(inputs, total)
    model.compile("sgd", "mse")
    rows = ({"a": X, "b": X}, Y[:, :1], np.ones(len(X), "float32"))
    history = model.fit(Dataset.from_tensor_slices(rows).batch(5), epochs=4, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]
    zero = model.evaluate(Dataset.from_tensor_slices((*rows[:2], np.zeros(len(X)))).batch(5), verbose=0)
    assert zero == 0


def test_steps_of_a_dataset_without_end():
    model = regressor(metrics=())
    history = model.fit(
        PAIRS.shuffle(10).batch(4).repeat(),
        steps_per_epoch=5,
        epochs=2,
        verbose=0,
        validation_data=PAIRS.batch(2).repeat(),
        validation_steps=2,
    ).history
    assert len(history["loss"]) == 2 and len(history["val_loss"]) == 2
    for call in (
        lambda: model.fit(PAIRS.batch(4).repeat(), verbose=0),
        lambda: model.evaluate(PAIRS.batch(4).repeat(), verbose=0),
        lambda: model.predict(PAIRS.batch(4).repeat(), verbose=0),
        lambda: model.fit(PAIRS.batch(4), validation_data=PAIRS.batch(4).repeat(), verbose=0),
    ):
        with pytest.raises(ValueError, match="x': expected the number of steps for a Dataset without an end"):
            call()


def test_epochs_shorter_than_the_data_go_on():
    seen = []
    batches = Dataset.range(6).map(
        lambda x: (seen.append(int(x)), (x.float().reshape(1, 1), x.float().reshape(1, 1)))[1]
    )
    model = keras.Sequential([keras.layers.Dense(1, input_shape=(1,))])
    model.compile("sgd", "mse")
    model.fit(batches, steps_per_epoch=2, epochs=3, verbose=0)
    assert seen == [0, 1, 2, 3, 4, 5]
    seen.clear()
    with pytest.warns(UserWarning, match="ran out of data; interrupting after 2 of 4 steps"):
        model.fit(batches, steps_per_epoch=4, epochs=3, verbose=0)
    seen.clear()
    model.fit(batches, steps_per_epoch=6, epochs=2, verbose=0)
    assert seen == 2 * [0, 1, 2, 3, 4, 5]


def test_the_bar_without_a_known_number(capsys):
    model = regressor(metrics=())
    model.fit(PAIRS.batch(4).filter(lambda x, y: True), epochs=2, verbose=2)
    printed = capsys.readouterr().out
    assert "3/Unknown" in printed or "3/3" in printed
    assert printed.count("3/3") >= 1


def test_what_goes_with_a_dataset():
    model = regressor()
    with pytest.warns(UserWarning, match=r"expected batch_size to be left out, .* received 8, which changes nothing"):
        model.fit(PAIRS.batch(4), batch_size=8, verbose=0)
    model.fit(X, Y, batch_size=8, validation_data=PAIRS.batch(4), verbose=0)  # of the arrays
    with pytest.raises(ValueError, match="expected y and sample_weight inside the batches of Dataset"):
        model.fit(PAIRS.batch(4), Y)
    with pytest.raises(ValueError, match="expected arrays or tensors with validation_split; received Dataset"):
        model.fit(PAIRS.batch(4), validation_split=0.2)
    with pytest.raises(ValueError, match="of batch 0: expected arrays of the same number of samples"):
        model.fit(PAIRS, verbose=0)  # single samples
    with pytest.raises(ValueError, match="expected at least one batch"):
        model.fit(PAIRS.take(0).batch(4), verbose=0)


def test_runs_repeat():
    def run():
        keras.utils.set_random_seed(3)
        model = regressor()
        return model.fit(PAIRS.shuffle(10).batch(3).prefetch(2), epochs=3, verbose=0).history["loss"]

    assert run() == run()


def test_training_goes_on_with_the_order_of_a_seeded_shuffle(tmp_path):
    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if self.model.optimizer.iterations == 6:
                raise KeyboardInterrupt

    def batches():
        return PAIRS.shuffle(10, seed=1).batch(3)

    whole = regressor()
    whole.fit(batches(), epochs=3, verbose=0)
    broken = regressor()
    backup = keras.callbacks.BackupAndRestore(tmp_path, save_freq=1)
    with pytest.raises(KeyboardInterrupt):
        broken.fit(batches(), epochs=3, verbose=0, callbacks=[backup, Stop()])
    resumed = regressor()
    resumed.fit(batches(), epochs=3, verbose=0, callbacks=[keras.callbacks.BackupAndRestore(tmp_path, save_freq=1)])
    assert all(np.array_equal(a, b) for a, b in zip(whole.get_weights(), resumed.get_weights(), strict=True))


def test_adapt_takes_a_dataset():
    layer = Normalization()
    layer.adapt(PAIRS.map(lambda x, y: x).batch(3))
    assert np.allclose(layer.mean.numpy().ravel(), X.mean(0), atol=1e-6)
    with pytest.raises(ValueError, match="expected batches of inputs alone; received 2 parts"):
        Normalization().adapt(PAIRS.batch(2))

"""Makes files of models that only tf.keras can make: functions of TensorFlow in the graph, and layers for cuDNN.

TF_USE_LEGACY_KERAS=1 python tests/golden/make_tensorflow_files.py
"""

from __future__ import annotations

import sys
import tempfile
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
import tf_keras as keras  # noqa: E402

from support import normal  # noqa: E402


def operations() -> keras.Model:
    first, second = keras.Input((4,), name="x"), keras.Input((4,), name="z")
    y = 2.0 * (first + 1) - second
    y = tf.nn.relu(y)[:, 1:3]
    y = tf.concat([y, tf.reduce_mean(y, axis=-1, keepdims=True)], axis=1)
    y = tf.sqrt((-tf.reshape(y, (-1, 3)) / 2.0) ** 2 + 1e-3)
    y = tf.matmul(y, tf.constant([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]))
    y = tf.squeeze(tf.expand_dims(y, 1), axis=1) * tf.cast(tf.shape(second)[0], tf.float32)
    y = tf.maximum(tf.transpose(tf.abs(y), (0, 1)), second[:, 0:2])
    one, two = tf.split(tf.nn.softmax(y, axis=-1), 2, axis=1)
    several = [tf.where(one > two, one, tf.stop_gradient(two)), tf.stack([one, two], axis=-1), tf.tile(one, (1, 3))]
    several += [tf.clip_by_value(y, 0.5, 2.0), tf.nn.gelu(y), tf.nn.leaky_relu(-y), tf.math.l2_normalize(y, axis=1)]
    several += [tf.gather(y, [1, 0], axis=1), tf.math.reduce_variance(y, axis=1), tf.argmax(y, axis=1), y[:, 0]]
    return keras.Model([first, second], several)


def cudnn() -> keras.Model:
    layers, older = keras.layers, tf.compat.v1.keras.layers
    inputs = keras.Input((5, 3))
    x = layers.Bidirectional(older.CuDNNLSTM(4, return_sequences=True), name="both")(inputs)
    model = keras.Model(inputs, layers.Dense(1, name="last")(older.CuDNNGRU(2, name="one")(x)))
    model.set_weights([normal(f"cudnn{i}", w.shape, scale=0.5) for i, w in enumerate(model.get_weights())])
    return model


def main() -> None:
    facts = {"x": normal("x", (3, 4)), "z": normal("z", (3, 4)), "sequence": normal("sequence", (2, 5, 3))}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = operations()
        model.save(folder / "operations.h5")
        model.save(folder / "operations.keras")
        outputs = model.predict([facts["x"], facts["z"]], verbose=0)
        facts.update({f"operations/{i}": output for i, output in enumerate(outputs)})
        model = cudnn()
        model.save(folder / "cudnn.h5")
        model.save_weights(folder / "cudnn.layers.h5")
        # the layer itself needs an NVIDIA GPU: its weights in a plain LSTM are what tf_keras makes of them
        layers, inputs = keras.layers, keras.Input((5, 3))
        x = layers.Bidirectional(layers.LSTM(4, return_sequences=True), name="both")(inputs)
        model = keras.Model(inputs, layers.Dense(1, name="last")(layers.GRU(2, name="one")(x)))
        model.load_weights(folder / "cudnn.layers.h5")
        facts["cudnn"] = model.predict(facts["sequence"], verbose=0)
        np.savez_compressed(folder / "facts.npz", **facts)
        with zipfile.ZipFile(HERE / "files" / "tensorflow.zip", "w") as archive:
            for path in sorted(folder.iterdir()):
                info = zipfile.ZipInfo(path.name, (2020, 1, 1, 0, 0, 0))
                archive.writestr(info, path.read_bytes(), zipfile.ZIP_DEFLATED)


if __name__ == "__main__":
    main()

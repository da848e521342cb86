"""A time series with an LSTM: how many sunspots will there be next year, after three centuries of them?

Run it: python examples/sunspots_lstm.py
In a clone without installing: python -m examples.sunspots_lstm

The numbers are statsmodels' (pip install statsmodels).
"""

import argparse

import numpy as np
from statsmodels.datasets import sunspots

import kerastorch as keras
from kerastorch import layers

LENGTH = 33  # years that the model looks back: three cycles of the sun

parser = argparse.ArgumentParser(description="Sunspots of the next year.")
parser.add_argument("--epochs", type=int, default=80)
args = parser.parse_args()

table = sunspots.load_pandas().data
years, spots = table["YEAR"].to_numpy().astype(int), table["SUNACTIVITY"].to_numpy().astype("float32")
split = int(0.75 * len(spots))  # the first years train, the last ones test
print(f"Data: sunspots of {years[0]} to {years[-1]}; trained on those before {years[split]}\n")
scaled = spots[:, None] / spots[:split].std()


def windows(series, shuffle=False):
    """Batches of LENGTH years, (batch, LENGTH, 1), each with the year after them."""
    return keras.utils.timeseries_dataset_from_array(
        series[:-1], series[LENGTH:], sequence_length=LENGTH, batch_size=16, shuffle=shuffle, seed=1
    )


training, test = windows(scaled[:split], shuffle=True), windows(scaled[split - LENGTH :])

keras.utils.set_random_seed(1)
model = keras.Sequential()
model.add(layers.LSTM(32, input_shape=(LENGTH, 1)))
model.add(layers.Dense(1))
model.summary()
model.compile(optimizer=keras.optimizers.Adam(5e-3), loss="mse", metrics=["mae"])
stop = keras.callbacks.EarlyStopping(patience=20, restore_best_weights=True)
history = model.fit(training, epochs=args.epochs, validation_data=test, callbacks=[stop], verbose=2)

predicted = model.predict(test, verbose=0)[:, 0] * spots[:split].std()
error = np.abs(predicted - spots[split:]).mean()
naive = np.abs(spots[split - 1 : -1] - spots[split:]).mean()
print(f"\nMean error on {len(predicted)} years: {error:.1f} spots; of 'as many as this year': {naive:.1f}")
for year, guess, truth in list(zip(years[split:], predicted, spots[split:]))[-5:]:
    print(f"{year}: {guess:5.1f} guessed, {truth:5.1f} counted")

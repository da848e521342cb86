"""A model of characters: it reads a text letter by letter, and then writes one of its own.

Run it: python examples/character_model.py [--text book.txt]
In a clone without installing: python -m examples.character_model

Without --text it reads the King James Bible where Debian's package bible-kjv is installed, else the chapters on the
language that come with Python.
"""

import argparse
import shutil
import subprocess
from pathlib import Path
from pydoc_data.topics import topics

import numpy as np

import kerastorch as keras
from kerastorch import layers
from kerastorch.data import AUTOTUNE, Dataset

LENGTH, BATCH = 100, 64

parser = argparse.ArgumentParser(description="Learn to write from a text.")
parser.add_argument("--text", type=Path, help="any text file in UTF-8")
parser.add_argument("--epochs", type=int, default=8)
parser.add_argument("--characters", type=int, default=300_000, help="how much of the text to read")
parser.add_argument("--units", type=int, default=192)
args = parser.parse_args()

if args.text:
    text, source = args.text.read_text(encoding="utf-8"), args.text.name
elif shutil.which("bible"):
    text = subprocess.run(["bible", "gen1:1-rev22:21"], check=True, capture_output=True, text=True).stdout
    source = "the King James Bible"
else:
    text, source = "\n\n".join(topics.values()), "Python's chapters on its language"
text = text[: args.characters]
letters = layers.StringLookup(vocabulary=sorted(set(text)))
numbers = letters(list(text))
print(f"Data: {len(text):,} characters of {source}, {letters.vocabulary_size()} different ones\n")

# windows of LENGTH + 1 characters: all but the last one are read, all but the first one are to be guessed
windows = Dataset.from_tensor_slices(numbers).batch(LENGTH + 1, drop_remainder=True)
pairs = windows.map(lambda window: (window[:-1], window[1:])).cache().shuffle(10_000, seed=1)
batches = pairs.batch(BATCH, drop_remainder=True).prefetch(AUTOTUNE)

keras.utils.set_random_seed(1)
model = keras.Sequential()
model.add(layers.Embedding(letters.vocabulary_size(), 32, input_length=LENGTH))
model.add(layers.GRU(args.units, return_sequences=True))
model.add(layers.Dense(letters.vocabulary_size()))
model.compile(
    optimizer=keras.optimizers.Adam(5e-3),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
history = model.fit(batches, epochs=args.epochs, verbose=2)


def write(beginning, count=200, temperature=0.5):
    """`beginning`, and what the model writes after it; a low temperature takes the likelier letters."""
    shown = letters.get_vocabulary()
    generator = np.random.default_rng(0)
    written = beginning
    for _ in range(count):
        read = written[-LENGTH:].rjust(LENGTH)
        scores = model.predict(letters(list(read))[None], verbose=0)[0, -1, 1:] / temperature  # never [UNK]
        chances = np.exp(scores - scores.max())
        written += shown[1 + generator.choice(len(chances), p=chances / chances.sum())]
    return written


beginning = text[: text.index(" ", 20)]
story = write(beginning)
print(f"\n{story}")

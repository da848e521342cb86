"""A text classifier: word numbers, an Embedding, the mean over the words, and dense layers.

Run it: python examples/text_classifier.py
In a clone without installing: python -m examples.text_classifier
"""

import argparse
import collections
import importlib
import inspect
import platform
import random
import re

import numpy as np

import kerastorch as keras
from kerastorch import layers

# Every Python ships its documentation, a small set of real texts: is a sentence about numbers or about files?
NUMBERS = ["math", "cmath", "random", "statistics", "decimal", "fractions", "numbers"]
FILES = ["os", "os.path", "shutil", "pathlib", "tempfile", "glob", "filecmp", "fileinput", "zipfile", "tarfile"]
VOCABULARY, LENGTH = 1000, 24

parser = argparse.ArgumentParser(description="Is a sentence about numbers or about files?")
parser.add_argument("--epochs", type=int, default=15)
args = parser.parse_args()


def words_of(sentence):
    return re.findall(r"[a-z]+", sentence.lower())


def sentences_of(modules):
    """The sentences of at least five words that document the modules, their classes and functions."""
    found = set()
    for module in map(importlib.import_module, modules):
        public = [getattr(module, name) for name in getattr(module, "__all__", dir(module)) if name[0] != "_"]
        methods = [value for item in public if inspect.isclass(item) for value in vars(item).values()]
        for text in map(inspect.getdoc, [module, *public, *methods]):
            found.update(" ".join(part.split()) for part in re.split(r"\n\n|(?<=[.!?])\s", text or ""))
    return sorted(sentence for sentence in found if len(words_of(sentence)) >= 5)


random.seed(0)
numbers, files = sentences_of(NUMBERS), sentences_of(FILES)
size = min(len(numbers), len(files))  # as many of one kind as of the other
samples = [(text, 0) for text in random.sample(numbers, size)] + [(text, 1) for text in random.sample(files, size)]
random.shuffle(samples)
train, test = samples[: int(0.8 * len(samples))], samples[int(0.8 * len(samples)) :]
print(f"Data: the documentation of modules that come with Python {platform.python_version()}:")
print(f"{len(train):,} training and {len(test):,} test sentences, half about numbers, half about files\n")

counts = collections.Counter(word for sentence, _ in train for word in words_of(sentence))
number_of = {word: number for number, (word, _) in enumerate(counts.most_common(VOCABULARY - 2), start=2)}


def encode(sentences):
    """Word numbers, (samples, LENGTH): 0 fills up short sentences, 1 stands for every rare word."""
    rows = np.zeros((len(sentences), LENGTH), dtype="int64")
    for row, sentence in zip(rows, sentences):
        found = [number_of.get(word, 1) for word in words_of(sentence)[:LENGTH]]
        row[: len(found)] = found
    return rows


x_train, y_train = encode([text for text, _ in train]), np.array([label for _, label in train])
x_test, y_test = encode([text for text, _ in test]), np.array([label for _, label in test])

keras.utils.set_random_seed(1)
model = keras.Sequential(
    [
        layers.Embedding(VOCABULARY, 16, mask_zero=True, input_length=LENGTH),
        layers.GlobalAveragePooling1D(),
        layers.Dense(16, activation="relu"),
        layers.Dense(1, activation="sigmoid"),
    ]
)
model.summary()
model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
model.fit(x_train, y_train, epochs=args.epochs, validation_data=(x_test, y_test), verbose=2)

questions = ["Return the square root of a positive value.", "Move the directory to another path on the disk."]
for question, (probability,) in zip(questions, model.predict(encode(questions), verbose=0)):
    print(f"{question} About {'files' if probability > 0.5 else 'numbers'}, {probability:.2f}")

"""A text classifier on data that every Python ships: is a sentence of its documentation on numbers or files?

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

NUMBERS = ["math", "cmath", "random", "statistics", "decimal", "fractions", "numbers"]
FILES = ["os", "os.path", "shutil", "pathlib", "tempfile", "glob", "fileinput", "zipfile", "tarfile"]
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
        names = getattr(module, "__all__", dir(module))
        public = [getattr(module, name) for name in names if name[0] != "_"]
        methods = [value for item in public if inspect.isclass(item) for value in vars(item).values()]
        for text in map(inspect.getdoc, [module, *public, *methods]):
            found.update(" ".join(part.split()) for part in re.split(r"\n\n|(?<=[.!?])\s", text or ""))
    return sorted(sentence for sentence in found if len(words_of(sentence)) >= 5)


random.seed(0)
numbers, files = sentences_of(NUMBERS), sentences_of(FILES)
size = min(len(numbers), len(files))  # as many of one kind as of the other
samples = [(text, 0) for text in random.sample(numbers, size)]
samples += [(text, 1) for text in random.sample(files, size)]
random.shuffle(samples)
texts, labels = [text for text, _ in samples], np.array([label for _, label in samples])
split = int(0.8 * len(texts))  # the first sentences train, the last fifth tests
print(f"Data: {len(texts)} sentences from the documentation that Python {platform.python_version()} ships\n")

counts = collections.Counter(word for text in texts[:split] for word in words_of(text))
number_of = {word: number for number, (word, _) in enumerate(counts.most_common(VOCABULARY - 2), start=2)}


def encode(sentences):
    """Word numbers, (samples, LENGTH): 0 fills up short sentences, 1 stands for every rare word."""
    rows = [[number_of.get(word, 1) for word in words_of(sentence)] for sentence in sentences]
    return np.array([(row + [0] * LENGTH)[:LENGTH] for row in rows])


x = encode(texts)
keras.utils.set_random_seed(1)
model = keras.Sequential()
model.add(layers.Embedding(VOCABULARY, 16, mask_zero=True, input_length=LENGTH))
model.add(layers.GlobalAveragePooling1D())  # over the words, without those that fill up
model.add(layers.Dense(16, activation="relu"))
model.add(layers.Dense(1, activation="sigmoid"))
model.summary()
model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
test = (x[split:], labels[split:])
model.fit(x[:split], labels[:split], epochs=args.epochs, validation_data=test, verbose=2)

for text in ["Return the square root of a value.", "Move the directory to another path."]:
    answer = model.predict(encode([text]), verbose=0)[0, 0]
    print(f"{text} About {'files' if answer > 0.5 else 'numbers'} ({answer:.2f}).")

"""Sequences of numbers: padding, pairs of words, and windows of time series."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence as Sized
from typing import Any

import numpy as np

from kerastorch.core.errors import describe
from kerastorch.core.sequence import Sequence


def pad_sequences(
    sequences: Any,
    maxlen: int | None = None,
    dtype: Any = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: Any = 0.0,
) -> np.ndarray:
    """Sequences of different lengths as one array (samples, maxlen, ...), filled with `value`.

    'pre' pads, or cuts off, at the beginning; 'post' at the end. Raises ValueError for what is no list of sequences.

    >>> pad_sequences([[1], [2, 3]])
    array([[0, 1],
           [2, 3]], dtype=int32)
    """
    for name, option in (("padding", padding), ("truncating", truncating)):
        if option not in ("pre", "post"):
            raise ValueError(f"pad_sequences: expected {name} to be 'pre' or 'post'; received {option!r}.")
    if not hasattr(sequences, "__len__"):
        raise ValueError(f"pad_sequences: expected a list of sequences; received {describe(sequences)}.")
    for position, row in enumerate(sequences):
        if not hasattr(row, "__len__"):
            raise ValueError(
                f"pad_sequences: expected a list of sequences; received {describe(row)} as element {position}. "
                "Put a single sequence into a list: [sequence]."
            )
    kind = np.dtype(dtype)
    if isinstance(value, str) and kind.kind not in "OSU":
        raise ValueError(
            f"pad_sequences: expected a number as value for dtype {kind}; received {value!r}. Pass dtype=object."
        )
    lengths = [len(row) for row in sequences]
    maxlen = max(lengths, default=0) if maxlen is None else maxlen
    shape = next((np.asarray(row).shape[1:] for row in sequences if len(row)), ())
    padded = np.full((len(lengths), maxlen, *shape), value, dtype=kind)
    for number, row in enumerate(sequences):
        if not len(row) or not maxlen:
            continue
        kept = np.asarray(row[-maxlen:] if truncating == "pre" else row[:maxlen], dtype=kind)
        if kept.shape[1:] != shape:
            raise ValueError(
                f"pad_sequences: expected steps of shape {shape}; received {kept.shape[1:]} in sequence {number}."
            )
        padded[number, slice(len(kept)) if padding == "post" else slice(-len(kept), None)] = kept
    return padded


def make_sampling_table(size: int, sampling_factor: float = 1e-5) -> np.ndarray:
    """The probability (size,) to keep the word of each rank, as word2vec samples, for words as frequent as Zipf says.

    >>> make_sampling_table(3).round(5)
    array([0.00315, 0.00315, 0.00548])
    """
    rank = np.arange(size)
    rank[0] = 1
    inverse_frequency = rank * (np.log(rank) + 0.577) + 0.5 - 1.0 / (12.0 * rank)
    share = sampling_factor * inverse_frequency
    return np.minimum(1.0, share / np.sqrt(share))


def skipgrams(
    sequence: Sized[int],
    vocabulary_size: int,
    window_size: int = 4,
    negative_samples: float = 1.0,
    shuffle: bool = True,
    categorical: bool = False,
    sampling_table: Any = None,
    seed: int | None = None,
) -> tuple[list[list[int]], list[Any]]:
    """Pairs of words that are near each other, with label 1, and of words and random ones, with label 0.

    Index 0 is no word. `negative_samples` is how many pairs of the second kind come to one of the first.
    `seed` orders the pairs; which ones are drawn follows from Python's generator.

    >>> skipgrams([1, 2, 3], 4, window_size=1, negative_samples=0, shuffle=False)
    ([[1, 2], [2, 1], [2, 3], [3, 2]], [1, 1, 1, 1])
    """
    couples = []
    for place, word in enumerate(sequence):
        if not word or (sampling_table is not None and sampling_table[word] < random.random()):
            continue
        for other in range(max(0, place - window_size), min(len(sequence), place + window_size + 1)):
            if other != place and sequence[other]:
                couples.append([word, sequence[other]])
    positive = len(couples)
    negative = int(positive * negative_samples) if negative_samples > 0 else 0
    if negative_samples > 0:
        words = [couple[0] for couple in couples]
        random.shuffle(words)
        couples += [
            [words[number % len(words)], random.randint(1, int(vocabulary_size - 1))] for number in range(negative)
        ]
    near, far = ([0, 1], [1, 0]) if categorical else (1, 0)
    labels = [near] * positive + [far] * negative
    if shuffle:
        seed = random.randint(0, int(10e6)) if seed is None else seed
        for items in (couples, labels):
            random.seed(seed)
            random.shuffle(items)
    return couples, labels


class TimeseriesGenerator(Sequence):
    """Batches of windows (batch, length / sampling_rate, ...) of a time series, each with the target behind it.

    Windows lie `stride` apart; the last step that counts is `end_index`. Raises ValueError for data and targets of
    different lengths, and where not one window fits.

    >>> generator = TimeseriesGenerator(np.arange(5), np.arange(5), length=3, batch_size=2)
    >>> generator[0]
    (array([[0, 1, 2],
           [1, 2, 3]]), array([3, 4]))
    """

    def __init__(
        self,
        data: Any,
        targets: Any,
        length: int,
        sampling_rate: int = 1,
        stride: int = 1,
        start_index: int = 0,
        end_index: int | None = None,
        shuffle: bool = False,
        reverse: bool = False,
        batch_size: int = 128,
    ) -> None:
        super().__init__()
        if len(data) != len(targets):
            raise ValueError(
                f"TimeseriesGenerator: expected data and targets of one length; received {len(data)} and "
                f"{len(targets)}. Each step has its target."
            )
        self.data, self.targets, self.length = data, targets, length
        self.sampling_rate, self.stride, self.batch_size = sampling_rate, stride, batch_size
        self.start_index = start_index + length
        self.end_index = len(data) - 1 if end_index is None else end_index
        self.shuffle, self.reverse = shuffle, reverse
        if self.start_index > self.end_index:
            raise ValueError(
                f"TimeseriesGenerator: expected start_index + length up to end_index; received {self.start_index} > "
                f"{self.end_index}. Make the windows shorter, or pass more data."
            )

    def __len__(self) -> int:
        covered = self.batch_size * self.stride
        return (self.end_index - self.start_index + covered) // covered

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        if self.shuffle:
            rows = np.random.randint(self.start_index, self.end_index + 1, size=self.batch_size)
        else:
            covered = self.batch_size * self.stride
            first = self.start_index + covered * index
            rows = np.arange(first, min(first + covered, self.end_index + 1), self.stride)
        samples = np.array([self.data[row - self.length : row : self.sampling_rate] for row in rows])
        targets = np.array([self.targets[row] for row in rows])
        return (samples[:, ::-1, ...] if self.reverse else samples), targets

    def get_config(self) -> dict[str, Any]:
        """The arguments, with data and targets as JSON texts; TypeError for data that JSON cannot hold."""
        plain = {
            name: value.tolist() if isinstance(value, np.ndarray) else value
            for name, value in (("data", self.data), ("targets", self.targets))
        }
        names = ("length", "sampling_rate", "stride", "start_index", "end_index", "shuffle", "reverse", "batch_size")
        return {name: json.dumps(value) for name, value in plain.items()} | {
            name: getattr(self, name) for name in names
        }

    def to_json(self, **kwargs: Any) -> str:
        """The arguments and data as a JSON text."""
        return json.dumps({"class_name": type(self).__name__, "config": self.get_config()}, **kwargs)

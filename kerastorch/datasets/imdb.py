"""IMDB: 50,000 film reviews as word ranks, each praise or blame."""

from __future__ import annotations

import json
import os
from typing import Any

import numpy as np

from kerastorch.datasets.arrays import Split, keras_file, shuffled_order
from kerastorch.datasets.plain_pickle import as_objects, load_npz
from kerastorch.datasets.word_sequences import cut_vocabulary, keep_short, mark, renamed_num_words

FILE_HASH = "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f"
WORD_INDEX_HASH = "bfafd718b763782e994055a2d397834f"


def load_data(
    path: str | os.PathLike[str] = "imdb.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int = 3,
    cache_dir: str | os.PathLike[str] | None = None,
    **kwargs: Any,
) -> Split:
    """IMDB as `(x_train, y_train), (x_test, y_test)`: 25,000 reviews each.

    x: objects, (review,), each a list of ints: `start_char`, then for each word its rank by frequency plus
    `index_from`, or `oov_char` (None: nothing) where that is not in [skip_top, num_words).
    y: int64, (review,), 1 for praise. Only reviews of fewer than `maxlen` entries are kept.
    Raises ValueError if that leaves none; FileNotFoundError without a local copy and a network.

    >>> (x_train, y_train), (x_test, y_test) = load_data(num_words=10000)  # doctest: +SKIP
    """
    num_words = renamed_num_words(num_words, kwargs)
    arrays = load_npz(keras_file(path, "imdb.npz", FILE_HASH, cache_dir))
    generator = np.random.RandomState(seed)
    parts = []
    for part in ("train", "test"):
        texts, labels = arrays[f"x_{part}"], arrays[f"y_{part}"]
        order = shuffled_order(len(texts), generator)
        parts.append(keep_short("imdb", mark(texts[order], start_char, index_from), labels[order], maxlen))
    (train, y_train), (test, y_test) = parts
    texts = as_objects(cut_vocabulary(train + test, num_words, skip_top, oov_char))
    return (texts[: len(train)], y_train), (texts[len(train) :], y_test)


def get_word_index(path: str | os.PathLike[str] = "imdb_word_index.json") -> dict[str, int]:
    """The rank of each word; in the reviews that `load_data` gives it stands for rank + `index_from`.

    Raises FileNotFoundError without a local copy and a network.

    >>> get_word_index()["the"]  # doctest: +SKIP
    1
    """
    found = keras_file(path, "imdb_word_index.json", WORD_INDEX_HASH, None)
    return json.loads(found.read_text(encoding="utf-8"))

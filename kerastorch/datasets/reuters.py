"""Reuters: 11,228 newswires as word ranks, on 46 topics."""

from __future__ import annotations

import json
import os
from typing import Any

import numpy as np

from kerastorch.datasets.arrays import Split, keras_file, shuffled_order
from kerastorch.datasets.plain_pickle import as_objects, load_npz
from kerastorch.datasets.word_sequences import cut_vocabulary, keep_short, mark, renamed_num_words

FILE_HASH = "d6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916"
WORD_INDEX_HASH = "4d44cc38712099c9e383dc6e5f11a921"


def load_data(
    path: str | os.PathLike[str] = "reuters.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    test_split: float = 0.2,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int = 3,
    cache_dir: str | os.PathLike[str] | None = None,
    **kwargs: Any,
) -> Split:
    """Reuters as `(x_train, y_train), (x_test, y_test)`, the last share `test_split` apart.

    x: objects, (newswire,), each a list of ints: `start_char`, then for each word its rank by frequency plus
    `index_from`, or `oov_char` (None: nothing) where that is not in [skip_top, num_words).
    y: int64, (newswire,), the topic, 0 to 45. Only newswires of fewer than `maxlen` entries are kept.
    Raises ValueError if that leaves none; FileNotFoundError without a local copy and a network.

    >>> (x_train, y_train), (x_test, y_test) = load_data(num_words=10000)  # doctest: +SKIP
    """
    num_words = renamed_num_words(num_words, kwargs)
    arrays = load_npz(keras_file(path, "reuters.npz", FILE_HASH, cache_dir))
    order = shuffled_order(len(arrays["x"]), np.random.RandomState(seed))
    texts, labels = mark(arrays["x"][order], start_char, index_from), arrays["y"][order]
    texts, labels = keep_short("reuters", texts, labels, maxlen)
    x = as_objects(cut_vocabulary(texts, num_words, skip_top, oov_char))
    first = int(len(x) * (1 - test_split))
    return (x[:first], labels[:first]), (x[first:], labels[first:])


def get_word_index(path: str | os.PathLike[str] = "reuters_word_index.json") -> dict[str, int]:
    """The rank of each word; in the newswires that `load_data` gives it stands for rank + `index_from`.

    Raises FileNotFoundError without a local copy and a network.

    >>> get_word_index()["the"]  # doctest: +SKIP
    1
    """
    found = keras_file(path, "reuters_word_index.json", WORD_INDEX_HASH, None)
    return json.loads(found.read_text(encoding="utf-8"))


def get_label_names() -> tuple[str, ...]:
    """The names of the 46 topics, in the order of the labels.

    >>> get_label_names()[3]
    'earn'
    """
    return TOPICS


TOPICS = tuple(
    """
    cocoa grain veg-oil earn acq wheat copper housing money-supply coffee sugar trade reserves ship cotton
    carcass crude nat-gas cpi money-fx interest gnp meal-feed alum oilseed gold tin strategic-metal livestock
    retail ipi iron-steel rubber heat jobs lei bop zinc orange pet-chem dlr gas silver wpi hog lead
    """.split()
)

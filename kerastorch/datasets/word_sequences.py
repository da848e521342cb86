"""What IMDB and Reuters share: texts as lists of word ranks, and how they become model input."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np


def renamed_num_words(num_words: int | None, others: dict[str, Any]) -> int | None:
    """`num_words`, or the value of its first name `nb_words`; TypeError for any other keyword."""
    unknown = sorted(set(others) - {"nb_words"})
    if unknown:
        raise TypeError(
            f"load_data: expected the arguments of its signature; received {', '.join(unknown)} too. Leave that out."
        )
    if "nb_words" not in others:
        return num_words
    warnings.warn("load_data: `nb_words` is now called `num_words`.", stacklevel=3)
    return others["nb_words"]


def mark(sequences: Sequence, start_char: int | None, index_from: int | None) -> list[list[int]]:
    """Each text with its ranks moved up by `index_from`, behind `start_char` if there is one."""
    if start_char is not None:
        return [[start_char, *(rank + index_from for rank in text)] for text in sequences]
    if index_from:
        return [[rank + index_from for rank in text] for text in sequences]
    return list(sequences)


def keep_short(
    name: str, sequences: list[list[int]], labels: np.ndarray, maxlen: int | None
) -> tuple[list[list[int]], np.ndarray]:
    """The texts of fewer than `maxlen` entries, with their labels; ValueError if none is left."""
    if not maxlen:
        return sequences, labels
    kept = [row for row, text in enumerate(sequences) if len(text) < maxlen]
    if not kept:
        raise ValueError(
            f"Dataset '{name}': expected a maxlen that keeps some texts; received {maxlen!r}, and each has "
            "at least that many entries. Pass a larger maxlen."
        )
    return [sequences[row] for row in kept], labels[kept]


def cut_vocabulary(
    sequences: list[list[int]], num_words: int | None, skip_top: int, oov_char: int | None
) -> list[list[int]]:
    """Each text with the entries outside [skip_top, num_words) replaced by `oov_char`; None drops them."""
    limit = num_words or max(max(text) for text in sequences)
    if oov_char is None:
        return [[entry for entry in text if skip_top <= entry < limit] for text in sequences]
    return [[entry if skip_top <= entry < limit else oov_char for entry in text] for text in sequences]

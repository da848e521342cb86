"""Texts as numbers: Tokenizer and the functions around it."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from kerastorch.core.errors import describe

FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'


def text_to_word_sequence(input_text: str, filters: str = FILTERS, lower: bool = True, split: str = " ") -> list[str]:
    """The words of a text, without the characters in `filters`.

    >>> text_to_word_sequence("To be, or not to be!")
    ['to', 'be', 'or', 'not', 'to', 'be']
    """
    if not isinstance(input_text, str):
        raise TypeError(
            f"text_to_word_sequence: expected a string; received {describe(input_text)}. Pass one text at a time."
        )
    text = input_text.lower() if lower else input_text
    words = text.translate(dict.fromkeys(map(ord, filters), split)).split(split)
    return [word for word in words if word]


def one_hot(
    input_text: str,
    n: int,
    filters: str = FILTERS,
    lower: bool = True,
    split: str = " ",
    analyzer: Callable[[str], Iterable[str]] | None = None,
) -> list[int]:
    """Each word's hash in [1, n), by Python's `hash`, which differs from run to run; see `hashing_trick`."""
    return hashing_trick(input_text, n, hash, filters, lower, split, analyzer)


def hashing_trick(
    text: str,
    n: int,
    hash_function: Callable[[str], int] | str | None = None,
    filters: str = FILTERS,
    lower: bool = True,
    split: str = " ",
    analyzer: Callable[[str], Iterable[str]] | None = None,
) -> list[int]:
    """Each word's hash in [1, n), by a function, 'md5', or Python's `hash`, which differs from run to run.

    Raises ValueError for an `n` without room for a word.

    >>> hashing_trick("to be or not to be", 100, "md5")
    [5, 66, 50, 12, 5, 66]
    """
    if n < 2:
        raise ValueError(f"hashing_trick: expected n of at least 2, as 0 stands for no word; received {n!r}.")
    function = {None: hash, "md5": _md5}.get(hash_function, hash_function) if not callable(hash_function) else None
    function = function or hash_function
    if not callable(function):
        raise ValueError(
            f"hashing_trick: expected hash_function to be 'md5' or a function; received {hash_function!r}."
        )
    words = text_to_word_sequence(text, filters, lower, split) if analyzer is None else analyzer(text)
    return [function(word) % (n - 1) + 1 for word in words]


def _md5(word: str) -> int:
    return int(hashlib.md5(word.encode(), usedforsecurity=False).hexdigest(), 16)


class Tokenizer:
    """Numbers words by their frequency: 1 is the most frequent, or `oov_token`; 0 stands for nothing.

    Texts are strings, or lists of tokens; `char_level` takes each character as a token. With `num_words`, only the
    `num_words - 1` most frequent ones are kept in sequences and matrices; the others are `oov_token`, or left out.

    >>> tokenizer = Tokenizer(oov_token="<OOV>")
    >>> tokenizer.fit_on_texts(["the cat", "the dog"])
    >>> tokenizer.texts_to_sequences(["the cat and the dog"])
    [[2, 3, 1, 2, 4]]
    """

    def __init__(
        self,
        num_words: int | None = None,
        filters: str = FILTERS,
        lower: bool = True,
        split: str = " ",
        char_level: bool = False,
        oov_token: str | None = None,
        analyzer: Callable[[str], Iterable[str]] | None = None,
        **kwargs: Any,
    ) -> None:
        if "nb_words" in kwargs:
            warnings.warn("Tokenizer: `nb_words` is called `num_words` today.", stacklevel=2)
            num_words = kwargs.pop("nb_words")
        self.document_count = kwargs.pop("document_count", 0)
        if kwargs:
            raise TypeError(f"Tokenizer: expected arguments that it knows; received {', '.join(sorted(kwargs))}.")
        self.num_words, self.filters, self.lower, self.split = num_words, filters, lower, split
        self.char_level, self.oov_token, self.analyzer = char_level, oov_token, analyzer
        self.word_counts: dict[str, int] = OrderedDict()
        self.word_docs: dict[str, int] = defaultdict(int)
        self.index_docs: dict[int, int] = defaultdict(int)
        self.word_index: dict[str, int] = {}
        self.index_word: dict[int, str] = {}

    def _tokens(self, text: Any) -> Sequence[str]:
        if isinstance(text, list):
            return [token.lower() for token in text] if self.lower else text
        if self.char_level:
            return text.lower() if self.lower else text
        if self.analyzer is not None:
            return list(self.analyzer(text))
        return text_to_word_sequence(text, self.filters, self.lower, self.split)

    def fit_on_texts(self, texts: Iterable[Any]) -> None:
        """Count the words of more texts, and number all words anew."""
        counts = Counter(self.word_counts)
        for text in _several(texts, "fit_on_texts"):
            self.document_count += 1
            tokens = Counter(self._tokens(text))
            counts.update(tokens)
            for word in tokens:
                self.word_docs[word] += 1
        self.word_counts = OrderedDict(counts)
        ordered = sorted(counts, key=counts.__getitem__, reverse=True)
        first = [] if self.oov_token is None else [self.oov_token]
        self.word_index = {word: number for number, word in enumerate([*first, *ordered], 1)}
        self.index_word = {number: word for word, number in self.word_index.items()}
        for word, count in self.word_docs.items():
            self.index_docs[self.word_index[word]] = count

    def fit_on_sequences(self, sequences: Sequence[Iterable[int]]) -> None:
        """Count in how many sequences each number occurs, for `sequences_to_matrix`."""
        self.document_count += len(sequences)
        for sequence in sequences:
            for number in set(sequence):
                self.index_docs[number] += 1

    def texts_to_sequences(self, texts: Iterable[Any]) -> list[list[int]]:
        """The numbers of the words of each text."""
        return list(self.texts_to_sequences_generator(texts))

    def texts_to_sequences_generator(self, texts: Iterable[Any]) -> Iterator[list[int]]:
        """The numbers of the words of one text after the other."""
        unknown = self.word_index.get(self.oov_token) if self.oov_token is not None else None
        limit = self.num_words or len(self.word_index) + 1
        known = {word: number if number < limit else unknown for word, number in self.word_index.items()}
        for text in _several(texts, "texts_to_sequences"):
            numbers = (known.get(token, unknown) for token in self._tokens(text))
            yield [number for number in numbers if number is not None]

    def sequences_to_texts(self, sequences: Iterable[Iterable[int]]) -> list[str]:
        """The words of each sequence, joined by spaces."""
        return list(self.sequences_to_texts_generator(sequences))

    def sequences_to_texts_generator(self, sequences: Iterable[Iterable[int]]) -> Iterator[str]:
        """The words of one sequence after the other, joined by spaces."""
        limit = self.num_words or len(self.index_word) + 1
        for sequence in sequences:
            words = (
                self.index_word.get(number) if number < limit or number not in self.index_word else self.oov_token
                for number in map(int, sequence)
            )
            words = (self.oov_token if word is None else word for word in words)
            yield " ".join(word for word in words if word is not None)

    def texts_to_matrix(self, texts: Iterable[Any], mode: str = "binary") -> np.ndarray:
        """As `sequences_to_matrix`, of texts."""
        return self.sequences_to_matrix(self.texts_to_sequences(texts), mode)

    def sequences_to_matrix(self, sequences: Sequence[Sequence[int]], mode: str = "binary") -> np.ndarray:
        """A row (num_words) a sequence: whether each word is there ('binary'), 'count', 'freq' or 'tfidf'.

        tfidf is (1 + log count) * log(1 + documents / (1 + documents with the word)).
        Raises ValueError for other modes, and before anything was counted.
        """
        if mode not in ("binary", "count", "freq", "tfidf"):
            raise ValueError(f"Tokenizer: expected mode to be 'binary', 'count', 'freq' or 'tfidf'; received {mode!r}.")
        if not self.num_words and not self.word_index:
            raise ValueError(
                "Tokenizer: expected num_words, or texts that were counted; received neither. Call "
                "fit_on_texts() first."
            )
        if mode == "tfidf" and not self.document_count:
            raise ValueError(
                "Tokenizer: expected documents that were counted, for mode='tfidf'; received none. "
                "Call fit_on_texts() or fit_on_sequences() first."
            )
        width = self.num_words or len(self.word_index) + 1
        matrix = np.zeros((len(sequences), width))
        for row, sequence in zip(matrix, sequences, strict=True):
            numbers = np.asarray(sequence, dtype=np.int64)
            counts = np.bincount(numbers[numbers < width], minlength=width)
            present = counts > 0
            if mode == "binary":
                row[present] = 1
            elif mode == "tfidf":
                documents = np.array([self.index_docs.get(number, 0) for number in np.flatnonzero(present).tolist()])
                row[present] = (1 + np.log(counts[present])) * np.log(1 + self.document_count / (1 + documents))
            else:
                row[:] = counts / len(sequence) if mode == "freq" and len(sequence) else counts
        return matrix

    def get_config(self) -> dict[str, Any]:
        """Arguments and counts; the counts as JSON texts."""
        counted = ("word_counts", "word_docs", "index_docs", "index_word", "word_index")
        own = ("num_words", "filters", "lower", "split", "char_level", "oov_token", "document_count")
        return {name: getattr(self, name) for name in own} | {name: json.dumps(getattr(self, name)) for name in counted}

    def to_json(self, **kwargs: Any) -> str:
        """The tokenizer as a JSON text, from which `tokenizer_from_json` makes it again."""
        return json.dumps({"class_name": type(self).__name__, "config": self.get_config()}, **kwargs)


def _several(texts: Iterable[Any], method: str) -> Iterable[Any]:
    if isinstance(texts, str):
        raise TypeError(
            f"Tokenizer: expected several texts for {method}(); received one string, each character of which would be "
            f"a text. Call {method}([text])."
        )
    return texts


def tokenizer_from_json(json_string: str) -> Tokenizer:
    """The Tokenizer that `to_json` has described; ValueError for any other text.

    >>> tokenizer_from_json(Tokenizer(num_words=5).to_json()).num_words
    5
    """
    try:
        config = dict(json.loads(json_string)["config"])
        counted = {
            name: json.loads(config.pop(name))
            for name in ("word_counts", "word_docs", "index_docs", "index_word", "word_index")
        }
        for name in ("index_docs", "index_word"):
            counted[name] = {int(number): value for number, value in counted[name].items()}
        tokenizer = Tokenizer(**config)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"tokenizer_from_json: expected what Tokenizer.to_json() returns; received {describe(json_string)} "
            f"({error})."
        ) from error
    for name, value in counted.items():
        setattr(tokenizer, name, value)
    tokenizer.word_counts = OrderedDict(counted["word_counts"])
    tokenizer.word_docs, tokenizer.index_docs = (defaultdict(int, counted[key]) for key in ("word_docs", "index_docs"))
    return tokenizer

"""Texts as sequences of word numbers, or as rows that say which words are there."""

from __future__ import annotations

import string
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from kerastorch.core.config import STRING, current_device, floatx, torch_dtype
from kerastorch.core.errors import describe, did_you_mean
from kerastorch.core.registry import custom_objects
from kerastorch.core.strings import StringTensor, as_strings
from kerastorch.engine.layer_config import serialize_value
from kerastorch.engine.symbolic import TensorSpec
from kerastorch.layers.preprocessing.categorical import AdaptingLayer
from kerastorch.layers.preprocessing.lookup import StringLookup

_PUNCTUATION = string.punctuation.encode()
_LOWER = bytes.maketrans(string.ascii_uppercase.encode(), string.ascii_lowercase.encode())
STANDARDS = ("lower_and_strip_punctuation", "lower", "strip_punctuation")
SPLITS = ("whitespace", "character")
MODES = ("int", "multi_hot", "count", "tf_idf")
_OLD_NAMES = {"binary": "multi_hot", "tf-idf": "tf_idf"}

Rows = Iterable[Sequence[bytes]]


class TextVectorization(AdaptingLayer):
    """Texts (batch,) or (batch, 1) as the numbers of their words (batch, length), or as rows (batch, vocabulary).

    Texts are put in lower case without punctuation (`standardize`), cut at white space (`split`), joined to `ngrams`,
    and looked up in a vocabulary that is given, or learnt by `adapt`: 0 is padding, 1 stands for unknown words.
    Functions for `standardize` and `split` get a tensor of strings; see `kerastorch.ops.strings`.
    Raises ValueError for options that do not go together.

    >>> layer = TextVectorization(vocabulary=["to", "be"])
    >>> layer(["To be!", "be or"]).tolist()
    [[2, 3], [3, 1]]
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        standardize: Any = "lower_and_strip_punctuation",
        split: Any = "whitespace",
        ngrams: Any = None,
        output_mode: str | None = "int",
        output_sequence_length: int | None = None,
        pad_to_max_tokens: bool = False,
        vocabulary: Any = None,
        idf_weights: Any = None,
        sparse: bool = False,
        ragged: bool = False,
        encoding: str = "utf-8",
        **kwargs: Any,
    ) -> None:
        known = {key: kwargs.pop(key) for key in ("has_input_vocabulary", "vocabulary_size") if key in kwargs}
        dtype = kwargs.pop("dtype", None)
        mode = _OLD_NAMES.get(output_mode, output_mode)
        super().__init__(**kwargs)
        self.set_policy("string")
        self._check(dtype, standardize, split, ngrams, mode, output_sequence_length, ragged)
        self.standardize, self.split = standardize, split
        self.ngrams = tuple(ngrams) if isinstance(ngrams, list) else ngrams
        self.output_mode, self.output_sequence_length = mode, output_sequence_length
        self.sparse, self.ragged, self.encoding = bool(sparse), False, encoding
        self._lookup_layer = StringLookup(
            max_tokens=max_tokens, mask_token="", vocabulary=vocabulary, idf_weights=idf_weights, encoding=encoding,
            output_mode=mode or "int", sparse=sparse, pad_to_max_tokens=pad_to_max_tokens, **known,
        )  # fmt: skip

    def _check(
        self, dtype: Any, standardize: Any, split: Any, ngrams: Any, mode: Any, length: Any, ragged: bool
    ) -> None:
        label = f"TextVectorization '{self.name}'"
        if dtype is not None and torch_dtype(getattr(dtype, "name", dtype)) is not STRING:
            raise ValueError(f"{label}: expected dtype 'string', that of its input; received {dtype!r}. Leave it out.")
        for name, value, names in (("standardize", standardize, STANDARDS), ("split", split, SPLITS)):
            if value is not None and not callable(value) and value not in names:
                raise ValueError(
                    f"{label}: expected {name} to be one of {names}, None or a function; received {value!r}. "
                    f"{did_you_mean(str(value), names)}"
                )
        if mode is not None and mode not in MODES:
            raise ValueError(
                f"{label}: expected output_mode to be one of {MODES} or None; received {mode!r}. "
                f"{did_you_mean(str(mode), MODES)}"
            )
        several = isinstance(ngrams, tuple | list) and all(isinstance(size, int) for size in ngrams)
        if ngrams is not None and not several and not isinstance(ngrams, int):
            raise ValueError(f"{label}: expected ngrams as an integer, or a tuple of them; received {ngrams!r}.")
        if length is not None and (mode != "int" or not isinstance(length, int) or length < 1):
            raise ValueError(
                f"{label}: expected output_sequence_length as a positive integer, with output_mode='int' alone; "
                f"received {length!r} and output_mode={mode!r}."
            )
        if ragged:
            raise ValueError(
                f"{label}: expected ragged=False, as torch has no ragged tensors; received True. Sequences are padded "
                "with 0, which Embedding(mask_zero=True) masks."
            )

    @property
    def max_tokens(self) -> int | None:
        return self._lookup_layer.max_tokens

    @property
    def pad_to_max_tokens(self) -> bool:
        return self._lookup_layer.pad_to_max_tokens

    # --- shapes ---------------------------------------------------------------------------------------------------

    def compute_output_shape(self, input_shape: Any) -> Any:
        if self.output_mode in ("int", None):
            return (input_shape[0], self.output_sequence_length)
        return (input_shape[0], self._lookup_layer.depth())

    def compute_output_spec(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        self._lookup_layer.require_vocabulary()
        dtypes = {"int": torch.int64, None: STRING}
        dtype = dtypes.get(self.output_mode, torch_dtype(floatx()))
        return TensorSpec(tuple(self.compute_output_shape(inputs.shape)), dtype)

    # --- the vocabulary -------------------------------------------------------------------------------------------

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[str]:
        """The words in the order of their numbers, with '' for padding and '[UNK]' for unknown ones in front."""
        return self._lookup_layer.get_vocabulary(include_special_tokens)

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Take a vocabulary: a list, an array, or the path of a file with a word a line; see `StringLookup`."""
        self._lookup_layer.set_vocabulary(vocabulary, idf_weights)

    def vocabulary_size(self) -> int:
        """The number of words, those for padding and unknown ones included."""
        return self._lookup_layer.vocabulary_size()

    def vocab_size(self) -> int:
        """What `vocabulary_size` was called first."""
        return self.vocabulary_size()

    def adapt(self, data: Any, batch_size: int | None = None, steps: int | None = None) -> None:
        """Learn the vocabulary from texts: an array, a list, or a Dataset of texts, single or in batches.

        The most frequent words come first, of equally frequent ones the last in order; `max_tokens` cuts the rest off.
        """
        super().adapt(data, batch_size, steps)

    def reset_state(self) -> None:
        self._lookup_layer.reset_state()

    def update_state(self, data: Any) -> None:
        self._lookup_layer.require_adaptable()
        self._lookup_layer.count_rows(self._rows(self._texts(data)))

    def finalize_state(self) -> None:
        self._lookup_layer.finalize_state()

    # --- from texts to numbers ------------------------------------------------------------------------------------

    def _texts(self, inputs: Any) -> StringTensor:
        texts = self._as_values(inputs)
        if not isinstance(texts, StringTensor):
            raise TypeError(f"TextVectorization '{self.name}': expected strings; received {describe(inputs)}.")
        return texts

    def _rows(self, texts: StringTensor) -> Rows:
        """The tokens of one text after the other: those of all at once would take much memory."""
        if self.split is not None and texts.dim() > 1:
            if texts.shape[-1] != 1:
                raise ValueError(
                    f"TextVectorization '{self.name}': expected texts of shape (batch,) or (batch, 1); received shape "
                    f"{tuple(texts.shape)}. Join the texts of a sample, or pass split=None for tokens."
                )
            texts = texts.squeeze(-1)
        if self.split == "whitespace" and self.standardize == "lower_and_strip_punctuation":
            rows: Rows = (text.translate(_LOWER, _PUNCTUATION).split() for text in texts.values.ravel())
        else:
            rows = self._split_rows(self._standardized(texts))
        return rows if self.ngrams is None else (self._joined(row) for row in rows)

    def _standardized(self, texts: StringTensor) -> StringTensor:
        if callable(self.standardize):
            return as_strings(self.standardize(texts))
        if self.standardize in ("lower", "lower_and_strip_punctuation"):
            texts = texts.map(bytes.lower)
        if self.standardize in ("strip_punctuation", "lower_and_strip_punctuation"):
            texts = texts.map(lambda text: text.translate(None, _PUNCTUATION))
        return texts

    def _split_rows(self, texts: StringTensor) -> Rows:
        values = texts.values
        if self.split is None:
            return [[text] for text in values.ravel()] if values.ndim < 2 else values.reshape(-1, values.shape[-1])
        if self.split == "whitespace":
            return [text.split() for text in values.ravel()]
        if self.split == "character":
            return [[one.encode() for one in text.decode("utf-8", "replace")] for text in values.ravel()]
        return [list(as_strings(row).values) if len(row) else [] for row in self.split(texts)]

    def _joined(self, row: Sequence[bytes]) -> list[bytes]:
        sizes = range(1, self.ngrams + 1) if isinstance(self.ngrams, int) else self.ngrams
        return [b" ".join(row[start : start + size]) for size in sizes for start in range(len(row) - size + 1)]

    def call(self, inputs: Any) -> Any:
        texts = self._texts(inputs)
        shape = tuple(texts.shape)
        rows = self._rows(texts)
        if self.output_mode is None:
            return [as_strings(list(row)) if len(row) else StringTensor(np.empty(0, dtype=object)) for row in rows]
        self._lookup_layer.require_vocabulary()
        single = not shape
        whole = self.split is None and len(shape) < 2  # tokens, not texts: they stay in their places
        length = self.output_sequence_length
        if self.output_mode == "int" and length is not None and not whole:
            rows = (row[:length] for row in rows)
        places = self._lookup_layer.places
        numbers = [places(row) for row in rows]
        if whole:
            found = torch.as_tensor(np.concatenate([[], *numbers]).astype(np.int64), device=current_device())
            found = found.reshape(shape)
            return self._lookup_layer.encode(found) if self.output_mode != "int" else self._cut(found)
        width = length if self.output_mode == "int" and length is not None else max(map(len, numbers), default=0)
        table = np.full((len(numbers), width), 0 if self.output_mode == "int" else -1, dtype=np.int64)
        for row, found in zip(table, numbers, strict=True):
            row[: len(found)] = found
        encoded = torch.as_tensor(table, device=current_device())
        if single:
            encoded = encoded[0]
        return encoded if self.output_mode == "int" else self._lookup_layer.encode(encoded)

    def _cut(self, places: torch.Tensor) -> torch.Tensor:
        length = self.output_sequence_length
        if length is None:
            return places
        return torch.nn.functional.pad(places[..., :length], (0, max(0, length - places.shape[-1])))

    # --- files ----------------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        inner = self._lookup_layer.get_config()
        learnt = {key: inner[key] for key in ("vocabulary", "idf_weights")}
        own = {"standardize": serialize_value(self.standardize), "split": serialize_value(self.split)}
        return {**super().get_config(), **own, **learnt, "vocabulary_size": self.vocabulary_size()}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> TextVectorization:
        found = {
            key: _function_of(config.get(key), names, key)
            for key, names in (("standardize", STANDARDS), ("split", SPLITS))
            if key in config
        }
        return cls(**{**config, **found})

    def get_weights(self) -> list[np.ndarray]:
        """The learnt vocabulary, as Keras gives it out."""
        return self._lookup_layer.get_weights()

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Take what `get_weights` has given out."""
        self._lookup_layer.set_weights(weights)

    def save_own_variables(self, store: dict[str, Any]) -> None:
        self._lookup_layer.save_own_variables(store)

    def load_own_variables(self, store: Mapping[str, Any]) -> None:
        self._lookup_layer.load_own_variables(store)

    def load_vocabulary(self, text: str) -> None:
        """Take the vocabulary that tf_keras and Keras 3 keep beside the weights."""
        self._lookup_layer.load_vocabulary(text)


def _function_of(value: Any, names: Iterable[str], key: str) -> Any:
    """A function of the caller's own that a config names."""
    if value is None or callable(value) or value in names:
        return value
    name = value.get("registered_name") or value.get("config") if isinstance(value, Mapping) else value
    found: Callable[..., Any] | None = custom_objects.get(name) if isinstance(name, str) else None
    if found is None:
        raise ValueError(
            f"TextVectorization: expected the function {name!r} for {key} in custom_objects; received none. Pass "
            f"custom_objects={{{name!r}: function}}, or decorate it with register_keras_serializable()."
        )
    return found

"""Strings or integers by their place in a vocabulary, and back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import numpy as np
import torch

from kerastorch.core.config import STRING, current_device
from kerastorch.core.errors import describe
from kerastorch.core.strings import StringTensor, as_strings
from kerastorch.engine.layer_config import serialize_value
from kerastorch.layers.preprocessing.categorical import AdaptingLayer
from kerastorch.ops.hashing import to_buckets


class IndexLookup(AdaptingLayer):
    """Base of lookups: tokens to places, `num_oov_indices` places for unknown ones, and 0 for `mask_token`.

    The vocabulary is given, read from a file with a token a line, or learnt by `adapt`: the most frequent come first.
    """

    def __init__(
        self,
        max_tokens: int | None,
        num_oov_indices: int,
        mask_token: Any,
        oov_token: Any,
        vocabulary: Any,
        idf_weights: Any,
        invert: bool,
        output_mode: str,
        sparse: bool,
        pad_to_max_tokens: bool,
        **kwargs: Any,
    ) -> None:
        given = kwargs.pop("has_input_vocabulary", None)
        size = kwargs.pop("vocabulary_size", None)
        super().__init__(output_mode=output_mode, sparse=sparse, **kwargs)
        self._check_options(max_tokens, num_oov_indices, invert, idf_weights, pad_to_max_tokens)
        self.max_tokens, self.num_oov_indices = max_tokens, num_oov_indices
        self.mask_token, self.oov_token = mask_token, oov_token
        self.invert, self.pad_to_max_tokens = bool(invert), bool(pad_to_max_tokens)
        self.__dict__.update(_tokens=[], _table={}, _idf=None, _counts=Counter(), _documents=Counter(), _seen=0)
        # of a config whose words come later, from beside it
        self.__dict__.update(_given=None, _expected_size=size if size and size > self._token_start() else None)
        self.__dict__["_is_fixed"] = vocabulary is not None if given is None else bool(given)
        if vocabulary is not None:
            self.set_vocabulary(vocabulary, idf_weights)
            if not isinstance(vocabulary, str | Path):  # of a file, the words are written into configs, not the path
                self.__dict__["_given"] = (np.asarray(vocabulary).tolist(), idf_weights)

    def _check_options(self, max_tokens: Any, num_oov_indices: Any, invert: Any, idf_weights: Any, pads: Any) -> None:
        label = f"{type(self).__name__} '{self.name}'"
        if max_tokens is not None and max_tokens <= 1:
            raise ValueError(f"{label}: expected max_tokens above 1, or None; received {max_tokens!r}.")
        if num_oov_indices < 0:
            raise ValueError(f"{label}: expected num_oov_indices of at least 0; received {num_oov_indices!r}.")
        if invert and self.output_mode != "int":
            raise ValueError(f"{label}: expected output_mode='int' with invert=True; received {self.output_mode!r}.")
        if invert and num_oov_indices > 1:
            raise ValueError(f"{label}: expected num_oov_indices of 1 with invert=True; received {num_oov_indices!r}.")
        if idf_weights is not None and self.output_mode != "tf_idf":
            raise ValueError(
                f"{label}: expected idf_weights with output_mode='tf_idf' alone; received output_mode="
                f"{self.output_mode!r}."
            )
        if pads and max_tokens is None:
            raise ValueError(f"{label}: expected max_tokens with pad_to_max_tokens=True; received None.")

    # --- kinds of tokens ------------------------------------------------------------------------------------------

    def _plain(self, token: Any) -> Any:
        """A token as it is kept: bytes or int."""
        raise NotImplementedError

    def _shown(self, token: Any) -> Any:
        """A token as users see it."""
        raise NotImplementedError

    def _flat(self, values: torch.Tensor) -> Iterable[Any]:
        """The tokens of a tensor, one after the other."""
        raise NotImplementedError

    # --- the vocabulary -------------------------------------------------------------------------------------------

    def _oov_start(self) -> int:
        return int(self.mask_token is not None and self.output_mode == "int")

    def _token_start(self) -> int:
        return self._oov_start() + self.num_oov_indices

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[Any]:
        """The tokens in the order of their places; without the special ones, only those that were given or learnt."""
        tokens = [self._shown(token) for token in self._tokens]
        if not include_special_tokens:
            return tokens
        return [self.mask_token] * self._oov_start() + [self.oov_token] * self.num_oov_indices + tokens

    def vocabulary_size(self) -> int:
        """The number of places, those of special tokens included."""
        return self._token_start() + len(self._tokens)

    def vocab_size(self) -> int:
        """What `vocabulary_size` was called first."""
        return self.vocabulary_size()

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Take a vocabulary: a list, an array, or the path of a file with a token a line.

        Special tokens may stand at its start, in their order. With 'tf_idf', `idf_weights` has a weight a token.
        Raises ValueError for repeated or special tokens among the others, and for more than `max_tokens`.
        """
        label = f"{type(self).__name__} '{self.name}'"
        if (idf_weights is None) == (self.output_mode == "tf_idf"):
            raise ValueError(
                f"{label}: expected idf_weights exactly with output_mode='tf_idf'; received idf_weights="
                f"{idf_weights!r} and output_mode={self.output_mode!r}."
            )
        listed = self._read(vocabulary, label)
        special = [self.mask_token] * self._oov_start() + [self.oov_token] * self.num_oov_indices
        special = [None if token is None else self._plain(token) for token in special]
        complete = bool(special) and listed[: len(special)] == special
        tokens = listed[len(special) :] if complete else listed
        self._check_tokens(tokens, listed, label)
        self._set_tokens(tokens)
        if self.output_mode == "tf_idf" and idf_weights is not False:
            self._set_given_weights(np.asarray(idf_weights, dtype="float64"), len(listed), complete, label)

    def _read(self, vocabulary: Any, label: str) -> list[Any]:
        if isinstance(vocabulary, str | Path):
            path = Path(vocabulary)
            if not path.is_file():
                raise ValueError(f"{label}: expected a vocabulary file; received {str(path)!r}, which does not exist.")
            vocabulary = path.read_text(encoding="utf-8").splitlines()
        if isinstance(vocabulary, torch.Tensor):
            vocabulary = vocabulary.tolist()
        listed = [self._plain(token) for token in vocabulary]
        if not listed:
            raise ValueError(f"{label}: expected a vocabulary with tokens; received {vocabulary!r}.")
        return listed

    def _check_tokens(self, tokens: Sequence[Any], listed: Sequence[Any], label: str) -> None:
        if len(set(tokens)) < len(tokens):
            repeated = [self._shown(token) for token, count in Counter(tokens).items() if count > 1]
            raise ValueError(f"{label}: expected different tokens; received {repeated[:5]} more than once.")
        reserved = {"mask_token": self.mask_token, "oov_token": self.oov_token if self.invert else None}
        for name, token in reserved.items():
            if token is not None and self._plain(token) in set(tokens):
                raise ValueError(
                    f"{label}: expected {name}={token!r} at the start of the vocabulary, before the other tokens, or "
                    f"not at all; received it as token {list(listed).index(self._plain(token))}."
                )
        size = self._token_start() + len(tokens)
        if self.max_tokens is not None and size > self.max_tokens:
            raise ValueError(
                f"{label}: expected at most max_tokens={self.max_tokens} tokens with the special ones; received {size}."
            )

    def _set_tokens(self, tokens: Sequence[Any]) -> None:
        start = self._token_start()
        table = {token: place for place, token in enumerate(tokens, start)}
        if self.mask_token is not None:
            table[self._plain(self.mask_token)] = 0 if self.output_mode == "int" else _DROPPED
        self.__dict__.update(_tokens=list(tokens), _table=table, _given=None)
        if self.invert:
            shown = [self._plain(token) for token in self.get_vocabulary()]
            self.__dict__["_shown_tokens"] = shown

    def _set_given_weights(self, weights: np.ndarray, listed: int, complete: bool, label: str) -> None:
        if weights.ndim != 1 or len(weights) != listed:
            raise ValueError(
                f"{label}: expected idf_weights with one weight for each of {listed} tokens; received shape "
                f"{weights.shape}."
            )
        front = [] if complete else [weights.mean()] * self._token_start()
        self._set_weights(np.concatenate([front, weights]))

    def _set_weights(self, weights: np.ndarray) -> None:
        self.__dict__["_idf"] = np.asarray(weights, dtype="float32")

    @property
    def idf_weights(self) -> torch.Tensor | None:
        """The weight of each place in 'tf_idf', padded to `depth`."""
        if self._idf is None:
            return None
        weights = np.pad(self._idf, (0, max(0, (self.depth() or 0) - len(self._idf))))
        return torch.as_tensor(weights, dtype=self._dtype, device=current_device())

    def depth(self) -> int | None:
        if self.pad_to_max_tokens:
            return self.max_tokens
        return self.vocabulary_size() if self._tokens else self._expected_size

    # --- adapt ----------------------------------------------------------------------------------------------------

    def adapt(self, data: Any, batch_size: int | None = None, steps: int | None = None) -> None:
        """Learn the vocabulary from `data`: an array, a list, or a Dataset or other iterable of batches.

        The most frequent tokens come first, of equally frequent ones the last in order; `max_tokens` cuts the rest
        off. Raises ValueError for a layer that was made with a vocabulary.
        """
        self.require_adaptable()
        super().adapt(data, batch_size, steps)

    def require_adaptable(self) -> None:
        if self._is_fixed:
            raise ValueError(
                f"{type(self).__name__} '{self.name}': expected a layer without a given vocabulary; received one made "
                "with it. Leave out `vocabulary` to adapt the layer."
            )

    def reset_state(self) -> None:
        self.__dict__.update(_counts=Counter(), _documents=Counter(), _seen=0)

    def update_state(self, data: Any) -> None:
        """Count the tokens of one more batch; its rows are documents."""
        self.require_adaptable()
        values = self._as_values(data)
        rows = values.reshape(1, -1) if values.dim() < 2 else values
        self.count_rows([list(self._flat(row)) for row in rows] if self.output_mode == "tf_idf" else [self._flat(rows)])

    def count_rows(self, rows: Iterable[Sequence[Any]]) -> None:
        """Count tokens; with 'tf_idf', also in how many rows each one is."""
        if self.output_mode != "tf_idf":
            self._counts.update(chain.from_iterable(rows))
            return
        for row in rows:
            self._counts.update(row)
            self._documents.update(set(row))
            self.__dict__["_seen"] += 1

    def finalize_state(self) -> None:
        if not self._counts:
            return
        for token in (self.mask_token, self.oov_token):
            if token is not None:
                self._counts.pop(self._plain(token), None)
        ordered = sorted(self._counts.items(), key=lambda item: (item[1], item[0]), reverse=True)
        tokens = [token for token, _ in ordered]
        if self.max_tokens:
            tokens = tokens[: max(self.max_tokens - self._token_start(), 0)]
        self._set_tokens(tokens)
        if self.output_mode == "tf_idf":
            documents = np.array([self._documents[token] for token in tokens], dtype="float64")
            weights = np.log(1 + self._seen / (1 + documents)).astype("float32")
            self._set_weights(np.concatenate([[weights.mean()] * self._token_start(), weights]))
        self.reset_state()

    # --- lookups --------------------------------------------------------------------------------------------------

    def places(self, tokens: Sequence[Any]) -> np.ndarray:
        """The places of tokens, in one axis: unknown ones among the places for them."""
        unknown = self._oov_start() if self.num_oov_indices == 1 else -1
        found = np.fromiter(map(self._table.get, tokens, repeat(unknown)), dtype=np.int64, count=len(tokens))
        if unknown < 0:
            self._place_unknown(found, tokens)
        return found

    def _place_unknown(self, found: np.ndarray, tokens: Sequence[Any]) -> None:
        missing = np.flatnonzero(found == -1)
        if not len(missing):
            return
        words = [tokens[place] for place in missing]
        if self.num_oov_indices == 0:
            raise ValueError(
                f"{type(self).__name__} '{self.name}': expected tokens of the vocabulary, as num_oov_indices=0; "
                f"received {[self._shown(word) for word in words[:5]]}. Set num_oov_indices=1."
            )
        found[missing] = self._buckets(words) + self._oov_start()

    def _buckets(self, tokens: Sequence[Any]) -> np.ndarray:
        raise NotImplementedError

    def call(self, inputs: Any) -> torch.Tensor:
        if self.invert:
            return self._inverse(inputs)
        self.require_vocabulary()
        values = self._as_values(inputs)
        tokens = list(self._flat(values))
        places = self.places(tokens).reshape(tuple(values.shape))
        return self.encode(torch.as_tensor(places, device=current_device()))

    def require_vocabulary(self) -> None:
        """Raise ValueError where the size of the output depends on a vocabulary that is not there."""
        if self.output_mode != "int" and self.depth() is None:
            raise ValueError(
                f"{type(self).__name__} '{self.name}': expected a vocabulary with output_mode={self.output_mode!r}; "
                "received none. Call adapt() on data, or pass `vocabulary`."
            )

    def _inverse(self, inputs: torch.Tensor) -> torch.Tensor:
        numbers = inputs.cpu().long().numpy()
        shown = self.__dict__.get("_shown_tokens", [])
        unknown = self._plain(self.oov_token)
        flat = [shown[number] if 0 <= number < len(shown) else unknown for number in numbers.ravel().tolist()]
        return self._tensor(flat, numbers.shape)

    def _tensor(self, tokens: Sequence[Any], shape: tuple[int, ...]) -> torch.Tensor:
        raise NotImplementedError

    def _finish(self, counts: torch.Tensor) -> torch.Tensor:
        return super()._finish(counts * self.idf_weights if self.output_mode == "tf_idf" else counts)

    # --- files ----------------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        # a learnt vocabulary is written like a given one, so that every kind of file holds it
        words, weights = self._given or self._described()
        size = self.vocabulary_size() if self._tokens else None
        learnt = {"vocabulary": words, "idf_weights": serialize_value(weights), "vocabulary_size": size}
        return {**super().get_config(), **learnt}

    def _described(self) -> tuple[Any, Any]:
        """Vocabulary and weights as the constructor takes them; with all special tokens where each has a weight."""
        if not self._tokens:
            return None, None
        weighted = self._idf is not None
        weights = self._idf[: self.vocabulary_size()].astype("float64").tolist() if weighted else None
        return self.get_vocabulary(include_special_tokens=weighted), weights

    def get_weights(self) -> list[np.ndarray]:
        """The learnt vocabulary, as Keras gives it out, behind the weights of 'tf_idf'."""
        weights = [] if self._idf is None else [self._idf.copy()]
        return weights if self._is_fixed else [*weights, np.array(self.get_vocabulary(include_special_tokens=False))]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Take what `get_weights` has given out."""
        tokens = [self._plain(token) for token in np.asarray(weights[-1]).tolist()]
        self._set_tokens(tokens)
        if self.output_mode == "tf_idf" and len(weights) > 1:
            self._set_weights(np.asarray(weights[0]))

    def save_own_variables(self, store: dict[str, Any]) -> None:
        """Vocabulary and weights as arrays."""
        if self._idf is not None:
            store["idf_weights"] = self.idf_weights.cpu().numpy()
        if self._tokens:
            text = "\n".join(str(self._shown(token)) for token in self._tokens)
            store["vocabulary"] = np.frombuffer(text.encode(), dtype=np.uint8)

    def load_own_variables(self, store: Mapping[str, Any]) -> None:
        """Take over what `save_own_variables` has stored."""
        if "vocabulary" in store:
            text = np.asarray(store["vocabulary"], dtype=np.uint8).tobytes().decode("utf-8", "replace")
            self._set_tokens([self._plain(token) for token in text.split("\n")])
        if "idf_weights" in store and self.output_mode == "tf_idf":
            self._set_weights(np.asarray(store["idf_weights"]))

    def load_vocabulary(self, text: str) -> None:
        """Take the vocabulary that tf_keras and Keras 3 keep beside the weights: a token a line, special ones first."""
        if not self._is_fixed:
            tokens = [self._plain(token) for token in text.split("\n")]
            self._set_tokens(tokens[self._token_start() :])


_DROPPED = 2**62  # the place of tokens that count nowhere


class StringLookup(IndexLookup):
    """Strings by their place in a vocabulary, or with `invert` places by their strings.

    Place 0 is that of `mask_token` where there is one; then come `num_oov_indices` for unknown strings, which are
    hashed where there are several. 'one_hot', 'multi_hot', 'count' and 'tf_idf' give rows (batch, vocabulary).

    >>> StringLookup(vocabulary=["a", "b"])([["b", "x"]]).tolist()
    [[2, 0]]
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: str | None = None,
        oov_token: str = "[UNK]",
        vocabulary: Any = None,
        idf_weights: Any = None,
        encoding: str = "utf-8",
        invert: bool = False,
        output_mode: str = "int",
        sparse: bool = False,
        pad_to_max_tokens: bool = False,
        **kwargs: Any,
    ) -> None:
        self.__dict__["encoding"] = encoding
        super().__init__(
            max_tokens, num_oov_indices, mask_token, oov_token, vocabulary, idf_weights, invert, output_mode, sparse,
            pad_to_max_tokens, **kwargs,
        )  # fmt: skip

    def _plain(self, token: Any) -> bytes:
        return bytes(token) if isinstance(token, bytes) else str(token).encode(self.encoding)

    def _shown(self, token: bytes) -> str:
        return token.decode(self.encoding, "replace")

    def _flat(self, values: torch.Tensor) -> Iterable[bytes]:
        if not isinstance(values, StringTensor):
            raise TypeError(
                f"{type(self).__name__} '{self.name}': expected strings; received {describe(values)}. "
                "Use IntegerLookup for integers."
            )
        return values.values.ravel()

    def _buckets(self, tokens: Sequence[bytes]) -> np.ndarray:
        return to_buckets(tokens, self.num_oov_indices)

    def _tensor(self, tokens: Sequence[bytes], shape: tuple[int, ...]) -> torch.Tensor:
        return as_strings(list(tokens)).reshape(shape) if tokens else StringTensor(np.empty(shape, dtype=object))

    def _output_dtype(self) -> torch.dtype:
        return STRING if self.invert else super()._output_dtype()


class IntegerLookup(IndexLookup):
    """Integers by their place in a vocabulary, or with `invert` places by their integers.

    Places are as in StringLookup; unknown integers go to `value % num_oov_indices` where there are several places.

    >>> IntegerLookup(vocabulary=[12, 36])([[36, 7]]).tolist()
    [[2, 0]]
    """

    takes_strings = False

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: int | None = None,
        oov_token: int = -1,
        vocabulary: Any = None,
        vocabulary_dtype: str = "int64",
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        sparse: bool = False,
        pad_to_max_tokens: bool = False,
        **kwargs: Any,
    ) -> None:
        max_tokens = kwargs.pop("max_values", max_tokens)
        mask_token = kwargs.pop("mask_value", mask_token)
        oov_token = kwargs.pop("oov_value", oov_token)
        if vocabulary_dtype not in ("int32", "int64"):
            raise ValueError(
                f"IntegerLookup: expected vocabulary_dtype 'int64' or 'int32'; received {vocabulary_dtype!r}."
            )
        self.__dict__["vocabulary_dtype"] = vocabulary_dtype
        if output_mode != "int" and kwargs.get("dtype") == "int64":
            del kwargs["dtype"]  # earlier versions wrote that of the input
        super().__init__(
            max_tokens, num_oov_indices, None if mask_token is None else int(mask_token),
            None if oov_token is None else int(oov_token), vocabulary, idf_weights, invert, output_mode, sparse,
            pad_to_max_tokens, **kwargs,
        )  # fmt: skip

    def _plain(self, token: Any) -> int:
        return int(token)

    def _shown(self, token: int) -> int:
        return token

    def _flat(self, values: torch.Tensor) -> Iterable[int]:
        if isinstance(values, StringTensor):
            raise TypeError(
                f"IntegerLookup '{self.name}': expected integers; received {describe(values)}. Use StringLookup."
            )
        return values.flatten().long().tolist()

    def _buckets(self, tokens: Sequence[int]) -> np.ndarray:
        return np.array(tokens, dtype=np.int64) % self.num_oov_indices

    def _tensor(self, tokens: Sequence[int], shape: tuple[int, ...]) -> torch.Tensor:
        return torch.tensor(tokens, dtype=torch.int64, device=current_device()).reshape(shape)

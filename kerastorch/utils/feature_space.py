"""Tables of mixed columns as vectors: one preprocessing layer a column, crossed and joined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from kerastorch.core.config import dtype_name
from kerastorch.core.errors import describe, did_you_mean
from kerastorch.core.strings import as_strings, holds_strings
from kerastorch.data import Dataset
from kerastorch.layers import (
    CategoryEncoding,
    Concatenate,
    Discretization,
    HashedCrossing,
    Hashing,
    Identity,
    Input,
    IntegerLookup,
    Layer,
    Normalization,
    Rescaling,
    StringLookup,
    deserialize,
    serialize,
)
from kerastorch.models import Model


class Cross:
    """Features that are hashed together into `crossing_dim` bins."""

    def __init__(self, feature_names: Sequence[str], crossing_dim: int, output_mode: str = "one_hot") -> None:
        if output_mode not in ("int", "one_hot"):
            raise ValueError(f"Cross: expected output_mode to be 'int' or 'one_hot'; received {output_mode!r}.")
        self.feature_names, self.crossing_dim, self.output_mode = tuple(feature_names), crossing_dim, output_mode

    @property
    def name(self) -> str:
        return "_X_".join(self.feature_names)

    def get_config(self) -> dict[str, Any]:
        return {
            "feature_names": list(self.feature_names),
            "crossing_dim": self.crossing_dim,
            "output_mode": self.output_mode,
        }


class Feature:
    """A column: the dtype of its values, the layer that they go through, and what comes out of it."""

    def __init__(self, dtype: str, preprocessor: Any, output_mode: str) -> None:
        if output_mode not in ("int", "one_hot", "float"):
            raise ValueError(
                f"Feature: expected output_mode to be 'int', 'one_hot' or 'float'; received {output_mode!r}."
            )
        self.dtype, self.output_mode = dtype, output_mode
        self.preprocessor: Layer = deserialize(preprocessor) if isinstance(preprocessor, Mapping) else preprocessor

    def get_config(self) -> dict[str, Any]:
        return {"dtype": self.dtype, "preprocessor": serialize(self.preprocessor), "output_mode": self.output_mode}


class FeatureSpace:
    """Turns dicts of raw columns into one vector ('concat') or a dict of encoded columns ('dict').

    `features` names the kind of each column: 'float', 'float_rescaled', 'float_normalized', 'float_discretized',
    'integer_categorical', 'string_categorical', 'integer_hashed', 'string_hashed', or what the methods of these names
    return. `crosses` lists columns that are also hashed together. `adapt` learns vocabularies and statistics.
    Raises ValueError for unknown kinds and columns, and for columns that cannot be joined.

    >>> space = FeatureSpace({"age": "float", "city": "string_categorical"})
    >>> space.adapt(Dataset.from_tensor_slices({"age": [30.0, 40.0], "city": ["Rome", "Oslo"]}))
    >>> space({"age": [35.0], "city": ["Oslo"]}).tolist()
    [[35.0, 0.0, 0.0, 1.0]]
    """

    def __init__(
        self,
        features: Mapping[str, Any],
        output_mode: str = "concat",
        crosses: Sequence[Any] | None = None,
        crossing_dim: int = 32,
        hashing_dim: int = 32,
        num_discretization_bins: int = 32,
        name: str | None = None,
    ) -> None:
        if not features:
            raise ValueError("FeatureSpace: expected at least one feature; received none.")
        if output_mode not in ("concat", "dict"):
            raise ValueError(f"FeatureSpace: expected output_mode to be 'concat' or 'dict'; received {output_mode!r}.")
        self.name = name or "feature_space"
        self.crossing_dim, self.hashing_dim = crossing_dim, hashing_dim
        self.num_discretization_bins, self.output_mode = num_discretization_bins, output_mode
        self.features = {key: self._feature(key, value) for key, value in features.items()}
        self.crosses = [self._cross(cross) for cross in crosses or ()]
        self.inputs = {key: Input((1,), dtype=one.dtype, name=key) for key, one in self.features.items()}
        self.preprocessors = {key: one.preprocessor for key, one in self.features.items()}
        self.crossers = {one.name: HashedCrossing(one.crossing_dim, name=one.name) for one in self.crosses}
        self._model: Model | None = None
        self._is_adapted = not self._adaptable()

    # --- kinds of features ----------------------------------------------------------------------------------------

    @classmethod
    def cross(cls, feature_names: Sequence[str], crossing_dim: int, output_mode: str = "one_hot") -> Cross:
        """Columns that are hashed together."""
        return Cross(feature_names, crossing_dim, output_mode)

    @classmethod
    def feature(cls, dtype: str, preprocessor: Any, output_mode: str) -> Feature:
        """A column with a layer of your own."""
        return Feature(dtype, preprocessor, output_mode)

    @classmethod
    def float(cls, name: str | None = None) -> Feature:
        """Numbers as they are."""
        return Feature("float32", Identity(dtype="float32", name=_named(name)), "float")

    @classmethod
    def float_rescaled(cls, scale: Any = 1.0, offset: Any = 0.0, name: str | None = None) -> Feature:
        """Numbers times `scale` plus `offset`."""
        return Feature("float32", Rescaling(scale, offset, name=_named(name)), "float")

    @classmethod
    def float_normalized(cls, name: str | None = None) -> Feature:
        """Numbers with mean 0 and variance 1."""
        return Feature("float32", Normalization(axis=-1, name=_named(name)), "float")

    @classmethod
    def float_discretized(
        cls, num_bins: int | None, bin_boundaries: Any = None, output_mode: str = "one_hot", name: str | None = None
    ) -> Feature:
        """Numbers by their bin."""
        layer = Discretization(bin_boundaries=bin_boundaries, num_bins=num_bins, name=_named(name))
        return Feature("float32", layer, output_mode)

    @classmethod
    def integer_categorical(
        cls,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        output_mode: str = "one_hot",
        name: str | None = None,
    ) -> Feature:
        """Integers by their place in a vocabulary."""
        layer = IntegerLookup(max_tokens=max_tokens, num_oov_indices=num_oov_indices, name=_named(name))
        return Feature("int64", layer, output_mode)

    @classmethod
    def string_categorical(
        cls,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        output_mode: str = "one_hot",
        name: str | None = None,
    ) -> Feature:
        """Strings by their place in a vocabulary."""
        layer = StringLookup(max_tokens=max_tokens, num_oov_indices=num_oov_indices, name=_named(name))
        return Feature("string", layer, output_mode)

    @classmethod
    def integer_hashed(cls, num_bins: int, output_mode: str = "one_hot", name: str | None = None) -> Feature:
        """Integers by their hash."""
        return Feature("int64", Hashing(num_bins, name=_named(name)), output_mode)

    @classmethod
    def string_hashed(cls, num_bins: int, output_mode: str = "one_hot", name: str | None = None) -> Feature:
        """Strings by their hash."""
        return Feature("string", Hashing(num_bins, name=_named(name)), output_mode)

    def _feature(self, name: str, kind: Any) -> Feature:
        if isinstance(kind, Feature):
            return kind
        if isinstance(kind, Mapping):
            return Feature(**kind)
        needed = {
            "float_discretized": (self.num_discretization_bins,),
            "integer_hashed": (self.hashing_dim,),
            "string_hashed": (self.hashing_dim,),
        }
        kinds = (*needed, "float", "float_rescaled", "float_normalized", "integer_categorical", "string_categorical")
        if kind not in kinds:
            raise ValueError(
                f"FeatureSpace: expected the kind of feature '{name}' to be one of {sorted(kinds)}; received {kind!r}. "
                f"{did_you_mean(str(kind), kinds)}"
            )
        return getattr(self, kind)(*needed.get(kind, ()), name=name)

    def _cross(self, cross: Any) -> Cross:
        if isinstance(cross, Mapping):
            cross = Cross(**cross)
        if not isinstance(cross, Cross):
            cross = Cross(cross, self.crossing_dim)
        unknown = [name for name in cross.feature_names if name not in self.features]
        if unknown:
            raise ValueError(
                f"FeatureSpace: expected crosses of its features {list(self.features)}; received {unknown}."
            )
        return cross

    # --- adapt ----------------------------------------------------------------------------------------------------

    def _adaptable(self) -> list[str]:
        found = []
        for name, layer in self.preprocessors.items():
            given = getattr(layer, "input_mean", None) is not None or getattr(layer, "_is_fixed", False)
            given = given or getattr(layer, "input_bin_boundaries", None) is not None
            if hasattr(layer, "adapt") and not given:
                found.append(name)
        return found

    def adapt(self, dataset: Dataset) -> None:
        """Learn what the layers need from a Dataset of dicts, single rows or batches."""
        if not isinstance(dataset, Dataset):
            raise ValueError(
                f"FeatureSpace.adapt: expected a Dataset of dicts; received {describe(dataset)}. "
                "Use Dataset.from_tensor_slices(dict_of_columns)."
            )
        for name in self._adaptable():
            column = dataset.map(lambda row, name=name: row[name])
            if column.take(1).get_single_element().dim() == 0:
                column = column.batch(32)
            layer = self.preprocessors[name]
            layer.adapt(column.map(lambda x: x.unsqueeze(-1) if x.dim() == 1 else x))
        self._is_adapted = True
        self._model = None

    # --- encoding -------------------------------------------------------------------------------------------------

    def get_inputs(self) -> dict[str, Any]:
        """A symbolic input (batch, 1) for each column."""
        return self.inputs

    def get_encoded_features(self) -> Any:
        """What the symbolic inputs become, for the rest of a functional model."""
        return self._built().output

    def _built(self) -> Model:
        if not self._is_adapted:
            raise ValueError(
                "FeatureSpace: expected adapt() before it is used, as some features learn from data; received none. "
                f"Call adapt(dataset) for {self._adaptable()}."
            )
        if self._model is None:
            self._model = Model(self.inputs, self._encoded(), name=self.name)
        return self._model

    def _encoded(self) -> Any:
        columns = {name: layer(self.inputs[name]) for name, layer in sorted(self.preprocessors.items())}
        crossed = {
            one.name: self.crossers[one.name]([columns[name] for name in one.feature_names])
            for one in sorted(self.crosses, key=lambda one: one.name)
        }
        modes = {name: one.output_mode for name, one in self.features.items()}
        modes |= {one.name: one.output_mode for one in self.crosses}
        encoded = {}
        for name, column in {**columns, **crossed}.items():
            encoded[name] = self._one_hot(name, column) if modes[name] == "one_hot" else column
            if self.output_mode == "concat" and not encoded[name].dtype.is_floating_point:
                raise ValueError(
                    f"FeatureSpace: expected feature '{name}' as floats to join it with the others; received "
                    f"{dtype_name(column.dtype)}. Use output_mode='one_hot' for it, or output_mode='dict' for all."
                )
        if self.output_mode == "dict":
            return encoded
        parts = list(encoded.values())
        return Concatenate(axis=-1)(parts) if len(parts) > 1 else parts[0]

    def _one_hot(self, name: str, column: Any) -> Any:
        layer = self.preprocessors.get(name) or self.crossers.get(name)
        depth = getattr(layer, "depth", None)
        size = layer.num_tokens if isinstance(layer, CategoryEncoding) else depth() if callable(depth) else None
        if size is None or column.dtype.is_floating_point:
            raise ValueError(
                f"FeatureSpace: expected a layer of categories for feature '{name}' with output_mode='one_hot'; "
                f"received {type(layer).__name__}, which gives {dtype_name(column.dtype)}. Use output_mode='float'."
            )
        return CategoryEncoding(num_tokens=size, output_mode="multi_hot", name=f"{name}_one_hot")(column)

    def __call__(self, data: Mapping[str, Any]) -> Any:
        """The encoding of a batch of rows, or of a single row, given as a dict of columns."""
        if not isinstance(data, Mapping):
            raise ValueError(f"FeatureSpace: expected a dict of columns; received {describe(data)}.")
        model = self._built()
        columns = {name: _tensor(data[name]) for name in self.features if name in data}
        single = any(column.dim() == 0 for column in columns.values())
        columns = {
            name: column.reshape(1, 1) if column.dim() == 0 else column.unsqueeze(-1) if column.dim() == 1 else column
            for name, column in columns.items()
        }
        encoded = model(columns)
        if not single:
            return encoded
        return encoded.squeeze(0) if self.output_mode == "concat" else {k: v.squeeze(0) for k, v in encoded.items()}

    # --- files ----------------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """All arguments, with what was learnt."""
        return {
            "features": {name: one.get_config() for name, one in self.features.items()},
            "output_mode": self.output_mode,
            "crosses": [one.get_config() for one in self.crosses],
            "crossing_dim": self.crossing_dim,
            "hashing_dim": self.hashing_dim,
            "num_discretization_bins": self.num_discretization_bins,
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> FeatureSpace:
        return cls(**config)

    def save(self, filepath: Any) -> None:
        """Write the encoding as a model, which `load_model` reads and which is called like this."""
        self._built().save(filepath)


def _named(name: str | None) -> str | None:
    return f"{name}_preprocessor" if name else None


def _tensor(value: Any) -> torch.Tensor:
    if isinstance(value, torch.Tensor):
        return value
    return as_strings(value) if holds_strings(value) else torch.as_tensor(np.asarray(value))

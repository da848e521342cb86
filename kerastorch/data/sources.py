"""Where elements come from: arrays, generators, numbers and files."""

from __future__ import annotations

import csv
import glob
import gzip
import os
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import torch

from kerastorch.core.errors import describe
from kerastorch.core.strings import StringTensor, as_strings
from kerastorch.data import orders
from kerastorch.data.node import INFINITE, UNKNOWN, Draws, Node, naming_element
from kerastorch.data.structure import (
    TensorSpec,
    as_element,
    cast,
    copied,
    describe_element,
    flatten,
    map_structure,
    read_spec,
    spec_of,
)


class Rows(Node):
    """The rows of arrays of one length, which are not copied."""

    def __init__(self, tensors: Any) -> None:
        self.tensors = as_element(tensors)
        leaves = flatten(self.tensors)
        if not leaves or any(leaf.dim() == 0 for leaf in leaves):
            raise ValueError(
                "Dataset.from_tensor_slices: expected arrays with a first axis; received "
                f"{describe(tensors)}. Use from_tensors for a single element."
            )
        lengths = [len(leaf) for leaf in leaves]
        if len(set(lengths)) > 1:
            raise ValueError(
                f"Dataset.from_tensor_slices: expected arrays of one length; received lengths {lengths}. Check that "
                "data and labels belong together."
            )
        self.count = lengths[0]

    def start(self, draws: Draws) -> Iterator[Any]:
        return self.rows(draws)

    def arrays(self) -> Any:
        return self.tensors

    def order(self, draws: Draws) -> Iterator[torch.Tensor]:
        starts = range(0, self.count, orders.CHUNK)
        return (torch.arange(start, min(start + orders.CHUNK, self.count)) for start in starts)

    def cardinality(self) -> int:
        return self.count

    def spec(self) -> Any:
        return map_structure(lambda leaf: TensorSpec(leaf.shape[1:], leaf.dtype), self.tensors)


class Single(Node):
    """One element."""

    def __init__(self, element: Any) -> None:
        self.element = as_element(element)

    def start(self, draws: Draws) -> Iterator[Any]:
        return iter([copied(self.element)])

    def cardinality(self) -> int:
        return 1

    def spec(self) -> Any:
        return spec_of(self.element)


class Numbers(Node):
    """Whole numbers as Python's `range` counts them; without an end where `stop` is None."""

    def __init__(self, start: int, stop: int | None, step: int, dtype: torch.dtype) -> None:
        self.first, self.stop, self.step, self.dtype = start, stop, step, dtype

    def start(self, draws: Draws) -> Iterator[Any]:
        number = self.first
        while self.stop is None or (number < self.stop if self.step > 0 else number > self.stop):
            yield torch.tensor(number, dtype=self.dtype)
            number += self.step

    def cardinality(self) -> int:
        return INFINITE if self.stop is None else len(range(self.first, self.stop, self.step))

    def spec(self) -> Any:
        return TensorSpec((), self.dtype)


class Generated(Node):
    """What a function yields that is called anew for each pass."""

    runs_code = True

    def __init__(self, function: Callable[..., Iterable[Any]], signature: Any, args: tuple[Any, ...]) -> None:
        if not callable(function):
            raise TypeError(
                f"Dataset.from_generator: expected a function that returns a generator; received {describe(function)}. "
                "Pass the function without calling it, so that each epoch begins anew; or lambda: items."
            )
        self.function, self.signature, self.args = function, signature, args

    def start(self, draws: Draws) -> Iterator[Any]:
        with naming_element("from_generator", 0):
            items = iter(self.function(*self.args))
        signature, index = self.signature, 0
        while True:
            with naming_element("from_generator", index):
                item = next(items, _END)
                if item is _END:
                    return
                element = as_element(item) if signature is None else self._conform(item, index)
            yield element
            index += 1

    def _conform(self, item: Any, index: int) -> Any:
        if isinstance(item, list) and isinstance(self.signature, tuple):
            item = tuple(item)
        if isinstance(self.signature, tuple) and isinstance(item, tuple) and len(item) != len(self.signature):
            raise TypeError(f"it has {len(item)} parts, and output_signature has {len(self.signature)}")
        element = map_structure(lambda spec, leaf: cast(leaf, spec), self.signature, item)
        if not all(spec.accepts(leaf) for spec, leaf in zip(flatten(self.signature), flatten(element), strict=True)):
            raise TypeError(f"it is {describe_element(element)}, and output_signature is {self.signature}")
        return element

    def cardinality(self) -> int:
        return UNKNOWN

    def spec(self) -> Any:
        if self.signature is not None:
            return self.signature
        first = next(self.start(Draws(0)), _END)
        return TensorSpec(None, "float32") if first is _END else spec_of(first)


_END = object()


def signature_of(output_signature: Any, output_types: Any, output_shapes: Any) -> Any:
    """What the arguments of `from_generator` say about elements; None where they say nothing."""
    if output_signature is not None:
        return map_structure(read_spec, _as_tuples(output_signature))
    if output_types is None:
        return None
    types = _as_tuples(output_types)
    if output_shapes is None:
        return map_structure(lambda dtype: TensorSpec(None, dtype), types)
    if not isinstance(types, tuple | dict):
        return TensorSpec(_sizes(output_shapes), types)
    if isinstance(types, dict):
        return {key: TensorSpec(_sizes(output_shapes[key]), types[key]) for key in types}
    return tuple(TensorSpec(_sizes(shape), dtype) for shape, dtype in zip(output_shapes, types, strict=True))


def _sizes(shape: Any) -> Any:
    return shape.as_list() if hasattr(shape, "as_list") else shape


def _as_tuples(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def matching(patterns: Sequence[str]) -> list[str]:
    """The files that match patterns, sorted; ValueError where there is none."""
    paths = sorted({path for pattern in patterns for path in glob.glob(pattern)})
    if not paths:
        raise ValueError(
            f"Dataset.list_files: expected patterns that match files; received {list(patterns)}, which match none. "
            "Check the path and the working directory."
        )
    return paths


class Lines(Node):
    """The lines of text files, without their ends."""

    runs_code = True

    def __init__(self, paths: Any, compression: str | None, skip: int = 0) -> None:
        self.paths = paths_of(paths)
        self.compression, self.skip = compression, skip

    def start(self, draws: Draws) -> Iterator[Any]:
        for line in self.lines():
            yield as_strings(line)

    def lines(self) -> Iterator[bytes]:
        for path in self.paths:
            with _opened(path, self.compression) as file:
                for number, line in enumerate(file):
                    if number >= self.skip:
                        yield line.rstrip(b"\n").removesuffix(b"\r")

    def cardinality(self) -> int:
        return UNKNOWN

    def spec(self) -> Any:
        return TensorSpec((), "string")


def paths_of(paths: Any) -> list[str]:
    """File names given as a name, a list, a tensor of strings or a data set of them."""
    if isinstance(paths, str | bytes | os.PathLike):
        return [os.fsdecode(paths)]
    if isinstance(paths, StringTensor | np.ndarray):
        return [os.fsdecode(path) for path in np.asarray(as_strings(paths)).flat]
    return [one for path in paths for one in paths_of(path)]


def _opened(path: str, compression: str | None) -> Any:
    if compression in (None, ""):
        return open(path, "rb")
    if compression == "GZIP":
        return gzip.open(path, "rb")
    if compression == "ZLIB":
        with open(path, "rb") as file:
            return _Unpacked(zlib.decompress(file.read()))
    raise ValueError(f"compression_type: expected None, '', 'GZIP' or 'ZLIB'; received {compression!r}.")


class _Unpacked:
    def __init__(self, content: bytes) -> None:
        self.content = content

    def __enter__(self) -> Iterator[bytes]:
        return iter(self.content.splitlines(keepends=True))

    def __exit__(self, *_: Any) -> None:
        pass


class Records(Node):
    """Rows of CSV files as tuples of numbers and strings.

    `defaults` has one entry a column that is taken: a dtype for a value that must be there, or what stands for a
    missing one.
    """

    runs_code = True

    def __init__(
        self,
        paths: Any,
        defaults: Sequence[Any],
        compression: str | None = None,
        header: bool = False,
        delimiter: str = ",",
        use_quotes: bool = True,
        missing: str = "",
        columns: Sequence[int] | None = None,
    ) -> None:
        self.paths = paths_of(paths)
        self.compression, self.header, self.delimiter, self.missing = compression, header, delimiter, missing
        self.quoting = csv.QUOTE_MINIMAL if use_quotes else csv.QUOTE_NONE
        self.columns = columns
        self.readers = [_column(default) for default in defaults]

    def start(self, draws: Draws) -> Iterator[Any]:
        for index, row in enumerate(self._rows()):
            with naming_element("CsvDataset", index):
                chosen = row if self.columns is None else [row[column] for column in self.columns]
                if len(chosen) != len(self.readers):
                    raise ValueError(f"the row has {len(chosen)} fields, and record_defaults has {len(self.readers)}")
                element = tuple(
                    read(None if text == self.missing else text)
                    for (_, read), text in zip(self.readers, chosen, strict=True)
                )
            yield element

    def _rows(self) -> Iterator[list[str]]:
        lines = Lines(self.paths, self.compression, skip=int(self.header)).lines()
        text = (line.decode("utf-8") + "\n" for line in lines)
        return (row for row in csv.reader(text, delimiter=self.delimiter, quoting=self.quoting) if row)

    def cardinality(self) -> int:
        return UNKNOWN

    def spec(self) -> Any:
        return tuple(TensorSpec((), dtype) for dtype, _ in self.readers)


def _column(default: Any) -> tuple[torch.dtype, Callable[[str | None], torch.Tensor]]:
    """The dtype of a column, and what reads a field (None where it is missing)."""
    is_dtype = isinstance(default, type | torch.dtype | np.dtype) or hasattr(default, "as_numpy_dtype")
    if is_dtype or (isinstance(default, str) and default in _NAMES):
        fallback, spec = None, read_spec(default)
    else:
        value = as_element(default)
        fallback, spec = (value if value.numel() else None), TensorSpec((), value.dtype)
        fallback = None if fallback is None else fallback.reshape(())
    number = float if spec.dtype.is_floating_point else int

    def read(text: str | None) -> torch.Tensor:
        if text is None:
            if fallback is None:
                raise ValueError("a field is empty that has no default")
            return fallback
        return (
            as_strings(text)
            if spec.dtype is TensorSpec((), "string").dtype
            else torch.tensor(number(text), dtype=spec.dtype)
        )

    return spec.dtype, read


_NAMES = ("float32", "float64", "int32", "int64", "string")

"""Functions of tensors of strings, for `Dataset.map` and for `standardize` and `split` of TextVectorization.

Case is that of ASCII letters, as in TensorFlow; patterns are Python's.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import torch

from kerastorch.core.config import torch_dtype
from kerastorch.core.strings import StringTensor, as_strings


def lower(x: Any) -> StringTensor:
    """The strings with A-Z in lower case.

    >>> lower(["Ab"])
    StringTensor([b'ab'])
    """
    return as_strings(x).map(bytes.lower)


def upper(x: Any) -> StringTensor:
    """The strings with a-z in upper case."""
    return as_strings(x).map(bytes.upper)


def strip(x: Any) -> StringTensor:
    """The strings without white space at both ends."""
    return as_strings(x).map(bytes.strip)


def regex_replace(x: Any, pattern: Any, rewrite: Any, replace_global: bool = True) -> StringTensor:
    """The strings with each match of a regular expression, or the first one, replaced.

    >>> regex_replace(["<br>a<br>b"], "<br>", " ")
    StringTensor([b' a b'])
    """
    compiled = re.compile(pattern if isinstance(pattern, bytes) else str(pattern).encode())
    new = rewrite if isinstance(rewrite, bytes) else str(rewrite).encode()
    return as_strings(x).map(lambda text: compiled.sub(new, text, count=0 if replace_global else 1))


def substr(x: Any, pos: int, len: int) -> StringTensor:
    """`len` bytes of each string, from byte `pos` on."""
    return as_strings(x).map(lambda text: text[pos:][:len])


def length(x: Any, unit: str = "BYTE") -> torch.Tensor:
    """The number of bytes, or with unit='UTF8_CHAR' of characters, in each string (int32)."""
    strings = as_strings(x)
    sizes = [len(text) if unit == "BYTE" else len(text.decode("utf-8", "replace")) for text in strings.values.flat]
    return torch.tensor(sizes, dtype=torch.int32).reshape(strings.shape)


def split(x: Any, sep: Any = None, maxsplit: int = -1) -> Any:
    """The parts of a string as a tensor; of several strings, a list of such tensors.

    >>> split("to be")
    StringTensor([b'to', b'be'])
    """
    strings = as_strings(x)
    mark = sep.encode() if isinstance(sep, str) else sep
    if strings.dim():
        return [split(text, mark, maxsplit) for text in strings]
    parts = strings.values.item().split(mark or None, maxsplit)
    return StringTensor(np.array([*parts, None], dtype=object)[:-1])


def join(inputs: Any, separator: str = "") -> StringTensor:
    """The strings of several tensors of one shape, joined place by place."""
    parts = [as_strings(one) for one in inputs]
    rows = zip(*(part.values.flat for part in parts), strict=True)
    return as_strings([separator.encode().join(row) for row in rows]).reshape(parts[0].shape)


def reduce_join(x: Any, separator: str = "") -> StringTensor:
    """The strings along the last axis, joined."""
    strings = as_strings(x)
    rows = strings.values.reshape(-1, strings.shape[-1])
    joined = np.empty(len(rows), dtype=object)
    joined[:] = [separator.encode().join(row) for row in rows]
    return StringTensor(joined.reshape(strings.shape[:-1]))


def to_number(x: Any, out_type: Any = "float32") -> torch.Tensor:
    """The numbers that strings stand for."""
    strings, dtype = as_strings(x), torch_dtype(out_type)
    kind = float if dtype.is_floating_point else int
    return torch.tensor([kind(text) for text in strings.values.flat], dtype=dtype).reshape(strings.shape)


def as_string(x: torch.Tensor) -> StringTensor:
    """Whole numbers as decimal texts."""
    texts = np.empty(tuple(x.shape), dtype=object)
    texts.flat = [str(number).encode() for number in x.flatten().tolist()]
    return StringTensor(texts)

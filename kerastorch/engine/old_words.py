"""Keras 1's words for constructor arguments, taken as today's with a warning."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Mapping
from typing import Any

# By Keras 1's word, today's words; a class takes the first that it knows.
TODAY: Mapping[str, tuple[str, ...]] = {
    "W_constraint": ("kernel_constraint", "embeddings_constraint"),
    "W_regularizer": ("kernel_regularizer", "embeddings_regularizer"),
    "U_regularizer": ("recurrent_regularizer",),
    "atrous_rate": ("dilation_rate",),
    "b_constraint": ("bias_constraint",),
    "b_regularizer": ("bias_regularizer",),
    "beta_init": ("beta_initializer",),
    "bias": ("use_bias",),
    "border_mode": ("padding",),
    "concat_axis": ("axis",),
    "dim_ordering": ("data_format",),
    "dot_axes": ("axes",),
    "dropout_U": ("recurrent_dropout",),
    "dropout_W": ("dropout",),
    "filter_length": ("kernel_size",),
    "forget_bias_init": ("unit_forget_bias",),
    "gamma_init": ("gamma_initializer",),
    "init": ("kernel_initializer", "embeddings_initializer", "alpha_initializer"),
    "inner_activation": ("recurrent_activation",),
    "inner_init": ("recurrent_initializer",),
    "input": ("inputs",),
    "length": ("size",),
    "nb_filter": ("filters",),
    "output": ("outputs",),
    "output_dim": ("units",),
    "p": ("rate",),
    "pool_length": ("pool_size",),
    "sigma": ("stddev",),
    "stride": ("strides",),
    "subsample": ("strides",),
    "subsample_length": ("strides",),
}
# Sizes that Keras 1 gave one by one.
WINDOWS = (("nb_row", "nb_col"), ("kernel_dim1", "kernel_dim2", "kernel_dim3"))
_VALUES: Mapping[str, Mapping[Any, Any]] = {
    "data_format": {"tf": "channels_last", "th": "channels_first", "default": None},
    "unit_forget_bias": {"one": True, "zero": False},
}
_OLD = frozenset((*TODAY, *(word for words in WINDOWS for word in words)))


def in_todays_words(
    owner: type, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of `owner`'s constructor with Keras 1's words replaced, and one warning that names today's.

    A word that the class itself takes is left alone. `Conv2D(32, 3, 3, border_mode="same")` means a 3 x 3 window.
    """
    if _OLD.isdisjoint(kwargs):
        return args, kwargs
    known = _argument_names(owner)
    found = {word: value for word, value in kwargs.items() if word in _OLD and word not in known}
    if not found:
        return args, kwargs
    new = {word: value for word, value in kwargs.items() if word not in found}
    replaced = []
    if "kernel_size" in known:
        args, window, words = _window(owner, args, found)
        if window:
            new["kernel_size"] = window
            replaced.append(f"{words} is kernel_size={window}")
    for word, value in found.items():
        today = next((name for name in TODAY.get(word, ()) if name in known), None)
        if today is None:
            new[word] = value  # the constructor says that it does not know the word
            continue
        value = _VALUES.get(today, {}).get(value, value) if isinstance(value, str) else value
        new[today] = value
        replaced.append(f"{word}= is {today}=")
    if replaced:
        warnings.warn(
            f"{owner.__name__}: Keras 1's words were taken as today's: {', '.join(replaced)}. Use today's.",
            stacklevel=3,
        )
    return args, new


def _window(
    owner: type, args: tuple[Any, ...], found: dict[str, Any]
) -> tuple[tuple[Any, ...], tuple[int, ...] | None, str]:
    """Positional and named sizes of a window as one tuple, taken out of `args` and `found`."""
    for words in WINDOWS:
        named = tuple(found.pop(word) for word in words if word in found)
        if len(named) == len(words):
            return args, named, ", ".join(f"{word}=" for word in words)
    rank = getattr(owner, "rank", 1)
    sizes = args[1 : 1 + rank]
    if rank > 1 and len(sizes) == rank and all(isinstance(size, int) for size in sizes):
        return (args[0], *args[1 + rank :]), sizes, "the window " + ", ".join(map(str, sizes))
    return args, None, ""


def _argument_names(owner: type) -> set[str]:
    """The words that the constructors of `owner` and its bases take."""
    names = set(getattr(owner, "_own_arguments", ()))
    for base in owner.__mro__:
        constructor = base.__dict__.get("__init__")
        if constructor is None:
            continue
        parameters = inspect.signature(constructor).parameters.values()
        names.update(parameter.name for parameter in parameters)
        if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
            break  # nothing is passed on
    return names

"""Methods and words of earlier Keras that course programs still use, each with one warning that names today's."""

from __future__ import annotations

import functools
import inspect
import itertools
import math
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from kerastorch.core import nest

# By the earlier word of an argument of fit, evaluate and predict, today's.
TODAY: Mapping[str, str] = {
    "max_q_size": "max_queue_size",
    "nb_epoch": "epochs",
    "nb_worker": "workers",
    "pickle_safe": "use_multiprocessing",
}
# Earlier words that count samples where today's count batches.
SAMPLES: Mapping[str, tuple[str, str]] = {
    "samples_per_epoch": ("steps_per_epoch", "x"),
    "nb_val_samples": ("validation_steps", "validation_data"),
    "val_samples": ("steps", "x"),
}


def takes_old_words(method: Callable[..., Any]) -> Callable[..., Any]:
    """Let a method of a model take earlier words for its arguments."""
    parameters = inspect.signature(method).parameters
    words = {old: new for old, new in TODAY.items() if new in parameters}
    counts = {old: new for old, new in SAMPLES.items() if new[0] in parameters}

    @functools.wraps(method)
    def translated(self: Any, *args: Any, **kwargs: Any) -> Any:
        found = [word for word in kwargs if word in words or word in counts]
        if found:
            named = [f"{word}= is {words.get(word) or counts[word][0]}=" for word in found]
            _warn(f"{method.__name__}: earlier words were taken as today's: {', '.join(named)}. Use today's.")
            bound = dict(zip(list(parameters)[1:], args, strict=False)) | kwargs
            for word in found:
                value = bound.pop(word)
                if word in words:
                    bound[words[word]] = value
                else:
                    steps, source = counts[word]
                    bound[source], size = _batch_size_of(bound[source])
                    bound[steps] = math.ceil(value / size)
            return method(self, **bound)
        return method(self, *args, **kwargs)

    return translated


def _batch_size_of(batches: Any) -> tuple[Any, int]:
    """The source as it was, and the number of samples in its batches, seen from the first where it does not tell."""
    size = getattr(batches, "batch_size", None)
    if size:
        return batches, int(size)
    if not isinstance(batches, Iterator):
        return batches, len(nest.flatten(batches[0])[0])
    first = next(batches)
    return itertools.chain([first], batches), len(nest.flatten(first)[0])


def _warn(text: str) -> None:
    warnings.warn(text, stacklevel=4)


class OldMethods:
    """`fit_generator` and the other methods that TensorFlow 2.6 removed; today's methods do the work."""

    def fit_generator(self, generator: Any, *args: Any, **kwargs: Any) -> Any:
        """`fit` on a generator; its arguments come in the order steps_per_epoch, epochs, verbose, callbacks, ..."""
        order = (
            *("steps_per_epoch", "epochs", "verbose", "callbacks", "validation_data", "validation_steps"),
            *("validation_freq", "class_weight", "max_queue_size", "workers", "use_multiprocessing", "shuffle"),
            "initial_epoch",
        )
        return self._today("fit_generator", "fit", order, generator, args, kwargs)

    def evaluate_generator(self, generator: Any, *args: Any, **kwargs: Any) -> Any:
        """`evaluate` on a generator, silent by default."""
        order = ("steps", "callbacks", "max_queue_size", "workers", "use_multiprocessing", "verbose")
        return self._today("evaluate_generator", "evaluate", order, generator, args, {"verbose": 0, **kwargs})

    def predict_generator(self, generator: Any, *args: Any, **kwargs: Any) -> Any:
        """`predict` on a generator, silent by default."""
        order = ("steps", "callbacks", "max_queue_size", "workers", "use_multiprocessing", "verbose")
        return self._today("predict_generator", "predict", order, generator, args, {"verbose": 0, **kwargs})

    def predict_classes(self, x: Any, batch_size: int = 32, verbose: int = 0) -> np.ndarray:
        """The most probable class of each sample; for one sigmoid unit, whether it is above 0.5."""
        _warn_of_method("predict_classes", "np.argmax(model.predict(x), axis=-1)")
        scores = self.predict(x, batch_size=batch_size, verbose=verbose)
        return scores.argmax(axis=-1) if scores.shape[-1] > 1 else (scores > 0.5).astype("int32")

    def predict_proba(self, x: Any, batch_size: int = 32, verbose: int = 0) -> np.ndarray:
        """`predict`, under its earlier name."""
        _warn_of_method("predict_proba", "model.predict(x)")
        return self.predict(x, batch_size=batch_size, verbose=verbose)

    def _today(
        self,
        old: str,
        new: str,
        order: tuple[str, ...],
        generator: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        warnings.warn(f"{old}: an earlier name of {new}. Use model.{new}(generator, ...).", stacklevel=3)
        return getattr(self, new)(generator, **{**kwargs, **dict(zip(order, args, strict=False))})


def _warn_of_method(old: str, new: str) -> None:
    warnings.warn(f"{old}: an earlier method. Use {new}.", stacklevel=3)

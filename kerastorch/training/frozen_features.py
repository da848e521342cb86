"""What frozen layers at the start of a model make of arrays, computed once and kept for all epochs of `fit`."""

from __future__ import annotations

import math
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch

from kerastorch.callbacks.progress import Progbar
from kerastorch.core import nest
from kerastorch.training.data import ArraySource, DataSource

AT_ONCE = 32  # samples: always as many, so that features do not depend on the batch size
SHARE_OF_MEMORY = 0.25  # what features may take; larger ones lie in a file
MANY_STEPS = 10  # from which on the code for inference saves more time than it takes to be made
LARGER = 8.0  # than the inputs: what reading from a file may cost beside computing anew


class FeatureBatch:
    """A batch that has gone through the frozen layers of a model already."""

    __slots__ = ("part", "tensors")

    def __init__(self, part: Any, tensors: Sequence[torch.Tensor]) -> None:
        self.part, self.tensors = part, tensors


class FeatureRows:
    """The features of all samples, in the place of the arrays that they were computed from."""

    def __init__(self, part: Any, tensors: Sequence[torch.Tensor]) -> None:
        self.part, self.tensors = part, tensors

    def index_select(self, axis: int, chosen: torch.Tensor) -> FeatureBatch:
        return FeatureBatch(self.part, [tensor.index_select(axis, chosen) for tensor in self.tensors])

    def narrow(self, axis: int, start: int, length: int) -> FeatureBatch:
        return FeatureBatch(self.part, [tensor.narrow(axis, start, length) for tensor in self.tensors])


class FeatureSource(ArraySource):
    """An `ArraySource` whose inputs are taken through the frozen layers when the first epoch begins.

    That happens again only when something has changed the weights of these layers in between.
    """

    def __init__(self, source: ArraySource, part: Any, say: Callable[[ArraySource, int], Progbar | None]) -> None:
        self.__dict__.update(source.__dict__)
        self.arrays, self.part, self.say = source, part, say
        self._state: Any = None

    def description(self) -> dict[str, Any]:
        return self.arrays.description()

    def merged(self, at_once: int) -> Iterator[Any]:
        self._refresh()
        return super().merged(at_once)

    def _from(self, *arguments: Any) -> Iterator[Any]:
        self._refresh()
        return super()._from(*arguments)

    def _refresh(self) -> None:
        state = self.part.state()
        if state == self._state:
            return
        data = self.arrays.data
        x, *others = data if isinstance(data, tuple) else (data,)
        rows = FeatureRows(self.part, self._compute(x))
        self.data = (rows, *others) if isinstance(data, tuple) and others else rows
        self._state = state

    def _compute(self, x: Any) -> list[torch.Tensor]:
        rows = [_space(self.samples, shape, dtype, self.device) for shape, dtype in self.part.shapes]
        bar, features = self.say(self.arrays, bytes_of_features(self.part, self.samples)), self.part.beginning()
        for step, start in enumerate(range(0, self.samples, AT_ONCE), 1):
            length = min(AT_ONCE, self.samples - start)
            batch = nest.map_structure(lambda leaf, a=start, n=length: leaf.narrow(0, a, n), x)
            for row, feature in zip(rows, features(batch), strict=True):
                row.narrow(0, start, length).copy_(feature)
            if bar is not None:
                bar.update(step)
        return rows


class StreamedSource:
    """Another source whose batches go through the frozen layers when they are asked for, in the code for inference."""

    def __init__(self, source: DataSource, part: Any) -> None:
        self.source, self.part = source, part
        self._state: Any = None
        self._features: Any = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.source, name)

    def epoch(self) -> Iterator[Any]:
        return map(self._through, self.source.epoch())

    def resume(self, *arguments: Any) -> Iterator[Any]:
        return map(self._through, self.source.resume(*arguments))

    def first_batch(self) -> Any:
        return self._through(self.source.first_batch())

    def _through(self, batch: Any) -> Any:
        state = self.part.state()
        if state != self._state:
            self._features, self._state = self.part.beginning(), state
        x, *others = batch if isinstance(batch, tuple) else (batch,)
        features = FeatureBatch(self.part, self._features(x))
        return (features, *others) if others else features


class FeatureCache:
    """Decides whether one call of `fit` keeps features, and puts them into the place of its arrays.

    Where they are not kept, frozen layers that fold still run apart from the others. Raises ValueError for
    cache_features=True where they cannot be kept, with the reason.
    """

    def __init__(self, model: Any, wanted: Any, source: DataSource, steps: int | None, epochs: int, verbose: int):
        if not isinstance(wanted, bool) and wanted != "auto":
            raise ValueError(
                f"{type(model).__name__} '{model.name}': expected cache_features to be 'auto', True or False; received "
                f"cache_features={wanted!r}. Leave it out for 'auto'."
            )
        self.part = self.folding_part = None
        self.verbose, self.epochs, self.said = verbose, epochs, False
        if wanted is False:
            return
        few = wanted == "auto" and _too_few_passes(source, steps, epochs)
        why_not = "too few passes over the data" if few else self._choose(model, source)
        if why_not and wanted is True:
            raise ValueError(
                f"{type(model).__name__} '{model.name}': expected arrays, and a model that begins with frozen layers, "
                f"for cache_features=True; received {why_not}. Pass cache_features='auto' to train without kept "
                "features where they are not possible."
            )
        if why_not or (wanted == "auto" and not self._saves_time(source)):
            part, self.part = self.part, None
            if _steps_in_all(source, steps, epochs) >= MANY_STEPS and model.takes_features():
                part = part or model.frozen_part()
                self.folding_part = part if part.folds() else None

    def _choose(self, model: Any, source: DataSource) -> str:
        if not isinstance(source, ArraySource) or source.copies:
            return "data that come batch by batch"
        if not model.takes_features():
            return "a model with a step of training or a loss of its own"
        self.part = part = model.frozen_part()
        if part.why_not:
            return part.why_not
        if any(None in shape[1:] for shape, _ in part.shapes):
            return "features whose size is not known"
        size = bytes_of_features(part, source.samples)
        if size > _memory() and (source.device.type != "cpu" or size > _disk()):
            return f"features of {_readable(size)}, for which there is not enough room"
        return ""

    def _saves_time(self, source: ArraySource) -> bool:
        """Whether features are more than one layer's, and not far larger in a file than what they are made from."""
        size = bytes_of_features(self.part, source.samples)
        x = source.data[0] if isinstance(source.data, tuple) else source.data
        inputs = sum(leaf.numel() * leaf.element_size() for leaf in nest.flatten(x))
        return self.part.count_layers(with_weights=True) > 1 and size <= max(_memory(), LARGER * inputs)

    def applied_to(self, source: DataSource) -> DataSource:
        """`source`, or the features of its arrays."""
        if self.part is None or not isinstance(source, ArraySource) or source.copies:
            return source
        return FeatureSource(source, self.part, self._say)

    def streamed(self, source: DataSource) -> Any:
        """`source`, or the features of each of its batches."""
        return source if self.folding_part is None else StreamedSource(source, self.folding_part)

    def _say(self, source: ArraySource, size: int) -> Progbar | None:
        if not self.verbose or self.said:
            return None
        self.said = True
        where = "memory" if size <= _memory() else "a temporary file"
        sys.stdout.write(
            f"The outputs of {self.part.count_layers()} frozen layers for {source.samples} samples are computed once "
            f"and kept in {where} ({_readable(size)}):\n"
        )
        return Progbar(-(-source.samples // AT_ONCE)) if self.verbose == 1 else None


def bytes_of_features(part: Any, samples: int) -> int:
    """What the features of so many samples take."""
    return sum(samples * int(np.prod(shape[1:])) * dtype.itemsize for shape, dtype in part.shapes)


def _too_few_passes(source: DataSource, steps: int | None, epochs: int) -> bool:
    """Whether `fit` sees most samples only once, so that keeping anything for them would save nothing."""
    if not isinstance(source, ArraySource):
        return True
    return _steps_in_all(source, steps, epochs) < 2 * source.steps


def _steps_in_all(source: DataSource, steps: int | None, epochs: int) -> float:
    """How many batches `fit` takes; infinity where nobody knows."""
    steps = source.steps if steps is None else steps
    return math.inf if steps is None else epochs * steps


def _space(samples: int, shape: Sequence[int | None], dtype: torch.dtype, device: torch.device) -> torch.Tensor:
    whole = (samples, *shape[1:])
    size = int(np.prod(whole)) * dtype.itemsize
    if device.type != "cpu" or size <= _memory():
        return torch.empty(whole, dtype=dtype, device=device)
    # the system frees an unnamed file with its last user, however the process ends
    with tempfile.TemporaryFile(prefix="features-") as file:
        return torch.from_numpy(np.memmap(file, np.uint8, "w+", shape=(size,))).view(dtype).view(whole)


def _memory() -> float:
    if not hasattr(os, "sysconf"):  # Windows
        return 2e9
    return SHARE_OF_MEMORY * os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _disk() -> float:
    return shutil.disk_usage(tempfile.gettempdir()).free / 2


def _readable(size: float) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"

"""Data sources: arrays, torch datasets and loaders, generators and sequences, all as batches of tensors."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain, islice
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, IterableDataset

from kerastorch.core import nest
from kerastorch.core.errors import describe
from kerastorch.core.sequence import Sequence, batches_of, numbered
from kerastorch.data import INFINITE_CARDINALITY
from kerastorch.data import Dataset as Pipeline
from kerastorch.training import random_state
from kerastorch.training.arrays import (
    ROLES,
    as_tensors,
    describe_not_finite,
    number_of_samples,
)
from kerastorch.training.batches import copied_ahead, move, pack_x_y_sample_weight, unpack_x_y_sample_weight
from kerastorch.training.class_weights import ClassWeights

Check = Callable[[Any, int | None], None]


class DataSource:
    """Batches for the loop: `steps` an epoch (None when unknown), and `epoch()` to iterate over one.

    `restarts` tells whether each epoch begins anew or goes on where the last one stopped. After an interruption,
    `resume(place)` gives an iterator that goes on where `place(taken)` was asked, behind `taken` batches of the last
    `epoch()`; it may leave the random generators in any state. `epochs_before` counts the epochs that this `fit` does
    not know of, where it begins with a later one.
    """

    steps: int | None = None
    restarts = True
    resumes = True  # whether it can be set back to a place

    def epoch(self) -> Iterator[Any]:
        raise NotImplementedError

    def first_batch(self) -> Any:
        """The batch that comes next, which still comes next afterwards."""
        return next(iter(self.epoch()))

    def description(self) -> dict[str, Any]:
        """What must not change while training is interrupted."""
        raise NotImplementedError

    def place(self, taken: int) -> dict[str, Any]:
        raise NotImplementedError

    def resume(self, place: Mapping[str, Any], epochs_before: int = 0) -> Iterator[Any]:
        raise NotImplementedError

    def end_of_epoch(self) -> None:
        """Called after each epoch of training."""

    def make_ahead(self, workers: int, processes: bool, ahead: int) -> None:
        """Let several threads or processes make up to `ahead` batches, where batches can be asked for by number."""


class ArraySource(DataSource):
    """Tensors held whole: a batch is one `index_select`, or a view when nothing is shuffled.

    With `steps`, epochs of that many batches go on where the last one stopped, through `passes` over the data.
    """

    def __init__(
        self,
        x: Any,
        y: Any,
        sample_weight: Any,
        batch_size: int | None,
        steps: int | None,
        shuffle: bool | str,
        device: torch.device,
        samples: int,
        passes: int = 1,
    ) -> None:
        self.data = pack_x_y_sample_weight(x, y, sample_weight)
        self.samples = samples
        if batch_size is None:
            batch_size = math.ceil(self.samples / steps) if steps else 32
        self.batch_size = _checked_batch_size(batch_size)
        self.steps = math.ceil(self.samples / self.batch_size)
        self.restarts = steps is None or steps == self.steps
        self.passes = 1 if self.restarts else passes
        self.shuffle = shuffle
        self.device = device
        self._order_from: torch.Tensor | None = None  # the random state that this pass got its order from
        self._move()

    def description(self) -> dict[str, Any]:
        shapes = [list(leaf.shape[1:]) for leaf in nest.flatten(self.data) if leaf is not None]
        return {"samples": self.samples, "batch_size": self.batch_size, "shuffle": self.shuffle, "shapes": shapes}

    def _move(self) -> None:
        """On an accelerator, data that fit live there; others are pinned and copied a batch ahead."""
        self.copies = False
        if self.device.type == "cpu":
            return
        leaves = [leaf for leaf in nest.flatten(self.data) if leaf is not None]
        size = sum(leaf.numel() * leaf.element_size() for leaf in leaves)
        if self.device.type != "cuda" or size < torch.cuda.mem_get_info(self.device)[0] // 2:
            self.data = nest.map_structure(lambda leaf: None if leaf is None else leaf.to(self.device), self.data)
        else:
            self.copies = True

    def epoch(self) -> Iterator[Any]:
        return self._from(self.passes)

    def place(self, taken: int) -> dict[str, Any]:
        return {"taken": taken, "order_from": self._order_from if taken % self.steps else None}

    def resume(self, place: Mapping[str, Any], epochs_before: int = 0) -> Iterator[Any]:
        done, taken = divmod(place["taken"], self.steps)
        if not self.restarts:
            self.passes += epochs_before
        return self._from(self.passes - done, taken, place["order_from"])

    def _from(self, passes: int, taken: int = 0, order_from: torch.Tensor | None = None) -> Iterator[Any]:
        batches = self._batches(taken, order_from)
        if passes > 1:
            batches = chain(batches, chain.from_iterable(self._batches() for _ in range(passes - 1)))
        return copied_ahead(batches, self.device) if self.copies else batches

    def merged(self, at_once: int) -> Iterator[Any]:
        """An epoch of `at_once` batches in one, in order."""
        return self._in_order(self.batch_size * at_once)

    def _in_order(self, size: int, first: int = 0) -> Iterator[Any]:
        data = self.data
        for start in range(first, self.samples, size):
            length = min(size, self.samples - start)
            yield _map_batch(lambda leaf, start=start, length=length: leaf.narrow(0, start, length), data)

    def _batches(self, taken: int = 0, order_from: torch.Tensor | None = None) -> Iterator[Any]:
        """One pass over the data, without the batches that are `taken`."""
        data, first = self.data, taken * self.batch_size
        if not self.shuffle:
            yield from self._in_order(self.batch_size, first)
            return
        self._order_from = torch.get_rng_state() if order_from is None else order_from
        for chosen in self._order(order_from)[first:].split(self.batch_size):
            yield _map_batch(lambda leaf, chosen=chosen: leaf.index_select(0, chosen), data)

    def _order(self, order_from: torch.Tensor | None = None) -> torch.Tensor:
        """The samples in random order: a new one, or the one that this state of the generator gave."""
        generator = None if order_from is None else torch.Generator().set_state(order_from)
        if self.shuffle == "batch":
            starts = torch.randperm(self.samples // self.batch_size, generator=generator) * self.batch_size
            whole = (starts[:, None] + torch.arange(self.batch_size)).flatten()
            order = torch.cat([whole, torch.arange(len(whole), self.samples)])
        else:
            order = torch.randperm(self.samples, generator=generator)
        return order if self.copies else order.to(self.device)


def _map_batch(function: Callable[[torch.Tensor], torch.Tensor], data: Any) -> Any:
    if type(data) is tuple and len(data) == 2 and type(data[0]) is type(data[1]) is torch.Tensor:
        return function(data[0]), function(data[1])  # the usual case, without the walk
    return nest.map_structure(lambda leaf: None if leaf is None else function(leaf), data)


class IterableSource(DataSource):
    """Anything that yields batches: loaders, generators, sequences."""

    def __init__(
        self,
        batches: Any,
        steps: int | None,
        device: torch.device,
        check: Check | None = None,
        class_weights: ClassWeights | None = None,
    ) -> None:
        self.batches = batches
        self.steps = steps
        self.device = device
        self.check = check
        self.class_weights = class_weights
        self.restarts = self.resumes = not isinstance(batches, Iterator)
        self._began_from: dict[str, Any] = {}  # the random state at the start of this epoch

    def epoch(self) -> Iterator[Any]:
        prepared = self._prepared(None)
        return copied_ahead(prepared, self.device) if self.device.type == "cuda" else prepared

    def first_batch(self) -> Any:
        if self.resumes:
            return super().first_batch()
        first = next(self.batches)
        self.batches = chain([first], self.batches)
        return next(self._prepared(iter([first])))

    def description(self) -> dict[str, Any]:
        return {"batches": self.steps, "batch_size": getattr(self.batches, "batch_size", None)}

    def place(self, taken: int) -> dict[str, Any]:
        return {"taken": taken, "began_from": self._began_from if taken else None}

    def resume(self, place: Mapping[str, Any], epochs_before: int = 0) -> Iterator[Any]:
        """An epoch from the same random state, behind the batches that were taken: they are made once more."""
        if not self.resumes or not place["taken"]:
            return self.epoch()
        self._restore(place["began_from"])
        self._began_from = place["began_from"]
        batches = self._iterate(place["taken"])
        prepared = self._prepared(batches, place["taken"])
        return copied_ahead(prepared, self.device) if self.device.type == "cuda" else prepared

    def _prepared(self, batches: Iterator[Any] | None, first: int = 0) -> Iterator[Any]:
        if batches is None:
            if self.resumes:
                self._began_from = self._state()
            batches = self._iterate()
        for number, batch in enumerate(batches, first):
            tensors = _converted(unpack_x_y_sample_weight(batch))
            if self.check is not None:
                self.check(tensors, number)
            if self.class_weights is not None:
                x, y, sample_weight = tensors
                tensors = x, y, self.class_weights(y, sample_weight)
            packed = pack_x_y_sample_weight(*tensors)
            yield packed if self.device.type in ("cpu", "cuda") else move(packed, self.device)

    def _state(self) -> dict[str, Any]:
        """What an epoch depends on, besides the batches."""
        return random_state.of_process()

    def _restore(self, state: Mapping[str, Any]) -> None:
        random_state.restore_process(state)

    def _iterate(self, taken: int = 0) -> Iterator[Any]:
        """The batches of an epoch, without the first of them."""
        batches = iter(self.batches)
        skipped = sum(1 for _ in islice(batches, taken))
        if skipped < taken:
            raise ValueError(
                f"fit: expected at least the {taken} batches that an epoch had before the interruption; received "
                f"{skipped}. Train on the same data, or delete the backup."
            )
        return numbered(self.batches, batches, taken)


class PipelineSource(IterableSource):
    """A `kerastorch.data.Dataset`, whose elements are batches.

    With another number of steps than it has batches, epochs go on where the last one stopped, as in tf.keras.
    """

    def __init__(self, batches: Pipeline, steps: int | None, *arguments: Any, part: str = "") -> None:
        count = int(batches.cardinality())
        if count == INFINITE_CARDINALITY and steps is None:
            raise ValueError(
                f"Data '{part}x': expected the number of steps for a Dataset without an end; received none. Pass "
                "steps_per_epoch (validation_steps, or steps), or take repeat() away."
            )
        super().__init__(batches, count if steps is None and count >= 0 else steps, *arguments)
        self.restarts = steps is None or steps == count

    def description(self) -> dict[str, Any]:
        return {"batches": self.steps}

    def _state(self) -> dict[str, Any]:
        return {**super()._state(), "passes": self.batches.get_passes()}

    def _restore(self, state: Mapping[str, Any]) -> None:
        super()._restore(state)
        self.batches.set_passes(state["passes"])


class SequenceSource(IterableSource):
    """A `utils.Sequence`: batches by number, in a new order each epoch when shuffled.

    What its `on_epoch_end` draws from the global generators is drawn again when training goes on after an
    interruption, for a Sequence that is as it was at the start of `fit`.
    """

    shuffle = True

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.restarts = self.resumes = True  # also where it is an iterator besides, as those over pictures are
        self._workers: dict[str, Any] = {}
        self._epochs_ended_from: list[dict[str, Any]] = []  # the random states that `on_epoch_end` has changed

    def description(self) -> dict[str, Any]:
        return {"batches": len(self.batches), "shuffle": self.shuffle}

    def place(self, taken: int) -> dict[str, Any]:
        return {**super().place(taken), "epochs_ended_from": self._epochs_ended_from}

    def resume(self, place: Mapping[str, Any], epochs_before: int = 0) -> Iterator[Any]:
        for state in place["epochs_ended_from"]:
            random_state.restore_process(state)
            self.end_of_epoch()
        self._epochs_ended_from = list(place["epochs_ended_from"])
        return super().resume(place, epochs_before)

    def _iterate(self, taken: int = 0) -> Iterator[Any]:
        count = len(self.batches)
        order = torch.randperm(count).tolist() if self.shuffle else range(count)
        return batches_of(self.batches, order[taken : self.steps], **self._workers)

    def first_batch(self) -> Any:
        return next(self._prepared(batches_of(self.batches, [0])))

    def make_ahead(self, workers: int, processes: bool, ahead: int) -> None:
        own = self.batches
        if workers == 1 and not processes and isinstance(own, Sequence):
            workers, processes, ahead = own.workers, own.use_multiprocessing, own.max_queue_size
        self._workers = {"workers": workers, "processes": processes, "ahead": ahead}

    def end_of_epoch(self) -> None:
        if hasattr(self.batches, "on_epoch_end"):
            before = random_state.of_process()
            self.batches.on_epoch_end()
            self._epochs_ended_from.append(random_state.changed(before, random_state.of_process()))


def _checked_batch_size(batch_size: Any) -> int:
    if isinstance(batch_size, bool) or not isinstance(batch_size, int | np.integer | float) or batch_size < 1:
        raise ValueError(f"fit: expected batch_size as a positive integer; received {batch_size!r}. Pass 32, say.")
    return int(batch_size)


def whole_steps(steps: Any) -> int | None:
    """`steps_per_epoch` as tf.keras reads it: a float, such as len(x) / 64, is rounded up."""
    if steps is None or (isinstance(steps, int) and steps == -1):
        return None
    if isinstance(steps, bool) or not isinstance(steps, int | float | np.number) or not steps > 0:
        raise ValueError(f"fit: expected steps_per_epoch as a positive number; received {steps!r}.")
    return math.ceil(steps)


def make_source(
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    *,
    batch_size: int | None = None,
    steps: Any = None,
    shuffle: bool | str = False,
    class_weights: ClassWeights | None = None,
    device: torch.device,
    check: Check | None = None,
    passes: int = 1,
    part: str = "",
) -> DataSource:
    """The data source for whatever `fit`, `evaluate` or `predict` were given.

    `check(batch, number)` looks at arrays once, and at each batch of other sources, before it is used; without it, as
    in `predict`, values that are not finite are only warned of. `part`, such as "validation ", goes into errors.
    Raises ValueError or TypeError, naming the argument, for data that cannot be trained on.
    """
    steps = whole_steps(steps)
    kind = _kind_of(x)
    if kind != "arrays" and (y is not None or sample_weight is not None):
        raise ValueError(
            f"fit: expected y and sample_weight inside the batches of {type(x).__name__}; received them as arguments. "
            "Let it yield (x, y) or (x, y, sample_weight)."
        )
    if kind == "arrays":
        tensors = _converted((x, y, sample_weight), part)
        samples = number_of_samples(*tensors, part=part)
        if check is not None:
            check(tensors, None)
        else:
            _warn_of_not_finite(tensors[0])
        inputs, labels, weights = tensors
        if class_weights is not None:
            weights = class_weights(labels, weights)
        labels = nest.map_structure(_index_labels, labels)
        return ArraySource(inputs, labels, weights, batch_size, steps, shuffle, device, samples, passes)
    if kind == "sequence":
        source = SequenceSource(x, len(x) if steps is None else steps, device, check, class_weights)
        source.shuffle = bool(shuffle)
        return source
    if kind == "pipeline":
        if batch_size is not None and not part:
            warnings.warn(
                f"fit: expected batch_size to be left out, as the elements of a Dataset are batches; received "
                f"{batch_size!r}, which changes nothing. Use dataset.batch({batch_size!r}).",
                stacklevel=4,
            )
        return PipelineSource(x, steps, device, check, class_weights, part=part)
    if kind == "dataset":
        iterable = isinstance(x, IterableDataset)
        x = DataLoader(x, batch_size=batch_size or 32, shuffle=None if iterable else bool(shuffle))
    return IterableSource(x, _length_of(x) if steps is None else steps, device, check, class_weights)


def _converted(batch: tuple[Any, Any, Any], part: str = "") -> tuple[Any, Any, Any]:
    x, y, sample_weight = (as_tensors(value, f"{part}{role}") for value, role in zip(batch, ROLES, strict=True))
    return x, y, sample_weight


def _warn_of_not_finite(x: Any) -> None:
    found = describe_not_finite(x, "x")
    if found is not None:
        warnings.warn(f"{found} What is predicted for them means nothing.", RuntimeWarning, stacklevel=4)


def _index_labels(labels: Any) -> Any:
    """Small integer labels as int64, which torch's losses index with: once, instead of in each step."""
    if labels is None or labels.is_floating_point() or labels.dtype in (torch.int64, torch.bool) or labels.dim() > 2:
        return labels
    return labels.long()


def _length_of(batches: Any) -> int | None:
    try:
        return len(batches)
    except TypeError:  # a loader has the method, and fails where its dataset has none
        return None


def _kind_of(x: Any) -> str:
    if isinstance(x, str | bytes):
        raise TypeError(f"fit: expected data as x; received the string {x!r}. Read the file first and pass its arrays.")
    if isinstance(x, DataLoader):
        return "loader"
    if isinstance(x, Pipeline):
        return "pipeline"
    if isinstance(x, Dataset):
        return "dataset"
    if isinstance(x, np.ndarray | torch.Tensor | list | tuple | Mapping) or hasattr(x, "to_numpy"):
        return "arrays"
    if hasattr(x, "__getitem__") and hasattr(x, "__len__") and not hasattr(x, "shape"):
        return "sequence"
    if isinstance(x, Iterable):
        return "iterable"
    if x is None:
        raise ValueError("fit: expected data as x; received None. Pass arrays, a Dataset, a DataLoader or a generator.")
    if hasattr(x, "shape"):
        return "arrays"
    raise TypeError(
        f"fit: expected arrays, tensors, a Dataset, a DataLoader, a generator or a Sequence; received {describe(x)}."
    )


def warn_out_of_data(step: int, steps: int | None) -> None:
    """Say that a source ended before the steps that were asked for."""
    wanted = "of a further epoch" if steps is None else f"of {steps} steps"
    warnings.warn(
        f"Your input ran out of data; interrupting after {step} {wanted}. A dataset or generator must yield "
        "`steps_per_epoch * epochs` batches in all.",
        stacklevel=3,
    )

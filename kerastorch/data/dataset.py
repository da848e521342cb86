"""Dataset: a pipeline of elements in tf.data's words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from torch.utils.data import IterableDataset, get_worker_info

from kerastorch.core.config import torch_dtype
from kerastorch.core.errors import describe
from kerastorch.core.strings import as_strings
from kerastorch.data import batching, nested, sources, threads
from kerastorch.data import transformations as steps
from kerastorch.data.node import INFINITE, UNKNOWN, Draws, Node
from kerastorch.data.options import Options
from kerastorch.data.structure import as_element, map_structure, to_numpy
from kerastorch.data.threads import AUTOTUNE


class Dataset(IterableDataset):
    """A sequence of elements, made by steps that run while it is iterated over, any number of times.

    Elements are torch tensors, or tuples and dicts of them; strings are tensors of bytes (`.numpy()`, `.item()`).
    It feeds `fit`, `evaluate`, `predict` and `adapt`, and is a torch IterableDataset: `DataLoader(dataset, None)`
    splits it among workers. Without a seed, what is drawn follows from torch's global generator.
    Code of yours that fails raises ElementError, which names the step and the number of the element.

    >>> dataset = Dataset.range(10).shuffle(10).map(lambda x: x * 2).batch(4)
    >>> [len(batch) for batch in dataset]
    [4, 4, 2]
    """

    def __init__(self, node: Node, options: Options | None = None) -> None:
        super().__init__()
        if not isinstance(node, Node):
            raise TypeError(
                f"Dataset: expected to be made by from_tensor_slices, from_generator, range or the like; received "
                f"{describe(node)}. Call Dataset.from_tensor_slices(arrays)."
            )
        self.node = node
        self._options = options

    # --- where elements come from ---------------------------------------------------------------------------------

    @staticmethod
    def from_tensor_slices(tensors: Any, name: str | None = None) -> Dataset:
        """The rows of arrays: of one, or of each in a tuple or dict of arrays of one length.

        Arrays are not copied; a batch of shuffled rows is one `index_select`. Raises ValueError for other lengths.

        >>> [row.tolist() for row in Dataset.from_tensor_slices([[1, 2], [3, 4]])]
        [[1, 2], [3, 4]]
        """
        return Dataset(sources.Rows(tensors))

    @staticmethod
    def from_tensors(tensors: Any, name: str | None = None) -> Dataset:
        """One element: all of `tensors`."""
        return Dataset(sources.Single(tensors))

    @staticmethod
    def from_generator(
        generator: Callable[..., Iterable[Any]],
        output_types: Any = None,
        output_shapes: Any = None,
        args: tuple[Any, ...] | None = None,
        output_signature: Any = None,
        name: str | None = None,
    ) -> Dataset:
        """What a function yields, which is called anew for each pass.

        `output_signature` (TensorSpecs) or `output_types` give the dtypes, which are otherwise those that come.

        >>> [int(number) for number in Dataset.from_generator(lambda: iter([1, 2]))]
        [1, 2]
        """
        signature = sources.signature_of(output_signature, output_types, output_shapes)
        return Dataset(sources.Generated(generator, signature, tuple(args or ())))

    @staticmethod
    def range(*args: Any, output_type: Any = "int64", name: str | None = None) -> Dataset:
        """Whole numbers, counted as by Python's `range`."""
        numbers = slice(*(int(number) for number in args))
        start, step = numbers.start or 0, 1 if numbers.step is None else numbers.step
        return Dataset(sources.Numbers(start, numbers.stop, step, torch_dtype(output_type)))

    @staticmethod
    def zip(*args: Any, datasets: Any = None, name: str | None = None) -> Dataset:
        """Elements of several data sets side by side, as many as the shortest one has.

        >>> [(int(x), int(y)) for x, y in Dataset.zip((Dataset.range(2), Dataset.range(5, 9)))]
        [(0, 5), (1, 6)]
        """
        structure = datasets if datasets is not None else args[0] if len(args) == 1 else args
        if isinstance(structure, list):
            structure = tuple(structure)
        return Dataset(steps.Zip(map_structure(_node_of, structure)))

    @staticmethod
    def list_files(
        file_pattern: Any, shuffle: bool | None = None, seed: int | None = None, name: str | None = None
    ) -> Dataset:
        """The names of files that match a pattern or several, in random order, or sorted with `shuffle=False`."""
        paths = sources.matching(sources.paths_of(file_pattern))
        dataset = Dataset.from_tensor_slices(as_strings(paths))
        return dataset if shuffle is False else dataset.shuffle(len(paths), seed)

    @staticmethod
    def sample_from_datasets(
        datasets: Iterable[Dataset],
        weights: Any = None,
        seed: int | None = None,
        stop_on_empty_dataset: bool = False,
        rerandomize_each_iteration: bool | None = None,
    ) -> Dataset:
        """Each element from one of the data sets, drawn by weight."""
        return Dataset(nested.Sampled([_node_of(one) for one in datasets], weights, seed, stop_on_empty_dataset))

    # --- what is done to them -------------------------------------------------------------------------------------

    def _then(self, node: Node) -> Dataset:
        return Dataset(node, self._options)

    def map(
        self,
        map_func: Callable[..., Any],
        num_parallel_calls: int | None = None,
        deterministic: bool | None = None,
        name: str | None = None,
        **options: Any,
    ) -> Dataset:
        """A function of each element; the parts of a tuple are arguments of their own. The order stays.

        `num_parallel_calls` runs it in so many threads; AUTOTUNE takes threads where the function is slow. Random
        numbers that it draws repeat from run to run only without threads.
        """
        return self._then(threads.Map(self.node, map_func, num_parallel_calls))

    def batch(
        self,
        batch_size: int,
        drop_remainder: bool = False,
        num_parallel_calls: int | None = None,
        deterministic: bool | None = None,
        name: str | None = None,
    ) -> Dataset:
        """Groups of `batch_size` elements, stacked; the last may be smaller."""
        return self._then(batching.Batch(self.node, batch_size, drop_remainder))

    def padded_batch(
        self,
        batch_size: int,
        padded_shapes: Any = None,
        padding_values: Any = None,
        drop_remainder: bool = False,
        name: str | None = None,
    ) -> Dataset:
        """Groups of elements, padded at the end of each axis to the largest of the group, or to `padded_shapes`."""
        return self._then(batching.PaddedBatch(self.node, batch_size, padded_shapes, padding_values, drop_remainder))

    def unbatch(self, name: str | None = None) -> Dataset:
        """The rows of each element, one by one."""
        return self._then(batching.Unbatch(self.node))

    def shuffle(
        self,
        buffer_size: int,
        seed: int | None = None,
        reshuffle_each_iteration: bool | None = None,
        name: str | None = None,
    ) -> Dataset:
        """Elements drawn at random from a buffer of the next `buffer_size`; all are equally likely where it holds all.

        A `seed` makes the orders of all passes the same in each run; `reshuffle_each_iteration=False`, in each pass.
        """
        size = 2**62 if buffer_size in (UNKNOWN, INFINITE) else int(buffer_size)
        if size < 1:
            raise ValueError(
                f"Dataset.shuffle: expected buffer_size of at least 1; received {buffer_size!r}. Pass len(data)."
            )
        seed = None if seed is None else int(seed)
        return self._then(steps.Shuffle(self.node, size, seed, reshuffle_each_iteration is not False))

    def repeat(self, count: int | None = None, name: str | None = None) -> Dataset:
        """All elements `count` times; for ever without it."""
        return self._then(steps.Repeat(self.node, count))

    def take(self, count: int, name: str | None = None) -> Dataset:
        """The first `count` elements; all for -1."""
        return self._then(steps.Take(self.node, count))

    def skip(self, count: int, name: str | None = None) -> Dataset:
        """All but the first `count` elements."""
        return self._then(steps.Skip(self.node, count))

    def shard(self, num_shards: int, index: int, name: str | None = None) -> Dataset:
        """Every `num_shards`-th element, beginning with number `index`."""
        return self._then(steps.Shard(self.node, num_shards, index))

    def cache(self, filename: Any = "", name: str | None = None) -> Dataset:
        """Elements kept by the first whole pass: in memory, or also in the file `<filename>.npz`, for later runs."""
        return self._then(steps.Cache(self.node, str(filename)))

    def prefetch(self, buffer_size: int | None = AUTOTUNE, name: str | None = None) -> Dataset:
        """Up to `buffer_size` elements made ahead by a thread, where making them takes code of yours."""
        return self._then(threads.Prefetch(self.node, AUTOTUNE if buffer_size is None else buffer_size))

    def filter(self, predicate: Callable[..., Any], name: str | None = None) -> Dataset:
        """The elements for which `predicate` is true."""
        return self._then(steps.Filter(self.node, predicate))

    def take_while(self, predicate: Callable[..., Any], name: str | None = None) -> Dataset:
        """The elements before the first one for which `predicate` is false."""
        return self._then(steps.TakeWhile(self.node, predicate))

    def flat_map(self, map_func: Callable[..., Any], name: str | None = None) -> Dataset:
        """The elements of the data sets that `map_func` makes of elements, one after the other."""
        return self._then(nested.FlatMap(self.node, map_func))

    def interleave(
        self,
        map_func: Callable[..., Any],
        cycle_length: int | None = None,
        block_length: int | None = None,
        num_parallel_calls: int | None = None,
        deterministic: bool | None = None,
        name: str | None = None,
    ) -> Dataset:
        """Elements of `cycle_length` such data sets in turn, `block_length` of each."""
        cycle = threads.processors() if cycle_length in (None, AUTOTUNE) else int(cycle_length)
        return self._then(nested.Interleave(self.node, map_func, cycle, 1 if block_length is None else block_length))

    def window(
        self,
        size: int,
        shift: int | None = None,
        stride: int = 1,
        drop_remainder: bool = False,
        name: str | None = None,
    ) -> Dataset:
        """Data sets of `size` neighbours each, which begin `shift` apart; usually made tensors by `flat_map`.

        >>> windows = Dataset.range(5).window(3, shift=1, drop_remainder=True)
        >>> [one.tolist() for one in windows.flat_map(lambda window: window.batch(3))]
        [[0, 1, 2], [1, 2, 3], [2, 3, 4]]
        """
        return self._then(nested.Window(self.node, int(size), int(shift or size), int(stride), drop_remainder, Dataset))

    def concatenate(self, dataset: Dataset, name: str | None = None) -> Dataset:
        """These elements, then those of another data set."""
        return self._then(steps.Concatenate(self.node, _node_of(dataset)))

    def enumerate(self, start: int = 0, name: str | None = None) -> Dataset:
        """Pairs of a number and an element."""
        return self._then(steps.Enumerate(self.node, start))

    def apply(self, transformation_func: Callable[[Dataset], Dataset], name: str | None = None) -> Dataset:
        """`transformation_func` of this data set."""
        return transformation_func(self)

    def with_options(self, options: Options, name: str | None = None) -> Dataset:
        """The same elements, with options noted."""
        return Dataset(self.node, self.options().merge(options))

    def options(self) -> Options:
        """What `with_options` has noted."""
        return self._options or Options()

    # --- elements -------------------------------------------------------------------------------------------------

    def __iter__(self) -> Iterator[Any]:
        worker = get_worker_info()
        if worker is not None:  # the workers of a loader draw alike, and each takes its share
            return self.node.shard(Draws(worker.seed - worker.id), worker.num_workers, worker.id)
        return iter(self.node.start(Draws(int(torch.randint(2**62, ())))))

    def as_numpy_iterator(self) -> Iterator[Any]:
        """The elements with numpy arrays as leaves; strings are `bytes`."""
        return (map_structure(_plain, element) for element in self)

    def reduce(self, initial_state: Any, reduce_func: Callable[[Any, Any], Any], name: str | None = None) -> Any:
        """`reduce_func(state, element)` of all elements in turn, which begins with `initial_state`.

        >>> Dataset.range(5).reduce(0, lambda total, x: total + x)
        tensor(10)
        """
        state = as_element(initial_state)
        with torch.no_grad():
            for element in self:
                state = as_element(reduce_func(state, element))
        return state

    def get_single_element(self, name: str | None = None) -> Any:
        """The only element; ValueError where there is none, or more."""
        elements = list(self.take(2))
        if len(elements) != 1:
            raise ValueError(
                f"Dataset.get_single_element: expected one element; received {'none' if not elements else 'more'}. "
                "Batch the elements first, or use take(1)."
            )
        return elements[0]

    def cardinality(self, name: str | None = None) -> torch.Tensor:
        """The number of elements; INFINITE_CARDINALITY (-1) or UNKNOWN_CARDINALITY (-2)."""
        return torch.tensor(self.node.cardinality())

    def __len__(self) -> int:
        count = self.node.cardinality()
        if count < 0:
            kind = "endless one" if count == INFINITE else "data set whose number of elements shows only in a pass"
            raise TypeError(
                f"Dataset: expected a known number of elements for len(); received an {kind}."
                if count == INFINITE
                else f"Dataset: expected a known number of elements for len(); received a {kind}. Count them in a loop."
            )
        return count

    def get_passes(self) -> list[int]:
        """How many passes each shuffle has begun: with a seed of its own, its order depends on that."""
        return [node.passes for node in self.node.walk() if isinstance(node, steps.Shuffle)]

    def set_passes(self, passes: Iterable[int]) -> None:
        """Let the next pass be drawn as after these."""
        shuffles = [node for node in self.node.walk() if isinstance(node, steps.Shuffle)]
        for node, count in zip(shuffles, passes, strict=True):
            node.passes = int(count)

    def __bool__(self) -> bool:
        return True

    @property
    def element_spec(self) -> Any:
        """Shapes and dtypes of the elements; behind `map`, those of the first one, which is made for that."""
        return self.node.spec()

    def __repr__(self) -> str:
        return f"<Dataset {' <- '.join(type(node).__name__ for node in self.node.walk())}>"


def _plain(leaf: Any) -> Any:
    return leaf.as_numpy_iterator() if isinstance(leaf, Dataset) else to_numpy(leaf)


def _node_of(dataset: Any) -> Node:
    node = getattr(dataset, "node", None)
    if not isinstance(node, Node):
        raise TypeError(
            f"Dataset: expected another Dataset; received {describe(dataset)}. Make one with from_tensor_slices()."
        )
    return node


class TextLineDataset(Dataset):
    """The lines of text files, without their ends.

    >>> TextLineDataset("poem.txt").skip(1).take(3)  # doctest: +SKIP
    """

    def __init__(
        self,
        filenames: Any,
        compression_type: str | None = None,
        buffer_size: int | None = None,
        num_parallel_reads: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(sources.Lines(filenames, compression_type))


class CsvDataset(Dataset):
    """Rows of CSV files as tuples; `record_defaults` has a dtype or a default for each column.

    Raises ElementError, with the number of the row, for a field that is empty or of another kind.

    >>> CsvDataset("iris.csv", ["float32"] * 4 + ["int32"], header=True)  # doctest: +SKIP
    """

    def __init__(
        self,
        filenames: Any,
        record_defaults: Any,
        compression_type: str | None = None,
        buffer_size: int | None = None,
        header: bool = False,
        field_delim: str = ",",
        use_quote_delim: bool = True,
        na_value: str = "",
        select_cols: Any = None,
        exclude_cols: Any = None,
    ) -> None:
        super().__init__(
            sources.Records(
                filenames,
                record_defaults,
                compression_type,
                header,
                field_delim,
                use_quote_delim,
                na_value,
                select_cols,
            )
        )

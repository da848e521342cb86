"""Dataset: its laws, its order, its errors, its threads, and how it meets DataLoaders."""

from __future__ import annotations

import gc
import pickle
import threading
import time
from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader

from kerastorch.data import AUTOTUNE, Dataset, ElementError, Options, TensorSpec, TextLineDataset, experimental
from kerastorch.data.orders import exchanged
from kerastorch.utils import set_random_seed

quick = settings(max_examples=40, deadline=None)
numbers = st.integers(0, 60)


def values(dataset):
    return [one.tolist() for one in dataset]


def by_rows(count):
    """The same numbers as rows of an array, and as elements that are made one by one."""
    return Dataset.from_tensor_slices(np.arange(count)), Dataset.range(count)


# --- laws ---------------------------------------------------------------------------------------------------------


@quick
@given(numbers, st.integers(1, 9), st.booleans())
def test_batches_are_the_elements_in_order(count, size, drop):
    for dataset in by_rows(count):
        batches = values(dataset.batch(size, drop_remainder=drop))
        assert [x for batch in batches for x in batch] == list(range(count // size * size if drop else count))
        assert all(len(batch) == size for batch in batches[:-1])
        assert len(dataset.batch(size, drop_remainder=drop)) == len(batches)
        assert values(dataset.batch(size, drop_remainder=drop).unbatch()) == [x for b in batches for x in b]


@quick
@given(numbers, st.integers(-1, 70), st.integers(0, 70))
def test_take_skip_and_concatenate(count, taken, skipped):
    for dataset in by_rows(count):
        assert values(dataset.take(taken)) == list(range(count))[: None if taken < 0 else taken]
        assert values(dataset.skip(skipped)) == list(range(count))[skipped:]
        both = dataset.take(skipped).concatenate(dataset.skip(skipped))
        assert values(both) == list(range(count)) and len(both) == count


@quick
@given(numbers, st.integers(1, 80), st.integers(0, 5), st.integers(1, 7))
def test_shuffle_is_a_permutation_within_the_buffer(count, size, seed, batch):
    for dataset in by_rows(count):
        order = values(dataset.shuffle(size, seed=seed))
        assert sorted(order) == list(range(count))
        # what comes at place p was in the buffer by then
        assert all(element < place + size for place, element in enumerate(order))
        assert sorted(x for b in dataset.shuffle(size, seed).repeat(2).batch(batch) for x in b.tolist()) == sorted(
            2 * list(range(count))
        )


@quick
@given(numbers, st.integers(1, 6), st.integers(1, 5))
def test_shards_are_all_elements_once(count, shards, batch):
    for dataset in by_rows(count):
        parts = [values(dataset.shard(shards, index)) for index in range(shards)]
        assert sorted(x for part in parts for x in part) == list(range(count))
        assert [len(dataset.shard(shards, index)) for index in range(shards)] == [len(part) for part in parts]
        assert parts[0] == list(range(count))[::shards]
        assert values(dataset.shard(shards, 0).batch(batch).unbatch()) == parts[0]


@quick
@given(st.integers(1, 20), st.integers(1, 6), st.integers(1, 6), st.integers(1, 4), st.booleans())
def test_windows_are_slices(count, size, shift, stride, drop):
    expected = [list(range(start, min(count, start + size * stride), stride)) for start in range(0, count, shift)]
    for dataset in by_rows(count):
        windows = dataset.window(size, shift, stride, drop)
        found = [values(window) for window in windows]
        assert found == [one for one in expected if len(one) == size or not drop]
        assert len(windows) == len(found)


@quick
@given(st.lists(st.integers(0, 4), min_size=1, max_size=60), st.integers(1, 5))
def test_the_exchange_of_a_whole_chunk_is_that_of_single_rows(places, size):
    places = [place % size for place in places]
    buffer, expected = list(range(100, 100 + size)), []
    for number, place in enumerate(places):
        expected.append(buffer[place])
        buffer[place] = number
    tensor = torch.arange(100, 100 + size)
    assert exchanged(tensor, torch.arange(len(places)), torch.tensor(places)).tolist() == expected
    assert tensor.tolist() == buffer


def test_a_small_buffer_draws_every_place_alike():
    # element 0 leaves a buffer of 4 at the first draw in one of four passes, and from then on geometrically
    first = Counter(values(Dataset.from_tensor_slices(np.arange(50)).shuffle(4))[0] for _ in range(800))
    assert set(first) == {0, 1, 2, 3} and all(130 < count < 270 for count in first.values())


def test_orders_of_passes():
    seeded = Dataset.range(30).shuffle(30, seed=3)
    first, second = values(seeded), values(seeded)
    same = Dataset.range(30).shuffle(30, seed=3)
    assert first != second and [values(same), values(same)] == [first, second]
    fixed = Dataset.range(30).shuffle(30, reshuffle_each_iteration=False)
    assert values(fixed) == values(fixed) != list(range(30))
    parts = values(fixed.take(10)), values(fixed.skip(10))  # the usual split into two parts
    assert sorted(parts[0] + parts[1]) == list(range(30))
    rows = Dataset.from_tensor_slices(np.arange(30)).shuffle(30, reshuffle_each_iteration=False)
    loaded = [[int(x) for x in DataLoader(rows, None, num_workers=1)] for _ in range(2)]
    assert loaded == [values(rows)] * 2
    set_random_seed(5)
    one = values(Dataset.range(30).shuffle(30).repeat(2))
    set_random_seed(5)
    assert one == values(Dataset.range(30).shuffle(30).repeat(2)) and one[:30] != one[30:]


def test_threads_do_not_change_what_is_drawn():
    def run():
        set_random_seed(1)
        slow = Dataset.range(40).shuffle(9).map(lambda x: x + 0, 3).shuffle(7).prefetch(3).repeat(2).shuffle(5)
        return values(slow.prefetch(2))

    assert run() == run()


# --- elements -----------------------------------------------------------------------------------------------------


def test_elements_are_the_caller_s_own():
    array = np.zeros((4, 2), "float32")
    cached = Dataset.from_tensor_slices(array).map(lambda x: x + 1).cache()
    for dataset in (Dataset.from_tensor_slices(array), Dataset.from_tensors(array), cached, cached.batch(2)):
        for _ in range(2):
            for element in dataset:
                assert element.unique().numel() == 1
                element += 100
    assert not array.any() and values(cached) == [[1.0, 1.0]] * 4


def test_kinds_of_leaves():
    spec = Dataset.from_tensor_slices(
        ([1, 2], [1.5, 2.5], ["a", "b"], [True, False], np.zeros((2, 3), "uint16"))
    ).element_spec
    assert [str(one.dtype) for one in spec] == [
        "torch.int32",
        "torch.float32",
        "torch.bits8",
        "torch.bool",
        "torch.int32",
    ]
    assert spec[4] == TensorSpec((3,), "int32") and repr(spec[2]) == "TensorSpec(shape=(), dtype=string, name=None)"
    with pytest.raises(TypeError, match="Dataset: expected tensors, arrays, numbers or strings; received None"):
        Dataset.from_tensors(None)
    with pytest.raises(
        ValueError, match=r"from_tensor_slices: expected arrays of one length; received lengths \[3, 2\]"
    ):
        Dataset.from_tensor_slices((np.zeros(3), np.zeros(2)))
    with pytest.raises(ValueError, match="from_tensor_slices: expected arrays with a first axis"):
        Dataset.from_tensor_slices(5)


def test_functions_see_no_gradients_and_rows_come_as_they_are():
    weight = torch.ones(2, requires_grad=True)
    mapped = Dataset.range(2).map(lambda x: weight * x)
    assert not any(element.requires_grad for element in mapped)


def test_lengths():
    assert len(Dataset.range(10).batch(3).map(lambda x: x).prefetch(1)) == 4
    for dataset, text in (
        (Dataset.range(3).repeat(), "an endless one"),
        (Dataset.range(3).filter(bool), "only in a pass"),
    ):
        with pytest.raises(TypeError, match=f"Dataset: expected a known number of elements .* {text}|shows only"):
            len(dataset)
        assert dataset and int(dataset.cardinality()) < 0
    assert experimental.cardinality(Dataset.range(4)) == 4


def test_single_elements_reduce_and_options():
    assert Dataset.range(1).get_single_element() == 0
    for dataset, received in ((Dataset.range(0), "none"), (Dataset.range(2), "more")):
        with pytest.raises(ValueError, match=f"get_single_element: expected one element; received {received}"):
            dataset.get_single_element()
    options = Options()
    options.experimental_distribute.auto_shard_policy = experimental.AutoShardPolicy.OFF
    options.deterministic = False
    dataset = Dataset.range(2).with_options(options).map(lambda x: x)
    assert dataset.options().deterministic is False and values(dataset) == [0, 1]
    assert [int(x) for x in experimental.Counter(5, 2).take(2)] == [5, 7]
    assert repr(Dataset.range(3).batch(2)) == "<Dataset Batch <- Numbers>"


def test_sampling_from_several():
    ones, twos = (Dataset.from_tensors(number).repeat(200) for number in (1, 2))
    both = values(Dataset.sample_from_datasets([ones, twos], weights=[0.8, 0.2], seed=1))
    assert Counter(both) == {1: 200, 2: 200} and 60 < Counter(both[:100])[1] < 95
    stopped = values(Dataset.sample_from_datasets([ones, twos], [0.5, 0.5], seed=1, stop_on_empty_dataset=True))
    assert len(stopped) < 400
    with pytest.raises(ValueError, match="expected one weight for each of 2 data sets; received 1"):
        Dataset.sample_from_datasets([ones, twos], [1.0])


def test_caches_run_code_once(tmp_path):
    calls = []
    dataset = Dataset.range(5).map(lambda x: (calls.append(1), (x, "text"))[1])
    cached = dataset.cache()
    assert [sorted(values(cached.map(lambda x, y: x).shuffle(5))) for _ in range(3)] == [list(range(5))] * 3
    assert len(calls) == 5
    half = dataset.cache()
    next(iter(half))
    assert values(half.map(lambda x, y: x)) == list(range(5))  # what was begun and dropped is no cache
    for _ in range(2):  # another object, as in another process, reads the file
        filed = dataset.cache(tmp_path / "kept")
        assert [(int(x), y.item()) for x, y in filed] == [(x, "text") for x in range(5)]
    assert len(calls) == 16
    ragged = (
        Dataset.range(4).map(lambda x: {"a": torch.arange(int(x)), "b": ["x"] * int(x + 1)}).cache(tmp_path / "ragged")
    )
    first = [{key: leaf.tolist() for key, leaf in element.items()} for element in ragged]
    again = Dataset.range(0).cache(tmp_path / "ragged")
    assert [{key: leaf.tolist() for key, leaf in element.items()} for element in again] == first
    (tmp_path / "bad.npz").write_bytes(b"nothing")
    with pytest.raises(ValueError, match=r"cache: expected a file that cache\(\) has written; received .*bad.npz"):
        list(Dataset.range(1).cache(tmp_path / "bad"))


# --- errors -------------------------------------------------------------------------------------------------------


def fails_at(number):
    def function(x):
        if x == number:
            raise KeyError("no good")
        return x

    return function


@pytest.mark.parametrize("parallel", [None, 3, AUTOTUNE])
@pytest.mark.parametrize("ahead", [False, True])
def test_errors_name_the_element(parallel, ahead):
    dataset = Dataset.range(20).map(fails_at(7), parallel)
    iterator = iter(dataset.prefetch(2) if ahead else dataset)
    assert [int(next(iterator)) for _ in range(7)] == list(range(7))
    with pytest.raises(
        ElementError, match="Dataset.map: expected element 7 without an error; received KeyError"
    ) as caught:
        next(iterator)
    assert caught.value.index == 7 and isinstance(caught.value.__cause__, KeyError)
    assert pickle.loads(pickle.dumps(caught.value)).index == 7


def test_a_generator_that_raises_or_yields_something_else():
    def rows():
        yield 1
        raise OSError("disk gone")

    with pytest.raises(
        ElementError, match="from_generator: expected element 1 without an error; received OSError: disk"
    ):
        list(Dataset.from_generator(rows))
    signature = (TensorSpec((2,), "float32"), TensorSpec((), "int32"))
    for wrong, text in (
        ([1.0], "it has 1 parts"),
        (([1.0, 2.0, 3.0], 1), r"it is .*\(3,\)"),
        ((["a", "b"], 1), "TypeError"),
    ):
        with pytest.raises(ElementError, match=f"element 0 without an error; received .*{text}"):
            list(Dataset.from_generator(lambda wrong=wrong: iter([wrong]), output_signature=signature))
    with pytest.raises(TypeError, match="from_generator: expected a function that returns a generator"):
        Dataset.from_generator(iter([1]))


def test_other_bad_input(tmp_path):
    ragged = Dataset.range(4).map(lambda x: torch.zeros(2 if x == 2 else 1))
    with pytest.raises(
        ValueError, match=r"batch: expected elements of one shape; .*\(1,\) as element 0 and .*\(2,\) as element 2"
    ):
        list(ragged.batch(3))
    with pytest.raises(
        ValueError, match=r"padded_batch: expected elements within padded_shapes \(1,\); received shape \(2,\)"
    ):
        list(ragged.padded_batch(3, padded_shapes=[1]))
    for call, text in (
        (lambda d: d.batch(0), "batch: expected batch_size as a positive integer; received 0"),
        (lambda d: d.shuffle(0), "shuffle: expected buffer_size of at least 1; received 0"),
        (lambda d: d.shard(2, 2), "shard: expected num_shards of at least 1 and an index from 0 below it"),
        (lambda d: d.window(0), "window: expected size, shift and stride of at least 1"),
        (lambda d: d.interleave(lambda x: d, 0), "interleave: expected cycle_length and block_length of at least 1"),
        (lambda d: Dataset.list_files(str(tmp_path / "*.png")), "list_files: expected patterns that match files"),
        (lambda d: next(iter(TextLineDataset(tmp_path / "x.txt"))), "No such file"),
        (lambda d: d.concatenate([1]), "Dataset: expected another Dataset; received"),
        (lambda d: list(d.map(lambda x: None)), "element 0 .* the function of map returned None"),
        (lambda d: list(d.flat_map(lambda x: x)), "element 0 .* the function returned no Dataset"),
        (lambda d: list(d.filter(lambda x: x.no)), "filter: expected element 0 without an error"),
        (lambda d: Dataset(5), "Dataset: expected to be made by from_tensor_slices"),
    ):
        with pytest.raises((ValueError, TypeError, OSError, ElementError), match=text):
            call(Dataset.range(4))
    with pytest.raises(TypeError, match="expected elements of one dtype; received int64 and string"):
        _ = Dataset.range(2).concatenate(Dataset.from_tensor_slices(["a"])).element_spec
    (tmp_path / "bad.csv").write_text("1,2\n3\n")
    with pytest.raises(ElementError, match="CsvDataset: expected element 1 .* the row has 1 fields"):
        list(experimental.CsvDataset(tmp_path / "bad.csv", ["int32", "int32"]))
    (tmp_path / "named.csv").write_text("a,b\n1,2\n")
    with pytest.raises(
        ValueError, match=r"make_csv_dataset: expected label_name to be one of \['a', 'b'\]; received 'c'"
    ):
        experimental.make_csv_dataset(tmp_path / "named.csv", 2, label_name="c")


# --- threads ------------------------------------------------------------------------------------------------------


def own_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("dataset-")]


def wait_until(condition):
    end = time.monotonic() + 5
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()


def test_dropped_iterators_leave_no_threads():
    dataset = Dataset.range(10_000).map(lambda x: x + 1, 3).prefetch(2)
    iterator = iter(dataset)
    assert next(iterator) == 1 and own_threads()
    del iterator
    gc.collect()
    assert wait_until(lambda: not own_threads())
    assert len(list(dataset.take(5))) == 5 and wait_until(lambda: not own_threads())


def test_prefetch_works_ahead_and_not_too_far():
    made = []
    iterator = iter(Dataset.range(50).map(lambda x: (made.append(1), x)[1]).prefetch(3))
    next(iterator)
    assert wait_until(lambda: len(made) >= 4)
    time.sleep(0.05)
    assert len(made) <= 5  # three that wait, one in the hand of the thread, one that was taken


def test_parallel_calls_run_at_the_same_time():
    together = threading.Barrier(3, timeout=5)

    def wait(x):
        together.wait()
        return x

    assert values(Dataset.range(6).map(wait, num_parallel_calls=3)) == list(range(6))


def test_rows_of_arrays_need_no_thread():
    before = own_threads()
    iterator = iter(Dataset.from_tensor_slices(np.arange(100)).shuffle(100).batch(8).prefetch(AUTOTUNE))
    next(iterator)
    assert set(own_threads()) <= set(before)


# --- loaders ------------------------------------------------------------------------------------------------------


def test_a_loader_splits_the_elements_among_its_workers():
    for dataset in (
        Dataset.range(23).shuffle(23),
        Dataset.from_tensor_slices(np.arange(23)).shuffle(5).prefetch(2),
        Dataset.range(23).map(lambda x: x, num_parallel_calls=2),
    ):
        assert sorted(int(x) for x in DataLoader(dataset, batch_size=None, num_workers=2)) == list(range(23))
    batched = Dataset.from_tensor_slices((np.arange(23), [str(n) for n in range(23)])).shuffle(23).batch(4)
    pairs = [
        pair for x, y in DataLoader(batched, None, num_workers=2) for pair in zip(x.tolist(), y.tolist(), strict=True)
    ]
    assert sorted(pairs) == [(n, str(n).encode()) for n in range(23)]


def test_a_loader_batches_what_is_single():
    loader = DataLoader(Dataset.from_tensor_slices((np.arange(5), np.arange(5) * 2)), batch_size=2)
    assert [(x.tolist(), y.tolist()) for x, y in loader] == [([0, 1], [0, 2]), ([2, 3], [4, 6]), ([4], [8])]

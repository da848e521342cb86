"""What is done to data, in words that tf.data, tf_keras and this library share; each case gives plain values.

A function gets `tools`: `Dataset`, `TensorSpec`, `layers`, `text`, `sequence` and `utils` of the library, and `folder`,
which has the files of `make_files`.
"""

from __future__ import annotations

import struct
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

CASES: dict[str, Callable[[Any], Any]] = {}
WORDS = "the cat sat on the mat , The DOG ate the cat's Food ! \n what?\tNaïve café - l'été 2024".split(" ")
TEXTS = ["The cat sat.", "the dog; the CAT", "", "A  dog\tand\na cat!", "Ünïcode naïve Été"]
COLOURS = np.array([["red", "blue"], ["green", "red"], ["red", "pink"]])
NUMBERS = np.array([[12, 7], [7, 99], [-3, 12]])


def case(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    CASES[function.__name__] = function
    return function


def cases(prefix: str, **entries: Callable[[Any], Any]) -> None:
    CASES.update({f"{prefix}_{name}": entry for name, entry in entries.items()})


def plain(value: Any) -> Any:
    """Values of either library as JSON can hold them: arrays with dtype and shape, bytes as text."""
    if isinstance(value, dict):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, tuple | list):
        return [plain(part) for part in value]
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if hasattr(value, "detach") or hasattr(value, "numpy"):
        value = (value.detach() if hasattr(value, "detach") else value).numpy()
        if isinstance(value, bytes):
            return plain(value)
    if isinstance(value, np.ndarray | np.generic):
        if value.dtype.kind in "OSU":
            return plain(np.asarray(value).tolist())
        values = (
            [round(float(one), 5) for one in np.ravel(value)] if value.dtype.kind == "f" else np.ravel(value).tolist()
        )
        return {"dtype": value.dtype.name, "shape": list(value.shape), "values": values}
    return value


def bare(value: Any) -> Any:
    """As `plain`, with single numbers of numpy as Python's."""
    if isinstance(value, dict):
        return {key: bare(part) for key, part in value.items()}
    return value.item() if isinstance(value, np.generic) else plain(value)


def elements(dataset: Any, limit: int = 40) -> Any:
    return [plain(element) for element in dataset.take(limit).as_numpy_iterator()]


def counted(dataset: Any) -> Any:
    """Elements and the number that the data set says it has."""
    return {"elements": elements(dataset), "cardinality": int(dataset.cardinality().numpy())}


# --- pipelines ----------------------------------------------------------------------------------------------------

pipelines: dict[str, Callable[[Any], Any]] = {
    "range": lambda D: D.range(5),
    "range_from": lambda D: D.range(2, 9, 3),
    "range_down": lambda D: D.range(5, 0, -2),
    "slices": lambda D: D.from_tensor_slices([[1, 2], [3, 4], [5, 6]]),
    "slices_floats": lambda D: D.from_tensor_slices([1.5, 2.5]),
    "slices_pair": lambda D: D.from_tensor_slices((np.arange(6).reshape(3, 2), np.array([0.5, 1.5, 2.5]))),
    "slices_dict": lambda D: D.from_tensor_slices({"b": [1, 2], "a": ["x", "y"]}),
    "slices_nested": lambda D: D.from_tensor_slices(({"a": [1, 2], "c": ([3, 4], [5, 6])}, [True, False])),
    "slices_strings": lambda D: D.from_tensor_slices(["ab", "ç", ""]),
    "tensors": lambda D: D.from_tensors(([1, 2], 3)),
    "map": lambda D: D.range(4).map(lambda x: x * x),
    "map_pair": lambda D: D.from_tensor_slices(([1, 2], [3, 4])).map(lambda x, y: (x + y, x - y, x)),
    "map_dict": lambda D: D.from_tensor_slices({"a": [1, 2]}).map(lambda d: {**d, "b": d["a"] * 2}),
    "map_to_list": lambda D: D.range(3).map(lambda x: [x, x * 10]),
    "map_parallel": lambda D: D.range(20).map(lambda x: x + 1, num_parallel_calls=3),
    "map_nested_tuple": lambda D: D.zip((D.range(3), D.zip((D.range(3, 6), D.range(3))))).map(
        lambda a, b: a + b[0] * b[1]
    ),
    "batch": lambda D: D.range(7).batch(3),
    "batch_drop": lambda D: D.range(7).batch(3, drop_remainder=True),
    "batch_batch": lambda D: D.range(8).batch(2).batch(3),
    "batch_of_pairs": lambda D: D.from_tensor_slices((["a", "b", "c"], [1, 2, 3])).batch(2),
    "unbatch": lambda D: D.range(7).batch(3).unbatch(),
    "unbatch_pair": lambda D: D.from_tensors((np.arange(4), np.arange(8).reshape(4, 2))).unbatch(),
    "repeat": lambda D: D.range(3).repeat(2),
    "repeat_none": lambda D: D.range(3).repeat(0),
    "repeat_forever": lambda D: D.range(3).repeat(),
    "repeat_empty": lambda D: D.range(0).repeat(),
    "batch_repeat": lambda D: D.range(5).batch(2).repeat(2),
    "repeat_batch": lambda D: D.range(5).repeat(2).batch(4),
    "take": lambda D: D.range(9).take(4),
    "take_more": lambda D: D.range(3).take(7),
    "take_all": lambda D: D.range(3).take(-1),
    "skip": lambda D: D.range(9).skip(4),
    "skip_all": lambda D: D.range(3).skip(-1),
    "skip_take": lambda D: D.from_tensor_slices(np.arange(20)).skip(5).take(6),
    "shard": lambda D: D.range(10).shard(3, 1),
    "shard_slices": lambda D: D.from_tensor_slices(np.arange(11)).shard(4, 3).batch(2),
    "filter": lambda D: D.range(9).filter(lambda x: x % 3 == 1),
    "take_while": lambda D: D.range(9).take_while(lambda x: x < 4),
    "enumerate": lambda D: D.from_tensor_slices(["a", "b"]).enumerate(5),
    "zip": lambda D: D.zip((D.range(3), D.range(5, 10))),
    "zip_dict": lambda D: D.zip({"x": D.range(2), "a": D.from_tensor_slices(["u", "v"])}),
    "zip_repeat": lambda D: D.zip((D.range(3), D.range(2).repeat())),
    "concatenate": lambda D: D.range(3).concatenate(D.range(7, 9)),
    "flat_map": lambda D: D.range(4).flat_map(lambda x: D.range(x)),
    "flat_map_slices": lambda D: D.from_tensor_slices([[1, 2], [3, 4]]).flat_map(lambda x: D.from_tensor_slices(x)),
    "interleave": lambda D: D.range(5).interleave(
        lambda x: D.from_tensors(x).repeat(3), cycle_length=2, block_length=2
    ),
    "interleave_uneven": lambda D: D.range(1, 7).interleave(lambda x: D.range(x), cycle_length=3, block_length=2),
    "interleave_wide": lambda D: D.range(3).interleave(lambda x: D.range(x, x + 3), cycle_length=8),
    "window": lambda D: D.range(7).window(3).flat_map(lambda w: w.batch(3)),
    "window_shift": lambda D: D.range(7).window(3, shift=1, drop_remainder=True).flat_map(lambda w: w.batch(3)),
    "window_stride": lambda D: D.range(7).window(3, 1, 2).flat_map(lambda w: w.batch(3)),
    "window_gaps": lambda D: D.range(20).window(2, shift=5, stride=2).flat_map(lambda w: w.batch(2)),
    "window_pair": lambda D: (
        D.from_tensor_slices((np.arange(6), np.arange(6) * 2))
        .window(4, 2, drop_remainder=True)
        .flat_map(lambda a, b: D.zip((a.batch(4), b.batch(4))))
    ),
    "window_course": lambda D: (
        D.from_tensor_slices(np.arange(10.0))
        .window(5, shift=1, drop_remainder=True)
        .flat_map(lambda w: w.batch(5))
        .map(lambda w: (w[:-1], w[-1:]))
        .batch(2)
        .prefetch(1)
    ),
    "padded": lambda D: D.range(5).flat_map(lambda x: D.from_tensors(x).repeat(x).batch(9)).padded_batch(3),
    "padded_shape": lambda D: (
        D.range(1, 5)
        .flat_map(lambda x: D.from_tensors(x).repeat(x).batch(9))
        .padded_batch(2, padded_shapes=[6], padding_values=np.int64(-1), drop_remainder=True)
    ),
    "padded_pair": lambda D: (
        D.range(1, 4)
        .flat_map(lambda x: D.from_tensors((x, x * 2)).repeat(x).batch(9))
        .padded_batch(2, padded_shapes=([None], [4]))
    ),
    "cache": lambda D: D.range(4).map(lambda x: x + 1).cache().repeat(2),
    "prefetch": lambda D: D.range(4).prefetch(2),
    "apply": lambda D: D.range(4).apply(lambda d: d.map(lambda x: -x)),
    "shuffle_one": lambda D: D.range(5).shuffle(1),
    "options": lambda D: D.range(3).with_options(D.range(1).options()),
    "empty_batch": lambda D: D.range(0).batch(2),
}
cases("pipeline", **{name: lambda t, make=make: counted(make(t.Dataset)) for name, make in pipelines.items()})

specs = (
    "slices_pair",
    "slices_nested",
    "batch",
    "batch_drop",
    "batch_of_pairs",
    "unbatch_pair",
    "zip_dict",
    "map",
    "window_course",
)
cases(
    "spec",
    **{
        name: lambda t, name=name: spec_of(pipelines[name](t.Dataset).element_spec)
        for name in specs
        if name != "window_course"
    },
)


def spec_of(spec: Any) -> Any:
    if isinstance(spec, dict):
        return {key: spec_of(part) for key, part in sorted(spec.items())}
    if isinstance(spec, tuple):
        return [spec_of(part) for part in spec]
    dtype = getattr(spec.dtype, "name", str(spec.dtype).removeprefix("torch."))
    return [None if spec.shape is None else list(spec.shape), "string" if dtype == "bits8" else dtype]


@case
def pipeline_reduce(t):
    return plain(t.Dataset.range(5).reduce(np.int64(0), lambda total, x: total + x))


@case
def pipeline_reduce_pair(t):
    data = t.Dataset.from_tensor_slices([1.0, 2.0, 4.0])
    return plain(data.reduce((0.0, 0), lambda state, x: (state[0] + x, state[1] + 1)))


@case
def pipeline_generator(t):
    def rows():
        for number in range(3):
            yield [number] * number, str(number)

    signature = (t.TensorSpec((None,), t.dtype("int32")), t.TensorSpec((), t.dtype("string")))
    return counted(t.Dataset.from_generator(rows, output_signature=signature))


@case
def pipeline_generator_types(t):
    def numbers(stop):
        yield from range(int(stop))

    return counted(t.Dataset.from_generator(numbers, output_types=t.dtype("float32"), args=(3,)).batch(2))


@case
def pipeline_lines(t):
    return elements(t.TextLineDataset([str(t.folder / "poem.txt"), str(t.folder / "dos.txt")]).skip(1))


@case
def pipeline_csv(t):
    defaults = [t.dtype("string"), [0.0], t.dtype("int32")]
    return elements(t.CsvDataset(str(t.folder / "table.csv"), defaults, header=True))


@case
def pipeline_csv_columns(t):
    return elements(t.CsvDataset(str(t.folder / "table.csv"), [t.dtype("int32")], header=True, select_cols=[2]))


@case
def pipeline_csv_batches(t):
    dataset = t.make_csv_dataset(
        str(t.folder / "table.csv"), 2, label_name="count", num_epochs=1, shuffle=False, num_rows_for_inference=2
    )
    return elements(dataset)


@case
def pipeline_files(t):
    found = t.Dataset.list_files(str(t.folder / "texts" / "[np]*" / "*.txt"), shuffle=False)
    return [Path(name.decode()).name for name in found.as_numpy_iterator()]


# --- layers -------------------------------------------------------------------------------------------------------


def layer_case(name: str, make: Callable[[Any], Any], inputs: Any, adapt: Any = None) -> None:
    def run(t: Any) -> Any:
        layer = make(t.layers)
        config = {k: v for k, v in layer.get_config().items() if k not in ("name", "trainable", "dtype")}
        if adapt is not None:
            layer.adapt(adapt)
        found = {"output": plain(layer(t.tensor(inputs))), "config": bare(config)}
        if hasattr(layer, "get_vocabulary"):
            found["vocabulary"] = [bare(one) for one in layer.get_vocabulary()]
            found["size"] = int(layer.vocabulary_size())
        if hasattr(layer, "bin_boundaries"):
            found["boundaries"] = [round(float(one), 4) for one in layer.bin_boundaries]
        return found

    CASES[f"layer_{name}"] = run


for mode in ("int", "one_hot", "multi_hot", "count", "tf_idf"):
    colours = COLOURS if mode != "one_hot" else COLOURS[:, 0]
    numbers = NUMBERS if mode != "one_hot" else NUMBERS[:, 0]
    layer_case(f"strings_{mode}", lambda L, mode=mode: L.StringLookup(output_mode=mode), colours, COLOURS)
    layer_case(f"integers_{mode}", lambda L, mode=mode: L.IntegerLookup(output_mode=mode), numbers, NUMBERS)
    weights = {"idf_weights": [0.5, 2.0]} if mode == "tf_idf" else {}
    layer_case(
        f"strings_given_{mode}",
        lambda L, mode=mode, weights=weights: L.StringLookup(
            vocabulary=["red", "blue"], output_mode=mode, mask_token="pink", **weights
        ),
        colours,
    )
    layer_case(
        f"integers_padded_{mode}",
        lambda L, mode=mode: L.IntegerLookup(
            max_tokens=7, output_mode=mode, pad_to_max_tokens=mode != "int", num_oov_indices=2, mask_token=7
        ),
        np.array([[12, 7], [5, 6], [-3, 99]]) if mode != "one_hot" else np.array([12, 7, 5, 6, -3]),
        NUMBERS,
    )
layer_case("strings_oov", lambda L: L.StringLookup(num_oov_indices=3, vocabulary=["red"]), np.array(["red", *WORDS]))
layer_case("strings_limit", lambda L: L.StringLookup(max_tokens=3), COLOURS, COLOURS)
layer_case("strings_invert", lambda L: L.StringLookup(vocabulary=["a", "b"], invert=True), np.array([[0, 1, 2, 9]]))
layer_case(
    "strings_invert_mask",
    lambda L: L.StringLookup(vocabulary=["", "[UNK]", "a", "b"], mask_token="", invert=True),
    np.array([0, 1, 2, 3]),
)
layer_case("integers_invert", lambda L: L.IntegerLookup(vocabulary=[5, 7], invert=True), np.array([[0, 1, 2]]))
layer_case("strings_special", lambda L: L.StringLookup(vocabulary=["[UNK]", "a", "b"]), np.array(["b", "x"]))

for mode in ("one_hot", "multi_hot", "count"):
    for shape in ((4,), (4, 1), (2, 2)):
        if mode == "one_hot" and shape == (2, 2):
            continue
        layer_case(
            f"encoding_{mode}_{len(shape)}_{shape[-1]}",
            lambda L, mode=mode: L.CategoryEncoding(num_tokens=4, output_mode=mode),
            np.array([0, 3, 3, 1]).reshape(shape),
        )

layer_case(
    "bins",
    lambda L: L.Discretization(bin_boundaries=[0.0, 1.0, 2.0]),
    np.array([[-1.5, 1.0, 3.4, 0.5], [0, 3, 1.3, 0]], "float32"),
)
layer_case(
    "bins_integers", lambda L: L.Discretization(bin_boundaries=[0.0, 1.0, 2.0]), np.array([[-1, 1, 3], [0, 2, 1]])
)
layer_case(
    "bins_rows",
    lambda L: L.Discretization(bin_boundaries=[0.0, 1.0], output_mode="one_hot"),
    np.array([0.5, -1.0, 7.0], "float32"),
)
layer_case(
    "bins_learnt",
    lambda L: L.Discretization(num_bins=4, epsilon=0.01),
    np.array([[-1.5, 1.0, 3.4, 0.5]], "float32"),
    np.array([[-1.5, 1.0, 3.4, 0.5], [0.0, 3.0, 1.3, 0.0]], "float32"),
)
layer_case(
    "bins_many",
    lambda L: L.Discretization(num_bins=7, epsilon=0.05),
    np.linspace(-3, 3, 20, dtype="float32"),
    np.random.RandomState(3).standard_normal((500, 1)).astype("float32"),
)

layer_case("hash", lambda L: L.Hashing(num_bins=5), np.array([["A"], ["B"], ["C"], ["D"], ["E"], [""]]))
layer_case("hash_words", lambda L: L.Hashing(num_bins=1000), np.array([" ".join(WORDS[:n]) for n in range(len(WORDS))]))
layer_case("hash_mask", lambda L: L.Hashing(num_bins=3, mask_value=""), np.array([["A"], ["B"], [""], ["C"]]))
layer_case("hash_salt", lambda L: L.Hashing(num_bins=100, salt=[133, 137]), np.array(WORDS))
layer_case("hash_one_salt", lambda L: L.Hashing(num_bins=100, salt=133), np.array([1, 2, -3, 1 << 40]))
layer_case("hash_integers", lambda L: L.Hashing(num_bins=50, mask_value=7), np.array([[1, 7], [-1, 100]]))
layer_case("hash_rows", lambda L: L.Hashing(num_bins=4, output_mode="multi_hot"), np.array([["a", "b"], ["c", "c"]]))
layer_case("cross", lambda L: L.HashedCrossing(num_bins=50), [np.array(["A", "B", "A"]), np.array([101, 101, 102])])
layer_case(
    "cross_rows",
    lambda L: L.HashedCrossing(num_bins=5, output_mode="one_hot"),
    [np.array([["A"], ["B"]]), np.array([[101], [102]]), np.array([["x"], ["y"]])],
)

for name, options in {
    "plain": {},
    "length": {"output_sequence_length": 3},
    "longer": {"output_sequence_length": 9},
    "limit": {"max_tokens": 4},
    "lower": {"standardize": "lower"},
    "strip": {"standardize": "strip_punctuation"},
    "raw": {"standardize": None},
    "characters": {"split": "character", "output_sequence_length": 12},
    "ngrams": {"ngrams": 2},
    "ngrams_chosen": {"ngrams": (3, 1)},
    "multi_hot": {"output_mode": "multi_hot"},
    "binary": {"output_mode": "binary", "max_tokens": 5},
    "count": {"output_mode": "count"},
    "count_padded": {"output_mode": "count", "max_tokens": 20, "pad_to_max_tokens": True},
    "tf_idf": {"output_mode": "tf-idf"},
    "tf_idf_ngrams": {"output_mode": "tf_idf", "ngrams": 2, "max_tokens": 8, "pad_to_max_tokens": True},
}.items():
    layer_case(f"text_{name}", lambda L, o=options: L.TextVectorization(**o), np.array(TEXTS), np.array(TEXTS))
layer_case("text_given", lambda L: L.TextVectorization(vocabulary=["cat", "dog"]), np.array([["a cat dog"]]))
layer_case(
    "text_given_weights",
    lambda L: L.TextVectorization(vocabulary=["cat", "dog"], idf_weights=[1.0, 3.0], output_mode="tf_idf"),
    np.array(["a cat dog cat"]),
)
layer_case(
    "text_unsplit",
    lambda L: L.TextVectorization(split=None, standardize="lower"),
    np.array(["A b", "c"]),
    np.array(["a b", "c"]),
)
layer_case(
    "text_tokens",
    lambda L: L.TextVectorization(split=None, output_sequence_length=3, vocabulary=["a", "b"]),
    np.array([["a", "b"], ["x", "A"]]),
)


@case
def layer_text_from_file(t):
    layer = t.layers.TextVectorization(vocabulary=str(t.folder / "vocabulary.txt"))
    return {"output": plain(layer(t.tensor(np.array(["the cat", "a dog"])))), "vocabulary": layer.get_vocabulary()}


@case
def layer_text_from_batches(t):
    layer = t.layers.TextVectorization()
    layer.adapt(t.Dataset.from_tensor_slices(TEXTS).batch(2))
    return layer.get_vocabulary()


@case
def layer_text_set(t):
    layer = t.layers.TextVectorization()
    layer.set_vocabulary(["", "[UNK]", "cat", "dog"])
    return [layer.get_vocabulary(), layer.get_vocabulary(include_special_tokens=False), int(layer.vocabulary_size())]


# --- texts and sequences ------------------------------------------------------------------------------------------

TOKENIZERS: dict[str, dict[str, Any]] = {
    "plain": {},
    "limit": {"num_words": 4},
    "oov": {"oov_token": "<OOV>"},
    "oov_limit": {"oov_token": "<OOV>", "num_words": 4},
    "characters": {"char_level": True},
    "characters_oov": {"char_level": True, "oov_token": "?", "num_words": 6},
    "cased": {"lower": False, "filters": "!"},
    "split": {"split": "a"},
}


def tokenize(t: Any, options: dict[str, Any]) -> Any:
    tokenizer = t.text.Tokenizer(**options)
    texts = [*TEXTS, ["a", "List", "of"]]
    tokenizer.fit_on_texts(texts[:4])
    tokenizer.fit_on_texts(texts[4:])
    sequences = tokenizer.texts_to_sequences([*texts, "unknown words of it"])
    copy = t.text.tokenizer_from_json(tokenizer.to_json())
    return {
        "word_index": tokenizer.word_index,
        "index_word": tokenizer.index_word,
        "counts": list(tokenizer.word_counts.items()),
        "docs": sorted(tokenizer.word_docs.items()),
        "index_docs": sorted(tokenizer.index_docs.items()),
        "documents": tokenizer.document_count,
        "sequences": sequences,
        "texts": tokenizer.sequences_to_texts([*sequences, [99, 1, 5]]),
        "matrices": {m: plain(tokenizer.texts_to_matrix(texts, m)) for m in ("binary", "count", "freq", "tfidf")},
        "copied": copy.texts_to_sequences(texts),
        "config": {k: v for k, v in tokenizer.get_config().items() if "docs" not in k},
    }


cases("tokenizer", **{name: lambda t, o=options: tokenize(t, o) for name, options in TOKENIZERS.items()})


@case
def text_words(t):
    words = t.text.text_to_word_sequence
    return [words("a,b  c\td."), words("A-b c", filters="-", lower=False), words("axbxc", split="x"), words("")]


@case
def text_hashes(t):
    return [t.text.hashing_trick(text, 50, "md5") for text in TEXTS]


@case
def tokenizer_sequences(t):
    tokenizer = t.text.Tokenizer(num_words=6)
    tokenizer.fit_on_sequences([[1, 2, 2], [2, 5], []])
    return {mode: plain(tokenizer.sequences_to_matrix([[1, 2, 2, 9], [], [5]], mode)) for mode in ("tfidf", "freq")}


SEQUENCES = [[1], [2, 3], [4, 5, 6, 7], []]
cases(
    "padded",
    plain=lambda t: plain(t.sequence.pad_sequences(SEQUENCES)),
    short=lambda t: plain(t.sequence.pad_sequences(SEQUENCES, maxlen=2)),
    post=lambda t: plain(t.sequence.pad_sequences(SEQUENCES, maxlen=3, padding="post", truncating="post")),
    mixed=lambda t: plain(t.sequence.pad_sequences(SEQUENCES, maxlen=3, padding="post", value=-1)),
    floats=lambda t: plain(t.sequence.pad_sequences([[1.5], [2.5, 3.5]], dtype="float32", value=0.5)),
    words=lambda t: plain(t.sequence.pad_sequences([["a"], ["b", "cd"]], dtype=object, value="<pad>")),
    vectors=lambda t: plain(t.utils.pad_sequences([np.ones((2, 3)), np.ones((1, 3))], maxlen=3)),
)


@case
def sampling_table(t):
    return plain(t.sequence.make_sampling_table(12))


@case
def skipgrams(t):
    import random

    found = []
    for options in ({"shuffle": False}, {"seed": 5}, {"categorical": True, "seed": 1, "negative_samples": 0.5}):
        random.seed(7)
        found.append(plain(t.sequence.skipgrams([1, 2, 0, 3, 4], 10, window_size=2, **options)))
    random.seed(7)
    table = t.sequence.make_sampling_table(10, sampling_factor=0.5)
    return [*found, plain(t.sequence.skipgrams(list(range(1, 9)), 10, 1, sampling_table=table, seed=2))]


WINDOWS: dict[str, dict[str, Any]] = {
    "plain": {"length": 3, "batch_size": 4},
    "stride": {"length": 4, "batch_size": 3, "stride": 2, "sampling_rate": 2},
    "part": {"length": 2, "batch_size": 3, "start_index": 4, "end_index": 9, "reverse": True},
}


def windows(t: Any, options: dict[str, Any]) -> Any:
    data = np.arange(24).reshape(12, 2)
    generator = t.sequence.TimeseriesGenerator(data, np.arange(12) * 10, **options)
    return [len(generator), [plain(generator[index]) for index in range(len(generator))], generator.get_config()]


cases("generator", **{name: lambda t, o=options: windows(t, o) for name, options in WINDOWS.items()})


@case
def generator_shuffled(t):
    np.random.seed(3)
    return windows(t, {"length": 3, "batch_size": 4, "shuffle": True})[1]


SERIES: dict[str, dict[str, Any]] = {
    "plain": {"sequence_length": 4, "batch_size": 3},
    "targets": {"sequence_length": 3, "targets": np.arange(12) * 10, "batch_size": 4},
    "short_targets": {"sequence_length": 3, "targets": np.arange(6), "batch_size": 4},
    "stride": {"sequence_length": 3, "sequence_stride": 2, "sampling_rate": 2, "batch_size": 2},
    "part": {"sequence_length": 3, "start_index": 2, "end_index": 9, "targets": np.arange(12), "batch_size": 4},
    "unbatched": {"sequence_length": 5, "batch_size": None},
}


def series(t: Any, options: dict[str, Any]) -> Any:
    options = {"targets": None, **options}
    return elements(t.utils.timeseries_dataset_from_array(np.arange(12.0), **options))


cases("series", **{name: lambda t, o=options: series(t, o) for name, options in SERIES.items()})


@case
def series_shuffled(t):
    """The order within a pass is the library's own; which windows there are is not."""
    dataset = t.utils.timeseries_dataset_from_array(
        np.arange(12.0), np.arange(12), 3, batch_size=4, shuffle=True, seed=1
    )
    return sorted([x.tolist(), int(y)] for x, y in dataset.unbatch().as_numpy_iterator())


# --- files --------------------------------------------------------------------------------------------------------


def make_files(folder: Path) -> None:
    """The files that the cases read."""
    folder.mkdir(exist_ok=True)
    (folder / "poem.txt").write_bytes("Wer reitet so spät\ndurch Nacht und Wind?\n\nlast".encode())
    (folder / "dos.txt").write_bytes(b"one\r\ntwo\r\n")
    (folder / "table.csv").write_bytes(b'name,price,count\na,1.5,3\n"b, c",,-4\n"say ""hi""",2,5\n')
    (folder / "vocabulary.txt").write_text("the\ncat\n", encoding="utf-8")
    for name, count in (("pos", 5), ("neg", 4), (".hidden", 1)):
        for number in range(count):
            path = folder / "texts" / name / "deep"[: number % 2 * 4] / f"{name}_{number}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{name} text {number}", encoding="utf-8")
    (folder / "texts" / "neg" / "note.md").write_text("no text")
    (folder / "texts" / "top.txt").write_text("of no class")
    for number, (height, width) in enumerate(((4, 6), (5, 3), (8, 8))):
        path = folder / "pictures" / "xy"[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.RandomState(number).randint(0, 256, (height, width, 3)).astype("uint8")
        Image.fromarray(pixels).save(path)
    for number, frames in enumerate((4, 7, 3)):
        path = folder / "sounds" / "ab"[number % 2] / f"{number}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(8000)
            file.writeframes(struct.pack(f"<{frames}h", *((-1) ** n * n * 4000 for n in range(frames))))


TEXT_FOLDERS: dict[str, dict[str, Any]] = {
    "plain": {"shuffle": False},
    "all_at_once": {"shuffle": False, "batch_size": None},
    "binary": {"shuffle": False, "label_mode": "binary", "batch_size": 4},
    "categorical": {"shuffle": False, "label_mode": "categorical", "batch_size": 4},
    "no_labels": {"shuffle": False, "label_mode": None},
    "names": {"shuffle": False, "class_names": ["pos", "neg"]},
    "short": {"shuffle": False, "max_length": 6},
    "training": {"shuffle": False, "validation_split": 0.3, "subset": "training"},
    "validation": {"shuffle": False, "validation_split": 0.3, "subset": "validation"},
    "own_labels": {"shuffle": False, "labels": [0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1]},
}


def text_folder(t: Any, options: dict[str, Any]) -> Any:
    with t.printed() as lines:
        dataset = t.utils.text_dataset_from_directory(str(t.folder / "texts"), **options)
    return {"elements": elements(dataset), "names": plain(list(dataset.class_names or [])), "printed": lines.getvalue()}


cases("folder", **{name: lambda t, o=options: text_folder(t, o) for name, options in TEXT_FOLDERS.items()})


@case
def folder_seeded(t):
    """Which files the two parts have follows from the seed alone."""
    found = {}
    for part in ("training", "validation"):
        with t.printed() as lines:
            dataset = t.utils.text_dataset_from_directory(
                str(t.folder / "texts"), validation_split=0.4, subset=part, seed=42, batch_size=None
            )
        found[part] = sorted([x.decode(), int(y)] for x, y in dataset.as_numpy_iterator())
        found[f"{part} printed"] = lines.getvalue()
    return found


@case
def folder_both(t):
    with t.printed() as lines:
        parts = t.utils.text_dataset_from_directory(
            str(t.folder / "texts"), validation_split=0.4, subset="both", seed=1, shuffle=False
        )
    return {"parts": [elements(part) for part in parts], "printed": lines.getvalue()}


PICTURES: dict[str, dict[str, Any]] = {
    "plain": {},
    "large": {"image_size": (9, 7)},
    "nearest": {"interpolation": "nearest", "label_mode": "categorical"},
    "bicubic": {"interpolation": "bicubic"},
    "area": {"interpolation": "area", "label_mode": None},
    "cut": {"crop_to_aspect_ratio": True, "image_size": (2, 4), "color_mode": "rgba"},
}


def pictures(t: Any, options: dict[str, Any]) -> Any:
    with t.printed():
        dataset = t.utils.image_dataset_from_directory(
            str(t.folder / "pictures"), **{"shuffle": False, "image_size": (3, 4), "batch_size": 2, **options}
        )
    # off the places where rounding would depend on the last bit
    rounded = [np.round(leaf + 0.0012, 1) if leaf.dtype == "float32" else leaf for leaf in leaves_of(dataset)]
    return [plain(rounded), [Path(path).name for path in dataset.file_paths]]


def leaves_of(dataset: Any) -> list[Any]:
    found = [element if isinstance(element, tuple) else (element,) for element in dataset.as_numpy_iterator()]
    return [leaf for element in found for leaf in element]


cases("pictures", **{name: lambda t, o=options: pictures(t, o) for name, options in PICTURES.items()})


@case
def folder_sounds(t):
    with t.printed() as lines:
        dataset = t.utils.audio_dataset_from_directory(str(t.folder / "sounds"), shuffle=False, batch_size=2)
    return {"elements": elements(dataset), "printed": lines.getvalue()}


@case
def folder_sounds_cut(t):
    with t.printed():
        dataset = t.utils.audio_dataset_from_directory(
            str(t.folder / "sounds"), shuffle=False, output_sequence_length=5, label_mode=None
        )
    return elements(dataset)


@case
def split_arrays(t):
    data = np.arange(10), np.arange(20).reshape(10, 2)
    parts = t.utils.split_dataset(data, left_size=0.7)
    seeded = t.utils.split_dataset(np.arange(10).reshape(10, 1), right_size=3, shuffle=True, seed=5)
    return [[elements(part) for part in parts], [elements(part) for part in seeded]]


@case
def split_pipeline(t):
    parts = t.utils.split_dataset(t.Dataset.from_tensor_slices(([1, 2, 3, 4, 5], [6, 7, 8, 9, 0])), left_size=2)
    batched = t.utils.split_dataset(t.Dataset.range(9).map(lambda x: {"a": x}).batch(2), left_size=0.5)
    return [[elements(part) for part in parts], [elements(part) for part in batched]]


TABLE = {
    "age": np.array([30.0, 41.5, 52.0, 30.0], "float32"),
    "height": np.array([1.5, 1.8, 1.7, 2.0], "float32"),
    "city": np.array(["Rome", "Oslo", "Rome", "Bern"]),
    "code": np.array([7, 7, 9, 12]),
}


def feature_space(t: Any, features: Any, **options: Any) -> Any:
    space = t.utils.FeatureSpace(features, **options)
    space.adapt(t.Dataset.from_tensor_slices(TABLE))
    row = {name: t.tensor(column[:1])[0] for name, column in TABLE.items()}
    found = [space({name: t.tensor(column) for name, column in TABLE.items()}), space(row)]
    return [{k: plain(v) for k, v in sorted(one.items())} if isinstance(one, dict) else plain(one) for one in found]


@case
def features_joined(t):
    kinds = {"age": "float_normalized", "height": "float", "city": "string_categorical", "code": "integer_categorical"}
    return feature_space(t, kinds, crosses=[("city", "code")], crossing_dim=5)


@case
def features_hashed(t):
    kinds = {"age": "float_discretized", "height": "float_rescaled", "city": "string_hashed", "code": "integer_hashed"}
    return feature_space(t, kinds, hashing_dim=4, num_discretization_bins=3)


@case
def features_apart(t):
    space = t.utils.FeatureSpace
    kinds = {
        "age": space.float_rescaled(scale=0.1, offset=1.0),
        "height": space.float_discretized(num_bins=2, output_mode="int"),
        "city": space.string_categorical(max_tokens=3, output_mode="int"),
        "code": space.integer_categorical(num_oov_indices=2),
    }
    cross = space.cross(("city", "code"), crossing_dim=6, output_mode="int")
    return feature_space(t, kinds, output_mode="dict", crosses=[cross])


@case
def one_hot_labels(t):
    return [plain(t.utils.to_categorical([0, 2, 1])), plain(t.np_utils.to_categorical(np.array([[1], [0]]), 3))]


# --- models in files ----------------------------------------------------------------------------------------------

MODEL_INPUTS: dict[str, Any] = {
    "text_int": np.array([["the cat"], ["a dog"]]),
    "text_tf_idf": np.array([["the cat cat"], ["a dog"]]),
    "table": [
        np.array([["x"], ["z"], ["y"]]),
        np.array([[4], [5], [7]]),
        np.array([[0, 1], [-2, 2], [0.3, -0.3]], "f4"),
    ],
}


def text_model(keras: Any, mode: str) -> Any:
    layers = keras.layers
    vectorize = layers.TextVectorization(output_mode=mode)
    vectorize.adapt(["the cat sat", "the dog", "été"])
    inner = [layers.Embedding(8, 3), layers.GlobalAveragePooling1D()] if mode == "int" else []
    return keras.Sequential([keras.Input((1,), dtype="string"), vectorize, *inner, layers.Dense(2)])


def table_model(keras: Any) -> Any:
    layers = keras.layers
    name, code = keras.Input((1,), dtype="string", name="name"), keras.Input((1,), dtype="int64", name="code")
    size = keras.Input((2,), name="size")
    words = layers.StringLookup(output_mode="one_hot", num_oov_indices=2)
    words.adapt(np.array([["x"], ["y"], ["x"]]))
    numbers = layers.IntegerLookup(output_mode="multi_hot")
    numbers.adapt(np.array([[4], [7], [4]]))
    bins = layers.Discretization(num_bins=3)
    bins.adapt(np.linspace(-1, 1, 40, dtype="float32").reshape(20, 2))
    columns = [
        words(name),
        numbers(code),
        layers.Rescaling(1.0)(bins(size)),
        layers.Hashing(5, output_mode="one_hot")(name),
        layers.StringLookup(vocabulary=["x", "y"], output_mode="count")(name),
    ]
    return keras.Model([name, code, size], layers.Dense(2)(layers.Concatenate()(columns)))


MODELS: dict[str, Callable[[Any], Any]] = {
    "text_int": lambda keras: text_model(keras, "int"),
    "text_tf_idf": lambda keras: text_model(keras, "tf_idf"),
    "table": table_model,
}

"""Layers of categories and texts: in models, in files, with Datasets, and what they refuse."""

from __future__ import annotations

import copy
import zipfile

import numpy as np
import pytest
import torch

import cases_data
import kerastorch as keras
from kerastorch.core.strings import StringTensor, as_strings
from kerastorch.data import Dataset
from kerastorch.layers import (
    CategoryEncoding,
    Dense,
    Discretization,
    Embedding,
    GlobalAveragePooling1D,
    HashedCrossing,
    Hashing,
    IntegerLookup,
    Rescaling,
    StringLookup,
    TextVectorization,
)
from kerastorch.ops import strings
from support import GOLDEN

TEXTS = ["a good film", "a bad film", "good good", "bad"]
LABELS = np.array([1.0, 0.0, 1.0, 0.0])


def text_model(**options):
    vectorize = TextVectorization(output_sequence_length=4, **options)
    vectorize.adapt(TEXTS)
    model = keras.Sequential(
        [keras.Input((1,), dtype="string"), vectorize, Embedding(8, 4), GlobalAveragePooling1D(), Dense(1, "sigmoid")]
    )
    model.compile(keras.optimizers.Adam(0.05), "binary_crossentropy", metrics=["accuracy"])
    return model


@pytest.mark.parametrize(
    "texts",
    [
        TEXTS,
        np.array(TEXTS),
        np.array(TEXTS, dtype=object),
        np.array(TEXTS)[:, None],
        [[text] for text in TEXTS],
        as_strings(TEXTS),
        np.array([text.encode() for text in TEXTS]),
    ],
    ids=["list", "array", "objects", "column", "lists", "tensor", "bytes"],
)
def test_a_model_of_texts_learns_and_predicts(texts):
    model = text_model()
    history = model.fit(texts, LABELS, epochs=30, batch_size=2, verbose=0).history
    assert history["accuracy"][-1] == 1
    predicted = model.predict(texts, verbose=0)
    assert predicted.shape == (4, 1) and ((predicted[:, 0] > 0.5) == LABELS).all()
    assert np.allclose(model(texts).detach().numpy(), predicted, atol=1e-6)
    assert model.evaluate(texts, LABELS, verbose=0)[1] == 1


def test_a_model_of_texts_takes_datasets_and_loaders():
    model = text_model()
    pairs = Dataset.from_tensor_slices((TEXTS, LABELS)).batch(2)
    model.fit(pairs, epochs=2, verbose=0, validation_data=pairs)
    expected = model.predict(TEXTS, verbose=0)
    assert np.allclose(model.predict(pairs, verbose=0), expected, atol=1e-6)
    loader = torch.utils.data.DataLoader(pairs, None)
    assert np.allclose(model.predict(loader, verbose=0), expected, atol=1e-6)
    mapped = pairs.map(lambda x, y: (model.layers[0](x), y))  # the layer in the pipeline instead of the model
    assert [x.shape for x, _ in mapped] == [(2, 4), (2, 4)]


def test_sequential_without_a_shape_finds_strings():
    model = keras.Sequential([StringLookup(vocabulary=["a", "b"]), Embedding(3, 2)])
    assert model(np.array(["a", "z"])).shape == (2, 2)
    assert model.inputs[0].dtype is torch.bits8


def test_numbers_and_strings_are_not_mixed_up():
    model = text_model()
    with pytest.raises(TypeError, match="Model 'sequential': expected strings for input 'input_1'; received Tensor of"):
        model.fit(np.zeros((4, 1)), LABELS)
    with pytest.raises(TypeError, match="expected strings for input"):
        model.predict(np.zeros((4, 1)), verbose=0)
    numbers = keras.Sequential([Dense(1, input_shape=(1,))])
    numbers.compile("sgd", "mse")
    for call in (numbers.predict, lambda x: numbers.fit(x, LABELS), lambda x: numbers(x)):
        with pytest.raises(TypeError, match="Turn words into integers first"):
            call(np.array(TEXTS)[:, None])
    with pytest.raises(TypeError, match="Data 'y': expected an array of numbers; received strings"):
        model.fit(TEXTS, TEXTS)
    with pytest.raises(TypeError, match="Dense 'dense.*': expected numbers; received ndarray"):
        Dense(1)(np.array(TEXTS))


# --- files --------------------------------------------------------------------------------------------------------


def table_model():
    name = keras.Input((1,), dtype="string", name="name")
    code = keras.Input((1,), dtype="int64", name="code")
    size = keras.Input((2,), name="size")
    colour = StringLookup(output_mode="one_hot", num_oov_indices=2)
    colour.adapt(np.array([["red"], ["blue"], ["red"]]))
    number = IntegerLookup(output_mode="tf_idf")
    number.adapt(np.array([[4], [7], [4]]))
    bins = Discretization(num_bins=3)
    bins.adapt(np.linspace(0, 1, 30, dtype="float32"))
    columns = [
        colour(name),
        number(code),
        Rescaling(1.0)(bins(size)),
        Hashing(5, salt=3, output_mode="one_hot")(name),
        CategoryEncoding(6, "count")(HashedCrossing(6)([name, code])),
    ]
    joined = keras.layers.Concatenate()(columns)
    return keras.Model([name, code, size], Dense(2)(joined))


TABLE = [np.array([["red"], ["green"], ["blue"]]), np.array([[4], [5], [7]]), np.array([[0, 0.5], [1, 0.4], [0.1, 2]])]


@pytest.mark.parametrize("suffix", [".keras", ".h5", ".safetensors", ".pt"])
def test_whole_models_keep_what_was_learnt(tmp_path, suffix):
    for model, data in ((text_model(), np.array(TEXTS)), (table_model(), TABLE)):
        model.save(tmp_path / f"model{suffix}")
        loaded = keras.models.load_model(tmp_path / f"model{suffix}")
        assert np.allclose(loaded.predict(data, verbose=0), model.predict(data, verbose=0), atol=1e-6)
        assert np.allclose(copy.deepcopy(model).predict(data, verbose=0), model.predict(data, verbose=0), atol=1e-6)
        cloned = keras.models.clone_model(model)
        cloned.set_weights(model.get_weights())
        assert np.allclose(cloned.predict(data, verbose=0), model.predict(data, verbose=0), atol=1e-6)


@pytest.mark.parametrize("name", cases_data.MODELS)
def test_files_of_tf_keras_load_with_their_words(tmp_path, name):
    with zipfile.ZipFile(GOLDEN / "files" / "data_layers.zip") as archive:
        archive.extractall(tmp_path)
    expected = np.load(tmp_path / "predictions.npz")[name]
    model = keras.models.load_model(tmp_path / f"{name}.keras")
    assert np.allclose(model.predict(cases_data.MODEL_INPUTS[name], verbose=0), expected, atol=1e-6)
    model.save(tmp_path / "again.keras")
    again = keras.models.load_model(tmp_path / "again.keras")
    assert np.allclose(again.predict(cases_data.MODEL_INPUTS[name], verbose=0), expected, atol=1e-6)


def test_files_of_weights_keep_the_vocabulary(tmp_path):
    model = text_model()
    model.save_weights(tmp_path / "x.weights.h5")
    fresh = keras.Sequential(
        [
            keras.Input((1,), dtype="string"),
            TextVectorization(output_sequence_length=4),
            Embedding(8, 4),
            GlobalAveragePooling1D(),
            Dense(1, "sigmoid"),
        ]
    )
    fresh.load_weights(tmp_path / "x.weights.h5")
    assert fresh.layers[0].get_vocabulary() == model.layers[0].get_vocabulary()
    assert np.allclose(fresh.predict(TEXTS, verbose=0), model.predict(TEXTS, verbose=0), atol=1e-6)


def test_a_file_cannot_name_another_file(tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("password\n")
    model = keras.Sequential([keras.Input((1,), dtype="string"), TextVectorization(vocabulary=str(secret))])
    assert "password" in model.layers[0].get_vocabulary()
    model.save(tmp_path / "good.keras")
    with zipfile.ZipFile(tmp_path / "good.keras") as good, zipfile.ZipFile(tmp_path / "bad.keras", "w") as bad:
        for name in good.namelist():
            content = good.read(name)
            assert str(secret).encode() not in content  # the words are written, not the path
            bad.writestr(name, content.replace(b'["password"]', f'"{secret}"'.encode()))
    with pytest.raises(ValueError, match="the words of .* in the file.*received the path"):
        keras.models.load_model(tmp_path / "bad.keras")


def test_functions_of_one_s_own_in_files(tmp_path):
    @keras.utils.register_keras_serializable("mine")
    def tidy(texts):
        return strings.regex_replace(strings.lower(texts), "<br ?/?>|[.!]", " ")

    def by_commas(texts):
        return strings.split(texts, ",")

    layer = TextVectorization(standardize=tidy, split=by_commas, vocabulary=["a b", "c"])
    assert layer(["A b,c!", "c"]).tolist() == [[2, 1], [3, 0]] or layer(["A b,c", "c"]).tolist() == [[2, 3], [3, 0]]
    model = keras.Sequential([keras.Input((1,), dtype="string"), layer])
    model.save(tmp_path / "own.keras")
    objects = {"by_commas": by_commas}
    loaded = keras.models.load_model(tmp_path / "own.keras", custom_objects=objects)
    assert loaded.predict(["A b,c"], verbose=0).tolist() == model.predict(["A b,c"], verbose=0).tolist()
    with pytest.raises(ValueError, match="expected the function 'by_commas' for split in custom_objects"):
        keras.models.load_model(tmp_path / "own.keras")


def test_weights_as_keras_gives_them_out():
    layer = TextVectorization()
    layer.adapt(TEXTS)
    other = TextVectorization.from_config({**layer.get_config(), "vocabulary": None})
    other.set_weights(layer.get_weights())
    assert other.get_vocabulary() == layer.get_vocabulary()


# --- words --------------------------------------------------------------------------------------------------------


def test_adapt_takes_what_holds_texts():
    expected = None
    for data in (
        TEXTS,
        np.array(TEXTS),
        np.array(TEXTS)[:, None],
        as_strings(TEXTS),
        Dataset.from_tensor_slices(TEXTS),
        Dataset.from_tensor_slices(TEXTS).batch(3),
        (np.array(TEXTS[:2]), np.array(TEXTS[2:])),
        iter([TEXTS[:3], TEXTS[3:]]),
    ):
        layer = TextVectorization()
        layer.adapt(data)
        expected = expected or layer.get_vocabulary()
        assert layer.get_vocabulary() == expected == ["", "[UNK]", "good", "film", "bad", "a"]
    layer.adapt(TEXTS, batch_size=1, steps=1)
    assert layer.get_vocabulary() == ["", "[UNK]", "good", "film", "a"]


def test_texts_alone_without_a_vocabulary():
    layer = TextVectorization(output_mode=None, split="character")
    assert [row.tolist() for row in layer(["ab", "é"])] == [[b"a", b"b"], ["é".encode()]]
    assert StringLookup(vocabulary=["b", "a"], invert=True)(torch.tensor([[2, 1], [0, 9]])).tolist() == [
        [b"a", b"b"],
        [b"[UNK]", b"[UNK]"],
    ]


def test_masks_and_padding():
    layer = TextVectorization(vocabulary=["a", "b"])
    assert layer("b a b").tolist() == [3, 2, 3]
    assert layer([["a"], ["b a"]]).tolist() == [[2, 0], [3, 2]]
    assert layer(["", ""]).shape == (2, 0)
    assert CategoryEncoding(3, sparse=True)(torch.tensor([[0, 2]])).is_sparse
    assert CategoryEncoding(3, "count")(torch.tensor([[0, 2, 2]]), count_weights=[[1.0, 2.0, 3.0]]).tolist() == [
        [1, 0, 5]
    ]


REFUSED = {
    "mode": (lambda: StringLookup(output_mode="multihot"), "StringLookup '.*': expected output_mode .* Did you mean"),
    "sparse": (lambda: Hashing(3, sparse=True), "expected another output_mode than 'int' with sparse=True"),
    "bins": (lambda: Hashing(0), "Hashing 'hashing.*': expected num_bins of at least 1; received 0"),
    "salt": (lambda: Hashing(2, salt="x"), "expected salt as one integer or two; received 'x'"),
    "fraction": (lambda: Hashing(2)(torch.ones(2)), "expected strings or integers; received Tensor"),
    "tokens": (lambda: CategoryEncoding(), "expected num_tokens of at least 1; received None"),
    "range": (lambda: CategoryEncoding(2)(torch.tensor([[2]])), "expected numbers from 0 to 1; received 2 to 2"),
    "weights": (lambda: CategoryEncoding(2)(torch.tensor([1]), count_weights=[1]), "expected output_mode='count'"),
    "both": (lambda: Discretization([0.0], num_bins=2), "expected either bin_boundaries, or num_bins"),
    "unsorted": (lambda: Discretization([1.0, 0.0]), "expected bin_boundaries in rising order"),
    "fixed bins": (lambda: Discretization([0.0]).adapt([1.0]), "expected num_bins, and no bin_boundaries, to adapt"),
    "one input": (lambda: HashedCrossing(3)(["a"]), "expected a list of at least two features"),
    "shapes": (lambda: HashedCrossing(3)([np.array(["a"]), np.array([1, 2])]), "expected features of one shape"),
    "fractions": (lambda: HashedCrossing(3)([np.array(["a"]), np.array([1.5])]), "expected strings or integers"),
    "repeated": (lambda: StringLookup(vocabulary=["a", "a"]), r"expected different tokens; received \['a'\]"),
    "reserved": (lambda: StringLookup(vocabulary=["a", "m"], mask_token="m"), "expected mask_token='m' at the start"),
    "too many": (lambda: StringLookup(2, vocabulary=["a", "b"]), "expected at most max_tokens=2 tokens .* received 3"),
    "empty": (lambda: StringLookup(vocabulary=[]), "expected a vocabulary with tokens"),
    "no file": (lambda: TextVectorization(vocabulary="nowhere.txt"), "received 'nowhere.txt', which does not exist"),
    "idf": (lambda: StringLookup(vocabulary=["a"], output_mode="tf_idf"), "expected idf_weights exactly with"),
    "idf size": (
        lambda: StringLookup(vocabulary=["a"], idf_weights=[1, 2], output_mode="tf_idf"),
        "expected idf_weights with one weight for each of 1 tokens",
    ),
    "inverse mode": (lambda: StringLookup(invert=True, output_mode="count"), "expected output_mode='int' with invert"),
    "inverse oov": (lambda: StringLookup(invert=True, num_oov_indices=2), "expected num_oov_indices of 1 with invert"),
    "no oov": (
        lambda: StringLookup(vocabulary=["a"], num_oov_indices=0)(["b"]),
        r"expected tokens of the vocabulary, as num_oov_indices=0; received \['b'\]",
    ),
    "limit": (lambda: IntegerLookup(1), "expected max_tokens above 1, or None; received 1"),
    "padding": (lambda: IntegerLookup(output_mode="count", pad_to_max_tokens=True), "expected max_tokens with pad_to"),
    "no words": (lambda: StringLookup(output_mode="count")(["a"]), "expected a vocabulary with output_mode='count'"),
    "fixed": (lambda: StringLookup(vocabulary=["a"]).adapt(["b"]), "expected a layer without a given vocabulary"),
    "fixed texts": (lambda: TextVectorization(vocabulary=["a"]).adapt(["b"]), "expected a layer without a given vocab"),
    "one text": (lambda: TextVectorization().adapt("text"), "expected an array, a list or a Dataset; received 'text'"),
    "nothing": (lambda: TextVectorization().adapt([]), "expected data; received none"),
    "labels": (lambda: TextVectorization().adapt(Dataset.from_tensor_slices((["a"], [1]))), "inputs alone; received 2"),
    "none": (
        lambda: StringLookup().adapt(np.array(["a", None], dtype=object)),
        "expected str or bytes everywhere; rec",
    ),
    "numbers": (lambda: StringLookup(vocabulary=["a"])(torch.tensor([1])), "expected strings; .* Use IntegerLookup"),
    "strings": (lambda: IntegerLookup(vocabulary=[1])(np.array(["a"])), "expected numbers; received ndarray"),
    "standard": (lambda: TextVectorization(standardize="lowre"), "expected standardize to be .* Did you mean 'lower'"),
    "split": (lambda: TextVectorization(split="whitespaces"), "expected split .* Did you mean 'whitespace'"),
    "text mode": (lambda: TextVectorization(output_mode="ints"), "expected output_mode to be one of"),
    "ngrams": (lambda: TextVectorization(ngrams="two"), "expected ngrams as an integer, or a tuple of them"),
    "length": (
        lambda: TextVectorization(output_mode="count", output_sequence_length=3),
        "expected output_sequence_length as a positive integer, with output_mode='int' alone",
    ),
    "ragged": (lambda: TextVectorization(ragged=True), "expected ragged=False, as torch has no ragged tensors"),
    "dtype": (lambda: TextVectorization(dtype="int64"), "expected dtype 'string', that of its input; received 'int64'"),
    "columns": (lambda: TextVectorization()([["a", "b"]]), r"expected texts of shape \(batch,\) or \(batch, 1\)"),
    "rank": (lambda: StringLookup(vocabulary=["a"], output_mode="count")([[["a"]]]), "expected outputs of rank 2"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name):
    call, text = REFUSED[name]
    with pytest.raises((ValueError, TypeError), match=text):
        call()


# --- tensors of strings -------------------------------------------------------------------------------------------


def test_tensors_of_strings():
    x = as_strings([["a", "bé"], ["", "c d"]])
    assert isinstance(x, StringTensor) and x.shape == (2, 2) and x[0, 1].item() == "bé" and len(x) == 2
    assert x.numpy().tolist() == [[b"a", "bé".encode()], [b"", b"c d"]] and x[0, 0].numpy() == b"a"
    assert torch.cat([x, x]).shape == (4, 2) and torch.stack([x, x], 1).shape == (2, 2, 2)
    assert x.t()[1].tolist() == ["bé".encode(), b"c d"] and x.flatten()[-1].item() == "c d"
    assert [row.tolist() for row in x.unbind(1)] == [[b"a", b""], ["bé".encode(), b"c d"]]
    assert x.index_select(0, torch.tensor([1, 1, 0]))[:, 0].tolist() == [b"", b"", b"a"]
    assert (x == "a").tolist() == [[True, False], [False, False]] and (x != x).any().item() is False
    assert copy.deepcopy(x).tolist() == x.tolist() and x.to("cpu") is x and x.expand(3, 2, 2).shape == (3, 2, 2)
    assert x[torch.tensor([False, True])].shape == (1, 2) and x.unsqueeze(0).squeeze(0).shape == (2, 2)
    with torch.inference_mode():
        assert x[0].tolist() == x[:1].squeeze(0).tolist()
    for wrong in (lambda: x.float(), lambda: torch.add(x, 1), lambda: torch.zeros(2, 2).mul(x)):
        with pytest.raises(TypeError, match="expected an operation that works on any tensor"):
            wrong()
    with pytest.raises(TypeError, match="unsupported operand"):
        x + 1
    # an accelerator, which a machine of tests may lack, has them where they are
    assert x.to("cuda", non_blocking=True) is x.pin_memory() is x.to(torch.device("cuda"), torch.bits8) is x
    for wrong in (lambda: x.to(torch.float32), lambda: x.to("cpu", dtype=torch.int64), lambda: x.to(torch.ones(1))):
        with pytest.raises(TypeError, match="received strings and 'to', which needs numbers"):
            wrong()
    with pytest.raises(TypeError, match="Strings: expected str or bytes everywhere; received 1"):
        as_strings(["a", 1])


def test_functions_of_strings():
    x = as_strings([" Ab ", "c,d"])
    assert strings.lower(x).tolist() == [b" ab ", b"c,d"] and strings.upper(strings.strip(x)).tolist() == [
        b"AB",
        b"C,D",
    ]
    assert [part.tolist() for part in strings.split(x, ",")] == [[b" Ab "], [b"c", b"d"]]
    assert strings.length(["é", "ab"]).tolist() == [2, 2] and strings.length(["é"], "UTF8_CHAR").tolist() == [1]
    assert strings.substr(["hello"], 1, 3).tolist() == [b"ell"]
    assert strings.join([["a", "b"], ["c", "d"]], "-").tolist() == [b"a-c", b"b-d"]
    assert strings.reduce_join([["a", "b"], ["c", "d"]], "+").tolist() == [b"a+b", b"c+d"]
    assert strings.to_number(["1.5", "-2"]).tolist() == [1.5, -2] and strings.to_number("7", "int32") == 7
    assert strings.as_string(torch.tensor([3, -1])).tolist() == [b"3", b"-1"]
    assert strings.regex_replace(["aab"], "a", "x", replace_global=False).tolist() == [b"xab"]

"""Tokenizer, pad_sequences and their like: what the table of tests/cases_data.py cannot show."""

from __future__ import annotations

import numpy as np
import pytest

import kerastorch as keras
from kerastorch.preprocessing.sequence import TimeseriesGenerator, pad_sequences, skipgrams
from kerastorch.preprocessing.text import Tokenizer, hashing_trick, one_hot, text_to_word_sequence, tokenizer_from_json


def test_the_names_of_courses():
    assert keras.preprocessing.text.Tokenizer is Tokenizer
    assert keras.preprocessing.sequence.pad_sequences is keras.utils.pad_sequences is pad_sequences
    assert keras.utils.np_utils.to_categorical is keras.utils.to_categorical
    assert keras.utils.PyDataset is keras.utils.Sequence
    assert keras.utils.unpack_x_y_sample_weight(keras.utils.pack_x_y_sample_weight(1, 2)) == (1, 2, None)


def test_one_hot_stays_in_its_range():
    numbers = one_hot("a b c d e f a", 5)
    assert all(1 <= number < 5 for number in numbers) and numbers[0] == numbers[-1]
    assert hashing_trick("a b", 9, lambda word: ord(word)) == [ord("a") % 8 + 1, ord("b") % 8 + 1]
    assert one_hot("x", 9, analyzer=lambda text: ["p", "q"])[0] == one_hot("p", 9)[0]


def test_a_tokenizer_takes_an_analyzer_and_generators():
    tokenizer = Tokenizer(analyzer=lambda text: text.split("-"))
    tokenizer.fit_on_texts(text for text in ("a-b", "b"))
    assert tokenizer.word_index == {"b": 1, "a": 2}
    assert list(tokenizer.texts_to_sequences_generator(["a-b-z"])) == [[2, 1]]
    with pytest.warns(UserWarning, match="`nb_words` is called `num_words` today"):
        assert Tokenizer(nb_words=3).num_words == 3


REFUSED = {
    "one text": (lambda: Tokenizer().fit_on_texts("text"), r"expected several texts for fit_on_texts\(\)"),
    "no text": (lambda: text_to_word_sequence(5), "expected a string; received 5"),
    "argument": (lambda: Tokenizer(words=3), "expected arguments that it knows; received words"),
    "mode": (lambda: Tokenizer(5).sequences_to_matrix([[1]], "tf-idf"), "expected mode to be .* received 'tf-idf'"),
    "nothing counted": (
        lambda: Tokenizer().sequences_to_matrix([[1]]),
        "expected num_words, or texts that were counted",
    ),
    "no documents": (lambda: Tokenizer(5).sequences_to_matrix([[1]], "tfidf"), "expected documents that were counted"),
    "json": (lambda: tokenizer_from_json("{}"), r"expected what Tokenizer.to_json\(\) returns"),
    "json list": (lambda: tokenizer_from_json("[1]"), r"expected what Tokenizer.to_json\(\) returns"),
    "hash": (lambda: hashing_trick("a", 5, "sha"), "expected hash_function to be 'md5' or a function; received 'sha'"),
    "hash room": (lambda: hashing_trick("a", 1), "expected n of at least 2"),
    "padding": (
        lambda: pad_sequences([[1]], padding="left"),
        "expected padding to be 'pre' or 'post'; received 'left'",
    ),
    "single": (lambda: pad_sequences([1, 2]), "expected a list of sequences; received 1 .* as element 0"),
    "no list": (lambda: pad_sequences(3), "expected a list of sequences; received 3"),
    "value": (lambda: pad_sequences([[1]], value="x"), "expected a number as value for dtype int32; received 'x'"),
    "steps": (
        lambda: pad_sequences([np.ones((1, 2)), np.ones((1, 3))]),
        r"expected steps of shape \(2,\); received \(3,\)",
    ),
    "lengths": (
        lambda: TimeseriesGenerator([1, 2], [1], 1),
        "expected data and targets of one length; received 2 and 1",
    ),
    "window": (lambda: TimeseriesGenerator([1, 2], [1, 2], 5), r"expected start_index \+ length up to end_index"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name):
    call, text = REFUSED[name]
    with pytest.raises((ValueError, TypeError), match=text):
        call()


def test_windows_feed_fit():
    series = np.sin(np.arange(60, dtype="float32"))
    generator = TimeseriesGenerator(series, series, length=4, batch_size=8)
    model = keras.Sequential([keras.layers.Dense(1, input_shape=(4,))])
    model.compile("adam", "mse")
    assert model.fit(generator, epochs=2, verbose=0).history["loss"]
    assert model.predict(generator, verbose=0).shape == (56, 1)
    with pytest.raises(TypeError, match="not JSON serializable"):
        TimeseriesGenerator([object()] * 9, list(range(9)), 2).to_json()


def test_negative_samples_are_of_the_vocabulary():
    couples, labels = skipgrams(list(range(1, 20)), 20, window_size=1, negative_samples=2.0)
    assert len(couples) == len(labels) == 3 * sum(labels)
    assert all(1 <= word < 20 and 1 <= other < 20 for word, other in couples)
    assert all(abs(word - other) == 1 for (word, other), label in zip(couples, labels, strict=True) if label)

"""Attention beyond the table of cases: gradients of both ways to compute it, masks in models, transformers."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import kerastorch as keras
from functional_tools import same
from kerastorch.layers import (
    Add,
    AdditiveAttention,
    Attention,
    Dense,
    Dropout,
    Embedding,
    GlobalAveragePooling1D,
    Input,
    Layer,
    LayerNormalization,
    MultiHeadAttention,
)
from support import assert_close, normal

# --- both ways to compute: fused in one kernel, and written out where the scores are asked for ---------------


def masked(tensor: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    tensor = tensor * 1
    if mask is not None:
        tensor._keras_mask = mask
    return tensor


def lengths(batch: int, steps: int, first: int) -> torch.Tensor:
    return torch.arange(steps)[None] < torch.linspace(first, steps, batch)[:, None]


STEPS = 70
SIDES: dict[str, tuple[Any, Any, dict[str, Any]]] = {
    "nothing": (None, None, {}),
    "keys": (None, lengths(3, STEPS, 5), {}),
    "no keys": (None, lengths(3, STEPS, 0), {}),
    "queries": (lengths(3, 40, 4), None, {}),
    "both": (lengths(3, 40, 0), lengths(3, STEPS, 0), {}),
    "causal": (None, None, {"use_causal_mask": True}),
    "causal and keys": (None, lengths(3, STEPS, 0).flip(1), {"use_causal_mask": True}),
}


def gradients(layer: Any, call: Callable[..., Any], arrays: list[np.ndarray]) -> list[torch.Tensor]:
    """The output of `call` on tensors of `arrays`, then the gradients of a fixed sum of it."""
    inputs = [torch.from_numpy(array).requires_grad_() for array in arrays]
    output = call(*inputs)
    (output * torch.from_numpy(normal("cotangent", tuple(output.shape), arrays[0].dtype.name))).sum().backward()
    found = [output, *(x.grad for x in inputs), *(weight.grad for weight in layer.weights)]
    layer.zero_grad()
    return [tensor.detach() for tensor in found if tensor is not None]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("side", SIDES)
def test_the_fused_heads_equal_the_written_ones(side: str, dtype: str) -> None:
    query_mask, value_mask, arguments = SIDES[side]
    layer = MultiHeadAttention(2, 4, dtype=dtype)
    arrays = [normal("query", (3, 40, 6), dtype), normal("value", (3, STEPS, 6), dtype)]

    def call(query: torch.Tensor, value: torch.Tensor, **more: Any) -> Any:
        return layer(masked(query, query_mask), masked(value, value_mask), **arguments, **more)

    fused = gradients(layer, call, arrays)
    written = gradients(layer, lambda *x: call(*x, return_attention_scores=True)[0], arrays)
    assert len(fused) == len(written) == 11
    for number, (one, other) in enumerate(zip(fused, written, strict=True)):
        if number == 6:  # a bias of the keys changes nothing: its gradient is rounding
            assert max(one.abs().max(), other.abs().max()) < 1e-4
            continue
        assert_close(one, other, 1e-5 if dtype == "float32" else 1e-12, f"{side} {number}")


@pytest.mark.parametrize("side", [side for side in SIDES if side not in ("queries", "both")])
def test_fused_dot_attention_equals_the_written_one(side: str) -> None:
    _, value_mask, arguments = SIDES[side]
    layer = Attention(use_scale=True)
    arrays = [normal("query", (3, 40, 6)) * 0.5, normal("value", (3, STEPS, 6)) * 0.5]

    def call(*inputs: torch.Tensor, **more: Any) -> Any:
        return layer(list(inputs), mask=[None, value_mask], **arguments, **more)

    fused = gradients(layer, call, arrays)
    written = gradients(layer, lambda *x: call(*x, return_attention_scores=True)[0], arrays)
    for number, (one, other) in enumerate(zip(fused, written, strict=True)):
        assert_close(one, other, 2e-5, f"{side} {number}")


def test_a_query_that_sees_nothing_sees_everything_alike() -> None:
    query, value = torch.randn(2, 3, 4), torch.randn(2, 5, 4)
    nothing = torch.zeros(2, 5, dtype=torch.bool)
    for layer in (Attention(), AdditiveAttention(), Attention(score_mode="concat")):
        same(layer([query, value], mask=[None, nothing]), value.mean(1, keepdim=True).expand(2, 3, 4))
    heads = MultiHeadAttention(2, 2)
    _, scores = heads(query, masked(value, nothing), return_attention_scores=True)
    same(scores, torch.full((2, 2, 3, 5), 0.2))
    same(heads(query, masked(value, nothing)), heads(query * 0, value.mean(1, keepdim=True)).expand(2, 3, 4))
    assert torch.isfinite(heads(query, value, attention_mask=torch.zeros(3, 5, dtype=torch.bool))).all()


def test_dropout_acts_on_scores_in_training_only() -> None:
    query, value = torch.ones(2, 4, 6), torch.ones(2, 50, 6)
    for layer in (Attention(dropout=0.5), AdditiveAttention(dropout=0.5)):
        assert torch.equal(layer([query, value]), layer([query, value]))
        _, scores = layer([query, value], training=True, return_attention_scores=True)
        assert scores.unique().tolist() == pytest.approx([0.0, 0.04])  # what was dropped shows
        assert 0.3 < (scores == 0).float().mean() < 0.7
        torch.manual_seed(1)
        first = layer([query, value], training=True)
        torch.manual_seed(1)
        assert torch.equal(first, layer([query, value], training=True))
        assert not torch.equal(first, layer([query, value]))
    heads = MultiHeadAttention(2, 3, dropout=0.5)
    result, scores = heads(query, value, training=True, return_attention_scores=True)
    same(scores, torch.full((2, 2, 4, 50), 0.02))  # as Keras gives them: before dropout
    assert not torch.allclose(result, heads(query, value))
    assert not torch.allclose(heads(query, value, training=True), heads(query, value))
    mask = torch.ones(4, 50, dtype=torch.bool)
    assert not torch.allclose(heads(query, value, attention_mask=mask, training=True), heads(query, value))


def test_masks_of_numbers_count_by_degrees() -> None:
    query = value = torch.zeros(1, 2, 4)
    heads = MultiHeadAttention(1, 4)
    _, scores = heads(query, value, attention_mask=torch.tensor([[1.0, 1 - 1e-9]]), return_attention_scores=True)
    same(scores[0, 0, 0], torch.tensor([0.5, 0.5]))
    _, scores = heads(query, value, attention_mask=torch.tensor([[1.0, 0.5]]), return_attention_scores=True)
    same(scores[0, 0, 0], torch.tensor([1.0, 0.0]))


# --- weights, configs, copies --------------------------------------------------------------------------


def test_weights_of_the_heads() -> None:
    layer = MultiHeadAttention(2, 3, value_dim=5, output_shape=7, name="heads")
    assert layer.weights == [] and not layer.built
    layer(torch.zeros(1, 4, 6), torch.zeros(1, 5, 8), torch.zeros(1, 5, 9))
    assert [(weight.name, tuple(weight.shape)) for weight in layer.weights] == [
        ("heads/query/kernel:0", (6, 2, 3)),
        ("heads/query/bias:0", (2, 3)),
        ("heads/key/kernel:0", (9, 2, 3)),
        ("heads/key/bias:0", (2, 3)),
        ("heads/value/kernel:0", (8, 2, 5)),
        ("heads/value/bias:0", (2, 5)),
        ("heads/attention_output/kernel:0", (2, 5, 7)),
        ("heads/attention_output/bias:0", (7,)),
    ]
    assert list(layer.state_dict())[:2] == ["_query_dense.kernel", "_query_dense.bias"]
    assert {name for name, _ in layer.named_children()} == {
        *("_query_dense", "_key_dense", "_value_dense", "_output_dense"),
    }


def test_weights_of_heads_inside_a_layer_are_named_after_it() -> None:
    class Block(Layer):
        def __init__(self) -> None:
            super().__init__(name="block")
            self.attention = MultiHeadAttention(2, 3, name="heads")

        def call(self, inputs: torch.Tensor) -> torch.Tensor:
            return self.attention(inputs, inputs)

    for inputs in (torch.zeros(1, 2, 4), Input((2, 4)), Input((None, 4))):
        block = Block()
        block(inputs)
        assert block.weights[0].name == "block/heads/query/kernel:0"
        assert block.attention.query_shape[-1] == 4


def test_heads_can_be_built_by_their_shapes() -> None:
    layer = MultiHeadAttention(2, 3)
    layer._build_from_signature((None, 4, 6), value=(None, 5, 8))
    assert [tuple(weight.shape) for weight in layer.weights[::2]] == [(6, 2, 3), (8, 2, 3), (8, 2, 3), (2, 3, 6)]
    alone = MultiHeadAttention(2, 3)
    alone.build((None, 4, 6))
    assert alone(torch.zeros(1, 4, 6), torch.zeros(1, 2, 6)).shape == (1, 4, 6)
    frozen = MultiHeadAttention(2, 3, trainable=False)
    frozen.build((None, 4, 6))
    assert frozen.trainable_weights == [] and len(frozen.non_trainable_weights) == 8
    assert not any(weight.requires_grad for weight in frozen.weights)
    frozen.trainable = True
    assert len(frozen.trainable_weights) == 8


def test_configs_of_built_heads_carry_shapes() -> None:
    layer = MultiHeadAttention(2, 3, attention_axes=1)
    layer(Input((4, 6)), Input((5, 8)))
    config = layer.get_config()
    assert config["query_shape"] == (None, 4, 6)
    assert config["key_shape"] == config["value_shape"] == (None, 5, 8)
    assert config["attention_axes"] == (1,)
    copied = MultiHeadAttention.from_config(config)
    assert [tuple(w.shape) for w in copied.weights] == [tuple(w.shape) for w in layer.weights]
    # Keras 2.4 to 2.12 wrote shapes this way
    older = {
        **config,
        **{
            key: {"class_name": "TensorShape", "items": list(config[key])}
            for key in config
            if "_shape" in key and key != "output_shape"
        },
    }
    assert len(MultiHeadAttention.from_config(older).weights) == 8
    without = {key: value for key, value in config.items() if key not in ("query_shape", "key_shape", "value_shape")}
    assert MultiHeadAttention.from_config(without).weights == []


def test_causal_survives_a_config() -> None:
    layer = Attention(causal=True)
    copied = Attention.from_config(layer.get_config())
    x = torch.randn(1, 5, 3)
    same(copied([x, x]), Attention()([x, x], use_causal_mask=True))
    assert "causal" not in Attention().get_config()


# --- models --------------------------------------------------------------------------------------------


class Positions(Layer):
    supports_masking = True

    def build(self, input_shape: Any) -> None:
        self.table = self.add_weight("table", input_shape[1:], initializer="random_normal")

    def call(self, inputs: torch.Tensor) -> torch.Tensor:
        return inputs + self.table


def encoder_and_decoder() -> Any:
    """A small transformer: words in, a distribution of the next target word out."""
    words, targets = Input((6,), dtype="int64", name="words"), Input((5,), dtype="int64", name="targets")
    x = Positions(name="places")(Embedding(9, 8, mask_zero=True, name="word_vectors")(words))
    x = LayerNormalization(name="norm1")(Add()([x, MultiHeadAttention(2, 4, name="encoder")(x, x)]))
    x = LayerNormalization(name="norm2")(Add()([x, Dense(8, name="out")(Dense(16, "relu", name="hidden")(x))]))
    y = Positions(name="target_places")(Embedding(9, 8, mask_zero=True, name="target_vectors")(targets))
    y = LayerNormalization(name="norm3")(
        Add()([y, MultiHeadAttention(2, 4, name="decoder")(y, y, use_causal_mask=True)])
    )
    y = LayerNormalization(name="norm4")(Add()([y, MultiHeadAttention(2, 4, name="cross")(query=y, value=x, key=x)]))
    return keras.Model([words, targets], Dense(9, activation="softmax", name="next")(y))


WORDS = torch.tensor([[1, 2, 3, 0, 0, 0], [4, 5, 6, 7, 8, 1], [2, 0, 0, 0, 0, 0]])
TARGETS = torch.tensor([[1, 2, 0, 0, 0], [3, 4, 5, 6, 7], [8, 1, 2, 3, 0]])


def test_masks_reach_every_attention_of_a_model() -> None:
    model = encoder_and_decoder()
    before = model([WORDS, TARGETS])
    with torch.no_grad():
        model.get_layer("word_vectors").embeddings[0] += 1.0  # what padding looks like
    padded = model([WORDS, TARGETS])
    same(padded[TARGETS != 0], before[TARGETS != 0])
    assert not torch.allclose(padded, before)  # a padded target sees all words alike
    assert torch.equal(padded._keras_mask, TARGETS != 0)
    changed = TARGETS.clone()
    changed[1, 3:] = torch.tensor([1, 2])
    after = model([WORDS, changed])
    same(after[1, :3], before[1, :3])
    assert not torch.allclose(after[1, 3], before[1, 3])


def test_the_generated_code_equals_the_layers_one_by_one() -> None:
    model = encoder_and_decoder()
    layer = {one.name: one for one in model.layers}
    assert "use_causal_mask=True" in model.code
    x = layer["places"](layer["word_vectors"](WORDS))
    x = layer["norm1"](Add()([x, layer["encoder"](x, x)]))
    x = layer["norm2"](Add()([x, layer["out"](layer["hidden"](x))]))
    y = layer["target_places"](layer["target_vectors"](TARGETS))
    y = layer["norm3"](Add()([y, layer["decoder"](y, y, use_causal_mask=True)]))
    y = layer["norm4"](Add()([y, layer["cross"](y, x)]))
    assert torch.equal(y._keras_mask, TARGETS != 0)
    same(model([WORDS, TARGETS]), layer["next"](y))


@pytest.mark.parametrize(
    "copy_of",
    [
        lambda model: keras.Model.from_config(model.get_config(), {"Positions": Positions}),
        lambda model: keras.models.model_from_json(model.to_json(), {"Positions": Positions}),
        keras.models.clone_model,
        copy.deepcopy,
    ],
    ids=["config", "json", "clone", "deepcopy"],
)
def test_copies_of_models_with_attention(copy_of: Callable[[Any], Any]) -> None:
    model = encoder_and_decoder()
    copied = copy_of(model)
    assert [w.name for w in copied.weights] == [w.name for w in model.weights]
    copied.set_weights(model.get_weights())
    same(copied([WORDS, TARGETS]), model([WORDS, TARGETS]))
    assert copied.weights[0] is not model.weights[0]


def test_a_transformer_learns_to_copy() -> None:
    keras.utils.set_random_seed(0)
    model = encoder_and_decoder()
    words = torch.randint(1, 9, (128, 6))
    words[::2, 4:] = 0
    targets = torch.cat([torch.ones(128, 1, dtype=torch.int64), words[:, :4]], 1)
    model.compile(keras.optimizers.Adam(0.02), "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit([words, targets], words[:, :5], epochs=40, batch_size=32, verbose=0).history
    assert history["loss"][-1] < 0.5 * history["loss"][0]
    assert history["accuracy"][-1] > 0.6


class TransformerBlock(Layer):
    """The block of a well-known example."""

    def __init__(self, embed_dim: int, num_heads: int, ff_dim: int, rate: float = 0.1) -> None:
        super().__init__()
        self.att = MultiHeadAttention(num_heads=num_heads, key_dim=embed_dim)
        self.ffn = keras.Sequential([Dense(ff_dim, activation="relu"), Dense(embed_dim)])
        self.layernorm1 = LayerNormalization(epsilon=1e-6)
        self.layernorm2 = LayerNormalization(epsilon=1e-6)
        self.dropout1 = Dropout(rate)
        self.dropout2 = Dropout(rate)

    def call(self, inputs: torch.Tensor, training: bool | None = None) -> torch.Tensor:
        attn_output = self.att(inputs, inputs)
        attn_output = self.dropout1(attn_output, training=training)
        out1 = self.layernorm1(inputs + attn_output)
        ffn_output = self.ffn(out1)
        ffn_output = self.dropout2(ffn_output, training=training)
        return self.layernorm2(out1 + ffn_output)


class TokenAndPositionEmbedding(Layer):
    def __init__(self, maxlen: int, vocab_size: int, embed_dim: int) -> None:
        super().__init__()
        self.token_emb = Embedding(input_dim=vocab_size, output_dim=embed_dim)
        self.pos_emb = Embedding(input_dim=maxlen, output_dim=embed_dim)

    def call(self, x: torch.Tensor) -> torch.Tensor:
        positions = torch.arange(x.shape[-1], device=x.device)
        return self.token_emb(x) + self.pos_emb(positions)


def text_classifier() -> Any:
    inputs = Input(shape=(8,), dtype="int32")
    x = TokenAndPositionEmbedding(8, 20, 8)(inputs)
    x = TransformerBlock(8, 2, 16)(x)
    x = GlobalAveragePooling1D()(x)
    x = Dropout(0.1)(x)
    x = Dense(10, activation="relu")(x)
    return keras.Model(inputs=inputs, outputs=Dense(2, activation="softmax")(x))


def test_a_text_classifier_learns() -> None:
    keras.utils.set_random_seed(0)
    model = text_classifier()
    assert model.count_params() == 20 * 8 + 8 * 8 + (3 * (8 * 16 + 16) + 16 * 8 + 8) + (
        8 * 16 + 16 + 16 * 8 + 8
    ) + 32 + (8 * 10 + 10 + 22)
    names = [weight.name for weight in model.weights]
    assert "transformer_block/multi_head_attention/query/kernel:0" in names
    x = np.random.RandomState(0).randint(0, 20, (256, 8)).astype("int32")
    y = (x == 7).any(1).astype("int32")
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, batch_size=32, epochs=15, verbose=0)
    assert model.evaluate(x, y, verbose=0)[1] > 0.95


def test_masks_given_in_a_symbolic_call() -> None:
    query, value = Input((3, 4)), Input((5, 4))
    mask = Input((5,), dtype="bool")
    shown = torch.tensor([[True, True, False, False, True]])
    x, y = torch.randn(1, 3, 4), torch.randn(1, 5, 4)
    for inputs, number in (([query, value], 2), ([query, value, value], 2), ([query, value, value], 3)):
        layer = Attention()
        outputs = layer(inputs, mask=[None, mask, None][:number])
        model = keras.Model([query, value, mask], outputs)
        same(model([x, y, shown]), layer([x, y], mask=[None, shown]))
        assert not torch.allclose(model([x, y, shown]), layer([x, y]))
    heads = MultiHeadAttention(2, 2)
    model = keras.Model([query, value, mask], heads(query, value, attention_mask=mask[:, None]))
    same(model([x, y, shown]), heads(x, masked(y, shown)))


def test_scores_of_a_model() -> None:
    query, value = Input((None, 4)), Input((None, 6))
    heads = MultiHeadAttention(2, 3, attention_axes=1)
    result, scores = heads(query, value, return_attention_scores=True)
    assert result.shape == (None, None, 4) and scores.shape == (None, 2, None, None)
    model = keras.Model([query, value], [result, scores])
    x, y = torch.randn(2, 3, 4), torch.randn(2, 5, 6)
    found, weights = model([x, y])
    same(found, heads(x, y))
    assert weights.shape == (2, 2, 3, 5)
    same(weights.sum(-1), torch.ones(2, 2, 3))


# --- what is refused -----------------------------------------------------------------------------------

TENSOR = torch.zeros(2, 3, 4)
REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "no heads": (
        lambda: MultiHeadAttention(0, 4, name="h"),
        "MultiHeadAttention 'h': expected num_heads as a positive integer; received num_heads=0. Pass for example",
    ),
    "heads below 0": (lambda: MultiHeadAttention(-2, 4), "received num_heads=-2"),
    "key_dim": (lambda: MultiHeadAttention(2, 0), "expected key_dim as a positive integer; received key_dim=0"),
    "value_dim": (lambda: MultiHeadAttention(2, 3, value_dim=-1), "received value_dim=-1"),
    "dropout": (lambda: MultiHeadAttention(2, 3, dropout=1.5), "expected dropout from 0 to 1; received dropout=1.5"),
    "query alone": (
        lambda: MultiHeadAttention(2, 3, name="h")(TENSOR),
        "MultiHeadAttention 'h': expected a query and a value; received a query alone. Call layer(x, x)",
    ),
    "axes": (
        lambda: MultiHeadAttention(2, 3, attention_axes=(2,))(TENSOR, TENSOR),
        "expected attention_axes out of (0, 1), the axes before the features, each once; received attention_axes=(2,)",
    ),
    "axes twice": (lambda: MultiHeadAttention(2, 3, attention_axes=(1, 1))(TENSOR, TENSOR), "each once"),
    "rank 2": (
        lambda: MultiHeadAttention(2, 3)(TENSOR[0], TENSOR[0]),
        "expected inputs of rank 3 at least; received shape (3, 4). Give them an axis of steps",
    ),
    "ranks": (lambda: MultiHeadAttention(2, 3)(TENSOR, TENSOR[0]), "expected query, value and key of one rank"),
    "keys and values": (
        lambda: MultiHeadAttention(2, 3)(TENSOR, TENSOR, torch.zeros(2, 5, 4)),
        "expected key and value of equal sizes but the last; received key (2, 5, 4) and value (2, 3, 4)",
    ),
    "symbolic keys and values": (
        lambda: MultiHeadAttention(2, 3)(Input((3, 4)), Input((3, 4)), Input((5, 4))),
        "received key (None, 5, 4) and value (None, 3, 4)",
    ),
    "batches": (
        lambda: MultiHeadAttention(2, 3)(TENSOR, TENSOR[:1]),
        "expected query and key of equal sizes but in attention_axes=(1,) and the last axis; received query (2, 3, 4)",
    ),
    "axes nobody looks along": (
        lambda: MultiHeadAttention(2, 3, attention_axes=2)(torch.zeros(1, 2, 3, 4), torch.zeros(1, 5, 3, 4)),
        "received query (1, 2, 3, 4) and key (1, 5, 3, 4). Repeat or reshape one of them.",
    ),
    "causal over two axes": (
        lambda: MultiHeadAttention(2, 3)(TENSOR[None], TENSOR[None], use_causal_mask=True),
        "expected a single attention axis with use_causal_mask; received attention_axes=(1, 2)",
    ),
    "a tensor": (
        lambda: Attention(name="a")(TENSOR),
        "Attention 'a': expected [query, value] or [query, value, key]; received a single input. Pass a list",
    ),
    "a symbolic tensor": (lambda: AdditiveAttention()(Input((3, 4))), "received a single input"),
    "one in a list": (lambda: AdditiveAttention()([TENSOR]), "received 1 in a list"),
    "four in a list": (lambda: Attention()([TENSOR] * 4), "received 4 in a list"),
    "one mask": (
        lambda: Attention()([TENSOR, TENSOR], mask=torch.ones(2, 3, dtype=torch.bool)),
        "expected mask=[query_mask, value_mask]; received a single mask",
    ),
    "three masks": (lambda: Attention()([TENSOR, TENSOR], mask=[None, None, None]), "received 3 masks"),
    "score_mode": (lambda: Attention(score_mode="cosine"), "expected score_mode to be one of ('dot', 'concat')"),
    "rate": (lambda: Attention(dropout=-0.1), "expected dropout from 0 to 1; received dropout=-0.1"),
    "depths": (
        lambda: Attention()([TENSOR, torch.zeros(2, 3, 5)]),
        "expected query and key of one depth; received shapes (2, 3, 4) and (2, 3, 5). Bring both through a Dense.",
    ),
    "as many keys": (
        lambda: AdditiveAttention()([TENSOR, TENSOR, torch.zeros(2, 5, 4)]),
        "expected as many keys as values; received shapes (2, 5, 4) and (2, 3, 4)",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(case: str) -> None:
    call, text = REFUSED[case]
    with pytest.raises(ValueError, match=re.escape(text)):
        call()


def test_later_calls_are_checked_too() -> None:
    heads = MultiHeadAttention(2, 3)
    heads(TENSOR, TENSOR)
    with pytest.raises(ValueError, match=r"expected size 4 in axis -1; received shape \(2, 3, 5\)"):
        heads(torch.zeros(2, 3, 5), TENSOR)
    with pytest.raises(ValueError, match=r"EinsumDense 'value': expected size 4 in axis -1"):
        heads(TENSOR, torch.zeros(2, 3, 5), TENSOR)
    with pytest.raises(ValueError, match="expected key and value of equal sizes but the last"):
        heads(TENSOR, torch.zeros(2, 5, 4), TENSOR)
    attention = Attention()
    attention([TENSOR, TENSOR])
    with pytest.raises(ValueError, match="received 1 in a list"):
        attention([TENSOR])

"""Recurrent layers and their cells."""

from __future__ import annotations

from kerastorch.layers.recurrent.cell import AbstractRNNCell
from kerastorch.layers.recurrent.cells import GRUCell, LSTMCell, SimpleRNNCell
from kerastorch.layers.recurrent.cudnn import CuDNNGRU, CuDNNLSTM
from kerastorch.layers.recurrent.gru import GRU
from kerastorch.layers.recurrent.lstm import LSTM
from kerastorch.layers.recurrent.rnn import RNN
from kerastorch.layers.recurrent.simple_rnn import SimpleRNN
from kerastorch.layers.recurrent.stacked import StackedRNNCells

__all__ = [
    "AbstractRNNCell",
    "CuDNNGRU",
    "CuDNNLSTM",
    "GRU",
    "GRUCell",
    "LSTM",
    "LSTMCell",
    "RNN",
    "SimpleRNN",
    "SimpleRNNCell",
    "StackedRNNCells",
]

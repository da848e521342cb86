"""The layers that `keras.layers.cudnn_recurrent` held."""

from kerastorch.layers.recurrent.cudnn import CuDNNGRU, CuDNNLSTM

__all__ = [
    "CuDNNGRU",
    "CuDNNLSTM",
]

"""Helpers around models and data."""

from kerastorch.callbacks.progress import Progbar
from kerastorch.core.config import set_random_seed
from kerastorch.core.registry import (
    CustomObjectScope,
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from kerastorch.core.sequence import Sequence
from kerastorch.datasets.download import get_file
from kerastorch.preprocessing.image import array_to_img, img_to_array, load_img, save_img
from kerastorch.preprocessing.sequence import pad_sequences
from kerastorch.saving import deserialize_keras_object, serialize_keras_object
from kerastorch.training.batches import pack_x_y_sample_weight, unpack_x_y_sample_weight
from kerastorch.utils import np_utils, vis_utils
from kerastorch.utils.arrays import normalize, to_categorical
from kerastorch.utils.augmented import predict_tta
from kerastorch.utils.dataset_from_directory import (
    audio_dataset_from_directory,
    image_dataset_from_directory,
    text_dataset_from_directory,
)
from kerastorch.utils.enqueuers import GeneratorEnqueuer, OrderedEnqueuer, SequenceEnqueuer
from kerastorch.utils.feature_space import FeatureSpace
from kerastorch.utils.history_plot import plot_history
from kerastorch.utils.model_plot import model_to_dot, plot_model
from kerastorch.utils.split import split_dataset
from kerastorch.utils.timeseries import timeseries_dataset_from_array

PyDataset = Sequence  # Keras 3's name

__all__ = [
    "CustomObjectScope",
    "FeatureSpace",
    "GeneratorEnqueuer",
    "OrderedEnqueuer",
    "Progbar",
    "PyDataset",
    "Sequence",
    "SequenceEnqueuer",
    "array_to_img",
    "audio_dataset_from_directory",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_custom_objects",
    "get_file",
    "get_registered_name",
    "get_registered_object",
    "image_dataset_from_directory",
    "img_to_array",
    "load_img",
    "model_to_dot",
    "normalize",
    "np_utils",
    "pack_x_y_sample_weight",
    "pad_sequences",
    "plot_history",
    "plot_model",
    "predict_tta",
    "register_keras_serializable",
    "save_img",
    "serialize_keras_object",
    "set_random_seed",
    "split_dataset",
    "text_dataset_from_directory",
    "timeseries_dataset_from_array",
    "to_categorical",
    "unpack_x_y_sample_weight",
    "vis_utils",
]

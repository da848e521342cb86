"""Writing logs, weights and the architecture for TensorBoard."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from kerastorch.callbacks.callback import Callback
from kerastorch.callbacks.logs import Logs, as_logs

_OLD_ARGUMENTS = ("write_grads", "embeddings_layer_names", "embeddings_data", "batch_size")


class TensorBoard(Callback):
    """Writes event files for TensorBoard into `log_dir/train` and `log_dir/validation`.

    Scalars: 'epoch_<name>' and 'epoch_learning_rate' by epoch; 'batch_<name>' every `update_freq` batches ('batch' is
    1, 'epoch' none); 'evaluation_<name>_vs_iterations'; with `write_steps_per_second` the speed too. Every
    `histogram_freq` epochs '<weight>/histogram' and, with `write_images`, '<weight>/image'; every `embeddings_freq`
    epochs the tables of Embedding layers, labelled by the lines of the files in `embeddings_metadata`. `write_graph`
    writes the architecture; `profile_batch`, a number or a pair, traces batches, counted from 1, with torch.profiler.
    Needs the package `tensorboard`. Raises ValueError for a wrong `update_freq` or `profile_batch`, TypeError for
    arguments that do not exist.

    >>> callback = TensorBoard("logs", histogram_freq=1)
    """

    state_attributes = ("_batches", "_in_epoch")

    def __init__(
        self,
        log_dir: str | os.PathLike[str] = "logs",
        histogram_freq: int = 0,
        write_graph: bool = True,
        write_images: bool = False,
        write_steps_per_second: bool = False,
        update_freq: str | int = "epoch",
        profile_batch: int | str | tuple[int, int] = 0,
        embeddings_freq: int = 0,
        embeddings_metadata: str | Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__()
        self.log_dir = os.fspath(log_dir)
        self._take_old_arguments(kwargs)
        self.histogram_freq = histogram_freq
        self.write_graph = write_graph
        self.write_images = write_images
        self.write_steps_per_second = write_steps_per_second
        self.update_freq = 1 if update_freq == "batch" else update_freq
        if self.update_freq != "epoch" and not (isinstance(self.update_freq, int) and self.update_freq > 0):
            raise self._error("update_freq 'batch', 'epoch' or a number of batches", update_freq)
        self.profile_batch = profile_batch
        self._first_traced, self._last_traced = self._range_of(profile_batch)
        self.embeddings_freq = embeddings_freq
        self.embeddings_metadata = embeddings_metadata
        self._batches = self._in_epoch = 0  # that this model was trained on
        self._writers: dict[str, Any] = {}
        self._profiler: Any = None
        self._epoch_began = self._batch_began = 0.0
        self._batches_before = 0

    def _error(self, expected: str, received: Any) -> ValueError:
        return ValueError(
            f"TensorBoard '{self.log_dir}': expected {expected}; received {received!r}. Leave it out for the default."
        )

    def _take_old_arguments(self, given: Mapping[str, Any]) -> None:
        unknown = [name for name in given if name not in _OLD_ARGUMENTS]
        if unknown:
            raise TypeError(
                f"TensorBoard '{self.log_dir}': expected arguments of TensorBoard; received {unknown[0]!r}. Leave it "
                "out."
            )
        if given:
            warnings.warn(
                f"TensorBoard: {', '.join(given)} had a meaning in Keras 1 and is ignored.", UserWarning, stacklevel=3
            )

    def _range_of(self, profile_batch: Any) -> tuple[int, int]:
        expected = "profile_batch as a number of at least 0, or a pair of numbers that grow"
        parts = profile_batch.split(",") if isinstance(profile_batch, str) else profile_batch
        parts = [parts] if isinstance(parts, int) else parts
        try:
            numbers = [int(part) for part in parts]
        except (TypeError, ValueError) as error:
            raise self._error(expected, profile_batch) from error
        if len(numbers) not in (1, 2) or numbers[0] < 0 or numbers[-1] < numbers[0]:
            raise self._error(expected, profile_batch)
        return numbers[0], numbers[-1]

    # --- what is written when ------------------------------------------------------------------------------------

    def _implements_train_batch_hooks(self) -> bool:
        return self.update_freq != "epoch" or self._last_traced > 0

    def set_model(self, model: Any) -> None:
        if model is not self.model:
            self._batches = 0
        super().set_model(model)

    def on_train_begin(self, logs: Logs | None = None) -> None:
        writer = self._writer("train")  # fails here rather than after the first epoch
        if self.write_graph and getattr(self.model, "graph", None) is not None:
            _write_architecture(writer, self.model)

    def on_train_end(self, logs: Logs | None = None) -> None:
        self.release()

    def release(self) -> None:
        self._stop_tracing()
        for writer in self._writers.values():
            writer.close()
        self._writers = {}

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._epoch_began = time.perf_counter()
        self._batches_before = self._updates()
        self._in_epoch = 0

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        self._batch_began = time.perf_counter()
        if self._last_traced and self._batches + 1 == self._first_traced:
            self._start_tracing()

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        before = self._batches
        self._batches += batch + 1 - self._in_epoch  # several with steps_per_execution
        self._in_epoch = batch + 1
        if self._profiler is not None and self._batches >= self._last_traced:
            self._stop_tracing()
        if self.update_freq == "epoch" or self._batches // self.update_freq == before // self.update_freq:
            return
        values = {f"batch_{name}": value for name, value in as_logs(logs).items()}
        if self.write_steps_per_second:
            values["batch_steps_per_second"] = 1.0 / max(time.perf_counter() - self._batch_began, 1e-9)
        self._write("train", values, self._batches)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        logs = as_logs(logs)
        optimizer = getattr(self.model, "optimizer", None)
        values = {f"epoch_{name}": value for name, value in logs.items() if not name.startswith("val_")}
        if hasattr(optimizer, "learning_rate"):
            values["epoch_learning_rate"] = float(optimizer.learning_rate)
        if self.write_steps_per_second:
            seconds = max(time.perf_counter() - self._epoch_began, 1e-9)
            values["epoch_steps_per_second"] = (self._updates() - self._batches_before) / seconds
        self._write("train", values, epoch)
        of_validation = {f"epoch_{name[4:]}": value for name, value in logs.items() if name.startswith("val_")}
        if of_validation:
            self._write("validation", of_validation, epoch)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            self._write_weights(epoch)
        if self.embeddings_freq and epoch % self.embeddings_freq == 0:
            self._write_embeddings(epoch)
        for writer in self._writers.values():
            writer.flush()

    def on_test_end(self, logs: Logs | None = None) -> None:
        if hasattr(getattr(self.model, "optimizer", None), "iterations"):
            values = {f"evaluation_{name}_vs_iterations": value for name, value in as_logs(logs).items()}
            self._write("validation", values, self._updates())
            self._writer("validation").flush()

    def _updates(self) -> int:
        return int(getattr(getattr(self.model, "optimizer", None), "iterations", 0))

    # --- writing -------------------------------------------------------------------------------------------------

    def _writer(self, part: str) -> Any:
        if part not in self._writers:
            try:
                from torch.utils.tensorboard import SummaryWriter  # an optional package
            except ImportError as error:
                raise ImportError(
                    f"TensorBoard '{self.log_dir}': expected the package tensorboard; found none ({error}). "
                    "Install it: pip install tensorboard"
                ) from error
            self._writers[part] = SummaryWriter(os.path.join(self.log_dir, part))
        return self._writers[part]

    def _write(self, part: str, values: Mapping[str, Any], step: int) -> None:
        writer = self._writer(part)
        for name, value in values.items():
            if np.ndim(value) == 0 and not isinstance(value, str):
                writer.add_scalar(name, value, step)

    def _write_weights(self, epoch: int) -> None:
        writer = self._writer("train")
        for layer in self.model.layers:
            for weight in layer.weights:
                name = (getattr(weight, "name", None) or layer.name).replace(":", "_")
                values = weight.detach().float().cpu()
                finite = values[torch.isfinite(values)]
                if finite.numel():
                    writer.add_histogram(f"{name}/histogram", finite, epoch)
                if self.write_images:
                    images = as_images(values)
                    if images is not None:
                        writer.add_images(f"{name}/image", images, epoch, dataformats="NHWC")

    def _write_embeddings(self, epoch: int) -> None:
        for layer in self.model.layers:
            if not hasattr(layer, "embeddings"):
                continue
            file = self.embeddings_metadata
            file = file.get(layer.name) if isinstance(file, Mapping) else file
            labels = None
            if file is not None:
                with open(os.path.join(self.log_dir, file), encoding="utf-8") as lines:
                    labels = lines.read().splitlines()
            table = layer.embeddings.detach().cpu()
            self._writer("train").add_embedding(table, metadata=labels, tag=layer.name, global_step=epoch)

    def _start_tracing(self) -> None:
        folder = os.path.join(self.log_dir, "plugins", "profile")
        self._profiler = torch.profiler.profile(on_trace_ready=torch.profiler.tensorboard_trace_handler(folder))
        self._profiler.start()

    def _stop_tracing(self) -> None:
        profiler, self._profiler = self._profiler, None
        if profiler is not None:
            profiler.stop()


def as_images(values: torch.Tensor) -> torch.Tensor | None:
    """A weight as grey images (images, height, width, 1) with values in [0, 1]; None where it cannot be shown.

    A matrix lies on its longer side; of three axes the last counts images.
    """
    values = values.squeeze()
    if values.dim() == 1:
        values = values[None]
    if values.dim() == 2:
        values = (values.T if values.shape[0] > values.shape[1] else values)[None]
    elif values.dim() == 3:
        values = values.permute(2, 0, 1)
    else:
        return None
    low, high = values.min(), values.max()
    return ((values - low) / (high - low).clamp(min=1e-12)).nan_to_num()[..., None]


def _write_architecture(writer: Any, model: Any) -> None:
    """The model as JSON, which TensorBoard draws as a graph of layers."""
    from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
    from tensorboard.compat.proto.tensor_pb2 import TensorProto
    from tensorboard.compat.proto.types_pb2 import DT_STRING

    try:
        text = model.to_json()
    except (NotImplementedError, TypeError, ValueError) as error:
        warnings.warn(
            f"TensorBoard: expected a model whose layers have configs; received {type(model).__name__} "
            f"'{model.name}' ({error}). Its graph is left out.",
            UserWarning,
            stacklevel=2,
        )
        return
    plugin = SummaryMetadata.PluginData(plugin_name="graph_keras_model", content=b"1")
    tensor = TensorProto(dtype=DT_STRING, string_val=[text.encode()])
    value = Summary.Value(tag="keras", metadata=SummaryMetadata(plugin_data=plugin), tensor=tensor)
    writer.file_writer.add_summary(Summary(value=[value]), 0)

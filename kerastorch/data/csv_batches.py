"""CSV files as batches of named columns."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from typing import Any

from kerastorch.data import sources
from kerastorch.data.dataset import CsvDataset, Dataset
from kerastorch.data.threads import AUTOTUNE

_EMPTY = {"int32": 0, "int64": 0, "float32": 0.0, "string": ""}


def make_csv_dataset(
    file_pattern: Any,
    batch_size: int,
    column_names: Sequence[str] | None = None,
    column_defaults: Sequence[Any] | None = None,
    label_name: str | None = None,
    select_columns: Sequence[Any] | None = None,
    field_delim: str = ",",
    use_quote_delim: bool = True,
    na_value: str = "",
    header: bool = True,
    num_epochs: int | None = None,
    shuffle: bool = True,
    shuffle_buffer_size: int = 10000,
    shuffle_seed: int | None = None,
    prefetch_buffer_size: int | None = None,
    num_parallel_reads: int | None = None,
    sloppy: bool = False,
    num_rows_for_inference: int | None = 100,
    compression_type: str | None = None,
    ignore_errors: bool = False,
) -> Dataset:
    """Batches of CSV rows as dicts of columns, with `label_name` as pairs of such a dict and that column.

    Kinds of columns follow from the first rows: whole numbers, numbers, else strings; what is missing is 0 or ''.
    Without `num_epochs` it has no end. Raises ValueError for a column that the file has not.
    """
    paths = sources.matching(sources.paths_of(file_pattern))
    options = {"compression": compression_type, "delimiter": field_delim, "use_quotes": use_quote_delim}
    names = list(column_names) if column_names is not None else _first_row(paths[0], options)
    chosen = list(range(len(names)))
    if select_columns is not None:
        chosen = sorted(_place(column, names) for column in select_columns)
    kept = [names[place] for place in chosen]
    if label_name is not None and label_name not in kept:
        raise ValueError(f"make_csv_dataset: expected label_name to be one of {kept}; received {label_name!r}.")
    if column_defaults is None:
        column_defaults = _defaults(paths, options, chosen, header, na_value, num_rows_for_inference)
    rows = CsvDataset(
        paths, column_defaults, compression_type, None, header, field_delim, use_quote_delim, na_value, chosen
    )

    def named(*values: Any) -> Any:
        columns = dict(zip(kept, values, strict=True))
        return columns if label_name is None else (columns, columns.pop(label_name))

    dataset = rows.shuffle(shuffle_buffer_size, shuffle_seed) if shuffle else rows
    dataset = dataset.repeat(num_epochs).batch(batch_size, drop_remainder=num_epochs is None)
    return dataset.map(named).prefetch(AUTOTUNE if prefetch_buffer_size is None else prefetch_buffer_size)


def _place(column: Any, names: Sequence[str]) -> int:
    if isinstance(column, int):
        return column
    if column not in names:
        raise ValueError(f"make_csv_dataset: expected columns out of {list(names)}; received {column!r}.")
    return names.index(column)


def _rows(path: str, options: dict[str, Any]) -> Any:
    lines = sources.Lines([path], options["compression"]).lines()
    quoting = csv.QUOTE_MINIMAL if options["use_quotes"] else csv.QUOTE_NONE
    return csv.reader((line.decode("utf-8") + "\n" for line in lines), delimiter=options["delimiter"], quoting=quoting)


def _first_row(path: str, options: dict[str, Any]) -> list[str]:
    return next(_rows(path, options), [])


def _defaults(
    paths: Sequence[str], options: dict[str, Any], chosen: Sequence[int], header: bool, missing: str, limit: int | None
) -> list[Any]:
    """A default for each column, of the narrowest kind that its first fields have."""
    kinds = ["int32"] * len(chosen)
    seen = 0
    for path in paths:
        rows = _rows(path, options)
        if header:
            next(rows, None)
        for row in rows:
            if limit is not None and seen >= limit:
                break
            seen += 1
            for number, place in enumerate(chosen):
                if row and row[place] != missing:
                    kinds[number] = _wider(kinds[number], row[place])
    return [[_EMPTY[kind]] for kind in kinds]


def _wider(kind: str, text: str) -> str:
    order = ("int32", "int64", "float32", "string")
    return order[max(order.index(kind), order.index(_kind_of(text)))]


def _kind_of(text: str) -> str:
    try:
        return "int32" if -(2**31) <= int(text) < 2**31 else "int64"
    except ValueError:
        pass
    try:
        float(text)
    except ValueError:
        return "string"
    return "float32"

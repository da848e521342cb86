"""What both libraries do with pictures: the same programs on the same data, for golden files and tests.

Each function takes the module `preprocessing.image` of either library and returns arrays by name.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from support import uniform

SIX = uniform("images", (6, 7, 9, 3), 0.0, 255.0)
GREY = uniform("grey images", (6, 8, 8, 1), 0.0, 1.0)


def doubled(x: np.ndarray) -> np.ndarray:
    return x * 2.0 - 1.0


def noisy(x: np.ndarray) -> np.ndarray:
    """A function that draws from the generator that the transformations are drawn from."""
    return x + np.random.normal(scale=20.0)


MOVED = {"rotation_range": 40, "zoom_range": 0.3}
# Name, options, pictures. The filled borders are wide, as the pictures are small.
GENERATORS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "rotation": {"rotation_range": 40},
    "shift fractions": {"width_shift_range": 0.3, "height_shift_range": 0.2},
    "shift pixels": {"width_shift_range": 3, "height_shift_range": 2.0},
    "shift lists": {"width_shift_range": [-3, 0, 2], "height_shift_range": (0.1, 0.4)},
    "shear": {"shear_range": 25.0},
    "zoom": {"zoom_range": 0.4},
    "zoom pair": {"zoom_range": [0.5, 0.8]},
    "flips": {"horizontal_flip": True, "vertical_flip": True},
    "flips and rotation": {"horizontal_flip": True, "vertical_flip": True, "rotation_range": 40},
    "channel shift": {"channel_shift_range": 60.0},
    "rescale": {"rescale": 1 / 255},
    "function": {"preprocessing_function": doubled, "rotation_range": 20},
    "function that draws": {"preprocessing_function": noisy, "rotation_range": 20, "rescale": 0.1},
    "samplewise": {"samplewise_center": True, "samplewise_std_normalization": True},
    "all": {
        "rotation_range": 30,
        "width_shift_range": 0.2,
        "height_shift_range": 0.2,
        "shear_range": 10,
        "zoom_range": 0.2,
        "channel_shift_range": 20.0,
        "horizontal_flip": True,
        "vertical_flip": True,
        "rescale": 1 / 255,
    },
    **{f"order {order}": {**MOVED, "interpolation_order": order} for order in (0, 2, 3)},
    **{f"fill {mode}": {**MOVED, "fill_mode": mode, "cval": 30.0} for mode in ("constant", "reflect", "wrap")},
    **{
        f"fill {mode}, order {order}": {**MOVED, "fill_mode": mode, "cval": 30.0, "interpolation_order": order}
        for mode in ("constant", "reflect", "wrap")
        for order in (0, 3)
    },
}
# tf_keras' brightness takes the default layout for that of the generator
LAST_ONLY: dict[str, dict[str, Any]] = {
    "brightness": {"brightness_range": (0.3, 1.8)},
    "brightness and all": {**GENERATORS["all"], "brightness_range": [0.5, 1.5]},
    "brightness outside of bytes": {"brightness_range": [0.5, 1.5], "interpolation_order": 3, "rotation_range": 30},
}
FITTED: dict[str, dict[str, Any]] = {
    "featurewise": {"featurewise_center": True, "featurewise_std_normalization": True, "rescale": 1 / 255},
    "whitening": {"featurewise_center": True, "zca_whitening": True, "zca_epsilon": 0.1},
}


def channels_first(x: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(np.moveaxis(x, -1, 1))


def taken(batches: Any, count: int) -> list[Any]:
    return [next(batches) for _ in range(count)]


def flow(image: Any, options: dict[str, Any], data_format: str) -> dict[str, np.ndarray]:
    """Batches with a seed, in another order without one, by number, and the number that is drawn next."""
    x = SIX if data_format == "channels_last" else channels_first(SIX)
    generator = image.ImageDataGenerator(data_format=data_format, **options)
    seeded = taken(generator.flow(x, np.arange(6), batch_size=4, seed=5), 3)
    np.random.seed(3)
    unseeded = generator.flow(x, np.arange(6), batch_size=4, shuffle=True)
    others = [next(unseeded), unseeded[1]]
    arrays = {f"x{number}": batch[0] for number, batch in enumerate([*seeded, *others])}
    arrays |= {f"y{number}": batch[1] for number, batch in enumerate([*seeded, *others])}
    return {**arrays, "next": np.array(np.random.random())}


def fitted(image: Any, options: dict[str, Any]) -> dict[str, np.ndarray]:
    """Statistics with and without augmentation, and batches that use them."""
    x = SIX[:, :4, :4]
    generator = image.ImageDataGenerator(**options)
    generator.fit(x)
    arrays = {"mean": generator.mean, "batch": next(generator.flow(x, batch_size=6, shuffle=False))}
    if generator.std is not None:
        arrays["std"] = generator.std
    augmenting = image.ImageDataGenerator(rotation_range=30, **options)
    augmenting.fit(x, augment=True, rounds=2, seed=1)
    return {**arrays, "augmented mean": augmenting.mean, "one": augmenting.standardize(np.copy(x[0]))}


def numbers_of(parameters: dict[str, Any]) -> list[float]:
    return [float("nan") if parameters[key] is None else float(parameters[key]) for key in sorted(parameters)]


def single_pictures(image: Any) -> dict[str, np.ndarray]:
    """The functions for one picture, and the methods for one."""
    np.random.seed(2)
    first, last = channels_first(SIX)[0], {"row_axis": 0, "col_axis": 1, "channel_axis": 2}
    arrays = {
        "rotation": image.random_rotation(first, 30),
        "rotation, last": image.random_rotation(SIX[0], 30, **last, fill_mode="reflect"),
        "shift": image.random_shift(first, 0.3, 0.2, fill_mode="wrap"),
        "shear": image.random_shear(SIX[0], 20, **last, fill_mode="constant", cval=7.0),
        "zoom": image.random_zoom(SIX[0], (0.5, 1.5), **last, interpolation_order=3),
        "channel shift": image.random_channel_shift(SIX[0], 50.0, channel_axis=2),
        "brightness": image.random_brightness(SIX[0], (0.4, 1.6)),
        "brightness, negative": image.apply_brightness_shift(SIX[0] - 100.0, 1.3, scale=False),
        "brightness, transparent": image.apply_brightness_shift(np.concatenate([SIX[0], SIX[1, :, :, :1]], 2), 0.5),
        "affine": image.apply_affine_transform(first, 20, 1, -2, 10, 0.8, 1.2),
        "affine, columns first": image.apply_affine_transform(SIX[0], 20, 1, 0, row_axis=1, col_axis=0, channel_axis=2),
        "affine, bytes": image.apply_affine_transform(SIX[0].astype("uint8"), 20, **last),
    }
    generator = image.ImageDataGenerator(**LAST_ONLY["brightness and all"])
    arrays["parameters"] = np.array([numbers_of(generator.get_random_transform((7, 9, 3), seed)) for seed in range(5)])
    arrays["applied"] = generator.apply_transform(SIX[0], {"theta": 10, "flip_horizontal": True, "zx": 0.7})
    arrays["random"] = generator.random_transform(SIX[0], seed=4)
    lists = image.ImageDataGenerator(width_shift_range=4, height_shift_range=[0.1, 0.5], rotation_range=10)
    arrays["parameters of lists"] = np.array(
        [numbers_of(lists.get_random_transform((20, 10, 3), seed)) for seed in range(8)]
    )
    return arrays


def array_options(image: Any) -> dict[str, np.ndarray]:
    """Further inputs, sample weights, subsets, and the order of epochs."""
    generator = image.ImageDataGenerator(validation_split=0.34, horizontal_flip=True)
    other, weights, labels = np.arange(6) * 10, np.arange(6) / 10, np.array([0, 1, 0, 1, 0, 1])
    (x, first, second), y, w = next(
        generator.flow((GREY, [other, other + 1]), labels, batch_size=4, seed=1, sample_weight=weights)
    )
    arrays = {"x": x, "first": first, "second": second, "y": y, "w": w}
    for subset in ("training", "validation"):
        arrays[f"{subset} x"], arrays[f"{subset} y"] = next(
            generator.flow(GREY, labels, batch_size=8, subset=subset, shuffle=False, seed=2)
        )
    np.random.seed(9)
    iterator = image.ImageDataGenerator().flow(GREY, np.arange(6), batch_size=4)
    by_number = [iterator[number][1] for number in (1, 0)]
    iterator.on_epoch_end()
    by_number += [iterator[number][1] for number in (1, 0)]
    iterator.reset()
    by_number += [next(iterator)[1] for _ in range(4)]
    return {**arrays, "order": np.concatenate(by_number), "seen": np.array(iterator.total_batches_seen)}


def make_tree(folder: Path) -> Path:
    """Pictures of several sizes, modes and formats in folders of classes, one of them nested."""
    root = folder / "pets"
    for number in range(7):
        kind = "cats" if number < 4 else "dogs"
        place = root / kind / ("more" if number % 3 == 2 else "")
        place.mkdir(parents=True, exist_ok=True)
        pixels = uniform(f"file {number}", (9 + number, 12 - number % 2, 3), 0, 255, "uint8")
        picture = Image.fromarray(pixels).convert(("RGB", "L", "RGBA", "P")[number % 4])
        picture.save(place / f"{number}.{('png', 'bmp', 'png', 'PNG')[number % 4]}")
    (root / "birds").mkdir()
    Image.fromarray(uniform("bird", (10, 10, 3), 0, 255, "uint8")).save(root / "birds" / "one.ppm")
    (root / "birds" / "notes.txt").write_text("no picture")
    (root / "not a class.png").write_bytes((root / "cats" / "0.png").read_bytes())
    return root


def folders(image: Any, root: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """What `flow_from_directory` finds, its labels in each mode, and pictures in each colour mode."""
    facts: dict[str, Any] = {}
    arrays: dict[str, np.ndarray] = {}
    generator = image.ImageDataGenerator(rescale=1 / 255, validation_split=0.4)
    for name, options in {
        "categorical": {},
        "sparse": {"class_mode": "sparse", "color_mode": "grayscale", "interpolation": "bilinear"},
        "binary": {"class_mode": "binary", "classes": ["dogs", "cats"], "color_mode": "rgba"},
        "input": {"class_mode": "input", "interpolation": "lanczos", "shuffle": False},
        "none": {"class_mode": None, "keep_aspect_ratio": True, "interpolation": "bicubic", "target_size": (5, 9)},
        "training": {"subset": "training", "classes": ["cats", "dogs"]},
        "validation": {"subset": "validation", "classes": ["cats", "dogs"], "interpolation": "hamming"},
    }.items():
        given = {"target_size": (8, 6), "batch_size": 5, "seed": 4, **options}
        iterator = generator.flow_from_directory(str(root), **given)
        facts[name] = {
            "filenames": [os.path.normpath(file) for file in iterator.filenames],
            "classes": [int(label) for label in iterator.classes],
            "class_indices": iterator.class_indices,
            "samples": iterator.samples,
            "length": len(iterator),
        }
        for number in range(2):
            batch = next(iterator)
            parts = batch if isinstance(batch, tuple) else (batch,)
            arrays |= {f"{name} {number} {part}": array for part, array in enumerate(parts)}
    moving = image.ImageDataGenerator(rotation_range=30, horizontal_flip=True, data_format="channels_first")
    arrays["moved"] = next(moving.flow_from_directory(str(root), target_size=(8, 6), batch_size=5, seed=4))[0]
    return facts, arrays


def table(frame: Any) -> Any:
    """Names of files, some of them missing, with labels of every kind; `frame` makes a data frame of a dict."""
    names = [f"{kind}/{place}{number}.{end}" for kind, place, number, end in (
        ("cats", "", 0, "png"), ("cats", "", 1, "bmp"), ("cats", "more/", 2, "png"), ("dogs", "", 4, "png"),
        ("dogs", "more/", 5, "bmp"), ("birds", "", "one", "ppm"),
    )]  # fmt: skip
    return frame(
        {
            "file": [*names, "cats/absent.png", "birds/notes.txt"],
            "kind": ["cat", "cat", "cat", "dog", "dog", "bird", "cat", "bird"],
            "kinds": [["cat", "wild"], ["cat"], ["cat"], ["dog"], ["wild", "dog"], ["bird"], ["cat"], ["bird"]],
            "age": [1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5],
            "height": [1, 2, 3, 4, 5, 6, 7, 8],
            "weight": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8],
        }
    )


def frames(image: Any, root: Path, frame: Any) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The same for `flow_from_dataframe`."""
    facts: dict[str, Any] = {}
    arrays: dict[str, np.ndarray] = {}
    generator = image.ImageDataGenerator(vertical_flip=True, validation_split=0.4)
    for name, options in {
        "categorical": {"y_col": "kind"},
        "several": {"y_col": "kinds", "shuffle": False},
        "chosen": {"y_col": "kinds", "classes": ["wild", "cat"], "weight_col": "weight"},
        "sparse": {"y_col": "kind", "class_mode": "sparse", "weight_col": "weight"},
        "binary": {"y_col": "kind", "class_mode": "binary", "classes": ["dog", "cat"]},
        "raw": {"y_col": "age", "class_mode": "raw"},
        "raw columns": {"y_col": ["age", "height"], "class_mode": "raw", "subset": "training"},
        "columns": {"y_col": ["age", "height"], "class_mode": "multi_output"},
        "none": {"class_mode": None, "subset": "validation", "shuffle": False},
    }.items():
        given = {"target_size": (4, 5), "batch_size": 4, "seed": 4, **options}
        iterator = generator.flow_from_dataframe(table(frame), str(root), x_col="file", **given)
        facts[name] = {
            "filenames": list(iterator.filenames),
            "class_indices": getattr(iterator, "class_indices", None),
            "samples": iterator.samples,
            "length": len(iterator),
        }
        for number in range(2):
            batch = next(iterator)
            parts = batch if isinstance(batch, tuple) else (batch,)
            for part, array in enumerate(parts):
                for place, one in enumerate(array if isinstance(array, list) else [array]):
                    arrays[f"{name} {number} {part} {place}"] = one
    return facts, arrays


def loaded(image: Any, root: Path) -> dict[str, np.ndarray]:
    """Files as arrays, in every way `load_img` has, and back."""
    cat = str(root / "cats" / "0.png")
    arrays = {
        f"{mode} {way}": image.img_to_array(image.load_img(cat, color_mode=mode, target_size=(5, 4), interpolation=way))
        for mode in ("rgb", "rgba", "grayscale")
        for way in ("nearest", "bilinear", "bicubic", "hamming", "box", "lanczos")
    }
    arrays["kept"] = image.img_to_array(image.load_img(cat, target_size=(4, 9), keep_aspect_ratio=True))
    arrays["first"] = image.img_to_array(image.load_img(cat), data_format="channels_first")
    for name, array in {"pixels": SIX[0], "signed": SIX[0] - 100, "flat": np.full((2, 2, 1), 3.0)}.items():
        for scale in (True, False):
            arrays[f"{name} {scale}"] = np.asarray(image.array_to_img(np.abs(array), scale=scale))
    arrays["16 bits"] = np.asarray(image.array_to_img(np.full((2, 2, 1), 3000.0), scale=False))
    arrays["resized"] = image.smart_resize(SIX[0], (4, 4))
    arrays["resized batch"] = image.smart_resize(SIX, (3, 7), interpolation="nearest")
    return arrays

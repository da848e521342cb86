"""Data on their way to a model: random changes of pictures, pictures from files, and the memory that they take."""

from __future__ import annotations

from benchmarks.cases import Case, Target

# rotation, shifts and zoom of small pictures, and what courses do with photographs
AUGMENTED = {"rotation_range": 30, "width_shift_range": 0.2, "height_shift_range": 0.2, "zoom_range": 0.2}
PHOTOGRAPHS = {**AUGMENTED, "shear_range": 10, "horizontal_flip": True, "rescale": 1 / 255}


def pictures(quick: bool) -> list[Case]:
    """ImageDataGenerator against tf_keras'."""
    batches = 2 if quick else 5
    files = 128 if quick else 1000
    return [
        Case(
            "flow: a batch of 64 pictures 84x84x3",
            "flow",
            {"batches": batches, "options": AUGMENTED},
            (Target(1 / 10, "tf_keras"),),
            operations=batches,
        ),
        Case(
            "flow: a batch of 64, splines of order 3",
            "flow",
            {"batches": 1, "options": {**AUGMENTED, "interpolation_order": 3}},
        ),
        Case(
            "flow: a batch of 64, flips alone",
            "flow",
            {"batches": batches, "options": {"horizontal_flip": True}},
            operations=batches,
        ),  # fmt: skip
        Case(
            f"flow_from_directory: {files} JPEG files 256x256",
            "folder",
            {"files": files, "size": 256, "options": PHOTOGRAPHS},
            (Target(1 / 2, "tf_keras"),),
        ),
        Case(
            f"flow_from_directory: {files} JPEG files 256x256 to 150x150, not changed",
            "folder",
            {"files": files, "size": 150, "options": {"rescale": 1 / 255}},
        ),
        Case(
            "memory of an iterator over 2,000 pictures as bytes (42 MB)",
            "flow_of_bytes",
            {"samples": 2000},
            (Target(10.0, kind="value"),),
            measure="growth",
        ),
        Case(
            "layers: RandomFlip, RandomRotation, RandomZoom on 64 pictures 84x84x3",
            "layers",
            {"batches": batches},
            operations=batches,
        ),  # fmt: skip
    ]


def pipelines(quick: bool) -> list[Case]:
    """Data sets against tf.data and index_select, texts against tf_keras."""
    samples = 6_000 if quick else 60_000
    megabytes = 1.0 if quick else 10.0
    whole = f"{samples:,} images 28x28, batches of 32"
    targets = (Target(1.2), Target(1.0, "tf_keras"))
    return [
        Case(f"Dataset: slices, shuffle, batch: {whole}", "rows", {"samples": samples}, targets),
        Case(
            f"Dataset: slices, shuffle, batch, prefetch: {whole}",
            "rows",
            {"samples": samples, "prefetched": True},
            targets,
        ),
        Case(f"Dataset: a function of each row: {samples // 10:,} images", "mapped", {"samples": samples // 10}),
        Case(
            f"TextVectorization of {megabytes:g} MB",
            "texts",
            {"megabytes": megabytes},
            (Target(2.0, "tf_keras"),),
        ),
        Case(
            f"TextVectorization.adapt on {megabytes:g} MB",
            "texts",
            {"megabytes": megabytes, "adapts": True},
        ),
    ]


def cases(quick: bool) -> list[Case]:
    """All cases in the order of the table."""
    return pictures(quick) + pipelines(quick)

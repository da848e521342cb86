"""Networks with published architectures: building, loading, training with a frozen base, training and inference."""

from __future__ import annotations

from benchmarks.cases import Case, Target

BATCH = 64


def build(name: str, tf_keras: float, *more: Target) -> Case:
    return Case(f"build {name}", "build", {"name": name}, (Target(tf_keras, "tf_keras"), *more))


def cases(quick: bool) -> list[Case]:
    """All cases in the order of the table; the quick ones train on fewer images."""
    steps, images, epochs = (1, 128, 10) if quick else (16, 2000, 10)
    frozen = {"samples": steps * BATCH}
    transfer = {"samples": images, "epochs": epochs}
    return [
        build("InceptionV3", 0.15, Target(0.4, "keras")),
        build("NASNetLarge", 0.3),
        build("EfficientNetB7", 0.3),
        Case("load the weights of InceptionV3", "load", targets=(Target(2.0),)),
        Case(
            "train on a frozen InceptionV3: one step",
            "train_frozen",
            frozen,
            (Target(1.03), Target(0.5, "keras")),
            operations=steps,
        ),
        Case(
            "peak memory of training on a frozen InceptionV3",
            "train_frozen",
            frozen,
            (Target(1.1),),
            "peak of job",
        ),
        Case("train ResNet50, batch 16: one step", "train", {"batch": 16}, (Target(1.05),)),
        Case("predict ResNet50, two batches of 32", "predict", {"samples": 64}, (Target(0.9),)),
        Case(
            f"{epochs} epochs of transfer learning on {images:,} images",
            "transfer",
            transfer,
            (Target(1 / 6), Target(1 / 12, "keras")),
        ),
        Case("a later epoch of transfer learning", "later_epoch", {"samples": images}, (Target(1 / 20),)),
    ]

"""Faces or not: a network on picture files in folders, with random changes in training.

Run it: python examples/faces_from_folders.py (with scikit-image, whose part of Labeled Faces in the Wild it takes)
In a clone without installing: python -m examples.faces_from_folders
"""

import argparse
import tempfile
from pathlib import Path

from skimage import data

import kerastorch as keras
from kerastorch import layers
from kerastorch.preprocessing.image import ImageDataGenerator, save_img

parser = argparse.ArgumentParser(description="A network that tells faces from other pictures.")
parser.add_argument("--epochs", type=int, default=25)
args = parser.parse_args()

# 100 faces and 100 other pictures of 25 x 25 grey pixels, written as cats-and-dogs data usually come
root = Path(tempfile.mkdtemp(prefix="faces"))
for number, pixels in enumerate(data.lfw_subset()):
    folder = root / ("faces" if number < 100 else "others")
    folder.mkdir(exist_ok=True)
    save_img(folder / f"{number:03d}.png", pixels[..., None] * 255, scale=False)

keras.utils.set_random_seed(1)
# the same split of the files for both: the first quarter of each folder is for validation
changing = ImageDataGenerator(
    rescale=1 / 255,
    rotation_range=15,
    width_shift_range=0.1,
    height_shift_range=0.1,
    zoom_range=0.1,
    horizontal_flip=True,
    validation_split=0.25,
)
plain = ImageDataGenerator(rescale=1 / 255, validation_split=0.25)
options = {"target_size": (25, 25), "color_mode": "grayscale", "class_mode": "binary", "batch_size": 25}
training = changing.flow_from_directory(root, subset="training", seed=1, **options)
validation = plain.flow_from_directory(root, subset="validation", shuffle=False, **options)

model = keras.Sequential(
    [
        layers.Conv2D(16, 3, activation="relu", input_shape=(25, 25, 1)),
        layers.MaxPooling2D(),
        layers.Conv2D(32, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dropout(0.3),
        layers.Dense(32, activation="relu"),
        layers.Dense(1, activation="sigmoid"),
    ]
)
model.compile(optimizer=keras.optimizers.Adam(3e-3), loss="binary_crossentropy", metrics=["accuracy"])
model.fit(training, epochs=args.epochs, validation_data=validation, verbose=2)

loss, accuracy = model.evaluate(validation, verbose=0)
print(f"Validation accuracy {accuracy:.3f} on {validation.samples} files; classes {validation.class_indices}")
others = model.predict(validation, verbose=0).ravel()
wrong = [name for name, other, label in zip(validation.filenames, others, validation.classes) if (other > 0.5) != label]
print(f"Wrong: {', '.join(wrong) or 'none'}")

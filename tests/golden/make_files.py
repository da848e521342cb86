"""Makes the model files of other libraries that the tests read, with what the models in them predict.

    TF_USE_LEGACY_KERAS=1 python tests/golden/make_files.py tf_keras
    KERAS_BACKEND=torch python tests/golden/make_files.py keras
"""

from __future__ import annotations

import importlib
import sys
import tempfile
import zipfile
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

import numpy as np  # noqa: E402

import cases_files  # noqa: E402


def main(library: str) -> None:
    keras = importlib.import_module(library)
    results: dict[str, np.ndarray] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in cases_files.MODELS:
            model = cases_files.make(keras, name)
            for suffix in cases_files.FORMATS:
                (model.save_weights if suffix == ".weights.h5" else model.save)(f"{folder}/{name}{suffix}")
            for i, output in enumerate(cases_files.predict(model, name)):
                results[f"{name}/{i}"] = output
            if name != "sequential":  # it has a Dropout
                cases_files.train(model, name)
                for i, output in enumerate(cases_files.predict(model, name)):
                    results[f"{name}/trained/{i}"] = output
        np.savez_compressed(f"{folder}/predictions.npz", **results)
        (HERE / "files").mkdir(exist_ok=True)
        with zipfile.ZipFile(HERE / "files" / f"{library}.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            for path in sorted(Path(folder).iterdir()):
                info = zipfile.ZipInfo(path.name, (2020, 1, 1, 0, 0, 0))
                archive.writestr(info, path.read_bytes(), zipfile.ZIP_DEFLATED)


if __name__ == "__main__":
    main(sys.argv[1])

"""Writes applications.json: what tf_keras builds for each network, and its features for formula weights.

Run with an interpreter that has tf_keras, in a folder of its own process: building all takes some twenty minutes.
`make_applications.py numbers` computes the features alone; `make_applications.py VGG16 MobileNet` these networks alone.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import tf_keras

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from cases_applications import NUMBERS, case_key, cases, describe, numbers

FILE = Path(__file__).with_name("applications.json")


def main(wanted: list[str]) -> None:
    golden = json.loads(FILE.read_text()) if FILE.exists() else {"structures": {}, "numbers": {}}
    for name, options in cases():
        if wanted and name not in wanted:
            continue
        tf_keras.backend.clear_session()
        model = getattr(tf_keras.applications, name)(weights=None, **options)
        golden["structures"][case_key(name, options)] = describe(model)
        print(case_key(name, options), flush=True)
    for name in NUMBERS:
        if wanted and name not in wanted and "numbers" not in wanted:
            continue
        tf_keras.backend.clear_session()
        features = numbers(tf_keras, name)
        step = max(1, features.shape[1] // 40)
        golden["numbers"][name] = {
            "features": [[float(f"{value:.7g}") for value in row] for row in features[:, ::step]],
            "largest": float(abs(features).max()),
        }
        print(name, features.shape, abs(features).max(), features.std(0).mean(), flush=True)
    FILE.write_text(json.dumps(golden, indent=0) + "\n")


main(sys.argv[1:])

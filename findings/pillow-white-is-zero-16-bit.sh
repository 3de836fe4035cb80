#!/usr/bin/env bash
# Pillow inverts a white-is-zero TIFF of 8 bits, and not its 16-bit twin: a folder of both is half negatives.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check numpy==2.4.6 pillow==13.0.0 tifffile==2026.3.3
cd "$folder"
"$folder/venv/bin/python" - <<'PY'
import io

import numpy as np
import PIL
import tifffile
from PIL import Image

print(f"Pillow {PIL.__version__}, tifffile {tifffile.__version__}")
print("expected: PhotometricInterpretation 0 (white is zero) makes a file of zeros white, whatever its depth")
seen = {}
for kind in (np.uint8, np.uint16):
    file = io.BytesIO()
    tifffile.imwrite(file, np.zeros((4, 4), kind), photometric="miniswhite")
    seen[kind.__name__] = int(np.asarray(Image.open(file)).max())
    print(f"{kind.__name__}: {seen[kind.__name__]} of {np.iinfo(kind).max}")
assert seen == {"uint8": 255, "uint16": 0}, "Pillow treats both alike now"
PY

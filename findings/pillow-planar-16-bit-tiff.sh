#!/usr/bin/env bash
# Pillow reads an uncompressed planar 16-bit RGB TIFF, and gives values that the file does not hold.
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
print("expected: the high byte of each value, 18 (0x12) everywhere, as from the interleaved twin; or an error")
seen = {}
for layout, shape in (("contig", (8, 8, 3)), ("separate", (3, 8, 8))):
    file = io.BytesIO()
    tifffile.imwrite(file, np.full(shape, 0x1234, np.uint16), photometric="rgb", planarconfig=layout)
    seen[layout] = np.unique(np.asarray(Image.open(file))).tolist()
    print(f"PlanarConfiguration {layout}: values {seen[layout]}")
assert seen["contig"] == [0x12], "the interleaved file has changed"
assert seen["separate"] != [0x12], "Pillow has mended it"
PY

#!/usr/bin/env bash
# The size of a TIFF with an orientation is upright before it is loaded, while EXIF still states the turn.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check pillow==13.0.0
cd "$folder"
"$folder/venv/bin/python" - <<'PY'
import io

import PIL
from PIL import Image

print(f"Pillow {PIL.__version__}")
print("expected: until it is loaded, a picture of 20×32 that lies on its side has the size (20, 32), as a JPEG has")
seen = {}
for kind, options in (("JPEG", {}), ("TIFF", {})):
    file = io.BytesIO()
    exif = Image.Exif()
    exif[274] = 5
    Image.new("RGB", (20, 32)).save(file, kind, exif=exif)
    picture = Image.open(file)
    seen[kind] = picture.size, picture.getexif().get(274)
    picture.load()
    print(f"{kind}: before loading size {seen[kind][0]}, orientation {seen[kind][1]}; after it size {picture.size}")
assert seen["JPEG"] == ((20, 32), 5)
assert seen["TIFF"] == ((32, 20), 5), "Pillow treats both alike now; who swaps the sides by the tag no longer swaps twice"
PY

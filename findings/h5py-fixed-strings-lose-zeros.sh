#!/usr/bin/env bash
# h5py gives bytes that are stored as a fixed string without the zeros at their end: an encoded picture may lack its last bytes.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check h5py==3.16.0 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" - <<'PY'
import h5py
import numpy as np

content = b"ab\0\0"
with h5py.File("a.h5", "w") as file:
    file["string"], file["void"] = np.bytes_(content), np.void(content)
    seen = {"string": bytes(file["string"][()]), "void": file["void"][()].tobytes()}
    kept = file["string"].dtype.itemsize
print(f"h5py {h5py.__version__}, numpy {np.__version__}")
print(f"expected: {content!r}, as it was stored; the dataset states {kept} bytes")
print(seen)
assert seen["void"] == content
assert seen["string"] == b"ab", "h5py keeps the zeros now"
PY

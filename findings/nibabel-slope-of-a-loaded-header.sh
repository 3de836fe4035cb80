#!/usr/bin/env bash
# The header of a NIfTI file that nibabel has loaded states no slope; the stored one is in dataobj.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check nibabel==5.4.2 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" - <<'PY'
import nibabel
import numpy as np

volume = nibabel.Nifti1Image(np.arange(8, dtype=np.int16).reshape(2, 2, 2), np.eye(4))
volume.header.set_slope_inter(2, -7)
nibabel.save(volume, "a.nii")
loaded = nibabel.load("a.nii")
print(f"nibabel {nibabel.__version__}")
print("expected: header.get_slope_inter() of the loaded file is (2, -7), as it was written")
print("header:", loaded.header.get_slope_inter(), "dataobj:", (loaded.dataobj.slope, loaded.dataobj.inter))
assert loaded.header.get_slope_inter() == (None, None), "nibabel states the slope now"
assert (loaded.dataobj.slope, loaded.dataobj.inter) == (2, -7)
PY

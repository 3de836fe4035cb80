#!/usr/bin/env bash
# MONAI's maximum mean discrepancy has a linear kernel: it compares mean pictures. A generator that repeats the mean picture
# of the data scores like other real data, and a filter as its mapping does not change that.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    torch==2.13.0 numpy==2.4.6 monai==1.6.1 scikit-learn==1.9.0
cd "$folder"
"$folder/venv/bin/python" - <<'PY'
import monai
import sklearn
import torch
from monai.metrics import MMDMetric
from sklearn.datasets import load_digits
from torch.nn.functional import avg_pool2d

print(f"monai {monai.__version__}, torch {torch.__version__}, scikit-learn {sklearn.__version__}")
digits = torch.tensor(load_digits().images)[:, None] / 16
digits = digits[torch.randperm(len(digits), generator=torch.Generator().manual_seed(0))]
some, others = digits[:898], digits[898:1796]
mean = others.mean(0, keepdim=True).expand_as(others)


def with_a_gaussian_kernel(x, y, width=2.0):
    """The unbiased estimate of Gretton et al. (2012), Equation 3."""

    def kernel(a, b):
        return torch.exp(-torch.cdist(a.flatten(1), b.flatten(1)).square() / (2 * width**2))

    within = [(kernel(a, a).sum() - len(a)) / (len(a) * (len(a) - 1)) for a in (x, y)]
    return float(sum(within) - 2 * kernel(x, y).mean())


print("expected: 898 copies of the mean digit are far from 898 real digits, and other real digits are near them")
found = {}
for name, measure in {
    "a Gaussian kernel": with_a_gaussian_kernel,
    "MMDMetric": lambda x, y: float(MMDMetric()(x, y)),
    "MMDMetric, filtered": lambda x, y: float(MMDMetric(lambda z: avg_pool2d(z, 3, 1, 1))(x, y)),
}.items():
    found[name] = measure(some, others), measure(some, mean)
    print(f"{name}: other real digits {found[name][0]:+.5f}, the mean digit {found[name][1]:+.5f}")
assert found["a Gaussian kernel"][1] > 100 * abs(found["a Gaussian kernel"][0])
for name in ("MMDMetric", "MMDMetric, filtered"):
    assert abs(found[name][1]) < 0.02, f"{name} sees the difference now"
PY

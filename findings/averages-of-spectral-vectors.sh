#!/usr/bin/env bash
# The running average of a spectrally normalized generator, kept by a package for it with its own settings, or by torch's
# AveragedModel when it averages buffers: its weights are many times as large as those of any generator that was averaged.
# The averaged buffers are the unit vectors of the power iteration. They turn, so their average is short, and what the weight
# is divided by is as much too small.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6 ema-pytorch==0.8.3
cd "$folder"
"$folder/venv/bin/python" - <<'PY'
import copy
from importlib.metadata import version

import torch
from ema_pytorch import EMA
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

torch.manual_seed(0)
generator = nn.Sequential(
    spectral_norm(nn.Linear(8, 64)), nn.ReLU(), spectral_norm(nn.Linear(64, 64)), nn.ReLU(), spectral_norm(nn.Linear(64, 16))
)
optimizer = torch.optim.Adam(generator.parameters(), lr=2e-4, betas=(0.0, 0.9))
by_package = EMA(generator, beta=0.999)
by_torch = {
    buffers: AveragedModel(generator, multi_avg_fn=get_ema_multi_avg_fn(0.999), use_buffers=buffers) for buffers in (False, True)
}
target = torch.randn(16, 8)
for _ in range(3000):
    z = torch.randn(64, 8)
    loss = (3 * generator(z) - torch.tanh(3 * z @ target.T)).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    by_package.update()
    for average in by_torch.values():
        average.update_parameters(generator)


@torch.no_grad()
def norms(network):
    return [float(torch.linalg.matrix_norm(layer.weight, 2)) for layer in copy.deepcopy(network).eval() if hasattr(layer, "weight")]


print(f"torch {torch.__version__}, ema-pytorch {version('ema-pytorch')}")
print("expected: spectral norms of all weights near 1, as those of the generator itself")
found = {
    "the generator": norms(generator),
    "AveragedModel": norms(by_torch[False].module),
    "AveragedModel, use_buffers=True": norms(by_torch[True].module),
    "ema-pytorch": norms(by_package.ema_model),
}
for name, values in found.items():
    print(f"{name}: " + ", ".join(f"{value:.2f}" for value in values))
assert max(found["the generator"] + found["AveragedModel"]) < 1.5
for name in ("AveragedModel, use_buffers=True", "ema-pytorch"):
    assert max(found[name]) > 2, f"{name} keeps the norms now"
PY

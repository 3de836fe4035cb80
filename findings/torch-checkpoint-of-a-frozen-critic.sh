#!/usr/bin/env bash
# A critic that recomputes its activations, frozen for the generator's step and unfrozen before backward, gives the generator
# another gradient, without an error where the shapes of its layers agree.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" - <<'PY'
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

torch.manual_seed(0)
first, second = nn.Linear(4, 4), nn.Linear(4, 4)
parameters = [*first.parameters(), *second.parameters()]
fakes = torch.randn(4, 4)


def critic(images):
    return torch.tanh(second(torch.tanh(first(images))))


def gradient(*, saving_memory):
    images = fakes.clone().requires_grad_()
    for parameter in parameters:
        parameter.requires_grad_(False)
    logits = checkpoint(critic, images, use_reentrant=False) if saving_memory else critic(images)
    for parameter in parameters:
        parameter.requires_grad_(True)
    return torch.autograd.grad(logits.sum(), images)[0]


print(f"torch {torch.__version__}")
print("expected: the gradient at the fakes is the same with checkpointed activations, or there is an error")
plain, checkpointed = gradient(saving_memory=False), gradient(saving_memory=True)
difference = float((checkpointed - plain).norm() / plain.norm())
print(f"relative difference of the two gradients: {difference:.2f}")
assert difference > 0.5, "torch gives the same gradient now"
PY

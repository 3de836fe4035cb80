"""Optimizers that leave torch's compiler alone."""

import copy
import pickle
import subprocess
import sys

import pytest
import torch

from ganzoo.training import uncompiled

KINDS = {
    "Adam": {"lr": 1e-2, "betas": (0.5, 0.9), "fused": True},
    "AdamW": {"lr": 1e-2, "betas": (0.5, 0.9), "fused": True},
    "RMSprop": {"lr": 1e-2},
    "SGD": {"lr": 1e-2, "momentum": 0.5},
}


def trained(kind, options, *, steps):
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1))
    optimizer = kind(network.parameters(), **options)
    for _ in range(steps):
        optimizer.zero_grad(set_to_none=True)
        network(torch.randn(5, 3)).square().mean().backward()
        optimizer.step()
    return network, optimizer


@pytest.mark.parametrize(("name", "options"), list(KINDS.items()))
def test_it_steps_and_saves_as_that_of_torch(name, options):
    (ours, mine), (theirs, usual) = (
        trained(getattr(module, name), options, steps=5) for module in (uncompiled, torch.optim)
    )
    assert all(torch.equal(a, b) for a, b in zip(ours.parameters(), theirs.parameters(), strict=True))
    assert str(mine.state_dict()) == str(usual.state_dict())
    fresh = getattr(uncompiled, name)(ours.parameters(), **options)
    fresh.load_state_dict(usual.state_dict())
    assert str(fresh.state_dict()) == str(usual.state_dict())


@pytest.mark.parametrize("name", KINDS)
def test_it_takes_hooks_copies_and_pickles(name):
    network, optimizer = trained(getattr(uncompiled, name), KINDS[name], steps=1)
    seen = []
    optimizer.register_step_pre_hook(lambda *_: seen.append("before"))
    optimizer.register_step_post_hook(lambda *_: seen.append("after"))
    optimizer.step()
    assert seen == ["before", "after"]
    for twin in (copy.deepcopy(trained(getattr(uncompiled, name), KINDS[name], steps=1)[1]),):
        assert type(pickle.loads(pickle.dumps(twin))) is getattr(uncompiled, name)
    assert all(parameter.grad_fn is None for parameter in network.parameters())


def test_a_run_imports_neither_the_compiler_nor_its_algebra(tmp_path):
    """Two seconds, and 0.7 s that ``torch.autograd.backward(…, grad_tensors)`` takes to compare shapes."""
    program = (
        "import sys; from ganzoo.cli import app\n"
        "try: app(sys.argv[1:])\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "assert 'torch' in sys.modules\n"
        "sys.exit(', '.join({'torch._dynamo', 'sympy'} & sys.modules.keys()) or 0)"
    )
    line = "run --loss hinge --disc patchgan --reg r1 --augment ada --data synthetic --image-size 8 --batch-size 4"
    flags = f"{line} --device cpu --steps 2 --quiet --out {tmp_path / 'run'}".split()
    done = subprocess.run([sys.executable, "-c", program, *flags], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr

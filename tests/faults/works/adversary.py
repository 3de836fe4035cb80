"""A loop of one's own with ``ganzoo.Adversary``, which saves its state after each step as docs/adversary.md shows."""

from __future__ import annotations

import os
from pathlib import Path

import torch
from torch import nn

import ganzoo
from ganzoo.errors import ResourceError
from works.work import Found, digest

STEPS = 3


class Met:
    """Three steps of a critic and of what it judges."""

    phases = ("new", "resume")

    def warm(self, folder: Path) -> None:
        folder.mkdir()
        self._train(folder, STEPS)

    def prepare(self, folder: Path) -> None:
        (folder / "resume").mkdir(parents=True)
        self._train(folder / "resume", 1)

    def meet(self, folder: Path, phase: str) -> None:
        try:
            self._train(folder, STEPS)
        except (OSError, RuntimeError) as error:  # torch says so, and ends the program: ganzoo writes nothing here
            raise ResourceError(str(error)) from error

    def go_on(self, folder: Path) -> None:
        self._train(folder, STEPS)

    def _train(self, folder: Path, steps: int) -> None:
        torch.manual_seed(0)
        model = nn.Conv2d(1, 1, 3, padding=1)
        critic = nn.Sequential(nn.Conv2d(1, 2, 3, stride=2), nn.BatchNorm2d(2), nn.LeakyReLU(0.2), nn.Conv2d(2, 1, 3))
        adversary = ganzoo.Adversary(critic, loss="hinge", regularizers={"lecam": {}})
        optimizer = torch.optim.Adam(model.parameters())
        done, path = 0, folder / "checkpoint.pt"
        if path.exists():
            saved = torch.load(path, weights_only=True)
            model.load_state_dict(saved["model"])
            optimizer.load_state_dict(saved["optimizer"])
            adversary.load_state_dict(saved["adversary"])
            done = saved["step"]
        for step in range(done, steps):
            real = torch.randn(4, 1, 12, 12, generator=torch.Generator().manual_seed(step))
            fake = model(real)
            optimizer.zero_grad()
            ((fake - real).square().mean() + adversary.generator_loss(fake).total).backward()
            optimizer.step()
            adversary.update(fake=fake, real=real)
            state = {
                "model": model.state_dict(),
                "optimizer": optimizer.state_dict(),
                "adversary": adversary.state_dict(),
                "step": step + 1,
            }
            beside = path.with_suffix(".part")
            torch.save(state, beside)
            os.replace(beside, path)

    def outcome(self, folder: Path) -> Found:
        # Not the archive itself, in which the library notes a number of its own.
        saved = torch.load(folder / "checkpoint.pt", weights_only=True)
        parts = [*saved["model"].values(), *_tensors(saved["adversary"]), *_tensors(saved["optimizer"])]
        (folder / "parts.bin").write_bytes(b"".join(part.numpy().tobytes() for part in parts))
        return {"step": saved["step"], "parts": digest(folder / "parts.bin"), "count": len(parts)}


def _tensors(content: object) -> list[torch.Tensor]:
    if isinstance(content, torch.Tensor):
        return [content]
    inside = content.values() if isinstance(content, dict) else content if isinstance(content, list | tuple) else ()
    return [tensor for one in inside for tensor in _tensors(one)]

"""ganzoo's step beside those of other libraries, on their own networks and their own examples' settings.

    pip install --no-deps --target peers torchgan torch-mimicry lightning lightning-utilities torchmetrics
    PYTHONPATH=peers OMP_NUM_THREADS=1 python examples/benchmarks/peers.py --rounds 20

*torchgan*: the DCGAN of the docstring of its ``Trainer``: one channel, 32×32, 16 features, minimax losses; a step
is ``Trainer.train_iter``, with what its loop does around it. *torch-mimicry*: SNGAN at 32×32, hinge and five updates
of D, as in its example, at a ``--width`` that a CPU can train; its step are the ``train_step`` of both networks and its
schedule, without prints and summaries. *lightning*: the GAN of its repository, if ``--lightning`` names that file
(``examples/pytorch/domain_templates/generative_adversarial_net.py``), in ``Trainer.fit`` without bar and checkpoints.

ganzoo trains networks of the same classes with the same first weights, optimizers and losses, and as many updates. Both
have the same pictures in memory; peers read them with torch's DataLoader. ganzoo's step includes what ``ganzoo run``
adds by default: the average of the generator, the check that all is finite and rows in a file. Turns are taken in one
process; the time is that of the processor. What cannot be imported is left out, and said.
"""

from __future__ import annotations

import argparse
import copy
import importlib
import json
import logging
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from ganzoo_datasets.image_array import ImageArray
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.flop_counter import FlopCounterMode

from ganzoo.allocator import keep_freed_memory
from ganzoo.benchmarking.contestants import GanzooLoop, scratch
from ganzoo.benchmarking.figures import spread
from ganzoo.benchmarking.machine import machine
from ganzoo.config.layers import ConfigLayer
from ganzoo.planning.choice import choose
from ganzoo.planning.plan import Plan, make_plan
from ganzoo.protocols import Discriminator, DiscriminatorOutput, Generator
from ganzoo.registry import Registry

NAMES = ("torchgan", "torch-mimicry", "lightning")
PICTURES = 1024
Turn = Callable[[int], float]
"""So many steps → seconds of processor time."""


class TheirDiscriminator(Discriminator):
    """A network of a peer that gives one logit per picture."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor, labels: Tensor | None = None) -> DiscriminatorOutput:
        return DiscriminatorOutput(self.network(images).flatten())


class TheirGenerator(Generator):
    """A network of a peer that takes normal latents."""

    def __init__(self, network: nn.Module, latent: int) -> None:
        super().__init__()
        self.network, self.size = network, latent

    def latent(self, n: int, *, generator: torch.Generator) -> Tensor:
        return torch.randn(n, self.size, generator=generator)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        made: Tensor = self.network(z)
        return made


@dataclass(frozen=True)
class Match:
    """A peer, and what ganzoo is to do the same with.

    Attributes:
        turn: of the peer.
        discriminator: of the peer's classes, with the weights that it begins with.
        generator: likewise.
        latent: how many numbers that takes.
        values: of the configuration.
        images: uint8 (N, C, H, W).
    """

    turn: Turn
    discriminator: nn.Module
    generator: nn.Module
    latent: int
    values: Mapping[str, Any]
    images: np.ndarray[Any, Any]

    def plan(self) -> Plan:
        """For ganzoo; a component of the same kind stands where theirs goes, so that BatchNorm is known to be there."""
        _, channels, side, _ = self.images.shape
        common = {
            "data.name": "synthetic",
            "data.image_size": side,
            "data.channels": channels,
            "generator.name": "dcgan",
            "runtime.device": "cpu",
        }
        plan = make_plan(choose(Registry.load(plugins=False), [ConfigLayer("benchmark", common | {**self.values})]))
        return replace(
            plan,
            dataset=ImageArray(self.images, digest="benchmark"),
            discriminator=TheirDiscriminator(self.discriminator),
            generator=TheirGenerator(self.generator, self.latent),
        )


def pictures(channels: int, side: int) -> np.ndarray[Any, Any]:
    """Noise, since nobody looks."""
    return np.random.default_rng(0).integers(0, 256, (PICTURES, channels, side, side), dtype=np.uint8)


def loader(images: np.ndarray[Any, Any], batch: int) -> DataLoader[Any]:
    """The same pictures as numbers, with labels that nobody uses."""
    numbers = torch.from_numpy(images) / 127.5 - 1
    labels = torch.zeros(len(images), dtype=torch.int64)
    return DataLoader(TensorDataset(numbers, labels), batch_size=batch, shuffle=True, drop_last=True)


def endless(batches: DataLoader[Any]) -> Iterator[Any]:
    """Epoch after epoch."""
    while True:
        yield from batches


def timed(step: Callable[[], object]) -> Turn:
    """A turn begins with a step that is not timed, as those of ganzoo do."""

    def turn(steps: int) -> float:
        step()
        begun = time.process_time()
        for _ in range(steps):
            step()
        return time.process_time() - begun

    return turn


@contextmanager
def pretended(*names: str) -> Iterator[None]:
    """Let peers import libraries that they draw and judge pictures with, where these are not installed."""
    absent = [name for name in names if not importable(name)]
    sys.modules.update((name, Nothing(name)) for name in absent)
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]


@contextmanager
def shell(package: str) -> Iterator[None]:
    """Let modules of a package be imported without what its ``__init__`` imports, such as metrics in tensorflow."""
    found = find_spec(package)
    if found is None or found.submodule_search_locations is None:
        raise ModuleNotFoundError(f"No module named {package!r}")
    sys.modules[package] = module = ModuleType(package)
    module.__path__ = list(found.submodule_search_locations)
    try:
        yield
    finally:
        del sys.modules[package]


def importable(name: str) -> bool:
    """Whether it is there, and works."""
    try:
        importlib.import_module(name)
    except ImportError:
        return False
    return True


class Nothing(ModuleType):
    """A module with every name, and nothing behind it."""

    def __getattr__(self, name: str) -> None:
        if name.startswith("__"):
            raise AttributeError(name)


def torchgan(folder: Path, given: argparse.Namespace) -> Match:
    """Its ``Trainer``, whose loop is taken apart, as it trains for whole epochs only."""
    with pretended("torchvision"):
        losses, models, trainer = (
            importlib.import_module(f"torchgan.{name}") for name in ("losses", "models", "trainer")
        )
    adam = {"name": torch.optim.Adam, "args": {"lr": 2e-4, "betas": (0.5, 0.999)}}
    sizes = {"step_channels": 16}
    own = trainer.Trainer(
        {
            "generator": {"name": models.DCGANGenerator, "args": {"out_channels": 1, **sizes}, "optimizer": adam},
            "discriminator": {
                "name": models.DCGANDiscriminator,
                "args": {"in_channels": 1, **sizes},
                "optimizer": adam,
            },
        },
        [losses.MinimaxGeneratorLoss(), losses.MinimaxDiscriminatorLoss()],
        device=torch.device("cpu"),
        checkpoints=str(folder / "gan"),
        recon=str(folder),
    )
    images, batch = pictures(1, 32), given.batch
    own.batch_size = batch
    for name in own.optimizer_names:
        getattr(own, name).zero_grad()
    batches = endless(loader(images, batch))

    def step() -> None:
        own.real_inputs, own.labels = next(batches)
        g_loss, d_loss, g_steps, d_steps = own.train_iter()
        for name, more in (
            ("generator_losses", g_loss),
            ("discriminator_losses", d_loss),
            ("generator_iters", g_steps),
            ("discriminator_iters", d_steps),
        ):
            own.loss_information[name] += more
        own.logger.run_mid_epoch(own)

    return Match(
        turn=timed(step),
        discriminator=copy.deepcopy(own.discriminator),
        generator=copy.deepcopy(own.generator),
        latent=own.generator.encoding_dims,
        values={"loss.name": "bce", "discriminator.name": "dcgan", **training(batch, betas=[0.5, 0.999])},
        images=images,
    )


def training(batch: int, *, betas: Sequence[float], updates: int = 1) -> dict[str, Any]:
    """Optimizers as all three have them."""
    return {
        "train.batch_size": batch,
        "train.n_critic": updates,
        "train.optimizer": "adam",
        **{f"train.{player}_lr": 2e-4 for player in "gd"},
        **{f"train.{player}_betas": list(betas) for player in "gd"},
    }


def torch_mimicry(folder: Path, given: argparse.Namespace) -> Match:
    """The body of its ``Trainer.train``."""
    with pretended("torchvision"), shell("torch_mimicry"):
        sngan, schedule, log = (
            importlib.import_module(f"torch_mimicry.{name}")
            for name in ("nets.sngan", "training.scheduler", "training.metric_log")
        )
    g, d = sngan.SNGANGenerator32(ngf=given.width), sngan.SNGANDiscriminator32(ndf=given.width)
    match = {"discriminator": copy.deepcopy(d), "generator": copy.deepcopy(g)}
    of_d, of_g = (torch.optim.Adam(one.parameters(), 2e-4, betas=(0.0, 0.9)) for one in (d, g))
    rates = schedule.LRScheduler(lr_decay="linear", optD=of_d, optG=of_g, num_steps=100_000)
    images, batch, updates = pictures(3, 32), given.batch, 5
    batches, counted, device = endless(loader(images, batch)), [0], torch.device("cpu")

    def step() -> None:
        told = log.MetricLog()
        common = {"global_step": counted[0], "device": device, "scaler": None}
        for _ in range(updates):
            real = next(batches)
            told = d.train_step(real_batch=real, netG=g, optD=of_d, log_data=told, **common)
        told = g.train_step(real_batch=real, netD=d, optG=of_g, log_data=told, **common)
        counted[0] += 1
        rates.step(log_data=told, global_step=counted[0])

    values: dict[str, Any] = {"loss.name": "hinge", "discriminator.name": "resnet-sn", "train.lr_schedule": "linear"}
    values |= {"train.steps": 100_000, **training(batch, betas=[0.0, 0.9], updates=updates)}
    return Match(turn=timed(step), latent=g.nz, values=values, images=images, **match)


def lightning(folder: Path, given: argparse.Namespace) -> Match:
    """Its example in ``Trainer.fit``; the clock runs from the end of the first step to that of the last."""
    if given.lightning is None:
        raise ImportError(
            "--lightning FILE is missing: examples/pytorch/domain_templates/generative_adversarial_net.py"
        )
    example, pl = loaded(given.lightning), importlib.import_module("lightning.pytorch")
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)  # which says at each turn what devices there are
    images, batch = pictures(1, 28), given.batch
    model = example.GAN()
    model.on_train_epoch_end = lambda: None  # it draws a grid by torchvision
    match = {"discriminator": copy.deepcopy(model.discriminator), "generator": copy.deepcopy(model.generator)}
    batches, ends = loader(images, batch), list[float]()

    class Clock(pl.Callback):  # type: ignore[name-defined, misc]
        def on_train_batch_end(self, *_: Any) -> None:
            ends.append(time.process_time())

    def turn(steps: int) -> float:
        ends.clear()
        settings: dict[str, Any] = {
            "accelerator": "cpu",
            "max_epochs": 10**6,
            "max_steps": 2 * (steps + 1),
            "default_root_dir": folder,
        }
        settings |= {f"enable_{name}": False for name in ("checkpointing", "progress_bar", "model_summary")}
        pl.Trainer(logger=pl.loggers.CSVLogger(folder), callbacks=[Clock()], **settings).fit(model, batches)
        assert len(ends) == steps + 1, "two optimizers move in each step"
        return ends[-1] - ends[0]

    values = {"loss.name": "bce", "discriminator.name": "mlp", **training(batch, betas=[0.5, 0.999])}
    return Match(turn=turn, latent=model.hparams.latent_dim, values=values, images=images, **match)


def loaded(path: Path) -> ModuleType:
    """A script as a module."""
    spec = spec_from_file_location("example_of_lightning", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PEERS: Mapping[str, Callable[[Path, argparse.Namespace], Match]] = {
    "torchgan": torchgan,
    "torch-mimicry": torch_mimicry,
    "lightning": lightning,
}


def measure(name: str, folder: Path, given: argparse.Namespace) -> dict[str, Any]:
    """Both sides in turns, who begins changing: medians and quartiles of ms, and of ratios within rounds."""
    torch.manual_seed(0)
    match = PEERS[name](folder, given)
    with ExitStack() as stack:
        loop = GanzooLoop(match.plan(), folder=folder)
        stack.enter_context(closing(loop.rows))
        stack.enter_context(loop.active())
        turns = {name: match.turn, "ganzoo": timed(loop.step)}
        taken: dict[str, list[float]] = {who: [] for who in turns}
        for number in range(-1, given.rounds):
            for who in sorted(turns, reverse=bool(number % 2)):
                seconds = turns[who](given.steps) / given.steps
                if number >= 0:
                    taken[who].append(seconds)
        operations = {who: gflop(turn) for who, turn in turns.items()}
    ratios = [theirs / ours for theirs, ours in zip(taken[name], taken["ganzoo"], strict=True)]
    return {
        "gflop_per_step": operations,
        "milliseconds_per_step": {who: spread([1e3 * one for one in all_]) for who, all_ in taken.items()},
        "ratio": {**spread(ratios), "of_least_seconds": min(taken[name]) / min(taken["ganzoo"])},
    }


def gflop(turn: Turn) -> float:
    """Of a step: multiplications and additions of convolutions and matrices, without those of a turn's beginning."""
    counted = []
    for steps in (1, 3):
        with FlopCounterMode(display=False) as counter:
            turn(steps)
        counted.append(counter.get_total_flops())
    return (counted[1] - counted[0]) / 2e9


def all_of(given: argparse.Namespace) -> dict[str, Any]:
    """Of each peer its figures, or why there are none."""
    found: dict[str, Any] = {}
    keep_freed_memory()  # for all, so that no figure owes anything to it
    for name in given.peers:
        with scratch() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                found[name] = measure(name, folder, given)
            except (ImportError, AttributeError) as error:
                found[name] = {"left_out": f"{type(error).__name__}: {error}"}
    return found


def table(found: Mapping[str, Any]) -> str:
    """For people."""
    lines = ["| | ms per step | ganzoo, ms | ratio | of least times | GFLOP | ganzoo, GFLOP |", "|---" * 7 + "|"]
    for name, row in found.items():
        if "left_out" in row:
            lines.append(f"| {name} | left out: {row['left_out']} | | | | | |")
            continue
        theirs, ours = (quartiles(row["milliseconds_per_step"][who], 1) for who in (name, "ganzoo"))
        ratio, operations = row["ratio"], row["gflop_per_step"]
        lines.append(
            f"| {name} | {theirs} | {ours} | {quartiles(ratio, 2)} | {ratio['of_least_seconds']:.2f} "
            f"| {operations[name]:.3g} | {operations['ganzoo']:.3g} |"
        )
    return "\n".join(lines)


def quartiles(found: Mapping[str, float], digits: int) -> str:
    """The median, and the quartiles in brackets."""
    low, mid, high = (f"{found[name]:.{digits}f}" for name in ("lower_quartile", "median", "upper_quartile"))
    return f"{mid} ({low}–{high})"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", nargs="+", choices=NAMES, default=NAMES)
    parser.add_argument("--rounds", type=int, default=20, help="at least 2")
    parser.add_argument("--steps", type=int, default=3, help="of each turn that are timed")
    parser.add_argument("--batch", type=int, default=64, help="that of their examples")
    parser.add_argument("--width", type=int, default=32, help="of SNGAN's networks; its example has 256 and 128")
    parser.add_argument("--lightning", type=Path, help="the file of Lightning's example")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args()
    if given.rounds < 2:
        parser.error("--rounds must be at least 2, since quartiles need two values")
    torch.set_num_threads(1)
    found = all_of(given)
    settings = {name: getattr(given, name) for name in ("rounds", "steps", "batch", "width")}
    print(json.dumps({"machine": machine(), "settings": settings, **found}, indent=2) if given.json else table(found))


if __name__ == "__main__":
    main()

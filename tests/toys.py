"""Small parts with known behaviour, for tests of the core: the core must work without any first-party component."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from ganzoo.protocols import Batch, DataSpec, Discriminator, DiscriminatorOutput, Generator, Regularizer
from ganzoo.training.game import Game, Inputs
from ganzoo.training.runtime import Runtime
from ganzoo.training.sampler import Sampler
from ganzoo.training.setup import Schedule, Setup
from ganzoo.training.state import TrainState, averaged_copy

SIZE = 8
SPEC = DataSpec(shape=(1, SIZE, SIZE), classes=("a", "b", "c"), marginal=(0.5, 0.3, 0.2))


class Hinge:
    """The hinge loss, written anew so that the core's tests need no plugin."""

    def discriminator_loss(self, *, real: Tensor, fake: Tensor) -> Tensor:
        return (1 - real).clamp(min=0).mean() + (1 + fake).clamp(min=0).mean()

    def generator_loss(self, *, fake: Tensor) -> Tensor:
        return -fake.mean()


class ToyDiscriminator(Discriminator):
    def __init__(self, *, spectral: bool = True, batch_norm: bool = False, dropout: float = 0.0, classes: int = 0):
        super().__init__()
        wrap = spectral_norm if spectral else (lambda layer: layer)
        self.body = nn.Sequential(
            wrap(nn.Conv2d(1, 4, 4, 2, 1)),
            nn.BatchNorm2d(4) if batch_norm else nn.Identity(),
            nn.LeakyReLU(0.2),
            nn.Dropout2d(dropout),
        )
        self.head = wrap(nn.Conv2d(4, 1, 4, 1, 1))
        self.classes = nn.Linear(4, classes) if classes else None
        self.calls: list[tuple[int, bool]] = []

    def forward(self, images: Tensor, labels: Tensor | None = None) -> DiscriminatorOutput:
        self.calls.append((len(images), torch.is_grad_enabled()))
        hidden = self.body(images)
        class_logits = self.classes(hidden.mean((2, 3))) if self.classes else None
        return DiscriminatorOutput(self.head(hidden), class_logits=class_logits, features=(hidden,))


class ToyGenerator(Generator):
    def __init__(self, *, batch_norm: bool = True):
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(5, SIZE * SIZE, bias=False),
            nn.BatchNorm1d(SIZE * SIZE) if batch_norm else nn.Identity(),
            nn.Tanh(),
        )

    def latent(self, n: int, *, generator: torch.Generator) -> Tensor:
        return torch.randn(n, 5, generator=generator, dtype=torch.float64).to(next(self.parameters()).dtype)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        return self.body(z).view(-1, 1, SIZE, SIZE)


class ToyBatches:
    """Batches as a pure function of their number, of floats in any dtype, which are stored as they are."""

    def __init__(self, batch_size: int = 6, dtype: torch.dtype = torch.float32):
        self.batch_size, self.dtype = batch_size, dtype

    def stored(self, number: int) -> Batch:
        generator = torch.Generator().manual_seed(1000 + number)
        data = torch.rand(self.batch_size, 1, SIZE, SIZE, generator=generator, dtype=torch.float64) * 2 - 1
        labels = torch.randint(3, (self.batch_size,), generator=generator)
        return Batch(data.to(self.dtype), labels, torch.arange(self.batch_size))

    batch = stored


class Constant(Regularizer):
    """Terms of known value that pull at the player's first parameter."""

    def __init__(self, value: float = 2.0):
        self.value = value
        self.views: list = []
        self.projected: list[str] = []
        self.seen = torch.zeros(1)

    def discriminator_terms(self, view):
        return self._terms(view)

    def generator_terms(self, view):
        return self._terms(view)

    def _terms(self, view):
        self.views.append(view)
        self.seen += 1
        parameter = next(view.network.parameters())
        return {"constant": self.value + 0 * parameter.sum()}

    def after_step(self, player, network):
        self.projected.append(player)

    def state_dict(self):
        return {"seen": self.seen.clone()}

    def load_state_dict(self, state):
        self.seen = state["seen"].clone()


def make_game(discriminator: nn.Module, generator: nn.Module, runtime: Runtime | None = None, **changes) -> Game:
    runtime = runtime or Runtime(device=torch.device("cpu"))
    parts = {"loss": Hinge(), "passes": "one", **changes}
    return Game(
        discriminator=discriminator,
        generator=generator,
        discriminate=runtime.discriminate(discriminator),
        critic=runtime.critic(discriminator),
        generate=runtime.generate(generator),
        **parts,
    )


def make_inputs(n: int = 6, *, update: int = 0, dtype: torch.dtype = torch.float32, labels: bool = False) -> Inputs:
    generator = torch.Generator().manual_seed(7)
    drawn = torch.randint(3, (n,), generator=generator)
    return Inputs(
        real=(torch.rand(n, 1, SIZE, SIZE, generator=generator, dtype=torch.float64) * 2 - 1).to(dtype),
        real_labels=drawn if labels else None,
        z=torch.randn(n, 5, generator=generator, dtype=torch.float64).to(dtype),
        fake_labels=drawn.flip(0) if labels else None,
        update=update,
        random=lambda name: torch.Generator().manual_seed(3),
    )


def make_setup(*, dtype: torch.dtype = torch.float32, lr: float = 1e-2, regularizers=(), spec=SPEC, **changes) -> Setup:
    """A training set-up of toys. ``changes`` go to the schedule, or to the game (``passes``, ``loss``), or to D."""
    torch.manual_seed(0)
    network = {key: changes.pop(key) for key in ("spectral", "batch_norm", "dropout", "classes") if key in changes}
    game = {
        key: changes.pop(key)
        for key in ("passes", "loss", "generator_needs_real", "augment", "look_ahead")
        if key in changes
    }
    discriminator = ToyDiscriminator(**network).to(dtype)
    generator = ToyGenerator(batch_norm=changes.pop("g_batch_norm", True)).to(dtype)
    uniform = changes.pop("label_draw", "marginal") == "uniform"
    schedule = Schedule(**{"steps": 4, "batch_size": 6, "log_every": 1, "ema": 0.9, **changes})
    runtime = Runtime(device=torch.device("cpu"))
    state = TrainState(
        generator=generator,
        discriminator=discriminator,
        ema=averaged_copy(generator),
        g_optimizer=_adam(generator, lr),
        d_optimizer=_adam(discriminator, lr),
        regularizers={part.name: part.regularizer for part in regularizers},
        adaptive={name: game[name] for name in ("loss", "augment") if hasattr(game.get(name), "state_dict")},
    )
    return Setup(
        game=make_game(discriminator, generator, runtime, regularizers=tuple(regularizers), **game),
        state=state,
        batches=ToyBatches(schedule.batch_size, dtype),
        sampler=Sampler.of(generator, spec, uniform=uniform),
        runtime=runtime,
        schedule=schedule,
    )


def _adam(module: nn.Module, lr: float) -> torch.optim.Optimizer:
    optimizer = torch.optim.Adam(module.parameters(), lr=lr, betas=(0.0, 0.9), fused=True)
    for group in optimizer.param_groups:
        group["initial_lr"] = lr
    return optimizer

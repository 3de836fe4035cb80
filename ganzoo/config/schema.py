"""The keys of a run's configuration, their types, ranges and defaults."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from pydantic import (
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)

from ganzoo.component import KINDS
from ganzoo.numbers import NoTruthAsNumber

LearningRate = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Beta = Annotated[float, Field(ge=0, lt=1)]
Betas = tuple[Beta, Beta]
MOST_IMAGES, MOST_UPDATES = 2**20, 1000
"""Images of a batch, and updates of D within one step of G: what one number asks for is done before anybody can stop
it. Steps have no such bound, since a run can be stopped after each of them, and goes on from there."""
Point = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Number = Annotated[float, Field(allow_inf_nan=False)]
KEEP = re.compile(r"(?P<which>last|every) (?P<number>[1-9]\d{0,17})|all|best")
"""Which checkpoints stay; no run has as many steps as a number of 18 digits."""
MOST_SAMPLES = 10_000_000
MOST_ROLLBACKS = 100


class Section(NoTruthAsNumber):
    """A part of the configuration with a closed set of keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Selection(NoTruthAsNumber):
    """A component by name, its options beside it."""

    model_config = ConfigDict(frozen=True, extra="allow")

    name: str

    def options(self) -> dict[str, Any]:
        """The options alone."""
        return dict(self.model_extra or {})


class DataConfig(Selection):
    """The dataset, its options, and what is done with any dataset."""

    name: str = "digits"
    image_size: int | None = Field(default=None, ge=8, le=1024, description="side in pixels; null = by the data")
    channels: Literal[1, 3] | None = Field(default=None, description="1 gray, 3 RGB; null = by the data")
    sampling: Literal["shuffle", "blocks", "balanced"] = Field(
        default="shuffle",
        description="order of the data; blocks = shuffled so that disks read neighbors together; balanced = every "
        "class equally often",
    )
    hflip: bool = Field(default=False, description="mirror half of the images left to right")
    split: str = Field(default="train", description="the part of the data the GAN sees")


class TrainConfig(Section):
    """How the two players are trained."""

    steps: int | None = Field(default=None, ge=1, description="generator steps")
    epochs: float | None = Field(
        default=None, gt=0, allow_inf_nan=False, exclude=True, description="instead of steps: passes over the data"
    )
    minutes: float | None = Field(
        default=None,
        gt=0,
        allow_inf_nan=False,
        description="stop after so much training time, or at steps if they are set too and come first; null = no limit",
    )
    batch_size: int = Field(default=64, ge=1, le=MOST_IMAGES, description="images per batch")
    accumulate: int = Field(default=1, ge=1, le=MOST_IMAGES, description="micro-batches a batch is split into")
    n_critic: int = Field(default=1, ge=1, le=MOST_UPDATES, description="discriminator updates per generator update")
    fakes: Literal["fresh", "shared"] = Field(
        default="fresh",
        description="what G learns from: fresh fakes, or those that D judged last in the same step, which saves a "
        "forward pass of G and is another algorithm",
    )
    updates: Literal["alternating", "simultaneous"] = Field(
        default="alternating",
        description="G learns from D after its update, or both from one verdict before it, which saves a pass through "
        "D and is another algorithm",
    )
    optimizer: Literal["adam", "adamw", "rmsprop", "sgd"] = "adam"
    g_lr: LearningRate = Field(default=5e-4, description="generator's learning rate")
    d_lr: LearningRate = Field(default=1e-3, description="discriminator's learning rate")
    g_betas: Betas = Field(default=(0.0, 0.999), description="generator's Adam betas; sgd takes the first as momentum")
    d_betas: Betas = Field(default=(0.0, 0.999), description="discriminator's, likewise")
    lr_schedule: Literal["constant", "linear", "cosine"] = "constant"
    unroll_steps: int = Field(
        default=0,
        ge=0,
        le=MOST_UPDATES,
        description="discriminator updates the generator looks ahead through; 0 = none",
    )
    unroll_objective: Literal["minimax", "loss"] = Field(
        default="minimax", description="what G minimizes there: minus D's objective, or its own side of the loss"
    )
    clip_grad_norm: float | None = Field(
        default=None, gt=0, allow_inf_nan=False, description="largest 2-norm of each player's gradient; null = no limit"
    )
    ema: float | None = Field(default=0.999, ge=0, lt=1, description="decay of the generator's average; null = off")
    ema_half_life: float | None = Field(
        default=None,
        ge=0,
        allow_inf_nan=False,
        description="instead of ema: real images after which an update counts half in the average; 0 = no average yet",
    )
    label_draw: Literal["marginal", "uniform"] = "marginal"
    spectral_norm: Literal["per-update", "per-forward"] = "per-update"
    sync_batch_norm: bool = Field(
        default=True, description="several processes: BatchNorm looks at the rows of all, or each at its own"
    )
    passes: Literal["auto", "one", "two"] = "auto"
    log_every: int = Field(default=10, ge=1, description="generator steps between metric rows, the first 100,000")
    sample_every: int = Field(default=250, ge=1, description="generator steps between sample grids")
    checkpoint_every: int = Field(default=500, ge=1, description="generator steps between checkpoints")
    rollbacks: int = Field(
        default=0,
        ge=0,
        le=MOST_ROLLBACKS,
        description="where numbers stop being finite, go on from the last checkpoint at half the learning rates, "
        "at most so many times; 0 = stop there",
    )
    keep: str = Field(
        default="last 3",
        description="checkpoints that stay: last N; every N, steps that N divides, and the newest; best, by the "
        "first number of the first metric, and the newest; all",
    )

    @property
    def averages(self) -> bool:
        """Whether an average of the generator is kept."""
        return self.ema is not None or self.ema_half_life is not None

    @property
    def uniform_labels(self) -> bool:
        """Whether the generator is asked for all classes alike, and not as often as the data have them."""
        return self.label_draw == "uniform"

    @field_validator("keep", mode="before")
    @classmethod
    def _known_rule(cls, keep: Any) -> Any:
        if isinstance(keep, str) and KEEP.fullmatch(keep):
            return keep
        rules = "must be 'last N', 'every N', 'best' or 'all', where N is a whole number from 1 of at most 18 digits"
        meant = f"; for the newest {keep}: 'last {keep}'" if type(keep) is int and keep > 0 else ""
        raise ValueError(rules + meant)

    @model_validator(mode="before")
    @classmethod
    def _half_life_instead(cls, given: Any) -> Any:
        """The decay that nobody asked for makes room."""
        if isinstance(given, dict) and given.get("ema_half_life") is not None and "ema" not in given:
            return {**given, "ema": None}
        return given

    @model_serializer(mode="wrap")
    def _without_what_is_off(self, plainly: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Runs that have no half-life keep the configuration, and its hash, that they always had."""
        content: dict[str, Any] = plainly(self)
        return {key: value for key, value in content.items() if key != "ema_half_life" or value is not None}

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.ema is not None and self.ema_half_life is not None:
            raise ValueError(
                f"ema ({self.ema:g}) and ema_half_life ({self.ema_half_life:g}) are mutually exclusive: set only one "
                "of them"
            )
        if self.steps is not None and self.epochs is not None:
            raise ValueError(
                f"steps ({self.steps}) and epochs ({self.epochs:g}) are mutually exclusive: set only one of them"
            )
        if self.minutes is not None and self.lr_schedule != "constant" and self.steps is None and self.epochs is None:
            # The learning rate is a function of the step, and how many steps fit into the time nobody knows before.
            raise ValueError(
                f"lr_schedule {self.lr_schedule!r} spans the steps of the run, and with minutes ({self.minutes:g}) "
                "alone there is no number of them: set steps too, or lr_schedule to 'constant'"
            )
        if self.accumulate > self.batch_size:
            raise ValueError(f"accumulate ({self.accumulate}) is larger than batch_size ({self.batch_size})")
        if self.keep.startswith("every ") and int(self.keep.removeprefix("every ")) % self.checkpoint_every:
            # Some of the checkpoints that are asked for would never be written.
            raise ValueError(
                f"keep is {self.keep!r}, but checkpoints are written every {self.checkpoint_every} steps "
                "(checkpoint_every): use a multiple of that, or change it too"
            )
        return self


class ScheduleConfig(Section):
    """A number that moves while a run trains: values at points, and a shape between them."""

    images: tuple[Point, ...] | None = Field(
        default=None, min_length=2, description="the points, in real images that the discriminator has seen"
    )
    steps: tuple[Point, ...] | None = Field(default=None, min_length=2, description="or in generator steps done")
    values: tuple[Number | tuple[Number, ...], ...] = Field(
        min_length=2, description="the value at each point: a number, or a list where the key holds a list"
    )
    shape: Literal["linear", "cosine", "constant"] = Field(
        default="linear", description="between two points; constant = each value stays up to the next point"
    )

    @property
    def at(self) -> tuple[float, ...]:
        """The points, whatever they count."""
        return self.images or self.steps or ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.images is None) == (self.steps is None):
            raise ValueError("points are needed, either images or steps, as in {images: [0, 1.0e+6], values: [1, 0.1]}")
        if len(self.at) != len(self.values):
            raise ValueError(f"there are {len(self.at)} points and {len(self.values)} values: each point needs a value")
        if any(later <= earlier for earlier, later in pairwise(self.at)):
            raise ValueError(f"points must ascend, and they are {', '.join(f'{point:g}' for point in self.at)}")
        if len({len(value) if isinstance(value, tuple) else None for value in self.values}) > 1:
            raise ValueError("values must be alike: all numbers, or all lists of one length")
        return self


class EvalConfig(Section):
    """When the metrics of a run are computed while it trains, and on how many samples."""

    every: int | None = Field(
        default=None, ge=1, description="generator steps between evaluations; null = whenever samples are written"
    )
    n: int | None = Field(
        default=None, ge=2, le=MOST_SAMPLES, description="generated samples; null = as many as each metric asks for"
    )


class RuntimeConfig(Section):
    """Where and how a run is computed; nothing here is part of what is learned."""

    device: str = Field(default="auto", description="auto, cpu, cuda, cuda:N, mps")
    precision: Literal["fp32", "bf16"] = "fp32"
    penalty_precision: Literal["fp32", "bf16"] = "fp32"
    compile: bool = False
    deterministic: bool = True
    threads: Literal["auto"] | Annotated[int, Field(ge=1, le=65_536)] = Field(default="auto", description="CPU threads")

    @field_validator("device")
    @classmethod
    def _known_device(cls, device: str) -> str:
        if not re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", device):
            raise ValueError("must be auto, cpu, cuda, cuda:0 (or another number) or mps")
        return device


class RunConfig(Section):
    """A run. Options of components are validated by the components themselves."""

    version: Literal[1] = 1
    seed: int = Field(default=0, ge=0, lt=2**63)
    loss: Selection = Selection(name="hinge")
    discriminator: Selection = Selection(name="patchgan-sn")
    generator: Selection = Selection(name="dcgan")
    regularizers: dict[str, dict[str, Any]] = Field(default={})
    augment: dict[str, dict[str, Any]] = Field(default={})
    data: DataConfig = DataConfig()
    metrics: dict[str, dict[str, Any]] = Field(default={})
    extractors: dict[str, dict[str, Any]] = Field(default={})
    eval: EvalConfig = EvalConfig()
    train: TrainConfig = TrainConfig()
    schedules: dict[str, dict[str, Any]] = Field(default={})
    runtime: RuntimeConfig = RuntimeConfig()

    @model_serializer(mode="wrap")
    def _without_what_is_off(self, plainly: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Runs in which nothing moves keep the configuration, and its hash, that they always had."""
        content: dict[str, Any] = plainly(self)
        return {key: value for key, value in content.items() if key != "schedules" or value}

    @model_validator(mode="after")
    def _best_can_be_told(self) -> Self:
        """The best checkpoint is known only where each one was measured."""
        train, every = self.train, self.eval.every or self.train.sample_every
        if train.keep != "best":
            return self
        if not self.metrics:
            raise ValueError("train.keep is 'best', and no metric says which one that is: add --metric NAME")
        if train.checkpoint_every % every or train.checkpoint_every % train.log_every:
            raise ValueError(
                f"train.keep is 'best', but checkpoints are written every {train.checkpoint_every} steps "
                f"(train.checkpoint_every), metrics are computed every {every} (eval.every) and rows are written every "
                f"{train.log_every} (train.log_every): both must divide the first"
            )
        return self


VERSION = 1
DEFAULT_STEPS = 1500
SELECTIONS = {kind.section: kind.name for kind in KINDS if kind.section and not kind.many}
"""Section → the kind of component it selects one of."""
COLLECTIONS = {kind.section: kind.name for kind in KINDS if kind.section and kind.many}
"""Section → the kind of component it holds any number of."""
SHARED_DATA_KEYS = frozenset(DataConfig.model_fields) - {"name"}
MOVABLE = ("g_lr", "d_lr", "g_betas", "d_betas", "ema", "ema_half_life")
"""The numbers of the section ``train`` that may follow a schedule."""
SCHEDULES = "schedules"
"""The section that holds, by their paths, the numbers that move."""
PLACES = ("data.path", "data.root")
"""Where data lie: the same data may lie elsewhere, since a fingerprint of their content tells whether they are."""
RESUMABLE = (
    *PLACES,
    "train.steps",
    "train.minutes",
    "train.log_every",
    "train.sample_every",
    "train.checkpoint_every",
    "train.keep",
    "train.rollbacks",
    "eval.",
    "runtime.",
)
"""What may change between the parts of one run: paths, and sections, which end in a dot."""


def resumable(path: str) -> bool:
    """Whether a path may change between the parts of one run."""
    return any(path.startswith(known) if known.endswith(".") else path == known for known in RESUMABLE)

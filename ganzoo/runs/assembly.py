"""From a plan to a training set-up: networks on their device, optimizers, averages, regularizers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.config.schema import RuntimeConfig, TrainConfig
from ganzoo.data import Batches
from ganzoo.errors import PluginError
from ganzoo.planning.facts import BATCH_COUPLED
from ganzoo.planning.parts import adam_correction, built_augmentation, built_regularizer, in_words
from ganzoo.planning.plan import Plan
from ganzoo.protocols import AnyLoss, Augmentation, Discriminate, Player, Regularizer, StatefulLoss
from ganzoo.runs.scheduling import scheduled
from ganzoo.training import uncompiled
from ganzoo.training.game import Game, WeightedRegularizer
from ganzoo.training.runtime import Runtime, pick_device
from ganzoo.training.sample_draws import SampleDraws
from ganzoo.training.sampler import Sampler
from ganzoo.training.setup import ENDLESS, Schedule, Setup
from ganzoo.training.shared_batch_norm import share
from ganzoo.training.state import TrainState, averaged_copy, half_life_decay
from ganzoo.training.team import ALONE, Team
from ganzoo.training.unroll import Unroll, functional


def assemble(plan: Plan, team: Team = ALONE) -> Setup:
    """All parts of ``plan``, ready for :func:`ganzoo.training.loop.train`. Moves the plan's networks to the device.

    Args:
        plan: what is trained.
        team: the processes that train it together, each with its own call of this function.
    """
    runtime = make_runtime(plan.config.runtime)
    if runtime.device.type == "cuda" and not team.alone:
        runtime = replace(runtime, device=torch.device("cuda", torch.cuda.current_device()))
    regularizers = tuple(_regularizer(plan, name) for name in plan.config.regularizers)
    augment = built_augmentation({name: plan.part(f"augment.{name}") for name in plan.config.augment}, plan.spec)
    loss = plan.options["loss"].build(plan.spec)
    adaptive = {"loss": loss, "augment": augment}
    state = _state(
        plan,
        runtime,
        regularizers={part.name: part.regularizer for part in regularizers},
        adaptive={name: part for name, part in adaptive.items() if isinstance(part, StatefulLoss | Augmentation)},
    )
    if plan.config.train.sync_batch_norm:
        for network in (state.generator, state.discriminator):
            share(network, team)
    game = _game(plan, runtime, state, loss, augment, regularizers, team)
    return Setup(
        game=game,
        state=state,
        batches=Batches(
            plan.dataset,
            batch_size=plan.config.train.batch_size,
            seed=plan.config.seed,
            sampling=plan.config.data.sampling,
            hflip=plan.config.data.hflip,
        ),
        sampler=Sampler.of(state.generator, plan.spec, uniform=plan.config.train.uniform_labels),
        runtime=runtime,
        schedule=_schedule(plan),
        scheduled=scheduled(plan, state, game),
    )


def _regularizer(plan: Plan, name: str) -> WeightedRegularizer:
    entry, options = plan.part(f"regularizers.{name}")
    built = built_regularizer(entry, options, plan.spec, name=name)
    return replace(built, of_whole_batch="batch_nonlinear" in options.tags())


def make_runtime(config: RuntimeConfig) -> Runtime:
    """Where a run is computed. Raises :class:`ganzoo.errors.ResourceError` for a device that is not there."""
    return Runtime(
        device=pick_device(config.device),
        precision=config.precision,
        penalty_precision=config.penalty_precision,
        compile=config.compile,
        deterministic=config.deterministic,
        threads=0 if config.threads == "auto" else config.threads,
    )


def make_optimizer(
    train: TrainConfig, parameters: Iterable[nn.Parameter], lr: float, betas: tuple[float, float], device: torch.device
) -> torch.optim.Optimizer:
    """A player's optimizer, fused where the device has such kernels."""
    parameters = list(parameters)
    optimizer: torch.optim.Optimizer
    if train.optimizer in ("adam", "adamw"):
        kind = uncompiled.Adam if train.optimizer == "adam" else uncompiled.AdamW
        optimizer = kind(parameters, lr=lr, betas=betas, fused=device.type in ("cpu", "cuda"))
    elif train.optimizer == "rmsprop":
        optimizer = uncompiled.RMSprop(parameters, lr=lr)
    else:
        optimizer = uncompiled.SGD(parameters, lr=lr, momentum=betas[0])
    for group in optimizer.param_groups:
        group["initial_lr"] = lr
    return optimizer


def _demand_own_weights(plan: Plan, generator: nn.Module, discriminator: nn.Module) -> None:
    """Refuse networks that share weights: those of the discriminator are frozen while the generator learns."""
    held = {id(parameter): name for name, parameter in discriminator.named_parameters()}
    for name, parameter in generator.named_parameters():
        if id(parameter) in held:
            named, other = (in_words(plan.entries[role]) for role in ("discriminator", "generator"))
            raise PluginError(
                f"{named.words} and {other.words} share weights",
                given=f"{held[id(parameter)]} of the discriminator is {name} of the generator",
                allowed="networks with weights of their own, since each player moves its own alone",
                hint=named.command,
            )


def _state(
    plan: Plan,
    runtime: Runtime,
    *,
    regularizers: dict[str, Regularizer],
    adaptive: dict[str, StatefulLoss | Augmentation],
) -> TrainState:
    train = plan.config.train
    images = train.batch_size * train.n_critic
    generator: Any = runtime.place(plan.generator)
    discriminator = runtime.place(plan.discriminator)
    _demand_own_weights(plan, generator, discriminator)
    return TrainState(
        generator=generator,
        discriminator=discriminator,
        ema=averaged_copy(generator) if train.averages else None,
        g_optimizer=_optimizer(plan, "generator", generator, runtime.device),
        d_optimizer=_optimizer(plan, "discriminator", discriminator, runtime.device),
        regularizers=regularizers,
        adaptive=adaptive,
        decay=None if train.ema_half_life is None else half_life_decay(train.ema_half_life, images),
    )


def _optimizer(plan: Plan, player: Player, network: nn.Module, device: torch.device) -> torch.optim.Optimizer:
    train = plan.config.train
    lr, betas = (train.g_lr, train.g_betas) if player == "generator" else (train.d_lr, train.d_betas)
    c = adam_correction(plan.options.values(), player) if train.optimizer in ("adam", "adamw") else 1.0
    lr, betas = lr * c, (betas[0] ** c, betas[1] ** c)
    return make_optimizer(train, network.parameters(), lr, betas, device)


def _game(
    plan: Plan,
    runtime: Runtime,
    state: TrainState,
    loss: AnyLoss,
    augment: Augmentation | None,
    regularizers: tuple[WeightedRegularizer, ...],
    team: Team,
) -> Game:
    train, tags = plan.config.train, plan.tags()
    coupled = bool(plan.options["discriminator"].tags() & BATCH_COUPLED)
    passes = train.passes
    if passes == "auto":
        passes = "two" if coupled or train.spectral_norm == "per-forward" else "one"
    return Game(
        loss=loss,
        discriminator=state.discriminator,
        generator=state.generator,
        discriminate=runtime.discriminate(state.discriminator),
        critic=runtime.critic(state.discriminator),
        generate=runtime.generate(state.generator),
        regularizers=regularizers,
        augment=augment,
        look_ahead=_look_ahead(plan, runtime, state) if train.unroll_steps else None,
        passes=passes,
        generator_needs_real="generator_needs_real" in tags,
        needs_real_output="needs_real_output" in tags,
        generator_adversarial="replaces_generator_loss" not in tags,
        discriminator_adversarial="replaces_discriminator_loss" not in tags,
        team=team,
        of_whole_batch="batch_nonlinear" in plan.options["loss"].tags(),
        sample_draws=None if team.alone else SampleDraws(team=team),
        names={role: in_words(plan.entries[role]) for role in ("loss", "discriminator", "generator")},
    )


def _look_ahead(plan: Plan, runtime: Runtime, state: TrainState) -> Unroll:
    def judge(network: nn.Module, parameters: Mapping[str, Tensor]) -> Discriminate:
        return runtime.critic(functional(network, parameters))

    train = plan.config.train
    return Unroll(steps=train.unroll_steps, optimizer=state.d_optimizer, judge=judge, objective=train.unroll_objective)


def _schedule(plan: Plan) -> Schedule:
    train = plan.config.train
    return Schedule(
        steps=train.steps or ENDLESS,
        minutes=train.minutes,
        batch_size=train.batch_size,
        seed=plan.config.seed,
        accumulate=train.accumulate,
        n_critic=train.n_critic,
        clip_grad_norm=train.clip_grad_norm,
        lr_schedule=train.lr_schedule,
        fakes=train.fakes,
        updates=train.updates,
        spectral_norm=train.spectral_norm,
        ema=train.ema,
        log_every=train.log_every,
    )

"""``ganzoo.Adversary``: critics for a loop of one's own, from components by their names."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Literal

import torch
from torch import nn

from ganzoo.component import Options
from ganzoo.did_you_mean import nearest
from ganzoo.errors import ConfigError
from ganzoo.planning.chosen import Chosen, ChosenParts
from ganzoo.planning.critic_hints import hints_for_critics, hints_of_generator_loss
from ganzoo.planning.own_shape import demand_alike, sample_shape
from ganzoo.planning.own_step import adversarial_step, suggested
from ganzoo.protocols import AnyLoss, DataSpec
from ganzoo.registry import Registry
from ganzoo.training.adversarial_step import UNCORRECTED, AdversarialStep
from ganzoo.training.balance import BALANCES, Balance
from ganzoo.training.critic_settings import CriticSettings
from ganzoo.training.drop_in import Critics, MakeOptimizer, seed_of
from ganzoo.training.given_data import GivenBatch
from ganzoo.training.image_pool import ImagePool
from ganzoo.training.shown_batch import ShownBatch
from ganzoo.training.timing import Timing
from ganzoo.training.two_losses import TwoLosses, two_losses

ANY_SHAPE = DataSpec(shape=(3, 64, 64))
"""Stands for data whose shape nobody asks for."""
BalanceName = Literal["none", "last-layer", "gradient-normalization", "balancer"]


def adam(parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    """The optimizer of critics unless another is given: Adam, lr 2e-4, β (0.5, 0.9)."""
    return torch.optim.Adam(parameters, lr=2e-4, betas=(0.5, 0.9))


class Adversary(Critics):
    """Critics that drop into anyone's loop.

    ::

        adversary = ganzoo.Adversary(critic, loss="hinge", start=20_000, weight=0.1)
        for x in loader:
            y = model(x)
            adv = adversary.generator_loss(y, real=x)
            (rec_loss(y, x) + adv.total).backward()
            optimizer.step(); optimizer.zero_grad()
            logs = adversary.update(fake=y, real=x)

    :meth:`generator_loss` leaves no gradient and no trace in the critics, :meth:`update` none in the generator. Either
    may come first. Before ``start`` nothing moves, and ``adv.total`` is an exact 0.

    Args:
        discriminators: a critic, or name → critic: ganzoo's, or any module that returns logits, ``(logits, features)``,
            lists of either, or a :class:`~ganzoo.protocols.DiscriminatorOutput`.
        loss: a name, a name with options, or an object, as for :func:`ganzoo.adversarial_step`.
        generator_loss: the generator's side of another loss, where it differs.
        regularizers: name → options; ``weight`` and ``every`` among them. Those that the loss suggests unless given.
        feature_matching: options of the regularizer ``feature-matching``, which is added to them; here it compares each
            fake with the real sample in its place, in all layers, by mean absolute differences. With ``average``
            ``critics`` or ``both``, it is a mean over several ``discriminators`` as well.
        augment: name → options of what critics see, on both sides.
        optimizer: makes the critics' optimizer from their parameters; Adam with lr 2e-4 and β (0.5, 0.9) unless given.
        start: the step of the critics' first update.
        generator_start: the step of the generator's first push; ``start`` unless given.
        ramp: steps over which the push grows to its weight.
        every: critics are updated in every k-th step.
        clip_grad_norm: largest 2-norm of each critic's gradient.
        weight: of all that is added to the generator's loss.
        critic_weights: critic → weight on both sides, 1 unless given.
        balance: ``none``, ``last-layer`` (VQGAN's λ), ``gradient-normalization`` (AFM), ``balancer`` (EnCodec).
        balance_options: of the balance: ``epsilon``, ``largest``, ``decay``.
        maps: whether the losses of several logit maps of a critic are added or averaged.
        passes: real and fake concatenated (``one``), one after the other (``two``); ``auto`` is one where no layer
            couples samples.
        pool: how many earlier fakes are kept for the critics.
        pac: how many samples critics judge at once, joined along their channels (PacGAN, CTGAN): build critics for
            ``pac`` times the channels. Batches must be multiples of it.
        mismatch: whether critics also see real data with the condition of a neighbor as fakes.
        skip_below: critics are not stepped while their adversarial loss, weighted and summed over critics, is below it
            (TimeGAN: 0.15). This reads one number from the device in every step. Nothing moves in a step that is
            skipped, so slices, crops and draws are those of the step before as well.
        precision: ``fp32`` computes critics outside of autocast, in the precision of their weights;
            ``autocast`` follows it.
        shape: of a sample (C, …), where a regularizer or augmentation has to know it; with condition channels, and
            before samples are joined by ``pac``. Unless given, what they do not take is refused when data first come.
        seed: of all draws; processes draw apart from each other.

    Where ``torch.distributed`` runs several processes, each calls :meth:`update` with its part of the batch, and the
    critics step on the mean of all gradients; no wrapper is needed. Parts that adapt (``lecam``, ``ada``, ``began``)
    see what their own process sees.

    Raises:
        UnknownNameError: nobody provides one of the names.
        ConfigError: something is not what it should be.
    """

    def __init__(
        self,
        discriminators: nn.Module | Mapping[str, nn.Module],
        loss: Chosen | AnyLoss = "hinge",
        *,
        generator_loss: Chosen | AnyLoss | None = None,
        regularizers: ChosenParts | None = None,
        feature_matching: Mapping[str, Any] | None = None,
        augment: ChosenParts | None = None,
        optimizer: MakeOptimizer = adam,
        start: int = 0,
        generator_start: int | None = None,
        ramp: int = 0,
        every: int = 1,
        clip_grad_norm: float | None = None,
        weight: float = 1.0,
        critic_weights: Mapping[str, float] | None = None,
        balance: BalanceName | Balance = "none",
        balance_options: Mapping[str, float] | None = None,
        maps: Literal["sum", "mean"] = "sum",
        passes: Literal["auto", "one", "two"] = "auto",
        pool: int = 0,
        pac: int = 1,
        mismatch: bool = False,
        skip_below: float | None = None,
        precision: Literal["fp32", "autocast"] = "fp32",
        shape: tuple[int, ...] | None = None,
        seed: int = 0,
    ) -> None:
        critics = _critics(discriminators)
        _demand_settings(maps=maps, passes=passes, precision=precision, pool=pool, pac=pac, mismatch=mismatch)
        _demand_numbers(clip_grad_norm=clip_grad_norm, weights={"weight": weight})
        _demand_numbers(clip_grad_norm=None, weights=critic_weights or {})
        if not callable(optimizer):
            raise ConfigError(
                "optimizer is not a function that makes the critics' optimizer",
                given=repr(optimizer),
                allowed="a function of their parameters",
                hint="optimizer=lambda parameters: torch.optim.Adam(parameters, lr=2e-4, betas=(0.5, 0.9))",
            )
        if skip_below is not None:
            _demand_numbers(clip_grad_norm=None, weights={"skip_below": skip_below})
        parts = _with_feature_matching(regularizers, feature_matching, loss=loss, critics=len(critics))
        spec = ANY_SHAPE if shape is None else _joined(sample_shape(shape), pac)

        def step(of_loss: Any, name: str, critic: nn.Module) -> AdversarialStep:
            return adversarial_step(
                of_loss,
                critic,
                spec=spec,
                regularizers=parts,
                augment=augment,
                passes=("two" if _couples(critic) else "one") if passes == "auto" else passes,
                seed=seed_of(seed, name),
            )

        losses = [one for one in (loss, generator_loss) if one is not None]
        steps, correction = {}, 1.0
        for name, critic in critics.items():
            made = step(loss, name, critic)
            _demand_no_pairs(made, mismatch=mismatch)
            if generator_loss is not None:
                with hints_of_generator_loss():
                    other = step(generator_loss, name, critic).objective
                objective = replace(
                    made.objective,
                    loss=two_losses(made.objective.loss, other.loss),
                    generator_needs_real=other.generator_needs_real,
                )
                made = replace(made, objective=objective)
            # Height, width and length are free, and a spec that nobody gave checks nothing.
            steps[name] = replace(
                made,
                objective=replace(made.objective, maps=maps),
                spec=None if shape is None else made.spec,
                corrections=UNCORRECTED,  # told below: a step's own words are for its caller
            )
            correction = made.corrections["discriminator"]
        if skip_below is not None and not all(one.objective.discriminator_adversarial for one in steps.values()):
            raise ConfigError(
                "skip_below looks at the loss of critics, and a regularizer stands in its place",
                given=f"skip_below={skip_below!r}",
                allowed="None with such a regularizer",
                hint="ganzoo.Adversary(…, skip_below=None)",
            )
        super().__init__(
            steps,
            optimizer=optimizer,
            timing=_timing(start, generator_start, ramp, every),
            settings=CriticSettings(
                weight=weight,
                critic_weights=_weights(critic_weights, critics),
                clip_grad_norm=clip_grad_norm,
                precision=precision,
                skip_below=skip_below,
                arrangement=ShownBatch(pac=pac, mismatch=mismatch),
                made_of={"loss": _in_words(next(iter(steps.values())).objective.loss)},
            ),
            balance=_balance(balance, balance_options),
            pool=ImagePool(pool, seed=seed_of(seed, "pool")),
            seed_of=partial(seed_of, seed),
            demand_fit=partial(_demand_fit, losses, parts, augment)
            if shape is None
            else partial(demand_alike, spec.shape, pac),
            in_words=partial(hints_for_critics, matching=feature_matching is not None),
        )
        if correction != 1.0:
            self._warn(
                f"lazy_adam asks for another Adam of the critics, lr·c and β^c with c = {correction:.6g}: "
                "optimizer=lambda parameters: torch.optim.Adam(parameters, lr=…, betas=…) with these, and no lazy_adam"
            )


def _demand_no_pairs(step: AdversarialStep, *, mismatch: bool) -> None:
    """A loss of pairs has no real sample for the further fakes that ``mismatch`` shows critics."""
    if step.paired and mismatch:
        raise ConfigError(
            f"{step.objective.in_words('loss').words} compares each real sample with the fake in its place, and with "
            "mismatch there are twice as many fakes",
            given="mismatch=True",
            allowed="mismatch with a loss that judges both sides apart, or with their means",
            hint='loss="relativistic-average", or mismatch=False',
        )


def _joined(shape: tuple[int, ...], pac: int) -> DataSpec:
    """What critics of joined samples see."""
    return DataSpec(shape=(pac * shape[0], *shape[1:]))


def _demand_fit(
    losses: Sequence[Any], regularizers: Any, augment: Any, shape: tuple[int, ...], given: GivenBatch
) -> None:
    """Build all parts for data whose shape shows only when they come; each says what it does not take."""
    for loss in losses:
        adversarial_step(loss, nn.Identity(), spec=DataSpec(shape=shape), regularizers=regularizers, augment=augment)


def _in_words(loss: Any) -> str:
    """What a state says of the loss that it was trained with: its name, and options that are not as by default."""
    if isinstance(loss, TwoLosses):
        return f"{_in_words(loss.discriminator)} with the generator's {_in_words(loss.generator)}"
    options = loss.model_dump(exclude_defaults=True) if isinstance(loss, Options) else {}
    return " ".join([type(loss).__name__, *(f"{name}={value}" for name, value in options.items())])


def _instead(given: Any) -> str:
    """How what was given would be made into critics."""
    if isinstance(given, str) and any(entry.name == given for entry in Registry.load().entries("preset")):
        return f'ganzoo.adversary("{given}", shape=(3, 256, 256))'
    return 'ganzoo.build("discriminator", "patchgan", spec=ganzoo.protocols.DataSpec(shape=(3, 64, 64)), ndf=8)'


def _critics(given: Any) -> dict[str, nn.Module]:
    if isinstance(given, nn.Module) and not isinstance(given, nn.ModuleDict | nn.ModuleList):
        return {"critic": given}
    found = dict(given.items()) if isinstance(given, Mapping | nn.ModuleDict) else {}
    if not found or not all(isinstance(critic, nn.Module) for critic in found.values()):
        raise ConfigError(
            "discriminators= is neither a module nor a mapping of names to modules",
            given=repr(given) if isinstance(given, str) else type(given).__name__,
            allowed='a torch.nn.Module, or {"patch": module, …} with at least one',
            hint=_instead(given),
        )
    for name in found:
        # Logs and states join names with these, and a module that holds critics has methods of its own.
        if not isinstance(name, str) or not name or "/" in name or "." in name or hasattr(HOLDER, name):
            raise ConfigError(
                "a name of a critic is not one that logs and states can carry",
                given=repr(name),
                allowed="a text without / and . that is no method of torch.nn.ModuleDict",
                hint='discriminators={"patch": critic}',
            )
    _demand_one_precision(found)
    return found


HOLDER = nn.ModuleDict()
"""What critics are held in."""


def _demand_one_precision(critics: Mapping[str, nn.Module]) -> None:
    """Refuse critics whose weights are of unlike types: all are shown the same data."""
    learning = {
        name: next((parameter for parameter in critic.parameters() if parameter.requires_grad), None)
        for name, critic in critics.items()
    }
    types = {name: parameter.dtype for name, parameter in learning.items() if parameter is not None}
    if len(set(types.values())) > 1:
        name = next(reversed(types))
        raise ConfigError(
            "critics are shown the same data, so their weights must be of one precision",
            given=", ".join(f"{name}: {dtype}" for name, dtype in types.items()),
            allowed="critics of one type, such as torch.float32",
            hint=f"{name}.float(), for each that is of another, before ganzoo.Adversary(…)",
        )


ALLOWED: Mapping[str, tuple[str, ...]] = {
    "maps": ("sum", "mean"),
    "passes": ("auto", "one", "two"),
    "precision": ("fp32", "autocast"),
}


def _demand_settings(*, pool: Any, pac: Any, mismatch: Any, **words: Any) -> None:
    for name, value in words.items():
        if value not in ALLOWED[name]:
            raise ConfigError(f"{name} is not known", given=repr(value), allowed=", ".join(ALLOWED[name]))
    if not isinstance(pool, int) or isinstance(pool, bool) or pool < 0:
        raise ConfigError("pool is not a number of fakes", given=repr(pool), allowed="a whole number from 0")
    if not isinstance(pac, int) or isinstance(pac, bool) or pac < 1:
        raise ConfigError("pac is not a number of samples", given=repr(pac), allowed="a whole number from 1")
    if not isinstance(mismatch, bool):
        raise ConfigError("mismatch is neither on nor off", given=repr(mismatch), allowed="True, False")


def _demand_numbers(*, clip_grad_norm: Any, weights: Mapping[str, Any]) -> None:
    for name, value in weights.items():
        if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
            raise ConfigError(f"{name} is not a number", given=repr(value), allowed="a finite number")
        if value < 0 and name != "skip_below":  # losses of critics may be below 0
            raise ConfigError(
                "a weight is negative: generator and critics would learn the opposite of what they should",
                given=f"{name}: {value!r}",
                allowed="a number from 0",
                hint=f"{-value!r} in its place",
            )
    number = isinstance(clip_grad_norm, int | float) and not isinstance(clip_grad_norm, bool)
    if clip_grad_norm is not None and not (number and clip_grad_norm > 0):
        raise ConfigError(
            "clip_grad_norm is not a norm, and critics would not move",
            given=repr(clip_grad_norm),
            allowed="a number above 0, or None",
        )


def _with_feature_matching(regularizers: Any, options: Mapping[str, Any] | None, *, loss: Any, critics: int) -> Any:
    if options is None:
        return regularizers
    if not isinstance(options, Mapping):
        raise ConfigError(
            "feature_matching= is not a mapping of options",
            given=repr(options),
            allowed="option → value, as {} or {'weight': 10.0}",
            hint="feature_matching={}",
        )
    if regularizers is not None and not isinstance(regularizers, Mapping):
        raise ConfigError(
            "feature_matching= is added to regularizers=, which must be a mapping then",
            given=repr(regularizers),
            allowed="name → options",
            hint='regularizers={"r1": {"weight": 0.1}}',
        )
    chosen = {"pair": "sample", "norm": "l1", "layer": "all", "weight": 1.0, **options}
    if chosen.get("average") in ("critics", "both") and isinstance(chosen["weight"], int | float):
        chosen["weight"] = chosen["weight"] / critics
    if regularizers is None:  # feature matching is added to what the loss suggests, and takes the place of nothing
        regularizers = suggested(Registry.load(), loss) if isinstance(loss, str | Mapping) else {}
    if "feature-matching" in regularizers:
        raise ConfigError(
            "feature-matching is given twice",
            given=f"feature_matching={dict(options)!r} and regularizers={regularizers!r}",
            allowed="one of the two",
            hint="leave out feature_matching=",
        )
    return {**regularizers, "feature-matching": chosen}


def _couples(critic: nn.Module) -> bool:
    """Whether a sample's logits may depend on those beside it; of others' modules only BatchNorm can be seen.

    A critic of ganzoo's tells it of itself, also within a module of the user's.
    """
    tags = getattr(critic, "ganzoo_tags", None)
    if tags is not None:
        return bool(tags & {"batch_coupled_train", "batch_coupled_always"})
    return isinstance(critic, nn.modules.batchnorm._BatchNorm) or any(_couples(part) for part in critic.children())


def _timing(start: int, generator_start: int | None, ramp: int, every: int) -> Timing:
    numbers = {"start": start, "generator_start": generator_start, "ramp": ramp, "every": every}
    for name, value in numbers.items():
        lowest = 1 if name == "every" else 0
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < lowest):
            raise ConfigError(
                f"{name} is not a number of steps", given=repr(value), allowed=f"a whole number from {lowest}"
            )
    if generator_start is not None and generator_start < start:
        raise ConfigError(
            "the generator would be pushed by critics that have not learned anything yet",
            given=f"generator_start={generator_start}, start={start}",
            allowed="generator_start from start on, or None for start itself",
            hint=f"generator_start={start}",
        )
    return Timing(start=start, generator_start=generator_start, ramp=ramp, every=every)


def _weights(given: Mapping[str, float] | None, critics: Mapping[str, nn.Module]) -> dict[str, float]:
    if unknown := sorted(set(given or ()) - set(critics)):
        raise ConfigError(
            f"critic_weights names {', '.join(unknown)}, which is not a critic",
            given=", ".join(unknown),
            allowed=", ".join(critics),
        )
    return dict(given or {})


def _balance(given: Any, options: Mapping[str, float] | None) -> Balance:
    if not isinstance(given, str) and hasattr(given, "factor"):
        chosen: Balance = given
        return chosen
    if not isinstance(given, str) or given not in BALANCES:
        meant = nearest(given, BALANCES) if isinstance(given, str) else None
        raise ConfigError(
            "balance is not known" + (f"; did you mean {meant!r}?" if meant else ""),
            given=repr(given),
            allowed=", ".join(BALANCES) + ", or an object with factor, state_dict and load_state_dict",
            hint=f'balance="{meant}"' if meant else 'balance="balancer", balance_options={"decay": 0.99}',
        )
    for name, value in (options or {}).items():
        _demand_balance_option(name, value)
    try:
        made: Balance = BALANCES[given](**(options or {}))
    except TypeError as error:
        raise ConfigError(
            f"balance {given} does not take these options",
            given=dict(options or {}),
            allowed="epsilon, largest for last-layer; decay, epsilon for those with a running mean; none for none",
            hint="balance_options={} for those that it has unless given",
        ) from error
    return made


def _demand_balance_option(name: str, value: Any) -> None:
    """Those that would give factors that are negative or not finite; unknown ones are for the balance to refuse."""
    number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if number and value >= 0 and not (name == "decay" and value >= 1):
        return
    raise ConfigError(
        f"{name} of a balance is not a number that it can use",
        given=repr(value),
        allowed="a number from 0, below 1" if name == "decay" else "a number from 0",
        hint='balance_options={"decay": 0.99}' if name == "decay" else f'balance_options={{"{name}": 1e-4}}',
    )

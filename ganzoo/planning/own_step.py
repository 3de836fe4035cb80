"""The step for a loop of one's own, from components by their names."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import signature
from typing import Any, Literal

from torch import nn

from ganzoo.component import Options, RegularizerOptions
from ganzoo.errors import ConfigError
from ganzoo.planning import chosen
from ganzoo.planning.building import A_SPEC, options_by_name
from ganzoo.planning.chosen import Chosen, ChosenParts
from ganzoo.planning.facts import Facts
from ganzoo.planning.parts import adam_correction, built_augmentation, built_regularizer, in_words
from ganzoo.planning.rules import discriminator_without_objective, generator_without_objective
from ganzoo.protocols import AnyLoss, DataSpec, Loss, RelativisticLoss
from ganzoo.registry import Entry, Registry
from ganzoo.training.adversarial_step import AdversarialStep
from ganzoo.training.game import Named, Objective
from ganzoo.training.own_networks import Generated, Judged
from ganzoo.training.own_parts import whole_number
from ganzoo.training.python_hints import hints_in_python

Parts = dict[str, tuple[Entry, Options]]
"""Name → component and options."""


@hints_in_python()
def adversarial_step(
    loss: Chosen | AnyLoss,
    discriminator: nn.Module,
    *,
    spec: DataSpec | None = None,
    regularizers: ChosenParts | None = None,
    augment: ChosenParts | None = None,
    generator: nn.Module | None = None,
    passes: Literal["one", "two"] = "two",
    seed: int = 0,
) -> AdversarialStep:
    """Both players' objectives for a loop of your own: ``ganzoo.adversarial_step("hinge", critic, spec=spec)``.

    Args:
        loss: a name, or ``{"name": "margin-hinge", "margin_real": 0.5}``, or an object that keeps the contract of
            :class:`~ganzoo.protocols.Loss`; with an object, ``regularizers`` must be given.
        discriminator: any module that returns logits (a tensor), or a :class:`~ganzoo.protocols.DiscriminatorOutput`.
            It is called with labels where the step is given some. Penalties go through it uncompiled and in full
            precision.
        spec: what the data look like; required.
        regularizers: names, or name → options, ``weight`` and ``every`` among them; or a list of names and of
            ``{"name": NAME, OPTION: VALUE}``. ``None`` takes those that the loss suggests, as ``ganzoo run`` does:
            ``wgan-gp`` brings its gradient penalty.
        augment: augmentations of what the discriminator sees, likewise; ``None`` is none.
        generator: for regularizers that carry ``needs_generator``; those that use its latents need ``z`` in the steps.
        passes: real and fake one after the other, or concatenated, which is faster, and equal where the discriminator
            judges each sample by itself.
        seed: of all draws.

    Raises:
        UnknownNameError: nobody provides one of the names.
        ConfigError: something that is not what it should be, wrong options, a regularizer that needs the generator
            where there is none, or one that replaces the generator's loss in some updates only.
        PluginError: a component cannot be loaded.
    """
    spec, seed = _demand_spec(spec), _demand_seed(seed)
    _demand_module("discriminator", discriminator)
    if generator is not None:
        _demand_module("generator", generator)
    if passes not in ("one", "two"):
        raise ConfigError("passes is not known", given=passes, allowed="one, two")
    registry = Registry.load()
    of_loss, tags, names = _loss(registry, loss, spec)
    parts = _parts(registry, "regularizer", suggested(registry, loss) if regularizers is None else regularizers, spec)
    augmentations = _parts(registry, "augmentation", augment, spec)
    _demand_generator(parts, generator)
    _demand_objective(parts)
    options = [of_part for _, of_part in parts.values()]
    tags = tags.union(*(of_part.tags() for of_part in options))
    return AdversarialStep(
        objective=Objective(
            loss=of_loss,
            discriminator=discriminator,
            discriminate=Judged(discriminator),
            critic=Judged(discriminator, for_penalties=True),
            regularizers=tuple(built_regularizer(*part, spec, name=name) for name, part in parts.items()),
            augment=built_augmentation(augmentations, spec),
            passes=passes,
            generator_needs_real="generator_needs_real" in tags,
            needs_real_output="needs_real_output" in tags,
            pairs_samples="pairs_samples" in tags,
            generator_adversarial="replaces_generator_loss" not in tags,
            discriminator_adversarial="replaces_discriminator_loss" not in tags,
            generator=generator,
            generate=None if generator is None else Generated(generator),
            names=names,
        ),
        spec=spec,
        corrections={
            "discriminator": adam_correction(options, "discriminator"),
            "generator": adam_correction(options, "generator"),
        },
        seed=seed,
        energy="needs_energy" in tags,
        paired="paired" in tags,
    )


def _loss(
    registry: Registry, loss: Chosen | AnyLoss, spec: DataSpec
) -> tuple[AnyLoss, frozenset[str], dict[str, Named]]:
    """The loss, its tags, and what errors call it."""
    if isinstance(loss, Loss | RelativisticLoss) and not isinstance(loss, type):
        if isinstance(loss, Options):
            return loss, loss.tags(), {}
        compares = "real" in signature(loss.generator_loss).parameters
        return loss, frozenset({"generator_needs_real"} if compares else ()), {}
    name, given = chosen.one("loss", loss)
    entry, options = options_by_name(registry, "loss", name, given)
    options = options.resolve(spec)
    return options.build(spec), options.tags(), {"loss": in_words(entry)}


def _parts(registry: Registry, kind: str, given: Any, spec: DataSpec) -> Parts:
    found: Parts = {}
    for name, options in chosen.several(kind, given):
        entry, parsed = options_by_name(registry, kind, name, options)
        if entry.name in found:
            raise ConfigError(
                f"{kind} {entry.name} is there twice",
                given=repr(given),
                allowed=f"each {kind} once",
                hint=chosen.EXAMPLES[kind],
            )
        found[entry.name] = entry, parsed.resolve(spec)
    return found


def suggested(registry: Registry, loss: Any) -> dict[str, dict[str, Any]]:
    """The regularizers that a loss suggests, with the options that it suggests for them."""
    if not isinstance(loss, str | Mapping):
        raise ConfigError(
            "a loss that is given as an object suggests no regularizers, so they must be given too",
            given="regularizers=None",
            allowed="regularizers by their names, or () for none",
            hint='regularizers=() for none, or regularizers="gradient-penalty" for a Wasserstein critic, for example',
        )
    found: dict[str, dict[str, Any]] = {}
    for path, value in registry.get("loss", chosen.one("loss", loss)[0]).component.suggests.items():
        section, _, rest = path.partition(".")
        name, dot, option = rest.partition(".")
        if section == "regularizers" and name:
            found.setdefault(name, {}).update({option: value} if dot else {})
    return found


def _demand_spec(spec: Any) -> DataSpec:
    if isinstance(spec, DataSpec):
        return spec
    raise ConfigError(
        "losses, regularizers and augmentations depend on the data, so spec= is required",
        given=f"spec={spec!r}",
        allowed="a ganzoo.protocols.DataSpec",
        hint=A_SPEC,
    )


def _demand_seed(seed: Any) -> int:
    if (found := whole_number(seed)) is not None:
        return found
    raise ConfigError("seed is not a whole number", given=repr(seed), allowed="a whole number", hint="seed=0")


def _demand_module(role: str, network: Any) -> None:
    if not isinstance(network, nn.Module):
        raise ConfigError(
            f"{role} is not a torch.nn.Module",
            given=repr(network),
            allowed="a module, of your own or built by its name",
            hint=f'ganzoo.build("{role}", "dcgan", spec=spec) makes one',
        )


def _demand_generator(parts: Parts, generator: nn.Module | None) -> None:
    needing = [name for name, (_, options) in parts.items() if "needs_generator" in options.tags()]
    if needing and generator is None:
        raise ConfigError(
            f"regularizer {', '.join(needing)} requires the generator and its latents, but this step only gets fakes",
            allowed="regularizers without the tag needs_generator",
            hint="pass generator= here and z= in each step, or leave the regularizer out",
        )


def _demand_objective(parts: Parts) -> None:
    """The rule of ``ganzoo run``, with a way out that can be written here."""
    options = {name: of_part for name, (_, of_part) in parts.items() if isinstance(of_part, RegularizerOptions)}
    facts = Facts(
        names={},
        tags={},
        regularizers={name: of_part.tags() for name, of_part in options.items()},
        every={name: of_part.every for name, of_part in options.items()},
    )
    found = generator_without_objective(facts) or discriminator_without_objective(facts)
    if found is not None:
        tags = {"replaces_generator_loss", "replaces_discriminator_loss"}
        replacing = [name for name, of_part in options.items() if tags & of_part.tags()]
        raise ConfigError(
            found.reason, hint=f'regularizers={{"{replacing[0]}": {{"every": 1}}}}, with its other options'
        )

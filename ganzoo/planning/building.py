"""Components by their names, for anyone's own loop."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from torch import nn

from ganzoo.component import Options
from ganzoo.errors import ConfigError
from ganzoo.planning.options import options_of
from ganzoo.planning.parts import built_augmentation, built_regularizer
from ganzoo.protocols import DataSpec
from ganzoo.registry import Entry, Registry, parse_kind
from ganzoo.training.adversarial_step import AdversarialStep, Generated, Judged
from ganzoo.training.game import Objective

NO_DATA = DataSpec(shape=())

Chosen = str | Mapping[str, Any]
"""A component: its name, or ``{"name": NAME, OPTION: VALUE}``."""
ChosenParts = str | Iterable[str] | Mapping[str, Mapping[str, Any]]
"""Any number of them: names, or ``{NAME: {OPTION: VALUE}}``."""


def build(kind: str, name: str, /, *, spec: DataSpec | None = None, **options: Any) -> Any:
    """Build a component: ``ganzoo.build("loss", "margin-hinge", margin_real=0.5)``.

    Args:
        kind: ``loss``, ``discriminator``, ``generator``, ``regularizer`` or ``dataset`` (whose options come back).
        name: as in ``ganzoo list``.
        spec: what the data look like; networks need it.
        options: as in ``ganzoo info NAME``.

    Raises:
        UnknownNameError: nobody provides it.
        ConfigError: an option is unknown or out of range, or a network was requested without ``spec``.
        PluginError: the component cannot be loaded.
    """
    chosen = parse_kind(kind).name
    registry = Registry.load()
    parsed = options_of(registry.get(chosen, name), options, section=name, others=registry.entries(chosen))
    if chosen in ("discriminator", "generator") and spec is None:
        raise ConfigError(
            f"{chosen} {name!r} depends on the data, so spec= is required",
            hint="spec=ganzoo.protocols.DataSpec(shape=(3, 64, 64))",
        )
    return parsed.resolve(spec or NO_DATA).build(spec or NO_DATA)


def adversarial_step(
    loss: Chosen,
    discriminator: nn.Module,
    *,
    spec: DataSpec,
    regularizers: ChosenParts | None = None,
    augment: ChosenParts = (),
    generator: nn.Module | None = None,
    passes: Literal["one", "two"] = "two",
    seed: int = 0,
) -> AdversarialStep:
    """Both players' objectives for a loop of your own: ``ganzoo.adversarial_step("hinge", critic, spec=spec)``.

    Args:
        loss: a name, or ``{"name": "margin-hinge", "margin_real": 0.5}``.
        discriminator: any module that returns logits (a tensor), or a :class:`~ganzoo.protocols.DiscriminatorOutput`.
            Penalties go through it uncompiled and in full precision.
        spec: what the data look like.
        regularizers: names, or name → options, ``weight`` and ``every`` among them. ``None`` takes those that the loss
            suggests, as ``ganzoo run`` does: ``wgan-gp`` brings its gradient penalty.
        augment: augmentations of what the discriminator sees, likewise.
        generator: for regularizers that carry ``needs_generator``; their steps get its latents as well.
        passes: real and fake one after the other, or concatenated, which is faster, and equal where the discriminator
            judges each sample by itself.
        seed: of all draws.

    Raises:
        UnknownNameError: nobody provides one of the names.
        ConfigError: wrong options, or a regularizer that needs the generator where there is none.
        PluginError: a component cannot be loaded.
    """
    if passes not in ("one", "two"):
        raise ConfigError("passes is not known", given=passes, allowed="one, two")
    registry = Registry.load()
    name, given = (loss, {}) if isinstance(loss, str) else (str(loss.get("name")), _without_name(loss))
    [(_, of_loss)] = _parts(registry, "loss", {name: given}, spec).values()
    parts = _parts(registry, "regularizer", _suggested(registry, name) if regularizers is None else regularizers, spec)
    augmentations = _parts(registry, "augmentation", augment, spec)
    tags = of_loss.tags().union(*(options.tags() for _, options in parts.values()))
    needing = tuple(name for name, (_, options) in parts.items() if "needs_generator" in options.tags())
    if needing and generator is None:
        raise ConfigError(
            f"regularizer {', '.join(needing)} requires the generator and its latents, but this step only gets fakes",
            allowed="regularizers without the tag needs_generator",
            hint="pass generator= here and z= in each step, or leave the regularizer out",
        )
    return AdversarialStep(
        objective=Objective(
            loss=of_loss.build(spec),
            discriminator=discriminator,
            discriminate=Judged(discriminator),
            critic=Judged(discriminator, for_penalties=True),
            regularizers=tuple(built_regularizer(*part, spec, name=name) for name, part in parts.items()),
            augment=built_augmentation(augmentations, spec),
            passes=passes,
            generator_needs_real="generator_needs_real" in tags,
            needs_real_output="needs_real_output" in tags,
            generator_adversarial="replaces_generator_loss" not in tags,
            generator=generator,
            generate=None if generator is None else Generated(generator),
        ),
        needs_generator=needing,
        seed=seed,
    )


def _parts(registry: Registry, kind: str, chosen: ChosenParts, spec: DataSpec) -> dict[str, tuple[Entry, Options]]:
    """Name → component and options."""
    if isinstance(chosen, str):
        chosen = [chosen]
    given = chosen if isinstance(chosen, Mapping) else {name: {} for name in chosen}
    found = {}
    for name, options in given.items():
        entry = registry.get(kind, name)
        found[entry.name] = entry, _options(registry, entry, options).resolve(spec)
    return found


def _options(registry: Registry, entry: Entry, given: Mapping[str, Any]) -> Options:
    section = f"{entry.kind} {entry.name}"
    return options_of(entry, given, section=section, others=registry.entries(entry.kind))


def _without_name(chosen: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in chosen.items() if key != "name"}


def _suggested(registry: Registry, loss: str) -> dict[str, dict[str, Any]]:
    """The regularizers that a loss suggests, with the options that it suggests for them."""
    entry = registry.get("loss", loss)
    found: dict[str, dict[str, Any]] = {}
    for path, value in entry.component.suggests.items():
        section, _, rest = path.partition(".")
        name, dot, option = rest.partition(".")
        if section == "regularizers" and name:
            found.setdefault(name, {}).update({option: value} if dot else {})
    return found

"""Checks of discriminators and generators alike."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import torch
from pydantic import ValidationError
from torch import Tensor, nn
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    FakeTensorMode,
)

from ganzoo.component import Options
from ganzoo.errors import ConfigError
from ganzoo.protocols import DataSpec
from ganzoo.testing.check import Check, Failed, demand
from ganzoo.testing.networks.trial import (
    Trial,
    difference,
    first_taken,
    in_short,
    same,
    shake,
    size_of,
    takes,
    takes_nothing,
    trial,
    weighted_sum,
)
from ganzoo.testing.options import for_any_options, no_hypothesis
from ganzoo.testing.random_numbers import random_numbers_untouched
from ganzoo.testing.subject import NARROW, VECTORS, Subject, images_like

NETWORK = "ganzoo.protocols:Network"

SHAPES = (
    images_like(1, 8),
    images_like(2, 28),
    images_like(3, 32),
    images_like(1, 64),
    images_like(3, 32, 64),
    images_like(1, 28, 20),
    VECTORS,
)
SMALL = (*(images_like(3, side) for side in (1, 2, 3, 5, 7)), images_like(1, 32, 3), images_like(1, 2, 32))
DOZEN = 12
"""A batch that is not taken for a width, mostly a power of two, nor for the classes; and falls into groups of four."""
STEP = 1e-8
"""Of a finite difference: so short that hardly a corner of a piecewise linear function lies within."""

Expect = Callable[[Subject, Trial], None]
"""Demands of what a network says of its batch that it has the shapes it should have."""


def every_shape(expect: Expect) -> Callable[[Subject], None]:
    """The check that usual data are taken and answered rightly."""

    def answers_for_every_shape(subject: Subject) -> None:
        first = first_taken(subject)
        for spec in (first, *(spec for spec in SHAPES if spec != first and takes(subject, spec))):
            answers_for(subject, spec, expect)

    return answers_for_every_shape


def small_images(expect: Expect) -> Callable[[Subject], None]:
    """The check that images too small for it are either refused in ganzoo's words or answered rightly."""

    def refuses_what_is_too_small(subject: Subject) -> None:
        for spec in SMALL:
            if takes(subject, spec):
                answers_for(subject, spec, expect)
            else:
                refuses_clearly(subject, spec)

    return refuses_what_is_too_small


def answers_for(subject: Subject, spec: DataSpec, expect: Expect) -> None:
    """Demand the right shapes in training and in evaluation."""
    one = trial(subject, spec, n=DOZEN)
    for training in (True, False):
        one.set_mode(training=training)
        try:
            with torch.no_grad():
                expect(subject, one)
        except Failed as failed:
            raise Failed(f"for {size_of(spec)}: {failed}") from failed
        except Exception as error:
            raise Failed(f"build() takes {size_of(spec)}, and forward() raises {in_short(error)}") from error


def refuses_clearly(subject: Subject, spec: DataSpec) -> None:
    """Demand that the refusal helps."""
    try:
        subject.build(spec)
    except ConfigError as error:
        missing = [name for name in ("given", "allowed", "hint") if getattr(error, name) is None]
        demand(not missing, f"for {size_of(spec)} its ConfigError has no {', '.join(missing)}: {error.message}")


def options_build(expect: Expect) -> Callable[[Subject], None]:
    """The check that whatever options are allowed build a network that works."""

    def any_options_build(subject: Subject) -> None:
        spec = first_taken(subject)
        tried: list[Options] = []

        def builds(options: Options) -> None:
            other = replace(subject, options=_narrowed(options))
            if other.chosen in tried:
                return
            try:
                if takes(other, spec):
                    answers_for(other, spec, expect)
            except Failed as failed:
                raise Failed(f"with {other.options!r}: {failed}") from failed
            tried.append(other.chosen)

        for_any_options(subject, builds)

    return any_options_build


def _narrowed(options: Options) -> Options:
    """With no option of width above those of :data:`NARROW`; drawn ones may make a network slow."""
    values = dict(options)
    narrow = {name: most for name, most in NARROW.items() if name in values and (values[name] or most + 1) > most}
    try:
        return type(options).model_validate({**values, **narrow})
    except ValidationError:
        return options


def every_parameter_learns(subject: Subject) -> None:
    """From some batch: a unit may be asleep in one."""
    idle: set[str] | None = None
    for seed in range(4):
        one = trial(subject, seed=seed)
        shake(one.network)
        one.set_mode(training=True)
        total = torch.stack([value.square().mean() for value in one.judged()]).sum()
        slopes = slopes_of(total, one)
        endless = sorted(name for name, slope in slopes.items() if slope is not None and not slope.isfinite().all())
        demand(not endless, f"the gradient of {', '.join(endless)} is not finite")
        without = {name for name, slope in slopes.items() if slope is None or not slope.any()}
        idle = without if idle is None else idle & without
        if not idle:
            return
    demand(not idle, f"no gradient reaches {', '.join(sorted(idle or ()))}")


def slopes_of(value: Tensor, one: Trial) -> dict[str, Tensor | None]:
    """Parameter → its gradient; ``None`` where there is none."""
    named = {name: parameter for name, parameter in one.network.named_parameters() if parameter.requires_grad}
    if not named or not value.requires_grad:
        return dict.fromkeys(named)
    return dict(zip(named, torch.autograd.grad(value, list(named.values()), allow_unused=True), strict=True))


def is_deterministic(subject: Subject) -> None:
    """In evaluation."""
    one = trial(subject)
    shake(one.network)
    one.set_mode(training=False)
    before = {name: value.clone() for name, value in one.network.state_dict().items() if isinstance(value, Tensor)}
    with torch.no_grad(), random_numbers_untouched("in evaluation it"):
        first = one.answers()
        second = one.answers()
    same(first, second, "called twice in evaluation", tolerance=1e-6)
    changed = difference(before, one.network.state_dict())
    demand(not changed, f"in evaluation it changes {', '.join(changed)}")


def keeps_its_mode(subject: Subject) -> None:
    """In both modes, with gradients and without."""
    one = trial(subject)
    for training in (True, False):
        one.set_mode(training=training)
        before = _modes(one.network)
        for recorded in (True, False):
            with torch.set_grad_enabled(recorded):
                one.answers()
            demand(_modes(one.network) == before, f"in {_mode(training)} forward() changes the mode")


def _modes(network: nn.Module) -> list[bool]:
    return [module.training for module in network.modules()]


def _mode(training: bool) -> str:
    return "training" if training else "evaluation"


def moves_to_a_device(subject: Subject) -> None:
    """To torch's device without memory, which mixes with the CPU as little as a GPU does, after use on the CPU."""
    for training in (True, False):
        one = trial(subject)
        one.set_mode(training=training)
        with torch.no_grad():
            one.answers()
            network, given, labels = (part.to("meta") for part in (one.network, one.given, one.labels))
            try:
                answers = replace(one, network=network, given=given, labels=labels).answers()
            except Exception as error:
                raise Failed(f"moved to another device, in {_mode(training)}, it raises {in_short(error)}") from error
        left = [name for name, value in answers.items() if not value.is_meta]
        demand(not left, f"moved to another device, in {_mode(training)}, it leaves {', '.join(left)} on the CPU")


def state_is_all(subject: Subject) -> None:
    """A network that has been trained, and another that loads its state."""
    one = trial(subject)
    other = trial(subject, seed=1)
    shake(one.network)
    one.network.train()
    with torch.no_grad():
        for scale in (1.0, 0.5, -1.0):
            one.answers(one.given * scale)
    state = one.network.state_dict()
    strange = [name for name, value in state.items() if not isinstance(value, Tensor)]
    demand(not strange, f"state_dict() holds what is no tensor: {', '.join(strange)}")
    other.network.load_state_dict({name: value.clone() for name, value in state.items()})
    for training in (False, True):
        answers = []
        for network in (one.network, other.network):
            network.train(training)
            torch.manual_seed(0)
            with torch.no_grad():
                answers.append(replace(one, network=network).answers())
        same(answers[0], answers[1], f"with the state of a trained network loaded, in {_mode(training)}")


def can_be_copied(subject: Subject) -> None:
    """As the average of a generator's weights is kept in a copy."""
    one = trial(subject)
    again = replace(one, network=copy.deepcopy(one.network))
    for each in (one, again):
        each.set_mode(training=False)
    with torch.no_grad():
        before = one.answers()
        same(before, again.answers(), "copied", tolerance=1e-6)
        shake(again.network, scale=1.0)
        same(before, one.answers(), "after its copy's parameters have moved", tolerance=1e-6)


def depends_on_the_seed(subject: Subject) -> None:
    """And on nothing else."""
    spec = first_taken(subject)
    one, two, other = (subject.build(spec, seed=seed).state_dict() for seed in (0, 0, 1))
    differing = difference(one, two)
    demand(not differing, f"built twice from one seed it differs in {', '.join(differing)}")
    demand(not one or difference(one, other), "built from two seeds it is the same: its weights ignore the seed")


def builds_on_meta(subject: Subject) -> None:
    """Its size can be told without memory for it."""
    spec = first_taken(subject)
    real = subject.build(spec).state_dict()
    with torch.device("meta"):
        counted = subject.build(spec).state_dict()
    shapes = ({name: tuple(value.shape) for name, value in state.items()} for state in (real, counted))
    demand(len({str(sorted(one.items())) for one in shapes}) == 1, "on the meta device it has other shapes")


def leaves_its_inputs(subject: Subject) -> None:
    """In both modes."""
    for training in (True, False):
        one = trial(subject)
        one.set_mode(training=training)
        kept = one.given.clone(), one.labels.clone()
        one.answers()
        what = "latents" if subject.kind == "generator" else "images"
        demand(torch.equal(one.given, kept[0]), f"it changes the {what} that it is given")
        demand(torch.equal(one.labels, kept[1]), "it changes the labels that it is given")
        demand(not one.given.requires_grad, f"it records gradients of the {what} that it is given")


def channels_may_come_last(subject: Subject) -> None:
    """How numbers lie in memory is the runtime's choice."""
    one, other = trial(subject).double(), trial(subject).double()
    other.network.to(memory_format=torch.channels_last)
    if other.given.dim() == 4:
        other = replace(other, given=other.given.contiguous(memory_format=torch.channels_last))
    for each in (one, other):
        each.set_mode(training=False)
    with torch.no_grad():
        same(one.answers(), other.answers(), "with channels last")
        # In training it need only run: which values a dropout drops may follow their order in memory.
        other.set_mode(training=True)
        other.answers()


def no_images(subject: Subject) -> str | None:
    """Vectors have no channels."""
    return None if trial(subject).is_of_images else "it takes vectors only"


def works_in_double(subject: Subject) -> None:
    """All of it."""
    one = trial(subject).double()
    for training in (True, False):
        one.set_mode(training=training)
        with torch.no_grad():
            rounded = {name: value.dtype for name, value in one.answers().items() if value.dtype != torch.float64}
        demand(not rounded, f"in float64 {', '.join(rounded)} is {next(iter(rounded.values()), None)}")


def survives_autocast(subject: Subject) -> None:
    """Forward and backward."""
    one = trial(subject)
    for training in (True, False):
        one.set_mode(training=training)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            answers = one.answers()
        infinite = [name for name, value in answers.items() if not value.isfinite().all()]
        demand(not infinite, f"under autocast {', '.join(infinite)} is not finite")
        slopes = slopes_of(torch.stack([value.float().mean() for value in answers.values()]).sum(), one)
        finite = all(slope is None or slope.isfinite().all() for slope in slopes.values())
        demand(finite, "under autocast a gradient is not finite")


def reads_no_value(subject: Subject) -> None:
    """Tensors without content: whatever asks for a number raises."""
    for training in (True, False):
        one = trial(subject)
        one.set_mode(training=training)
        with _silence(), FakeTensorMode(allow_non_fake_inputs=True) as mode:
            hollow = replace(one, given=mode.from_tensor(one.given), labels=mode.from_tensor(one.labels))
            try:
                hollow.answers()
            except (DataDependentOutputException, DynamicOutputShapeException) as error:
                raise Failed(f"forward() reads a value or a shape that depends on one ({error})") from error


@contextmanager
def _silence() -> Iterator[None]:
    """Without torch's own log of what fails; it is a finding, and told as one."""
    log = logging.getLogger("torch._subclasses.fake_tensor")
    before = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(before)


def labels_are_asked_for(subject: Subject) -> None:
    """Missing ones are an error where they are used, and make no difference elsewhere."""
    one = trial(subject)
    one.set_mode(training=False)
    with torch.no_grad():
        if "accepts_labels" not in subject.tags:
            same(one.answers(), one.answers(labels=False), "without labels")
            return
        try:
            one.answers(labels=False)
        except ConfigError:
            return
    demand(False, "it is conditional, carries accepts_labels, and is silent when it gets no labels")


def works_without_classes(subject: Subject) -> None:
    """Where the plan does not make the networks conditional, with classes in the data and without."""
    spec = replace(first_taken(subject), conditional=False)
    for other in (spec, DataSpec(shape=spec.shape)):
        one = trial(subject, other)
        one.set_mode(training=False)
        with torch.no_grad():
            same(one.answers(labels=False), one.answers(), "unconditional, but with labels")


def wants_labels(subject: Subject) -> str | None:
    """It is never built without."""
    return "it carries the tag needs_labels" if "needs_labels" in subject.tags else None


def one_sample_is_enough(subject: Subject) -> None:
    """The first alone is judged as in its batch, or at least judged."""
    one = trial(subject).double()
    one.set_mode(training=False)
    with torch.no_grad():
        alone = one.rows(slice(0, 1)).answers()
        first = {name: value[:1] for name, value in one.answers().items()}
    for name, value in first.items():
        shapes = tuple(alone[name].shape), tuple(value.shape)
        demand(shapes[0] == shapes[1], f"of a single sample {name} has the shape {shapes[0]} and not {shapes[1]}")
    if "batch_coupled_always" not in subject.tags:
        same(first, alone, "of a single sample", tolerance=1e-7)


def second_gradient_is_right(subject: Subject) -> None:
    """That of a penalty on the first one, compared with finite differences; in training it must be there and finite."""
    one = trial(subject)
    shake(one.network)
    one.set_mode(training=True)
    taught = [slope for slope in slopes_of(penalty_of(one), one).values() if slope is not None]
    demand(any(slope.any() for slope in taught), "a penalty on its gradient teaches no parameter")
    demand(all(slope.isfinite().all() for slope in taught), "a penalty's gradient is not finite")
    gaps = []
    for seed in range(3):
        found, expected = slopes_of_penalty(subject, seed=seed)
        if abs(found - expected) <= 1e-3 * max(abs(expected), 1e-6):
            return
        gaps.append(f"{found:.6g} instead of {expected:.6g}")
    demand(False, f"the gradient of a penalty on its gradient is {'; '.join(gaps)}, as finite differences tell")


def penalty_of(one: Trial) -> Tensor:
    """The square of the gradient with respect to what the network is given."""
    given = one.given.detach().clone().requires_grad_()
    total = torch.stack([weighted_sum(value) for value in one.judged(given)]).sum()
    (slope,) = torch.autograd.grad(total, given, create_graph=True)
    return slope.square().sum()


def slopes_of_penalty(subject: Subject, *, seed: int) -> tuple[float, float]:
    """The penalty's slope along a random direction of the parameters, by autograd and by finite differences."""
    one = trial(subject, seed=seed).double()
    shake(one.network)
    one.set_mode(training=False)
    parameters = [parameter for parameter in one.network.parameters() if parameter.requires_grad]
    directions = [torch.randn_like(parameter) for parameter in parameters]
    slopes = torch.autograd.grad(penalty_of(one), parameters, allow_unused=True, materialize_grads=True)
    found = sum((slope * way).sum().item() for slope, way in zip(slopes, directions, strict=True))
    values = []
    for side in (STEP, -2 * STEP):
        with torch.no_grad():
            for parameter, way in zip(parameters, directions, strict=True):
                parameter.add_(side * way)
        values.append(penalty_of(one).item())
    return found, (values[0] - values[1]) / (2 * STEP)


def where_anything_is_taken(checks: Iterable[Check]) -> Iterator[Check]:
    """The same checks, but skipped where no usual data are taken: ``shapes`` alone says so."""
    for check in checks:
        yield check if check.name == "shapes" else replace(check, skip=_nothing_taken_or(check.skip))


def _nothing_taken_or(skip: Callable[[Subject], str | None]) -> Callable[[Subject], str | None]:
    def skipped(subject: Subject) -> str | None:
        return takes_nothing(subject) or skip(subject)

    return skipped


def network_checks(expect: Expect) -> Iterator[Check]:
    """The checks of both kinds; ``expect`` knows the shapes."""
    refused = (
        "Data that it cannot take, such as images that are too small, are refused by ``resolve`` or ``build`` with a "
        "ConfigError that says what was given, what is allowed and what to do next."
    )
    seeds = "The same seed gives the same weights, and another seed gives others."
    state = (
        "All that it learns, and all else that changes in training, is in ``state_dict()``, as tensors: a network from "
        "another seed that loads it is then the same."
    )
    still = (
        "In evaluation the same input gives the same output, no random number is drawn, and nothing in "
        "``state_dict()`` changes."
    )
    moved = "Moved to another device it works there: whatever it makes is on the device of its input."
    labeled = (
        "A network that carries ``accepts_labels`` and is conditional raises a ConfigError when it gets no labels."
    )
    says: dict[str, tuple[Callable[[Subject], None], str]] = {
        "shapes": (
            every_shape(expect),
            "It takes at least one usual size, and gives outputs of the shapes stated here for all data that it takes.",
        ),
        "too-small": (small_images(expect), refused),
        "every-parameter-learns": (every_parameter_learns, "Every parameter gets a gradient, and a finite one."),
        "deterministic": (is_deterministic, still),
        "mode": (keeps_its_mode, "Only ``train()`` and ``eval()``, called from outside, change the mode."),
        "state": (state_is_all, state),
        "copy": (can_be_copied, "It can be copied by ``copy.deepcopy``."),
        "seed": (depends_on_the_seed, seeds),
        "meta-device": (builds_on_meta, "Built on the meta device it has the same shapes."),
        "device": (moves_to_a_device, moved),
        "inputs-unmodified": (leaves_its_inputs, "What it is given is never changed in place."),
        "double": (works_in_double, "``double()`` makes all of it float64."),
        "autocast": (survives_autocast, "Under autocast to bfloat16 outputs and gradients stay finite."),
        "no-host-sync": (reads_no_value, "No value of a tensor is read, which would stop a GPU."),
        "labels-missing": (labels_are_asked_for, labeled),
        "batch-of-one": (one_sample_is_enough, "In evaluation a batch may be a single sample."),
    }
    for name, (run, sentence) in says.items():
        of_default = name in ("copy", "meta-device")
        yield Check(name=name, run=run, cites=NETWORK, sentence=sentence, every_choice=not of_default)
    yield Check(
        name="channels-last",
        run=channels_may_come_last,
        cites=NETWORK,
        sentence="The memory format channels_last changes no number.",
        skip=no_images,
        every_choice=True,
    )
    yield Check(
        name="unconditional",
        run=works_without_classes,
        cites=NETWORK,
        sentence="Any other network makes no use of labels, and works without.",
        skip=wants_labels,
    )
    yield Check(
        name="options-build",
        run=options_build(expect),
        cites=NETWORK,
        sentence="Whatever options are allowed build a network that works, or are refused with a ConfigError.",
        skip=no_hypothesis,
    )

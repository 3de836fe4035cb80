"""Checks of regularizers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.component import RegularizerOptions
from ganzoo.protocols import DataSpec, Discriminate, DiscriminatorOutput, Player, Regularizer, StepView
from ganzoo.testing.check import Check, demand
from ganzoo.testing.options import OPTIONS_CHECKS
from ganzoo.testing.random_numbers import random_numbers_untouched
from ganzoo.testing.regularizers.tags import terms_of
from ganzoo.testing.regularizers.toys import IMAGES, PLAYERS, Layout, Toys, rows_of, tensors_of, toys_for, view_of
from ganzoo.testing.subject import VECTORS, Subject, images_like
from ganzoo.testing.tags import tag_checks

REGULARIZER = "ganzoo.protocols:Regularizer"
OPTIONS = "ganzoo.component:RegularizerOptions"
WIDE = images_like(3, 6, 10)
STEEP = 1000.0
ROUNDING = 1e-5
SAMPLES_OF_A_MEAN, SEEDS_OF_A_MEAN = 16, 64
"""Enough to tell a term from its double, if the draws for one sample make it vary about as much as it is large."""


def part_of(subject: Subject, spec: DataSpec = IMAGES, *, seed: int = 0) -> Regularizer:
    """The regularizer as a run gets it, before its first step."""
    part: Regularizer = subject.build(spec, seed=seed)
    return part


def step_of(subject: Subject, player: Player, n: int = 4, *, toys: Toys | None = None, seed: int = 0) -> StepView:
    """A step of the player, with what the regularizer's tags promise it."""
    return view_of(player, n, toys=toys, seed=seed, tags=subject.tags)


def fresh_terms(subject: Subject, view: StepView, *, seed: int = 0) -> dict[str, Tensor]:
    """What a new regularizer says of a step, with random numbers from ``seed``."""
    return terms_of(part_of(subject), replace(view, random=torch.Generator().manual_seed(seed)))


def close(one: Tensor, other: Tensor) -> bool:
    """Equal but for rounding, were it that of single precision."""
    return torch.allclose(one, other, rtol=ROUNDING, atol=1e-12)


def keeps_the_protocol(subject: Subject) -> None:
    """The right classes, and something in them."""
    options, part = subject.chosen, part_of(subject)
    name = type(options).__name__
    demand(isinstance(options, RegularizerOptions), f"{name} is not derived from RegularizerOptions")
    demand(isinstance(part, Regularizer), f"build() returns {type(part).__name__}, which is no Regularizer")
    methods = ("discriminator_terms", "generator_terms", "after_step")
    own = [method for method in methods if getattr(type(part), method) is not getattr(Regularizer, method)]
    demand(own, f"{type(part).__name__} has none of {', '.join(methods)}: it does nothing")


def gives_scalars(subject: Subject) -> None:
    """Of gray and of colored images, in both precisions."""
    for spec in (IMAGES, WIDE):
        for dtype in (torch.float32, torch.float64):
            _demand_scalars(subject, toys_for(spec, dtype=dtype), dtype)


def takes_vectors(subject: Subject) -> None:
    """Points of the plane."""
    _demand_scalars(subject, toys_for(VECTORS), torch.float64)


def takes_images_only(subject: Subject) -> str | None:
    """A tag of its own says so."""
    return "it carries the tag needs_images" if "needs_images" in subject.tags else None


def takes_every_layout(subject: Subject) -> None:
    """Maps of logits, and several of them."""
    layouts: tuple[Layout, ...] = ("samples", "patches", "maps")
    for layout in layouts:
        _demand_scalars(subject, toys_for(layout=layout), torch.float64, where=f"of a critic with {layout}, ")


def _demand_scalars(subject: Subject, toys: Toys, dtype: torch.dtype, *, where: str = "") -> None:
    for player in PLAYERS:
        terms = terms_of(part_of(subject, toys.spec), step_of(subject, player, toys=toys))
        demand(isinstance(terms, dict), f"{player}_terms() returns {type(terms).__name__}, not a dict")
        for name, term in terms.items():
            what = f"{where}{player}_terms() gives {name!r}"
            demand(isinstance(name, str), f"{what}, which is no text")
            demand(isinstance(term, Tensor), f"{what} as {type(term).__name__}, not as a tensor")
            demand(term.shape == (), f"{what} of shape {tuple(term.shape)}")
            demand(term.dtype == dtype, f"{what} as {term.dtype} for images of {dtype}")
            demand(term.isfinite(), f"{what} = {term.item():g}")


def names_are_plain(subject: Subject) -> None:
    """They become keys of ``metrics.jsonl``."""
    own = "" if subject.record is None else subject.record.name.replace("-", "_")
    for player in PLAYERS:
        names = [sorted(fresh_terms(subject, step_of(subject, player, n, seed=n))) for n in (4, 2, 6)]
        demand(names[0] == names[1] == names[2], f"names depend on the batch: {names[0]}, {names[1]}, {names[2]}")
        for name in names[0]:
            demand(re.fullmatch("[a-z][a-z0-9_]*", name), f"a term is called {name!r}")
            demand(name != "adversarial", "a term is called 'adversarial', as that of the loss")
            demand(name.startswith(own), f"a term is called {name!r}, which does not begin with {own}")


def teaches_its_player(subject: Subject) -> None:
    """Against critics of several slopes: a one-sided penalty may be 0 at one of them."""
    for player in PLAYERS:
        learns: dict[str, bool] = {}
        for steepness in (1.0, STEEP, 1 / STEEP):
            toys = toys_for(steepness=steepness)
            for name, term in fresh_terms(subject, step_of(subject, player, toys=toys)).items():
                learns[name] = learns.get(name, False) or _reaches(term, toys.of(player))
                demand(not _reaches(term, toys.other(player)), f"in {player}'s step {name!r} teaches the other player")
        for name, so in learns.items():
            demand(so, f"{name!r} has no gradient to {player}'s network: nothing can be learned from it")


def gradients_are_finite(subject: Subject) -> None:
    """Against critics of several slopes, 0 among them: the root of a sum of squares has no gradient there."""
    for player in PLAYERS:
        for steepness in (1.0, STEEP, 1 / STEEP, 0.0):
            toys = toys_for(steepness=steepness)
            for name, term in fresh_terms(subject, step_of(subject, player, toys=toys)).items():
                broken = [which for which, one in _gradients(term, toys.of(player)).items() if not one.isfinite().all()]
                where = f"for a critic of slope {steepness:g}"
                demand(not broken, f"{where} the gradient of {name!r} is not finite at {', '.join(broken)}")


def _reaches(term: Tensor, network: nn.Module) -> bool:
    return any(bool(gradient.any()) for gradient in _gradients(term, network).values())


def _gradients(term: Tensor, network: nn.Module) -> dict[str, Tensor]:
    """Of a term at the weights that learn, as far as it depends on them."""
    trained = {name: one for name, one in network.named_parameters() if one.requires_grad}
    if not (term.requires_grad and trained):
        return {}
    found = torch.autograd.grad(term, list(trained.values()), retain_graph=True, allow_unused=True)
    return {name: one for name, one in zip(trained, found, strict=True) if one is not None}


def judges_with_their_labels(subject: Subject) -> None:
    """Real data and fakes as they are in the view; whose labels mixtures get is for the regularizer to say."""
    for player in PLAYERS:
        view = step_of(subject, player)
        asked: list[tuple[Tensor, Tensor]] = []
        watched = {name: _watched(getattr(view, name), asked) for name in ("critic", "plain_critic")}
        changes: dict[str, Any] = watched
        terms_of(part_of(subject), replace(view, **changes))
        for images, given in asked:
            for side, known, labels in (("real", view.real, view.real_labels), ("fake", view.fake, view.fake_labels)):
                assert labels is not None  # images of toys have classes
                wrong = [row for row, image in enumerate(images) if _mislabeled(image, given[row], known, labels)]
                demand(
                    not wrong, f"in {player}'s step it asks the critic of {side} data with labels that are not theirs"
                )


def _watched(critic: Discriminate, asked: list[tuple[Tensor, Tensor]]) -> Discriminate:
    def ask(images: Tensor, labels: Tensor | None) -> DiscriminatorOutput:
        demand(labels is not None, "it asks the critic without labels")
        assert labels is not None
        asked.append((images.detach(), labels))
        return critic(images, labels)

    return ask


def _mislabeled(image: Tensor, label: Tensor, known: Tensor, labels: Tensor) -> bool:
    """Whether it is one of the known images, whose label is another."""
    same = (known.detach() == image).flatten(1).all(1)
    return bool(same.any()) and not bool((labels[same] == label).any())


def is_a_mean(subject: Subject) -> None:
    """Equal, or, where other numbers are drawn for more samples, equal on average."""
    for player in PLAYERS:
        view = step_of(subject, player, SAMPLES_OF_A_MEAN)
        twice = rows_of(view, [row // 2 for row in range(2 * SAMPLES_OF_A_MEAN)])
        once, doubled = fresh_terms(subject, view), fresh_terms(subject, twice)
        demand(once.keys() == doubled.keys(), f"of a batch twice as large it gives {', '.join(doubled) or 'nothing'}")
        if not all(close(once[name], doubled[name]) for name in once):
            _demand_equal_means(subject, view, twice)


def _demand_equal_means(subject: Subject, view: StepView, twice: StepView) -> None:
    """Within four standard errors, which are 0 for a term without random numbers."""
    (mean, error), (of_twice, error_of_twice) = (_mean_over_seeds(subject, side) for side in (view, twice))
    for name, value in mean.items():
        allowed = 4 * (error[name].square() + error_of_twice[name].square()).sqrt() + ROUNDING * value.abs()
        found = (of_twice[name] - value).abs()
        demand(found <= allowed, f"with every sample twice {name!r} is {of_twice[name]:.6g} instead of {value:.6g}")


def _mean_over_seeds(subject: Subject, view: StepView) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Mean of each term, and its standard error."""
    drawn = [fresh_terms(subject, view, seed=seed) for seed in range(SEEDS_OF_A_MEAN)]
    values = {name: torch.stack([terms[name].detach() for terms in drawn]) for name in drawn[0]}
    errors = {name: value.std() / SEEDS_OF_A_MEAN**0.5 for name, value in values.items()}
    return {name: value.mean() for name, value in values.items()}, errors


def patch_count_does_not_matter(subject: Subject) -> None:
    """One logit, or a map that repeats it."""
    for player in PLAYERS:
        one, repeated = (
            fresh_terms(subject, step_of(subject, player, toys=toys_for(layout=layout)))
            for layout in ("samples", "repeated")
        )
        for name, term in one.items():
            found = repeated[name]
            what = f"with logits (N, 1, 2, 3), all patches alike, {name!r}"
            demand(close(term, found), f"{what} is {found:.6g} instead of {term:.6g}")


def leaves_gradients(subject: Subject) -> None:
    """Those that are there, and those that are not."""
    for player in PLAYERS:
        for filled in (False, True):
            toys = toys_for()
            view = step_of(subject, player, toys=toys)
            parameters = [*toys.critic.parameters(), *toys.generator.parameters()]
            for parameter in parameters:
                parameter.grad = torch.ones_like(parameter) if filled else None
            terms_of(part_of(subject), view)
            clean = all((one.grad == 1).all() if one.grad is not None else not filled for one in parameters)
            demand(clean, f"{player}_terms() changes .grad of a network's parameters")
            of_data = any(tensor.is_leaf and tensor.grad is not None for tensor in tensors_of(view).values())
            demand(not of_data, f"{player}_terms() leaves a .grad at what the view holds")
            _demand_after_step_leaves_gradients(subject, player)


def _demand_after_step_leaves_gradients(subject: Subject, player: Player) -> None:
    """Whoever logs how long they are looks at them later."""
    toys = toys_for()
    own = toys.of(player).requires_grad_()
    for parameter in own.parameters():
        parameter.grad = torch.ones_like(parameter)
    part_of(subject).after_step(player, own)
    clean = all(one.grad is not None and bool((one.grad == 1).all()) for one in own.parameters())
    demand(clean, f"after_step({player!r}, …) changes .grad of the network's parameters")


def leaves_networks(subject: Subject) -> None:
    """Weights, buffers, modes, and who learns."""
    for player in PLAYERS:
        toys = toys_for()
        view = step_of(subject, player, toys=toys)
        before = _state_of(toys.critic), _state_of(toys.generator)
        terms_of(part_of(subject), view)
        for whose, kept, network in zip(("D", "G"), before, (toys.critic, toys.generator), strict=True):
            changed = _changed(kept, _state_of(network))
            demand(not changed, f"{player}_terms() changes {', '.join(changed)} of {whose}")


def projects_its_own_network(subject: Subject) -> None:
    """Whatever it may remember of the other one."""
    for player in PLAYERS:
        toys, part = toys_for(), part_of(subject)
        for each in PLAYERS:
            terms_of(part, step_of(subject, each, toys=toys))
        # As after an update of D, whichever player is asked for.
        toys.critic.requires_grad_()
        own, other = toys.of(player), toys.other(player)
        kept, learns = _state_of(other), [parameter.requires_grad for parameter in own.parameters()]
        part.after_step(player, own)
        changed = _changed(kept, _state_of(other))
        demand(not changed, f"after_step({player!r}, …) changes {', '.join(changed)} of the other player")
        same = learns == [parameter.requires_grad for parameter in own.parameters()]
        demand(same, f"after_step({player!r}, …) changes which parameters learn")


def _state_of(network: nn.Module) -> dict[str, Tensor]:
    """Everything that a forward and an update depend on, copied."""
    state = {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}
    state |= {f"the mode of {name or 'the whole'}": torch.tensor(one.training) for name, one in network.named_modules()}
    state |= {f"requires_grad of {name}": torch.tensor(one.requires_grad) for name, one in network.named_parameters()}
    return state


def _changed(before: dict[str, Tensor], after: dict[str, Tensor]) -> list[str]:
    return [name for name in before if name not in after or not torch.equal(before[name], after[name])]


def leaves_its_inputs(subject: Subject) -> None:
    """The loss, and other regularizers, see the same tensors."""
    for player in PLAYERS:
        view = step_of(subject, player)
        kept = {name: (tensor.detach().clone(), tensor.requires_grad) for name, tensor in tensors_of(view).items()}
        terms_of(part_of(subject), view)
        for name, tensor in tensors_of(view).items():
            value, required = kept[name]
            demand(torch.equal(value, tensor), f"{player}_terms() changes {name} of the view")
            demand(required == tensor.requires_grad, f"{player}_terms() changes requires_grad of {name} of the view")


def draws_from_the_view(subject: Subject) -> None:
    """The same numbers give the same terms, and no other numbers are drawn."""
    for player in PLAYERS:
        terms = []
        for seed in (0, 0, 1):
            toys = toys_for()
            view, part = step_of(subject, player, toys=toys), part_of(subject, seed=seed)
            with random_numbers_untouched(f"in {player}'s step it"):
                terms.append(terms_of(part, view))
                part.after_step(player, toys.of(player))
        same, built = (all(torch.equal(terms[0][name], other[name]) for name in terms[0]) for other in terms[1:])
        demand(same, f"the same step of {player} with the same random numbers gives other terms")
        demand(built, f"built after another seed, it gives other terms for the same step of {player}: build() draws")


def leaves_the_weight_to_the_step(subject: Subject) -> None:
    """The step multiplies."""
    options = subject.chosen
    changed = {**dict(options), "weight": 5 * getattr(options, "weight", 0.0) + 1, "every": 3}
    other = replace(subject, options=type(options)(**changed))
    for player in PLAYERS:
        view = step_of(subject, player)
        plain, weighted = fresh_terms(subject, view), fresh_terms(other, view)
        for name, term in plain.items():
            found = weighted.get(name)
            demand(found is not None, f"with another weight and every=3 there is no {name!r}")
            assert found is not None
            demand(torch.equal(term, found), f"with another weight and every=3 {name!r} is {found:.6g}, not {term:.6g}")


def state_survives(subject: Subject) -> None:
    """What another regularizer, built anew, makes of the state, and what the first makes of its own memory."""
    part, restored = part_of(subject), part_of(subject, seed=1)
    updates(subject, part, seeds=(1, 2, 3))
    state = part.state_dict()
    for name, value in state.items():
        demand(isinstance(value, Tensor), f"state_dict() holds {name} as {type(value).__name__}, not as a tensor")
    restored.load_state_dict({name: value.clone() for name, value in state.items()})
    again = restored.state_dict()
    demand(not _changed(state, again), f"load_state_dict() does not restore {', '.join(_changed(state, again))}")
    wanted, found = (updates(subject, one, seeds=(4, 5)) for one in (part, restored))
    changed = _changed(wanted, found)
    demand(not changed, f"restored from state_dict() it goes on otherwise: {'; '.join(changed[:3])}")


def updates(subject: Subject, part: Regularizer, *, seeds: tuple[int, ...]) -> dict[str, Tensor]:
    """Terms and networks of updates of both players."""
    seen: dict[str, Tensor] = {}
    for seed in seeds:
        toys = toys_for(seed=seed)
        for player in PLAYERS:
            terms = terms_of(part, step_of(subject, player, toys=toys, seed=seed))
            seen |= {f"{name!r} in {player}'s update {seed}": term.detach() for name, term in terms.items()}
            toys.of(player).requires_grad_()
            part.after_step(player, toys.of(player))
            seen |= {
                f"{name} of the {player} after update {seed}": value.clone()
                for name, value in toys.of(player).state_dict().items()
            }
    return seen


def reads_no_value(subject: Subject) -> None:
    """Two updates on tensors without content: whatever asks for a number raises. Random numbers are real ones."""
    part, toys = part_of(subject), toys_for(device="meta")
    for seed in (0, 1):
        for player in PLAYERS:
            view = step_of(subject, player, toys=toys, seed=seed)
            try:
                terms_of(part, view)
                part.after_step(player, toys.of(player))
            except (RuntimeError, NotImplementedError, TypeError) as error:
                demand(False, f"in {player}'s step on device 'meta', where nothing can be read or mixed: {error}")


def corrects_within_bounds(subject: Subject) -> None:
    """For a term at every update, and for a lazy one."""
    options: Any = subject.chosen
    for every in (1, 4, 16):
        corrections = type(options)(**{**dict(options), "every": every}).optimizer_correction()
        for player, c in corrections.items():
            demand(player in PLAYERS, f"optimizer_correction() names {player!r}, which is no player")
            demand(0 < c <= 1, f"with every={every} optimizer_correction() gives {player} c = {c}")


def gives_the_generator_a_term(subject: Subject) -> None:
    """It would have no objective otherwise."""
    terms = fresh_terms(subject, step_of(subject, "generator"))
    demand(terms, "it replaces the generator's loss, and gives it no term")


def makes_slopes_smaller(subject: Subject) -> None:
    """Its own terms alone, each step by 2 % of the length of each weight, and its projections."""
    toys, part = toys_for(steepness=STEEP), part_of(subject)
    before = _slope(toys)
    parameters = list(toys.critic.parameters())
    for seed in range(25):
        terms = terms_of(part, step_of(subject, "discriminator", toys=toys, seed=seed))
        if terms:
            _descend(torch.stack(list(terms.values())).sum(), parameters)
        part.after_step("discriminator", toys.critic)
    after = _slope(toys)
    demand(after < 0.9 * before, f"a critic of slope {before:.3g} has {after:.3g} after 25 steps of it alone")


def _descend(objective: Tensor, parameters: list[nn.Parameter]) -> None:
    gradients = torch.autograd.grad(objective, parameters, allow_unused=True, materialize_grads=True)
    with torch.no_grad():
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.sub_(0.02 * parameter.norm() * gradient / gradient.norm().clamp(min=1e-30))


def _slope(toys: Toys) -> float:
    """The mean length of the critic's gradient at real data and fakes."""
    view = view_of("discriminator", 16, toys=toys)
    images = torch.cat([view.real, view.fake]).requires_grad_()
    labels = torch.cat([labels for labels in (view.real_labels, view.fake_labels) if labels is not None])
    (gradient,) = torch.autograd.grad(toys.critic(images, labels).logits.sum(), images)
    return float(gradient.flatten(1).norm(dim=1).mean())


def without_tag(tag: str) -> Callable[[Subject], str | None]:
    """Skip what does not carry it."""
    return lambda subject: None if tag in subject.tags else f"it does not carry the tag {tag}"


def _checks() -> Iterator[Check]:
    says = {
        "protocol": (
            keeps_the_protocol,
            "Base class of regularizers: every method has a default that does nothing.",
        ),
        "scalars": (gives_scalars, "Each is a tensor without axes, finite, in the precision of the images."),
        "names": (
            names_are_plain,
            "Names are of a to z, 0 to 9 and ``_``, begin with the component's own and do not depend on the batch.",
        ),
        "gradient": (teaches_its_player, "A term has a gradient to the player's own network, and to no other."),
        "finite-gradient": (gradients_are_finite, "That gradient is finite, also where the critic is flat."),
        "labels": (judges_with_their_labels, "Where the critic is asked of real data or fakes, it gets their labels."),
        "duplicated-batch": (is_a_mean, "A term is a mean: a batch with every sample twice has the same value."),
        "logit-maps": (
            takes_every_layout,
            "Logits are (N,) or maps (N, 1, h, w), perhaps with ``extra_logits``.",
        ),
        "patch-count": (
            patch_count_does_not_matter,
            "Of a sample's patches the mean counts: a map that repeats one logit is that logit.",
        ),
        "gradients-untouched": (leaves_gradients, "No ``.grad`` is touched."),
        "networks-untouched": (
            leaves_networks,
            "Terms change no parameter, buffer or mode of a network: only :meth:`after_step` does.",
        ),
        "inputs-unmodified": (leaves_its_inputs, "What the view holds is never changed in place."),
        "random": (draws_from_the_view, "Random numbers come from ``view.random`` alone."),
        "state": (
            state_survives,
            "Whatever changes is in the state: a restored regularizer goes on exactly as the one that was saved.",
        ),
        "no-host-sync": (reads_no_value, "No value on the device is read, which would stop a GPU."),
    }
    for name, (run, sentence) in says.items():
        yield Check(name=name, run=run, cites=REGULARIZER, sentence=sentence, every_choice=True)


REGULARIZER_CHECKS = (
    *OPTIONS_CHECKS,
    *_checks(),
    Check(
        name="projection",
        run=projects_its_own_network,
        cites=f"{REGULARIZER}.after_step",
        sentence="It changes the network that it is given, and no other.",
        every_choice=True,
    ),
    Check(
        name="weight-outside",
        run=leaves_the_weight_to_the_step,
        cites=OPTIONS,
        sentence="The step multiplies: a raw term contains neither ``weight`` nor ``every``.",
        every_choice=True,
    ),
    Check(
        name="optimizer-correction",
        run=corrects_within_bounds,
        cites=f"{OPTIONS}.optimizer_correction",
        sentence="Each c is above 0 and at most 1.",
        every_choice=True,
    ),
    Check(
        name="vectors",
        run=takes_vectors,
        cites=REGULARIZER,
        sentence="Data are images or vectors, unless it carries ``needs_images``.",
        skip=takes_images_only,
    ),
    Check(
        name="generator-term",
        run=gives_the_generator_a_term,
        cites=REGULARIZER,
        sentence="One that carries ``replaces_generator_loss`` has a term for the generator.",
        skip=without_tag("replaces_generator_loss"),
    ),
    Check(
        name="slope",
        run=makes_slopes_smaller,
        cites=REGULARIZER,
        sentence="One that carries ``limits_slope`` makes a very steep critic less steep.",
        skip=without_tag("limits_slope"),
        every_choice=True,
    ),
    *tag_checks("regularizer"),
)
AT_LEAST = 26

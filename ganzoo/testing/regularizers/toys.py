"""Two small networks, and a step of theirs as a regularizer sees it.

They have all that a regularizer may ask for: a style, features, class logits, one logit a sample or maps of them. Both
make use of labels, if the data have some, and insist on them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor, nn

from ganzoo.errors import ConfigError
from ganzoo.protocols import DataSpec, Discriminate, DiscriminatorOutput, Player, StepView
from ganzoo.testing.subject import images_like

Layout = Literal["samples", "repeated", "patches", "maps"]
"""Logits (N,); (N, 1, 2, 3), all alike; (N, 1, 2, 3); (N,), and (N, 1, 2, 3) in ``extra_logits``."""

PLAYERS: tuple[Player, Player] = ("discriminator", "generator")
IMAGES = images_like(1, 8)
LATENT, STYLE, FEATURES = 3, 4, 6
MAP = (1, 2, 3)


class KnownClasses(nn.Module):
    """A vector for each class; 0 for data without classes."""

    def __init__(self, spec: DataSpec, width: int) -> None:
        super().__init__()
        self.codes = nn.Parameter(torch.randn(len(spec.classes), width)) if spec.classes else None
        self.width = width

    def forward(self, n: int, labels: Tensor | None) -> Tensor:
        """(N, width), or what is added to nothing.

        Raises:
            ConfigError: the data have classes, and there are no labels.
        """
        if self.codes is None:
            return torch.zeros(())
        if labels is None:
            raise ConfigError(
                "a conditional network got no labels",
                given="labels=None",
                allowed=f"{n} labels",
                hint="hand on real_labels or fake_labels of the view",
            )
        return self.codes[labels]


class Styled(nn.Module):
    """A generator with a style code, for images or vectors."""

    def __init__(self, spec: DataSpec) -> None:
        super().__init__()
        self.shape = spec.shape
        self.map = nn.Linear(LATENT, STYLE)
        self.paint = nn.Linear(STYLE, torch.Size(spec.shape).numel())
        self.known = KnownClasses(spec, STYLE)
        self.register_buffer("kept", torch.ones(2))

    def mapping(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Style codes (N, 4)."""
        return torch.tanh(self.map(z) + self.known(len(z), labels))

    def synthesis(self, w: Tensor) -> Tensor:
        """What the styles look like."""
        return torch.tanh(self.paint(w)).view(-1, *self.shape)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """From latents to images."""
        return self.synthesis(self.mapping(z, labels))


class Critic(nn.Module):
    """A smooth critic that judges each sample by itself."""

    def __init__(self, spec: DataSpec, layout: Layout = "samples") -> None:
        super().__init__()
        self.layout = layout
        self.body = nn.Linear(torch.Size(spec.shape).numel(), FEATURES)
        self.judge = nn.Linear(FEATURES, torch.Size(MAP).numel())
        self.classes = nn.Linear(FEATURES, max(1, len(spec.classes)))
        self.known = KnownClasses(spec, FEATURES)
        self.register_buffer("kept", torch.ones(2))

    def forward(self, images: Tensor, labels: Tensor | None = None) -> DiscriminatorOutput:
        """Logits in the layout, class logits and one layer of features."""
        features = self.features(images)
        patches = self.judge(features) + (self.known(len(images), labels) * features).sum(1, keepdim=True)
        shown = {
            "samples": patches[:, 0],
            "repeated": patches[:, :1, None, None].expand(-1, *MAP),
            "patches": patches.view(-1, *MAP),
            "maps": patches[:, 0],
        }
        extra = (patches.view(-1, *MAP),) if self.layout == "maps" else ()
        proxies = None if self.known.codes is None or labels is None else self.known.codes[labels]
        embedding = None if proxies is None else features
        return DiscriminatorOutput(
            shown[self.layout], self.classes(features), (features,), extra, embedding=embedding, proxies=proxies
        )

    def features(self, images: Tensor) -> Tensor:
        """Smooth, and as steep far from the data as there: what looks at slopes may look anywhere."""
        seen: Tensor = self.body(images.flatten(1))
        return seen + torch.tanh(seen)

    @torch.no_grad()
    def tell_apart(self, real: Tensor, fake: Tensor, steepness: float) -> None:
        """Score real data above fakes, as a critic does that has learned something; the two about zero."""
        of_real, of_fake = (self.features(side).mean(0) for side in (real, fake))
        direction = steepness * nn.functional.normalize(of_real - of_fake, dim=0)
        self.judge.weight.mul_(0.1 * steepness).add_(direction)
        if self.known.codes is not None:
            self.known.codes.mul_(0.1 * steepness)
        self.judge.bias.copy_(-self.judge.weight @ (of_real + of_fake) / 2)


@dataclass(frozen=True, kw_only=True)
class Toys:
    """The two players, and the data they play for."""

    spec: DataSpec
    critic: Critic
    generator: Styled

    def of(self, player: Player) -> nn.Module:
        """The player's own network."""
        return self.critic if player == "discriminator" else self.generator

    def other(self, player: Player) -> nn.Module:
        """The other player's."""
        return self.generator if player == "discriminator" else self.critic


def toys_for(
    spec: DataSpec = IMAGES,
    *,
    layout: Layout = "samples",
    steepness: float = 1.0,
    seed: int = 0,
    dtype: torch.dtype = torch.float64,
    device: str = "cpu",
) -> Toys:
    """Two players, the critic a little ahead.

    Args:
        spec: of the data.
        layout: of the critic's logits.
        steepness: about the slope of the critic; with 0 it says 0 of everything.
        seed: of both networks.
        dtype: of both networks, and so of what they are given.
        device: ``meta`` for networks without numbers.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        critic, generator = Critic(spec, layout), Styled(spec)
        latents = torch.randn(64, LATENT)
    critic.tell_apart(drawn_data(spec, 64, seed=seed), generator(latents, labels_of(spec, 64)), steepness)
    return Toys(spec=spec, critic=critic.to(device, dtype), generator=generator.to(device, dtype))


def drawn_data(spec: DataSpec, n: int, *, seed: int = 0) -> Tensor:
    """Noise in [-1, 1], of a loudness of its own for each sample: no two parts of a batch are alike."""
    random = torch.Generator().manual_seed(seed)
    loudness = 0.1 + 0.9 * torch.rand(n, *(1 for _ in spec.shape), generator=random)
    return loudness * (2 * torch.rand(n, *spec.shape, generator=random) - 1)


def labels_of(spec: DataSpec, n: int, first: int = 0) -> Tensor | None:
    """One class after the other, beginning with the ``first``; ``None`` for data without classes."""
    return (first + torch.arange(n)) % len(spec.classes) if spec.classes else None


def view_of(
    player: Player,
    n: int = 3,
    *,
    toys: Toys | None = None,
    seed: int = 0,
    tags: frozenset[str] = frozenset(),
) -> StepView:
    """A step of a player as a regularizer sees it, with what its tags promise it.

    Args:
        player: whose step it is.
        n: the batch size.
        toys: the players; new ones for images of one channel and 8 by 8 pixels unless given.
        seed: of the data and of ``view.random``.
        tags: of the regularizer; ``needs_real_output`` decides what is there in the generator's step.
    """
    toys = toys or toys_for()
    critic, generator = toys.critic, toys.generator
    critic.requires_grad_(player == "discriminator")
    device, dtype = critic.body.weight.device, critic.body.weight.dtype
    real = drawn_data(toys.spec, n, seed=seed).to(device, dtype)
    z = torch.randn(n, LATENT, generator=torch.Generator().manual_seed(seed)).to(device, dtype)
    real_labels, fake_labels = (_moved(labels_of(toys.spec, n, first), device) for first in (0, 1))
    fake = generator(z, fake_labels)
    if player == "discriminator":
        fake = fake.detach()
    with torch.set_grad_enabled(player == "discriminator"):
        seen = player == "discriminator" or "needs_real_output" in tags
        real_output = critic(real, real_labels) if seen else None

    def judge(images: Tensor, labels: Tensor | None) -> DiscriminatorOutput:
        return critic(images, labels)  # type: ignore[no-any-return]

    def generate(z: Tensor, labels: Tensor | None) -> Tensor:
        return generator(z, labels)  # type: ignore[no-any-return]

    return StepView(
        player=player,
        network=toys.of(player),
        real=real,
        fake=fake,
        real_labels=real_labels,
        fake_labels=fake_labels,
        z=z,
        real_output=real_output,
        fake_output=critic(fake, fake_labels),
        critic=judge,
        plain_critic=judge,
        judge_alike=lambda images, others, labels: (judge(images, labels), judge(others, labels)),
        generate=generate,
        augment=lambda images: images,
        random=torch.Generator().manual_seed(seed),
    )


def _moved(tensor: Tensor | None, device: torch.device) -> Tensor | None:
    return None if tensor is None else tensor.to(device)


def rows_of(view: StepView, rows: list[int]) -> StepView:
    """The same step with these samples alone, each as often as it is named; random numbers go on where they are."""

    def chosen(tensor: Tensor | None) -> Tensor | None:
        return None if tensor is None else tensor[rows]

    data = {name: chosen(getattr(view, name)) for name in ("real", "fake", "real_labels", "fake_labels", "z")}
    outputs = {name: _rows_of_output(getattr(view, name), rows) for name in ("real_output", "fake_output")}
    changes: dict[str, Any] = {**data, **outputs}
    return replace(view, **changes)


def judged_otherwise(view: StepView, change: Callable[[DiscriminatorOutput], DiscriminatorOutput]) -> StepView:
    """The same step with another critic: ``change`` is made to whatever it says."""

    def changed(critic: Discriminate) -> Discriminate:
        return lambda images, labels: change(critic(images, labels))

    def alike(images: Tensor, others: Tensor, labels: Tensor | None) -> tuple[DiscriminatorOutput, DiscriminatorOutput]:
        assert view.judge_alike is not None  # that of toys has one
        one, other = view.judge_alike(images, others, labels)
        return change(one), change(other)

    return replace(
        view,
        real_output=None if view.real_output is None else change(view.real_output),
        fake_output=change(view.fake_output),
        critic=changed(view.critic),
        plain_critic=changed(view.plain_critic),
        judge_alike=alike,
    )


def _rows_of_output(output: DiscriminatorOutput | None, rows: list[int]) -> DiscriminatorOutput | None:
    if output is None:
        return None
    return DiscriminatorOutput(
        logits=output.logits[rows],
        class_logits=None if output.class_logits is None else output.class_logits[rows],
        features=tuple(feature[rows] for feature in output.features),
        extra_logits=tuple(logits[rows] for logits in output.extra_logits),
        feature_counts=output.feature_counts,
        embedding=None if output.embedding is None else output.embedding[rows],
        proxies=None if output.proxies is None else output.proxies[rows],
        map_weights=output.map_weights,
    )


def tensors_of(view: StepView) -> dict[str, Tensor]:
    """All that a regularizer could spoil, by name."""
    found = {name: getattr(view, name) for name in ("real", "fake", "z", "real_labels", "fake_labels")}
    for side in ("real_output", "fake_output"):
        output = getattr(view, side)
        if output is not None:
            found |= {f"{side}.logits": output.logits, f"{side}.class_logits": output.class_logits}
            found |= {f"{side}.embedding": output.embedding, f"{side}.proxies": output.proxies}
            found |= {f"{side}.features[{place}]": one for place, one in enumerate(output.features)}
            found |= {f"{side}.extra_logits[{place}]": one for place, one in enumerate(output.extra_logits)}
    return {name: tensor for name, tensor in found.items() if tensor is not None}

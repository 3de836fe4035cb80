"""The contracts between the core and what plugins provide.

Logits are raw and *higher means more real*, everywhere. Images are ``(N, C, H, W)`` in [-1, 1]; critics also judge
signals ``(N, C, T)``, volumes and videos ``(N, C, D, H, W)``, and vectors ``(N, D)``.
"""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

Player = Literal["discriminator", "generator"]


@dataclass(frozen=True)
class DataSpec:
    """What networks need to know of the data.

    Attributes:
        shape: ``(C, H, W)`` of an image, ``(D,)`` of a vector; ``(C, T)`` of a signal, ``(C, D, H, W)`` of a volume or
            a video, in general (C, …) with any number of axes.
        classes: class names, each once; empty exactly when the data has no labels.
        marginal: relative frequency of each class, summing to 1; as long as ``classes``.
        conditional: whether the networks are to use labels; decided by the plan.
    """

    shape: tuple[int, ...]
    classes: tuple[str, ...] = ()
    marginal: tuple[float, ...] = ()
    conditional: bool = False

    @property
    def rank(self) -> int:
        """How many axes a sample has besides its channels: 2 for images, 0 for vectors."""
        return max(0, len(self.shape) - 1)


class Batch(NamedTuple):
    """A batch of real data. ``data`` is float in [-1, 1] for images; ``index`` is the position in the dataset."""

    data: Tensor
    labels: Tensor | None
    index: Tensor  # type: ignore[assignment]


class DiscriminatorOutput(NamedTuple):
    """What a discriminator says of a batch.

    The first axis of all of it is the batch's. Logits are (N,), or a map (N, 1, h, w) if the discriminator carries
    ``patch``; class logits are (N, K), embedding and proxies (N, E). A map has as many axes as the data: (N, 1, t) of
    signals, (N, 1, d, h, w) of volumes.
    """

    logits: Tensor
    """``(N,)`` or ``(N, 1, h, w)``: raw, higher = more real, never squashed."""
    class_logits: Tensor | None = None
    """``(N, K)``."""
    features: tuple[Tensor, ...] = ()
    """Activations, for feature matching."""
    extra_logits: tuple[Tensor, ...] = ()
    """Further scales or maps: the loss is taken of each and summed."""
    feature_counts: tuple[int, ...] = ()
    """How many of ``features`` each of several critics has, in order; empty where all are those of one."""
    embedding: Tensor | None = None
    """``(N, E)``: where each sample lies, for terms that compare samples with each other and with their classes."""
    proxies: Tensor | None = None
    """``(N, E)``: the learned place of each sample's class among embeddings; with ``embedding`` alone."""
    map_weights: tuple[float, ...] = ()
    """What the loss of each map, and the distance of its critic's features, is multiplied by; empty where all are 1."""

    def feature_groups(self) -> tuple[tuple[Tensor, ...], ...]:
        """The features of each critic apart; a single group where there is one critic."""
        if not self.feature_counts:
            return (self.features,)
        ends = list(accumulate(self.feature_counts))
        return tuple(self.features[end - count : end] for end, count in zip(ends, self.feature_counts, strict=True))

    def maps(self) -> tuple[Tensor, ...]:
        """All logits, those of further scales or maps included."""
        return (self.logits, *self.extra_logits)

    def rows(self, chosen: slice) -> DiscriminatorOutput:
        """The output for some samples of the batch."""
        return self.each(lambda tensor: tensor[chosen])

    def each(self, change: Callable[[Tensor], Tensor]) -> DiscriminatorOutput:
        """The output with each tensor as ``change`` makes it."""
        return DiscriminatorOutput(
            logits=change(self.logits),
            class_logits=None if self.class_logits is None else change(self.class_logits),
            features=tuple(change(feature) for feature in self.features),
            extra_logits=tuple(change(logits) for logits in self.extra_logits),
            feature_counts=self.feature_counts,
            embedding=None if self.embedding is None else change(self.embedding),
            proxies=None if self.proxies is None else change(self.proxies),
            map_weights=self.map_weights,
        )


class Network(nn.Module):
    """What discriminators and generators have in common.

    A network is built for the shape of the data. It takes at least one usual size, and gives outputs of the shapes
    stated here for all data that it takes. Data that it cannot take, such as images that are too small, are refused by
    ``resolve`` or ``build`` with a ConfigError that says what was given, what is allowed and what to do next. Whatever
    options are allowed build a network that works, or are refused with a ConfigError. Usual are gray and colored images
    of 8, 16, 28, 32, 48, 64, 96, 128, 256 or 512 px a side, those twice as wide or as high, and vectors of 2, 8, 64 or
    784 numbers. For discriminators they are also signals of 64, 1,024 or 8,192 numbers, and volumes of 16, 32 or 64
    voxels a side, of one channel.

    The same seed gives the same weights, and another seed gives others. Built on the meta device it has the same
    shapes. It can be copied by ``copy.deepcopy``. All that it learns, and all else that changes in training, is in
    ``state_dict()``, as tensors: a network from another seed that loads it is then the same.

    As it is built, all that it gives is finite, in training and in evaluation.

    Every parameter gets a gradient, and a finite one. In evaluation the same input gives the same output, no random
    number is drawn, and nothing in ``state_dict()`` changes. In evaluation a batch may be a single sample. Only
    ``train()`` and ``eval()``, called from outside, change the mode. Its input is never changed in place. Moved to
    another device it works there: whatever it makes is on the device of its input. No value of a tensor is read, which
    would stall a GPU. The memory format channels_last changes no number. ``double()`` makes all of it float64. Under
    autocast to bfloat16 outputs and gradients stay finite.

    A network that carries ``accepts_labels`` and is conditional raises a ConfigError when it gets no labels. Any other
    network makes no use of labels, and works without.
    """


class Discriminator(Network):
    """Base class of discriminators (critics).

    What ``build`` returns is derived from this class. Logits and class logits are raw: no bound is put on them by a
    sigmoid, a tanh or a softmax. The gradients of logits, class logits, features and embeddings reach the images, for
    they are all that a generator learns from. The gradient of the logits can be differentiated once more, as gradient
    penalties do. Where ``feature_counts`` is given, there is a count for each map of logits, and they add up to the
    number of features. Where ``map_weights`` is given, there is a finite weight for each map of logits.
    """

    @abstractmethod
    def forward(self, images: Tensor, labels: Tensor | None = None) -> DiscriminatorOutput:
        """Judge ``images`` (N, C, H, W), or data of another rank; ``labels`` (N,) are integers in [0, K)."""
        raise NotImplementedError

    def receptive_field(self) -> int | tuple[int, ...] | None:
        """Side, in pixels, of the input patch one logit sees; ``None`` when it sees the whole image.

        Where the sides differ, it is a tuple with one of each axis. Statistics that a norm takes over a whole map do
        not count.
        """
        return None


class Generator(Network):
    """Base class of generators.

    What ``build`` returns is derived from this class. Images stay within [-1, 1] whatever the weights; vectors are
    unbounded. Different latents give different images, and a gradient of the images reaches the latents. With the tag
    ``provides_style`` gradients of the images can be differentiated once more.
    """

    @abstractmethod
    def latent(self, n: int, *, generator: torch.Generator) -> Tensor:
        """Draw ``n`` latents on the CPU from ``generator``, first axis ``n``.

        They are float32, differ from sample to sample and from draw to draw, and follow from ``generator`` alone.
        """
        raise NotImplementedError

    @abstractmethod
    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Images (N, C, H, W) in [-1, 1] from latents ``z`` and, if conditional, ``labels`` (N,)."""
        raise NotImplementedError


@runtime_checkable
class Loss(Protocol):
    """An adversarial objective: a pure function of logits that never sees a network.

    Both methods take ``real`` and ``fake`` by keyword, so that they cannot be confused. Both return a scalar to
    *minimize*: a tensor without axes, of the logits' own type. Logits may have any shape: (N,), (N, 1) and
    (N, 1, h, w) mean the same, contiguous or not. The value is a mean: a batch with every sample twice has the same
    value. The order of samples does not matter. Real and fake may be of different number, unless it carries ``paired``:
    then that is a ConfigError.

    Near zero D is pushed to raise real and to lower fake logits, and G to raise those of its fakes. Where D is wrong by
    far, it has a gradient on both sides. Where D has won by far, G still has a gradient, unless it carries
    ``saturating``. Value and gradient are finite for logits up to ±10⁴, unless it carries ``exponential``. The gradient
    is that of the value, and can be differentiated once more. Whatever options are allowed, both values are finite near
    zero, and both players learn from them.

    The same logits give the same value, and no random number is drawn. Logits are never changed in place. No value of a
    tensor is read, which would stall a GPU. Whatever it makes is on the device of the logits. ``torch.compile`` makes
    one graph of it. Inside autocast, float32 logits give the value that they give outside. It can be pickled. It is the
    formula that its docstring states.

    Optional methods: ``diagnostics(*, real, fake) -> dict[str, Tensor]``: finite scalars of detached logits, asked for
    on logged steps only. They extend or replace the logged ones, change no logit, and draw no random number.
    ``equilibrium() -> {"d": float, "g": float}``, the values at p_g = p_data. A loss with state of its own has the
    three methods of :class:`StatefulLoss` as well.
    """

    def discriminator_loss(self, *, real: Tensor, fake: Tensor) -> Tensor:
        """The discriminator's objective from its logits on real and on fake data."""
        ...

    def generator_loss(self, *, fake: Tensor) -> Tensor:
        """The generator's objective from the logits of its fakes."""
        ...


@runtime_checkable
class RelativisticLoss(Protocol):
    """A loss whose generator side compares with real logits; carries the tag ``generator_needs_real``."""

    def discriminator_loss(self, *, real: Tensor, fake: Tensor) -> Tensor:
        """As in :class:`Loss`."""
        ...

    def generator_loss(self, *, real: Tensor, fake: Tensor) -> Tensor:
        """The generator's objective from both kinds of logits."""
        ...


@runtime_checkable
class StatefulLoss(Protocol):
    """What a loss has besides if it adapts to the training, as BEGAN does.

    Its state changes in ``after_update`` only, and is part of every checkpoint.
    """

    def after_update(self, *, real: Tensor, fake: Tensor) -> None:
        """Called after each update of the discriminator with its detached logits on the whole batch."""
        ...

    def state_dict(self) -> dict[str, Tensor]:
        """What changes during training."""
        ...

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Restore :meth:`state_dict` from copies of its tensors; another loss may go on with them."""
        ...


@runtime_checkable
class Schedulable(Protocol):
    """What a component that is built has besides if options of it may follow a schedule, named in ``schedulable``.

    Networks keep what was set in ``state_dict()``: whoever loads it has the network as it was at that checkpoint.
    """

    def set_scheduled(self, option: str, value: float) -> None:
        """Take a value in place of the option's; the same one may come again."""
        ...


AnyLoss = Loss | RelativisticLoss
"""Either of the two."""
Discriminate = Callable[[Tensor, Tensor | None], DiscriminatorOutput]
"""(images, labels) → what a discriminator says of them."""
JudgeAlike = Callable[[Tensor, Tensor, Tensor | None], tuple[DiscriminatorOutput, DiscriminatorOutput]]
"""(images, the same images changed, their labels) → what a discriminator says of both."""
Generate = Callable[[Tensor, Tensor | None], Tensor]
"""(latents, labels) → images."""


@dataclass(frozen=True, kw_only=True)
class StepView:
    """All a regularizer may see of a step. Images are un-augmented; fakes are detached in the discriminator's step.

    Attributes:
        player: whose step it is.
        network: the player's own network, uncompiled; ``None`` in the generator's step of a loop that hands over
            fakes alone. A part that cannot do without it, ``z`` or ``generate`` carries ``needs_generator``.
        z: the latents behind ``fake``; ``None`` likewise, and where such a loop has a generator but passes no latents.
        real_output: ``None`` in the generator's step unless a part carries ``needs_real_output``.
        critic: the discriminator for penalties: uncompiled, in the penalty precision; it augments what it is given.
        plain_critic: the same without augmentation.
        judge_alike: the discriminator on two versions of the same images with all else alike, for differences: one draw
            of the augmentation and of dropout for both, the same spectral norms, uncompiled and at least in float32;
            ``None`` in a loop that has none.
        generate: the generator on latents and labels, leaving no trace in its buffers; ``None`` likewise.
        augment: what the discriminator's images go through; the identity when nothing is configured.
        random: a CPU generator seeded by (seed, update, regularizer). Micro-batches share it: one that draws sample by
            sample draws for k of them what it would have drawn for the whole batch.
    """

    player: Player
    real: Tensor
    fake: Tensor
    real_labels: Tensor | None
    fake_labels: Tensor | None
    real_output: DiscriminatorOutput | None
    fake_output: DiscriminatorOutput
    critic: Discriminate
    plain_critic: Discriminate
    augment: Callable[[Tensor], Tensor]
    random: torch.Generator
    network: nn.Module | None = None
    z: Tensor | None = None
    generate: Generate | None = None
    judge_alike: JudgeAlike | None = None


class Regularizer:
    """Base class of regularizers: every method has a default that does nothing.

    Terms are *raw* named scalars; the step multiplies them by ``weight · every``. Each is a tensor without axes,
    finite, in the precision of the images. Names are of a to z, 0 to 9 and ``_``, begin with the component's own and do
    not depend on the batch. A term has a gradient to the player's own network, and to no other. That gradient is
    finite, also where the critic is flat. A term is a mean: a batch with every sample twice has the same value. Logits
    are (N,) or maps (N, 1, h, w), perhaps with ``extra_logits``. A term that depends on ``logits`` depends on
    ``extra_logits`` as well: ``maps()`` has both. Of a sample's patches the mean counts: a map that repeats one logit
    is that logit. When a regularizer calls the critic on real data or fakes, it passes their labels. Data are images or
    vectors, unless it carries ``needs_images``.

    Terms change no parameter, buffer or mode of a network: only :meth:`after_step` does. No ``.grad`` is changed. The
    tensors of the view are never changed in place. Random numbers come from ``view.random`` alone. No value on the
    device is read, which would stall a GPU. Everything that changes is in the state: a restored regularizer continues
    exactly as the saved one would.

    One that carries ``limits_slope`` makes a very steep critic less steep. One that carries ``replaces_generator_loss``
    has a term for the generator. One that carries ``replaces_discriminator_loss`` has one for the discriminator.
    """

    def discriminator_terms(self, view: StepView) -> dict[str, Tensor]:
        """Terms added to the discriminator's objective."""
        return {}

    def generator_terms(self, view: StepView) -> dict[str, Tensor]:
        """Terms added to the generator's objective."""
        return {}

    def after_step(self, player: Player, network: nn.Module) -> None:
        """A projection after the player's optimizer step. It changes the network that it is given, and no other."""

    def state_dict(self) -> dict[str, Tensor]:
        """What changes during training, for checkpoints."""
        return {}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Restore :meth:`state_dict`."""


class Augmentation:
    """Base class of differentiable augmentations: what images go through before the discriminator sees them.

    Random numbers are drawn apart from the images (:meth:`draw`), for the whole batch at once, so that a micro-batch
    gets the rows that are its own. What becomes of an image depends on it and its row of draws alone. The same images
    and draws give the same, and nothing else is drawn. Images and draws are never changed in place.

    Shape, precision and device stay, for gray and colored images of any sides. Images that it cannot take are a
    ConfigError when it is built. Vectors (N, D) are taken likewise, unless it carries ``needs_images``. For images
    within [-1, 1] values and gradients are finite; they may leave that range. The gradient at the images is right, and
    not 0 everywhere. It can be differentiated once more, for penalties. No value on the device is read, which would
    stall a GPU.

    State changes in :meth:`after_update` only. Everything that changes is in the state: a restored augmentation
    continues exactly as the saved one would. It can be pickled.
    """

    @abstractmethod
    def draw(self, n: int, *, random: torch.Generator) -> Tensor:
        """All random numbers for ``n`` images: float32 (n, P) on the CPU, one row an image, from ``random`` alone."""
        raise NotImplementedError

    @abstractmethod
    def __call__(self, images: Tensor, draws: Tensor) -> Tensor:
        """Images (N, C, H, W) transformed by their rows of ``draws``; differentiable in the images."""
        raise NotImplementedError

    def after_update(self, *, real: Tensor) -> None:
        """Called after each update of the discriminator with its detached logits on the whole real batch."""

    def observed(self) -> dict[str, Tensor]:
        """Scalars to be logged, such as the present probability."""
        return {}

    def state_dict(self) -> dict[str, Tensor]:
        """What changes during training, for checkpoints."""
        return {}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Restore :meth:`state_dict`."""


@dataclass(frozen=True, kw_only=True)
class Features:
    """What a metric may ask for of real or of generated data; what it does not need may be ``None``.

    Attributes:
        images: uint8 (N, C, H, W), or float32 (N, D) for vectors.
        labels: (N,) int64; of generated data those that were asked for.
        features: (N, F), of a feature extractor.
        class_probs: (N, K), of a classifier.
        modes: (K, D) known modes of the data.
        mode_std: the standard deviation of the data around each mode.
        held_out: real data that the generator was not trained on, with the same fields; of real data alone.
        facts: where to find, and to leave, what follows from ``features``. No metric needs it.
    """

    images: Tensor | None = None
    labels: Tensor | None = None
    features: Tensor | None = None
    class_probs: Tensor | None = None
    modes: Tensor | None = None
    mode_std: float | None = None
    held_out: Features | None = None
    facts: FeatureFacts | None = None

    def known(self) -> FeatureFacts:
        """Facts about these very ``features``: new and empty where nobody keeps any, or keeps them of others.

        ``replace(real, features=others)`` takes facts along that are not true of the others.
        """
        if self.features is None:
            raise ValueError("there are no features to know anything about")
        if self.facts is not None and self.facts.of is self.features and self.facts.still_true():
            return self.facts
        return FeatureFacts(of=self.features, found={})


@dataclass(frozen=True, kw_only=True)
class FeatureFacts:
    """What follows from features alone, found once for all metrics, and of real data for all evaluations.

    Attributes:
        of: the features (N, F).
        found: name → what was found. The name says all that it depends on besides the features: who found it and by
            which version of which rule, options, :attr:`digest` of other features. What is found is not changed.
        metrics: all that are computed of these features, so that one may find what others will ask for as well.
    """

    of: Tensor
    found: MutableMapping[str, Tensor]
    metrics: tuple[Metric, ...] = ()
    _version: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Note how often the features have been changed in place."""
        object.__setattr__(self, "_version", _version(self.of))

    def still_true(self) -> bool:
        """Whether the features are what they were: torch counts what is written into a tensor."""
        return _version(self.of) == self._version

    @cached_property
    def digest(self) -> str:
        """A hash of the features: equal ones have the same."""
        content = hashlib.sha256(f"{self.of.dtype} {tuple(self.of.shape)}".encode())
        content.update(self.of.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
        return content.hexdigest()[:40]


def _version(tensor: Tensor) -> int:
    # Tensors of inference mode are not counted, and cannot be changed outside of it.
    return 0 if tensor.is_inference() else tensor._version


@dataclass(frozen=True, kw_only=True)
class Extracted:
    """What an extractor sees in pictures.

    Attributes:
        features: float32 (N, F).
        class_probs: float32 (N, K), each row a distribution over :attr:`Extractor.classes`; ``None`` without classes.
    """

    features: Tensor
    class_probs: Tensor | None = None


class Extractor(Protocol):
    """Turns pictures into features that metrics compare.

    It takes uint8 pictures (N, C, H, W) of one channel or three and of any size from 8 pixels, on the CPU, and answers
    on the CPU. There is a row of features for each picture, finite and float32. A gray picture has the row of the same
    picture in three equal channels. A picture's row does not depend on the pictures beside it, but for rounding. The
    same pictures have the same rows whenever they are looked at. Pictures that plainly differ have rows that differ.
    Its argument is not changed. No random number is drawn.

    Attributes:
        digest: of its weights and its preprocessing. Equal digests mean equal features, but for rounding.
        size: F, features per picture.
        classes: names of the classes that it tells apart; empty if it tells none apart.
        resize: what is done to the size of pictures, in a few words, as in ``224 px, bicubic, antialiased``.
    """

    digest: str
    size: int
    classes: tuple[str, ...]
    resize: str

    def __call__(self, images: Tensor) -> Extracted:
        """Features, and class probabilities if it tells classes apart."""
        ...


class Metric(Protocol):
    """Compares generated with real data.

    It takes ``real``, ``fake`` and ``random`` by keyword. Its numbers are finite, and floats. Also where all samples
    are alike it has the same numbers, and they are finite. By the first, real data that it has not seen are better than
    one sample, unlike them, again and again.

    The same samples and seed give the same numbers. Earlier calls have no influence. Random numbers are drawn from
    ``random`` alone. Its arguments are not changed. The order of samples does not matter, unless it draws some of them.
    It can be pickled.

    Every field named in ``needs`` is provided, never ``None``. Real and generated samples may be of different number;
    where they are too few it may be a ConfigError. Data that it cannot compare, as vectors may be, are a ConfigError.

    An optional attribute ``samples`` says how many samples it wants, 2,500 if it says nothing. An optional attribute
    ``fewest_samples`` says with how few samples, generated or real, it still has a number: with fewer, a comparison and
    a run are refused before they train. An optional attribute
    ``better`` says of each further number that ranks generators whether ``higher`` or ``lower`` is better, and of a
    number that ranks none, ``None``. An optional
    attribute ``spreads`` says which of its numbers is the standard error of which other: ``{"kd": "kd_std"}``. An
    optional attribute ``ranges`` says of a number the least and the largest that it can be, as 0 and 1 of a share,
    and ``None`` where there is no end: intervals are cut off there. An
    optional attribute ``whole_reference`` that is true asks for all real data, not for as many as are generated. An
    optional attribute ``balanced_samples`` that is true asks for equally many samples of each class that occurs, not
    for as many as the data have; pictures from elsewhere come as they are. An optional method
    ``warnings(*, real, fake)`` gives texts to bear in mind with these numbers.
    An attribute whose name is nearly one of these is refused, since nothing would read it.

    Attributes:
        needs: which fields of :class:`Features` it looks at: images, labels, features, class_probs, modes, held_out.
        higher_is_better: of the first of its numbers.
    """

    needs: frozenset[str]
    higher_is_better: bool

    def __call__(self, *, real: Features, fake: Features, random: torch.Generator) -> dict[str, float]:
        """Name → value."""
        ...


class Dataset(Protocol):
    """Random access to decoded data.

    It has at least one item, and their number does not change. Items have the shape that ``spec`` states, and hold
    finite numbers alone. They come in the order of the index, which may name one twice. An item does not depend on the
    items that are read with it. It is the same whenever it is read: it is not cropped or rotated at random. The
    returned tensor belongs to the caller, who may modify it. Items differ from each other.

    Opened again it is the same, whether the cache is empty or not, and also if the size and the channels that it states
    are asked for.

    A dataset that reads from a disk may have a method ``expect(index)``, which is told before each batch which items
    will be read soon, in the order they are stored in, and does not wait for them. What is expected changes nothing
    that is read.

    Attributes:
        spec: shape, classes and their frequencies.
        fingerprint: a hash of the content as it is read; two equal fingerprints mean equal tensors, and the same
            content has the same. It follows from what files hold, wherever they lie.
        labels: (N,) int64, or ``None``.
        groups: e.g. the patient or writer of each item, or ``None``.
        modes: (K, D) known modes of synthetic data, or ``None``. Vector data with known modes also say how far they
            spread around each, as ``mode_std``.
    """

    spec: DataSpec
    fingerprint: str
    labels: Tensor | None
    groups: tuple[str, ...] | None
    modes: Tensor | None

    def __len__(self) -> int:
        """How many items there are."""
        ...

    def read(self, index: Tensor) -> Tensor:
        """Items at ``index``: uint8 (N, C, H, W), or float32 (N, D). Pixels are scaled to 0…255."""
        ...


@dataclass(frozen=True, kw_only=True)
class Survey:
    """What a dataset found where it read, for the line at the start of a run and for ``ganzoo data``.

    A dataset that reads files may have one as its attribute ``survey``; what it leaves open follows from the dataset.

    Attributes:
        layout: how the data are kept, in a word or two.
        splits: split → items in it.
        sizes: width and height of the smallest and of the largest picture as it is kept.
        range: the lowest and the highest value of all pictures as they are read, 0 to 255.
        left_out: path → why it is not among the data.
    """

    layout: str
    splits: Mapping[str, int] = field(default_factory=dict)
    sizes: tuple[tuple[int, int], tuple[int, int]] | None = None
    range: tuple[int, int] | None = None
    left_out: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Report:
    """What the training loop yields after every generator step. Tensors stay on the device until somebody reads them.

    Attributes:
        step: generator steps done.
        d_step: discriminator steps done.
        images: real images seen.
        scalars: names of ``metrics.jsonl`` → scalar tensors; empty on steps that are not logged.
        last: whether the run ends with this step.
    """

    step: int
    d_step: int
    images: int
    scalars: Mapping[str, Tensor]
    last: bool = False


@dataclass(frozen=True, kw_only=True)
class TrackedRun:
    """What a tracker is told of a run before it starts.

    Attributes:
        path: the run's folder.
        name: the folder's name: a number and what is trained.
        config: the resolved configuration as plain data, section → key → value.
        step: 0, or the step after which a resumed run goes on. Rows and pictures of later steps will come again, even
            if a tracker was told of them before.
    """

    path: Path
    name: str
    config: Mapping[str, Any]
    step: int


class Tracker:
    """Base class of trackers: every method has a default that does nothing.

    A tracker is told plain data and answers nothing, so it cannot change what is trained. One that raises is warned of
    by name and told nothing more, but for :meth:`close`, while the training goes on.

    It changes neither its arguments nor any file of the run. It writes below the run's folder, or where an option of
    its own says, and nowhere else. It draws none of torch's global random numbers.
    """

    def log(self, row: Mapping[str, float]) -> None:
        """A row that was just written to ``metrics.jsonl``: the same keys, ``step`` among them, and numbers.

        Numbers may be NaN or infinite, and a row may have keys that the one before had not.
        """

    def picture(self, step: int, path: Path) -> None:
        """A sample grid of ``step``, or a scatter plot of vectors, that was just written to ``path`` as PNG.

        One may come before the first row.
        """

    def close(self, status: str) -> None:
        """Called once, at the end. ``status`` is ``finished``, ``interrupted``, ``diverged`` or ``failed``.

        That may be before the first row.
        """


class Watcher(Protocol):
    """Reads reports: console, log, samples, checkpoints. Never changes what is trained."""

    def __call__(self, report: Report) -> None:
        """Called after every generator step."""
        ...

    def close(self) -> None:
        """Called once, when the loop has ended for whatever reason."""
        ...

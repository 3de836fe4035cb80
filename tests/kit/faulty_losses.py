"""Losses as people get them wrong. Each names the check that is meant for its fault; ``Sound`` has none."""

from __future__ import annotations

import math
import random

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import ConfigDict, Field, PrivateAttr

from ganzoo.component import Options


class Sound(Options):
    """Softplus on both sides, shifted by the center."""

    center: float = Field(default=0.0, allow_inf_nan=False, description="c")

    def discriminator_loss(self, *, real, fake):
        return F.softplus(self.center - real).mean() + F.softplus(fake - self.center).mean()

    def generator_loss(self, *, fake):
        return F.softplus(self.center - fake).mean()

    def equilibrium(self):
        return {"d": 2 * math.log(2), "g": math.log(2)}

    def diagnostics(self, *, real, fake):
        return {"accuracy/real": (real > self.center).float().mean()}


class SoundRelativistic(Options):
    """Softplus of the lead over the mean."""

    def tags(self):
        return frozenset({"generator_needs_real", "batch_nonlinear"})

    def discriminator_loss(self, *, real, fake):
        return F.softplus(fake.mean() - real).mean() + F.softplus(fake - real.mean()).mean()

    def generator_loss(self, *, real, fake):
        return F.softplus(real.mean() - fake).mean() + F.softplus(real - fake.mean()).mean()


class SoundAdaptive(Options):
    """A hinge around a running mean."""

    decay: float = Field(default=0.9, ge=0, lt=1, allow_inf_nan=False, description="what the mean keeps of old")

    def build(self, spec):
        return Centered(self.decay)


class Centered:
    def __init__(self, decay):
        self.decay = decay
        self.center = torch.zeros(())

    def discriminator_loss(self, *, real, fake):
        center = self.center.to(real)
        return F.softplus(center - real).mean() + F.softplus(fake - center).mean()

    def generator_loss(self, *, fake):
        return F.softplus(-fake).mean()

    def after_update(self, *, real, fake):
        self.center = torch.lerp((real.mean() + fake.mean()) / 2, self.center.to(real), self.decay)

    def state_dict(self):
        return {"center": self.center.clone()}

    def load_state_dict(self, state):
        self.center = state["center"].clone()


SOUND = (Sound, SoundRelativistic, SoundAdaptive)
FAULTS = {}
"""Name of the class → the class and the check meant for it."""


def caught_by(check):
    def remember(options):
        FAULTS[options.__name__] = (options, check)
        return options

    return remember


@caught_by("duplicated-batch")
class Summed(Sound):
    """A sum in place of a mean."""

    def generator_loss(self, *, fake):
        return F.softplus(-fake).sum()


@caught_by("shapes")
class SummedOverMaps(Sound):
    """A mean over samples of sums over their maps."""

    def generator_loss(self, *, fake):
        return F.softplus(-fake).reshape(len(fake), -1).sum(1).mean()


@caught_by("finite")
class LogOfSigmoid(Sound):
    """The sigmoid first, the logarithm after it."""

    def discriminator_loss(self, *, real, fake):
        return -real.sigmoid().log().mean() - (1 - fake.sigmoid()).log().mean()


@caught_by("discriminator-alive")
class LogOfSigmoidAndALittle(Sound):
    """A small number keeps the value finite, and takes the gradient."""

    def discriminator_loss(self, *, real, fake):
        return -(real.sigmoid() + 1e-8).log().mean() - (1 - fake.sigmoid() + 1e-8).log().mean()


@caught_by("generator-alive")
class Saturating(Sound):
    """ln(1 − σ(f)) without the tag."""

    def generator_loss(self, *, fake):
        return F.logsigmoid(-fake).mean()


@caught_by("tag-saturating")
class SaysItSaturates(Sound):
    """The tag, and no saturation."""

    def tags(self):
        return frozenset({"saturating"})


@caught_by("generator-alive")
class Clamped(Sound):
    """Logits held within bounds, beyond which nothing is learned."""

    def generator_loss(self, *, fake):
        return F.softplus(-fake.clamp(-30, 30)).mean()


@caught_by("gradient-signs")
class Swapped(Sound):
    """Fake for real."""

    def discriminator_loss(self, *, real, fake):
        return F.softplus(real).mean() + F.softplus(-fake).mean()


@caught_by("gradient-signs")
class ForgetsFakes(Sound):
    """Half of the objective."""

    def discriminator_loss(self, *, real, fake):
        return F.softplus(-real).mean()


@caught_by("inputs-unmodified")
class InPlace(Sound):
    """A minus on the logits themselves."""

    def generator_loss(self, *, fake):
        return F.softplus(fake.neg_()).mean()


@caught_by("no-host-sync")
class ScaledByItem(Sound):
    """A factor read from the GPU at every step."""

    def generator_loss(self, *, fake):
        value = F.softplus(-fake).mean()
        return value * (value.item() / value.detach())


@caught_by("no-host-sync")
class AsksWhetherPositive(Sound):
    """A branch on a value."""

    def discriminator_loss(self, *, real, fake):
        value = F.softplus(-real).mean() + F.softplus(fake).mean()
        return value if value > 0 else -value


@caught_by("compile")
class PrintsItself(Sound):
    """What the compiler cannot see through."""

    def generator_loss(self, *, fake):
        print("still here")
        return F.softplus(-fake).mean()


@caught_by("device")
class MakesTargetsOnTheCpu(Sound):
    """Targets without a device."""

    def generator_loss(self, *, fake):
        return F.binary_cross_entropy_with_logits(fake, torch.ones(fake.shape, dtype=fake.dtype))


@caught_by("scalar")
class OneElement(Sound):
    """(1,) in place of ()."""

    def generator_loss(self, *, fake):
        return F.softplus(-fake).mean().reshape(1)


@caught_by("scalar")
class AlwaysDouble(Sound):
    """float64, whatever came in."""

    def discriminator_loss(self, *, real, fake):
        return super().discriminator_loss(real=real.double(), fake=fake.double())


@caught_by("scalar")
class PlainNumber(Sound):
    """A number of numpy's, from which nothing can be learned."""

    def generator_loss(self, *, fake):
        return np.log1p(np.exp(-fake.detach().numpy())).mean()


@caught_by("gradcheck")
class DetachedWeight(Sound):
    """Part of the value is kept from the gradient."""

    def generator_loss(self, *, fake):
        return (F.softplus(-fake) * (1 + fake.detach().sigmoid())).mean()


@caught_by("deterministic")
class RandomSmoothing(Sound):
    """A target that is drawn at every call."""

    def discriminator_loss(self, *, real, fake):
        target = 1 - 0.1 * torch.rand_like(real)
        return F.binary_cross_entropy_with_logits(real, target) + F.softplus(fake).mean()


@caught_by("deterministic")
class NumpySmoothing(Sound):
    """The same, drawn where torch does not see it."""

    def discriminator_loss(self, *, real, fake):
        return np.random.uniform(0.9, 1.0) * F.softplus(-real).mean() + F.softplus(fake).mean()


@caught_by("deterministic")
class SeedsItself(Sound):
    """Always the same, at the price of everybody else's random numbers."""

    def discriminator_loss(self, *, real, fake):
        random.seed(0)
        return (1 - 0.1 * random.random()) * F.softplus(-real).mean() + F.softplus(fake).mean()


@caught_by("deterministic")
class RemembersReal(Options):
    """G looks at what D was asked last."""

    def build(self, spec):
        return Remembering()


class Remembering:
    center = 0.0

    def discriminator_loss(self, *, real, fake):
        self.center = real.detach().mean()
        return F.softplus(-real).mean() + F.softplus(fake).mean()

    def generator_loss(self, *, fake):
        return F.softplus(self.center - fake).mean()


@caught_by("unequal-batches")
class PairsWithoutTag(SoundRelativistic):
    """Subtracts sample from sample."""

    def tags(self):
        return frozenset({"generator_needs_real"})

    def discriminator_loss(self, *, real, fake):
        return F.softplus(fake - real).mean()

    def generator_loss(self, *, real, fake):
        return F.softplus(real - fake).mean()


@caught_by("permutation")
class PairsWhatIsThere(SoundRelativistic):
    """Subtracts sample from sample, as far as there are any."""

    def discriminator_loss(self, *, real, fake):
        n = min(len(real), len(fake))
        return F.softplus(fake[:n] - real[:n]).mean()


@caught_by("shapes")
class Broadcasts(Sound):
    """A weight (N,) times a map (N, 1): N×N."""

    def generator_loss(self, *, fake):
        return (fake.flatten().sigmoid() * F.softplus(-fake)).mean()


@caught_by("shapes")
class ViewsAsFlat(Sound):
    """view(-1), which contiguous logits alone can have."""

    def generator_loss(self, *, fake):
        return F.softplus(-fake.view(-1)).mean()


@caught_by("autocast")
class MultipliesMatrices(Sound):
    """A mean by way of a product, which autocast rounds."""

    def generator_loss(self, *, fake):
        values = F.softplus(-fake).reshape(1, -1)
        return (values @ torch.ones_like(values).T).squeeze() / values.numel()


@caught_by("double-backward")
class OnceOnly(Sound):
    """A gradient of its own that cannot be differentiated."""

    def generator_loss(self, *, fake):
        return HandWritten.apply(fake).mean()


class HandWritten(torch.autograd.Function):
    @staticmethod
    def forward(context, logits):
        context.save_for_backward(logits.sigmoid())
        return F.softplus(-logits)

    @staticmethod
    def backward(context, slope):
        (probability,) = context.saved_tensors
        return slope * (probability - 1)


@caught_by("pickle")
class HoldsLambda(Options):
    """A function that no other process can be sent."""

    def build(self, spec):
        return WithFunction(lambda x: F.softplus(x))


class WithFunction:
    def __init__(self, function):
        self.function = function

    def discriminator_loss(self, *, real, fake):
        return self.function(-real).mean() + self.function(fake).mean()

    def generator_loss(self, *, fake):
        return self.function(-fake).mean()


@caught_by("protocol")
class Positional(Sound):
    """Real and fake can be confused."""

    def discriminator_loss(self, real, fake):
        return F.softplus(-real).mean() + F.softplus(fake).mean()


@caught_by("tag-generator-needs-real")
class RelativisticWithoutTag(SoundRelativistic):
    """Its generator side takes real logits, and nobody gives them."""

    def tags(self):
        return frozenset({"batch_nonlinear"})


@caught_by("tag-batch-nonlinear")
class NonlinearWithoutTag(SoundRelativistic):
    """Means inside of means."""

    def tags(self):
        return frozenset({"generator_needs_real"})


@caught_by("tags-known")
class MisspeltTag(SoundRelativistic):
    """One letter more."""

    def tags(self):
        return frozenset({"generator_needs_real", "batch_nonlinear", "need_lipschitz"})


@caught_by("tags-known")
class TagOfANetwork(Sound):
    """What only a discriminator can be."""

    def tags(self):
        return frozenset({"spectral_norm"})


@caught_by("equilibrium")
class WrongEquilibrium(Sound):
    """ln 2 once, where it is twice."""

    def equilibrium(self):
        return {"d": math.log(2), "g": math.log(2)}


@caught_by("equilibrium")
class EquilibriumOfSomethingElse(Sound):
    """The saturating generator's value."""

    def equilibrium(self):
        return {"d": 2 * math.log(2), "g": -math.log(2)}


@caught_by("diagnostics")
class DiagnosticsOfEachSample(Sound):
    """A row of the log holds a number, not one a sample."""

    def diagnostics(self, *, real, fake):
        return {"gap": real - fake}


@caught_by("diagnostics")
class DiagnosticsAsPercentages(Sound):
    """Shares are from 0 to 1."""

    def diagnostics(self, *, real, fake):
        return {"accuracy/real": 100 * (real > 0).float().mean()}


@caught_by("options-round-trip")
class Unbounded(Sound):
    """An option that may be NaN, which equals nothing."""

    slope: float = Field(default=0.0, description="of nothing")


@caught_by("options-closed")
class Thawed(Sound):
    """Options that a run can change."""

    model_config = ConfigDict(frozen=False)


@caught_by("options-closed")
class Open(Sound):
    """A misspelt option is taken without a word."""

    model_config = ConfigDict(extra="ignore")


@caught_by("options-described")
class Undescribed(Sound):
    """An option that says nothing of itself."""

    power: int = Field(default=2, ge=1)


@caught_by("options-described")
class WithoutDocstring(Sound):
    def generator_loss(self, *, fake):
        return super().generator_loss(fake=fake)


@caught_by("options-pickle")
class HoldsLambdaItself(Sound):
    """Options that no other process can be sent."""

    _function = PrivateAttr(default_factory=lambda: lambda x: F.softplus(x))


@caught_by("options-resolve")
class Overwrites(Sound):
    """Fills the gap, and what was no gap."""

    classes: int | None = Field(default=None, ge=1, description="how many classes there are")

    def resolve(self, spec):
        return self.model_copy(update={"classes": len(spec.classes)})


@caught_by("state")
class ChangesWhenAsked(SoundAdaptive):
    """Learns in the objective."""

    def build(self, spec):
        return CenteredWhenAsked(self.decay)


class CenteredWhenAsked(Centered):
    def discriminator_loss(self, *, real, fake):
        self.after_update(real=real.detach(), fake=fake.detach())
        return super().discriminator_loss(real=real, fake=fake)


@caught_by("state")
class ForgetsOnSaving(SoundAdaptive):
    """Half of what it has learned is in no checkpoint."""

    def build(self, spec):
        return CenteredTwice(self.decay)


class CenteredTwice(Centered):
    """The step by which it moves shrinks, unseen."""

    updates = 0

    def after_update(self, *, real, fake):
        self.updates += 1
        self.center = self.center.to(real) + (real.mean() + fake.mean()) / self.updates


SHARED = Centered(0.9)


@caught_by("state")
class OneForAll(SoundAdaptive):
    """Two runs in a process teach the same loss."""

    def build(self, spec):
        return SHARED


@caught_by("state")
class LoadsByReference(SoundAdaptive):
    """Moves, in place, the very tensor that it was given."""

    def build(self, spec):
        return CenteredInPlace(self.decay)


class CenteredInPlace(Centered):
    def __init__(self, decay):
        super().__init__(decay)
        self.center = torch.zeros((), dtype=torch.float64)

    def after_update(self, *, real, fake):
        self.center.lerp_((real.mean() + fake.mean()) / 2, 1 - self.decay)

    def state_dict(self):
        return {"center": self.center}

    def load_state_dict(self, state):
        self.center = state["center"]


@caught_by("state")
class HalfOfTheProtocol(SoundAdaptive):
    """Adapts, and cannot be saved."""

    def build(self, spec):
        return Unsaved()


class Unsaved:
    center = 0.0

    def discriminator_loss(self, *, real, fake):
        return F.softplus(self.center - real).mean() + F.softplus(fake - self.center).mean()

    def generator_loss(self, *, fake):
        return F.softplus(-fake).mean()

    def after_update(self, *, real, fake):
        self.center = real.mean()


@caught_by("gradient-signs")
class AdaptsAndForgetsFakes(SoundAdaptive):
    """Half of the objective, of a loss that adapts."""

    def build(self, spec):
        return CenteredOnReal(self.decay)


class CenteredOnReal(Centered):
    def discriminator_loss(self, *, real, fake):
        return F.softplus(self.center.to(real) - real).mean()


@caught_by("no-host-sync")
class ReadsOnUpdate(SoundAdaptive):
    """A number is read from the GPU after each update."""

    def build(self, spec):
        return CenteredByNumber(self.decay)


class CenteredByNumber(Centered):
    def after_update(self, *, real, fake):
        self.center = torch.tensor(self.decay * float(self.center) + (1 - self.decay) * real.mean().item())


@caught_by("finite")
class ExponentialWithoutTag(Sound):
    """e to the power of a logit."""

    def discriminator_loss(self, *, real, fake):
        return (-real).exp().mean() + fake.exp().mean()


@caught_by("tag-needs-lipschitz")
class WassersteinWithoutTag(Sound):
    """Nothing but a bound on D ends it."""

    def discriminator_loss(self, *, real, fake):
        return fake.mean() - real.mean()

    def generator_loss(self, *, fake):
        return -fake.mean()

    def equilibrium(self):
        return {"d": 0.0}

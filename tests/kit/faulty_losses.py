"""Losses as people get them wrong. Each names the check that is meant for its fault; ``Sound`` has none."""

from __future__ import annotations

import math
import random

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import ConfigDict, Field, PrivateAttr

from ganzoo.component import Options
from ganzoo.errors import ConfigError


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


class SoundPaired(SoundRelativistic):
    """Softplus of the lead, pair by pair."""

    def tags(self):
        return frozenset({"generator_needs_real", "paired"})

    def lead(self, real, fake):
        if real.shape != fake.shape:
            raise ConfigError("real and fake are compared in pairs")
        return real - fake

    def discriminator_loss(self, *, real, fake):
        return F.softplus(-self.lead(real, fake)).mean()

    def generator_loss(self, *, real, fake):
        return F.softplus(self.lead(real, fake)).mean()


class SlowlySaturating(Sound):
    """A generator whose gradient fades, and never ends."""

    def generator_loss(self, *, fake):
        return -F.softsign(fake - self.center).mean()

    def equilibrium(self):
        return {"d": 2 * math.log(2), "g": 0.0}


class Scaled(Sound):
    """Values and gradients as small as one likes, and an option to divide by."""

    scale: float = Field(default=1e-7, gt=0, le=10, description="factor of both objectives")
    temperature: float = Field(default=2.0, gt=0, allow_inf_nan=False, description="what logits are measured in")

    def discriminator_loss(self, *, real, fake):
        return self.scale * super().discriminator_loss(real=real / self.temperature, fake=fake / self.temperature)

    def generator_loss(self, *, fake):
        return self.scale * super().generator_loss(fake=fake / self.temperature)

    def equilibrium(self):
        return {"d": self.scale * 2 * math.log(2), "g": self.scale * math.log(2)}


class Quartic(Sound):
    """Fourth powers, whose large values leave few digits for differences."""

    def discriminator_loss(self, *, real, fake):
        return (real - self.center - 1).pow(4).mean() + (fake - self.center + 1).pow(4).mean()

    def generator_loss(self, *, fake):
        return (fake - self.center - 1).pow(4).mean()

    def equilibrium(self):
        return {"d": 2.0, "g": 1.0}


SOUND = (Sound, SoundRelativistic, SoundPaired, SoundAdaptive, SlowlySaturating, Scaled, Quartic)
FAULTS = {}
"""Name of the class → the class, the check meant for it, and part of what that check says."""


def caught_by(check, says):
    def remember(options):
        FAULTS[options.__name__] = (options, check, says)
        return options

    return remember


@caught_by("duplicated-batch", says="with every sample twice")
class Summed(Sound):
    """A sum in place of a mean."""

    def generator_loss(self, *, fake):
        return F.softplus(-fake).sum()


@caught_by("shapes", says="in place of (24,)")
class SummedOverMaps(Sound):
    """A mean over samples of sums over their maps."""

    def generator_loss(self, *, fake):
        return F.softplus(-fake).reshape(len(fake), -1).sum(1).mean()


@caught_by("finite", says="at logits")
class LogOfSigmoid(Sound):
    """The sigmoid first, the logarithm after it."""

    def discriminator_loss(self, *, real, fake):
        return -real.sigmoid().log().mean() - (1 - fake.sigmoid()).log().mean()


@caught_by("discriminator-alive", says="D's gradient at real logits is")
class LogOfSigmoidAndALittle(Sound):
    """A small number keeps the value finite, and takes the gradient."""

    def discriminator_loss(self, *, real, fake):
        return -(real.sigmoid() + 1e-8).log().mean() - (1 - fake.sigmoid() + 1e-8).log().mean()


@caught_by("generator-alive", says="G's gradient is -")
class Saturating(Sound):
    """ln(1 − σ(f)) without the tag."""

    def generator_loss(self, *, fake):
        return F.logsigmoid(-fake).mean()


@caught_by("tag-saturating", says="is carried")
class SaysItSaturates(Sound):
    """The tag, and no saturation."""

    def tags(self):
        return frozenset({"saturating"})


@caught_by("generator-alive", says="G's gradient is ")
class Clamped(Sound):
    """Logits held within bounds, beyond which nothing is learned."""

    def generator_loss(self, *, fake):
        return F.softplus(-fake.clamp(-30, 30)).mean()


@caught_by("gradient-signs", says="real logits is 0.08")
class Swapped(Sound):
    """Fake for real."""

    def discriminator_loss(self, *, real, fake):
        return F.softplus(real).mean() + F.softplus(-fake).mean()


@caught_by("gradient-signs", says="it does not look at them")
class ForgetsFakes(Sound):
    """Half of the objective."""

    def discriminator_loss(self, *, real, fake):
        return F.softplus(-real).mean()


@caught_by("inputs-unmodified", says="it changed the logits")
class InPlace(Sound):
    """A minus on the logits themselves."""

    def generator_loss(self, *, fake):
        return F.softplus(fake.neg_()).mean()


@caught_by("no-host-sync", says="it asks a tensor for its value")
class ScaledByItem(Sound):
    """A factor read from the GPU at every step."""

    def generator_loss(self, *, fake):
        value = F.softplus(-fake).mean()
        return value * (value.item() / value.detach())


@caught_by("no-host-sync", says="it asks a tensor for its value")
class AsksWhetherPositive(Sound):
    """A branch on a value."""

    def discriminator_loss(self, *, real, fake):
        value = F.softplus(-real).mean() + F.softplus(fake).mean()
        return value if value > 0 else -value


@caught_by("compile", says="print")
class PrintsItself(Sound):
    """What the compiler cannot see through."""

    def generator_loss(self, *, fake):
        print("still here")
        return F.softplus(-fake).mean()


@caught_by("device", says="device")
class MakesTargetsOnTheCpu(Sound):
    """Targets without a device."""

    def generator_loss(self, *, fake):
        return F.binary_cross_entropy_with_logits(fake, torch.ones(fake.shape, dtype=fake.dtype))


@caught_by("scalar", says="G's value has the shape (1,)")
class OneElement(Sound):
    """(1,) in place of ()."""

    def generator_loss(self, *, fake):
        return F.softplus(-fake).mean().reshape(1)


@caught_by("scalar", says="D's value is torch.float64 for logits of torch.float32")
class AlwaysDouble(Sound):
    """float64, whatever came in."""

    def discriminator_loss(self, *, real, fake):
        return super().discriminator_loss(real=real.double(), fake=fake.double())


@caught_by("scalar", says="G's value is not a tensor")
class PlainNumber(Sound):
    """A number of numpy's, from which nothing can be learned."""

    def generator_loss(self, *, fake):
        return np.log1p(np.exp(-fake.detach().numpy())).mean()


@caught_by("gradcheck", says="Jacobian mismatch")
class DetachedWeight(Sound):
    """Part of the value is kept from the gradient."""

    def generator_loss(self, *, fake):
        return (F.softplus(-fake) * (1 + fake.detach().sigmoid())).mean()


@caught_by("deterministic", says="random numbers of torch")
class RandomSmoothing(Sound):
    """A target that is drawn at every call."""

    def discriminator_loss(self, *, real, fake):
        target = 1 - 0.1 * torch.rand_like(real)
        return F.binary_cross_entropy_with_logits(real, target) + F.softplus(fake).mean()


@caught_by("deterministic", says="random numbers of numpy")
class NumpySmoothing(Sound):
    """The same, drawn where torch does not see it."""

    def discriminator_loss(self, *, real, fake):
        return np.random.uniform(0.9, 1.0) * F.softplus(-real).mean() + F.softplus(fake).mean()


@caught_by("deterministic", says="random numbers of random")
class SeedsItself(Sound):
    """Always the same, at the price of everybody else's random numbers."""

    def discriminator_loss(self, *, real, fake):
        random.seed(0)
        return (1 - 0.1 * random.random()) * F.softplus(-real).mean() + F.softplus(fake).mean()


@caught_by("deterministic", says="after D was asked of other logits")
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


@caught_by("unequal-batches", says="must match")
class PairsWithoutTag(SoundRelativistic):
    """Subtracts sample from sample."""

    def tags(self):
        return frozenset({"generator_needs_real"})

    def discriminator_loss(self, *, real, fake):
        return F.softplus(fake - real).mean()

    def generator_loss(self, *, real, fake):
        return F.softplus(real - fake).mean()


@caught_by("permutation", says="with fakes in another order")
class PairsWhatIsThere(SoundRelativistic):
    """Subtracts sample from sample, as far as there are any."""

    def discriminator_loss(self, *, real, fake):
        n = min(len(real), len(fake))
        return F.softplus(fake[:n] - real[:n]).mean()


@caught_by("shapes", says="as (24, 1) in place")
class Broadcasts(Sound):
    """A weight (N,) times a map (N, 1): N×N."""

    def generator_loss(self, *, fake):
        return (fake.flatten().sigmoid() * F.softplus(-fake)).mean()


@caught_by("shapes", says="view")
class ViewsAsFlat(Sound):
    """view(-1), which contiguous logits alone can have."""

    def generator_loss(self, *, fake):
        return F.softplus(-fake.view(-1)).mean()


@caught_by("autocast", says="under autocast")
class MultipliesMatrices(Sound):
    """A mean by way of a product, which autocast rounds."""

    def generator_loss(self, *, fake):
        values = F.softplus(-fake).reshape(1, -1)
        return (values @ torch.ones_like(values).T).squeeze() / values.numel()


@caught_by("double-backward", says="")
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


@caught_by("pickle", says="pickle")
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


@caught_by("protocol", says="discriminator_loss takes real, fake by position")
class Positional(Sound):
    """Real and fake can be confused."""

    def discriminator_loss(self, real, fake):
        return F.softplus(-real).mean() + F.softplus(fake).mean()


@caught_by("tag-generator-needs-real", says="is missing")
class RelativisticWithoutTag(SoundRelativistic):
    """Its generator side takes real logits, and nobody gives them."""

    def tags(self):
        return frozenset({"batch_nonlinear"})


@caught_by("tag-batch-nonlinear", says="is missing")
class NonlinearWithoutTag(SoundRelativistic):
    """Means inside of means."""

    def tags(self):
        return frozenset({"generator_needs_real"})


@caught_by("tags-known", says="there is no tag 'need_lipschitz'")
class MisspeltTag(SoundRelativistic):
    """One letter more."""

    def tags(self):
        return frozenset({"generator_needs_real", "batch_nonlinear", "need_lipschitz"})


@caught_by("tags-known", says="no tags of a loss: spectral_norm")
class TagOfANetwork(Sound):
    """What only a discriminator can be."""

    def tags(self):
        return frozenset({"spectral_norm"})


@caught_by("equilibrium", says="says d = 0.693147; the best constant answer gives 1.38629")
class WrongEquilibrium(Sound):
    """ln 2 once, where it is twice."""

    def equilibrium(self):
        return {"d": math.log(2), "g": math.log(2)}


@caught_by("equilibrium", says="says g = -0.693147")
class EquilibriumOfSomethingElse(Sound):
    """The saturating generator's value."""

    def equilibrium(self):
        return {"d": 2 * math.log(2), "g": -math.log(2)}


@caught_by("diagnostics", says="gap as no scalar tensor")
class DiagnosticsOfEachSample(Sound):
    """A row of the log holds a number, not one a sample."""

    def diagnostics(self, *, real, fake):
        return {"gap": real - fake}


@caught_by("diagnostics", says="accuracy/real is a share and is 43.75")
class DiagnosticsAsPercentages(Sound):
    """Shares are from 0 to 1."""

    def diagnostics(self, *, real, fake):
        return {"accuracy/real": 100 * (real > 0).float().mean()}


@caught_by("options-round-trip", says="nan")
class Unbounded(Sound):
    """An option that may be NaN, which equals nothing."""

    slope: float = Field(default=0.0, allow_inf_nan=True, description="of nothing")


@caught_by("options-closed", says="not frozen")
class Thawed(Sound):
    """Options that a run can change."""

    model_config = ConfigDict(frozen=False)


@caught_by("options-closed", says="extra='ignore'")
class Open(Sound):
    """A misspelt option is taken without a word."""

    model_config = ConfigDict(extra="ignore")


@caught_by("options-described", says="without description: power")
class Undescribed(Sound):
    """An option that says nothing of itself."""

    power: int = Field(default=2, ge=1)


@caught_by("options-described", says="has no docstring")
class WithoutDocstring(Sound):
    def generator_loss(self, *, fake):
        return super().generator_loss(fake=fake)


@caught_by("options-pickle", says="pickle")
class HoldsLambdaItself(Sound):
    """Options that no other process can be sent."""

    _function = PrivateAttr(default_factory=lambda: lambda x: F.softplus(x))


@caught_by("options-resolve", says="changes classes")
class Overwrites(Sound):
    """Fills the gap, and what was no gap."""

    classes: int | None = Field(default=None, ge=1, description="how many classes there are")

    def resolve(self, spec):
        return self.model_copy(update={"classes": len(spec.classes)})


@caught_by("state", says="when it is asked for a value")
class ChangesWhenAsked(SoundAdaptive):
    """Learns in the objective."""

    def build(self, spec):
        return CenteredWhenAsked(self.decay)


class CenteredWhenAsked(Centered):
    def discriminator_loss(self, *, real, fake):
        self.after_update(real=real.detach(), fake=fake.detach())
        return super().discriminator_loss(real=real, fake=fake)


@caught_by("state", says="does not go on as the original does")
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


@caught_by("state", says="of one changes the state of another")
class OneForAll(SoundAdaptive):
    """Two runs in a process teach the same loss."""

    def build(self, spec):
        return SHARED


@caught_by("state", says="changes the one that it came from")
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


@caught_by("state", says="no state_dict, load_state_dict()")
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


@caught_by("gradient-signs", says="it does not look at them")
class AdaptsAndForgetsFakes(SoundAdaptive):
    """Half of the objective, of a loss that adapts."""

    def build(self, spec):
        return CenteredOnReal(self.decay)


class CenteredOnReal(Centered):
    def discriminator_loss(self, *, real, fake):
        return F.softplus(self.center.to(real) - real).mean()


@caught_by("no-host-sync", says="it asks a tensor for its value")
class ReadsOnUpdate(SoundAdaptive):
    """A number is read from the GPU after each update."""

    def build(self, spec):
        return CenteredByNumber(self.decay)


class CenteredByNumber(Centered):
    def after_update(self, *, real, fake):
        self.center = torch.tensor(self.decay * float(self.center) + (1 - self.decay) * real.mean().item())


@caught_by("finite", says="at logits")
class ExponentialWithoutTag(Sound):
    """e to the power of a logit."""

    def discriminator_loss(self, *, real, fake):
        return (-real).exp().mean() + fake.exp().mean()


@caught_by("tag-needs-lipschitz", says="is missing")
class WassersteinWithoutTag(Sound):
    """Nothing but a bound on D ends it."""

    def discriminator_loss(self, *, real, fake):
        return fake.mean() - real.mean()

    def generator_loss(self, *, fake):
        return -fake.mean()

    def equilibrium(self):
        return {"d": 0.0}


@caught_by("gradient-signs", says="fake logits is -")
class RaisesFakes(Sound):
    """D is to call fakes real, too."""

    def discriminator_loss(self, *, real, fake):
        return F.softplus(-real).mean() + F.softplus(-fake).mean()


@caught_by("gradient-signs", says="near zero G's gradient at fake logits is 0.08")
class HelpsD(Sound):
    """G's sign, forgotten."""

    def generator_loss(self, *, fake):
        return F.softplus(fake).mean()


@caught_by("discriminator-alive", says="D's gradient at fake logits is 0")
class ClampedForD(Sound):
    """Logits held within bounds, on one side."""

    def discriminator_loss(self, *, real, fake):
        return F.softplus(-real).mean() + F.softplus(fake.clamp(-30, 30)).mean()


@caught_by("gradcheck", says="Jacobian mismatch")
class StraightThrough(Sound):
    """Logits held within bounds, and a gradient as if they were not."""

    def generator_loss(self, *, fake):
        return F.softplus(-(fake + (fake.clamp(-10, 10) - fake).detach())).mean()


@caught_by("autocast", says="under autocast G's value is torch.bfloat16")
class RoundsItself(Sound):
    """What autocast prefers."""

    def generator_loss(self, *, fake):
        value = super().generator_loss(fake=fake)
        return value.bfloat16() if torch.is_autocast_enabled("cpu") else value


@caught_by("compile", says="compiled: D and G are")
class OtherwiseWhenCompiled(Sound):
    """A way around what the compiler cannot do, of another value."""

    def generator_loss(self, *, fake):
        return F.softplus(-fake).mean() * (2 if torch.compiler.is_compiling() else 1)


@caught_by("no-host-sync", says="it asks a tensor for its value")
class KeepsThePositive(Sound):
    """As many numbers as a mask has ones, which the CPU must know."""

    def discriminator_loss(self, *, real, fake):
        return super().discriminator_loss(real=real, fake=fake) + fake[fake > 0].sum() / fake.numel()


@caught_by("device", says="G's on cpu")
class OfNothing(Sound):
    """A number that hangs on no logit."""

    def generator_loss(self, *, fake):
        return torch.ones((), dtype=fake.dtype, requires_grad=True)


@caught_by("scalar", says="G's value hangs on no logit")
class Detached(Sound):
    """Nothing to learn from."""

    def generator_loss(self, *, fake):
        return F.softplus(-fake.detach()).mean()


@caught_by("protocol", says="which lacks a method of Loss")
class WithoutGenerator(Options):
    """Half of a loss."""

    def discriminator_loss(self, *, real, fake):
        return F.softplus(-real).mean() + F.softplus(fake).mean()


@caught_by("protocol", says="discriminator_loss takes real, fake, weight")
class TakesMore(Sound):
    """What no run gives."""

    def discriminator_loss(self, *, real, fake, weight=1.0):
        return weight * super().discriminator_loss(real=real, fake=fake)


@caught_by("permutation", says="with samples in another order")
class FirstCountsTwice(Sound):
    """One sample is worth more than the others."""

    def generator_loss(self, *, fake):
        return F.softplus(-fake).mean() + F.softplus(-fake[0]).mean()


@caught_by("shapes", says="as a map that is not contiguous")
class WeighsByMemory(Sound):
    """Weights that follow the order in memory."""

    def generator_loss(self, *, fake):
        order = 1 if fake.is_contiguous() else 2
        return order * F.softplus(-fake).mean()


@caught_by("unequal-batches", says="with 3 fakes, or each of them twice")
class CountsTogether(Sound):
    """A mean over real and fake together."""

    def discriminator_loss(self, *, real, fake):
        return 2 * torch.cat([F.softplus(-real).flatten(), F.softplus(fake).flatten()]).mean()


@caught_by("unequal-batches", says="it compares pairs, and D takes 6 real with 3 fake logits")
class PairsAsFarAsThereAre(SoundPaired):
    """Drops what has no partner."""

    def lead(self, real, fake):
        n = min(len(real), len(fake))
        return real[:n] - fake[:n]


@caught_by("unequal-batches", says="it compares pairs, and D takes 6 real with 1 fake logits")
class PairsOneWithAll(SoundPaired):
    """Refuses what torch would refuse itself, and no more."""

    def lead(self, real, fake):
        if 1 != len(real) != len(fake) != 1:
            raise ConfigError("real and fake are compared in pairs")
        return real - fake


@caught_by("unequal-batches", says="it compares pairs, and G takes 6 real with 1 fake logits")
class GeneratorPairsOneWithAll(SoundPaired):
    """Looks at the sizes on D's side only."""

    def generator_loss(self, *, real, fake):
        if len(fake) > 1:
            self.lead(real, fake)
        return F.softplus(real - fake).mean()


class Counting:
    """Grows each time that it is asked."""

    asked = 0

    def discriminator_loss(self, *, real, fake):
        self.asked += 1
        return self.asked * (F.softplus(-real).mean() + F.softplus(fake).mean())

    def generator_loss(self, *, fake):
        return F.softplus(-fake).mean()


@caught_by("deterministic", says="called twice it gives")
class Counts(Options):
    """A weight that grows unseen."""

    def build(self, spec):
        return Counting()


class Weighted:
    def __init__(self, weight):
        self.weight = weight

    def discriminator_loss(self, *, real, fake):
        return self.weight.to(real) * (F.softplus(-real).mean() + F.softplus(fake).mean())

    def generator_loss(self, *, fake):
        return F.softplus(-fake).mean()


@caught_by("deterministic", says="built with another seed it gives")
class DrawnWhenBuilt(Options):
    """A weight that hangs on the seed of the run."""

    def build(self, spec):
        return Weighted(0.5 + torch.rand(()))


@caught_by("pickle", says="after pickling: D and G are")
class ForgetsOnTheWay(SoundAdaptive):
    """Another process starts anew."""

    def build(self, spec):
        return CenteredAnew(self.decay)


class CenteredAnew(Centered):
    def __reduce__(self):
        return CenteredAnew, (self.decay,)


@caught_by("state", says="after_update() leaves no trace in state_dict()")
class SavesNothing(SoundAdaptive):
    """What it has learned is in no checkpoint."""

    def build(self, spec):
        return CenteredUnsaved(self.decay)


class CenteredUnsaved(Centered):
    def state_dict(self):
        return {"decay": torch.tensor(self.decay)}


@caught_by("state", says="load_state_dict() does not restore state_dict()")
class LoadsNothing(SoundAdaptive):
    """What is in the checkpoint stays there."""

    def build(self, spec):
        return CenteredUnloaded(self.decay)


class CenteredUnloaded(Centered):
    def load_state_dict(self, state):
        pass


@caught_by("state", says="with the state loaded: D and G are")
class SavesHalf(SoundAdaptive):
    """Half of what its value hangs on is in no checkpoint."""

    def build(self, spec):
        return CenteredAndScaled(self.decay)


class CenteredAndScaled(Centered):
    updates = 0

    def after_update(self, *, real, fake):
        super().after_update(real=real, fake=fake)
        self.updates += 1

    def generator_loss(self, *, fake):
        return (1 + self.updates) * super().generator_loss(fake=fake)


@caught_by("state", says="state_dict() holds no tensor as center")
class SavesNumbers(SoundAdaptive):
    """A checkpoint holds tensors."""

    def build(self, spec):
        return CenteredAsNumber(self.decay)


class CenteredAsNumber(Centered):
    def state_dict(self):
        return {"center": self.center.item()}

    def load_state_dict(self, state):
        self.center = torch.tensor(state["center"])


@caught_by("equilibrium", says="equilibrium() has the keys real, fake")
class EquilibriumOfSides(Sound):
    """Sides for players."""

    def equilibrium(self):
        return {"real": math.log(2), "fake": math.log(2)}


@caught_by("equilibrium", says="equilibrium() gives g as no float")
class EquilibriumAsTensor(Sound):
    """A tensor for a number."""

    def equilibrium(self):
        return {"d": 2 * math.log(2), "g": torch.tensor(math.log(2))}


@caught_by("diagnostics", says="gap with a graph behind it")
class DiagnosticsWithGraph(Sound):
    """Of something that is learned."""

    def diagnostics(self, *, real, fake):
        return {"gap": (real - fake).mean() * torch.ones((), dtype=real.dtype, requires_grad=True)}


@caught_by("diagnostics", says="diagnostics() changes the logits")
class DiagnosticsInPlace(Sound):
    """The step goes on with other logits wherever something is logged."""

    def diagnostics(self, *, real, fake):
        return {"accuracy/real": real.sub_(1).gt(self.center - 1).float().mean()}


@caught_by("diagnostics", says="diagnostics() draws from, or seeds, the global random numbers of torch")
class DiagnosticsOfSomeSamples(Sound):
    """The run is another where more is logged."""

    def diagnostics(self, *, real, fake):
        return {"some": real[torch.randperm(len(real))[:2]].mean()}


@caught_by("diagnostics", says="gap as nan")
class DiagnosticsWithoutNumber(Sound):
    """A logarithm of what may be negative."""

    def diagnostics(self, *, real, fake):
        return {"gap": (-(real.square().mean())).log()}


@caught_by("options-build", says="margin=0.0) D's value is ")
class Margin(Sound):
    """A divisor that may be 0."""

    margin: float = Field(default=1.0, ge=0, le=5, description="what logits are measured in")

    def discriminator_loss(self, *, real, fake):
        return super().discriminator_loss(real=real / self.margin, fake=fake / self.margin)


@caught_by("options-build", says="temperature=inf) D's value is nan")
class Infinite(Sound):
    """A divisor that may be infinite."""

    temperature: float = Field(default=1.0, gt=0, allow_inf_nan=True, description="what logits are measured in")

    def discriminator_loss(self, *, real, fake):
        scale = self.temperature
        return scale * super().discriminator_loss(real=real / scale, fake=fake / scale) - 2 * scale * math.log(2)


@caught_by("options-build", says="blend=1.0) G's gradient is 0 wherever it was looked for")
class Blend(Sound):
    """A weight that may switch G off."""

    blend: float = Field(default=0.0, ge=0, le=1, description="of nothing")

    def generator_loss(self, *, fake):
        return (1 - self.blend) * super().generator_loss(fake=fake)


@caught_by("options-build", says="power=3) G's value has the shape (6,)")
class ReducedFrom(Sound):
    """A mean with some options only."""

    power: int = Field(default=1, ge=1, le=3, description="of each loss")

    def generator_loss(self, *, fake):
        losses = F.softplus(-fake) ** self.power
        return losses.mean() if self.power < 3 else losses


@caught_by("options-build", says="it lacks the tag batch_nonlinear")
class NonlinearByWeight(Sound):
    """A tag that an option calls for."""

    mix: float = Field(default=0.0, ge=0, le=1, description="how much the gap of the means counts")

    def discriminator_loss(self, *, real, fake):
        return super().discriminator_loss(real=real, fake=fake) + self.mix * (real.mean() - fake.mean()).square()


@caught_by("tag-generator-needs-real", says="is carried")
class SaysItNeedsReal(Sound):
    """The tag, and a generator side that takes fakes alone."""

    def tags(self):
        return frozenset({"generator_needs_real"})


@caught_by("tag-paired", says="is missing")
class PairedWithoutTag(SoundPaired):
    """Batches of different size are refused, and nobody knows."""

    def tags(self):
        return frozenset({"generator_needs_real"})


@caught_by("tag-paired", says="is carried")
class SaysItIsPaired(Sound):
    """The tag, and means."""

    def tags(self):
        return frozenset({"paired"})


@caught_by("tag-saturating", says="is missing")
class SaturatesWithoutTag(Saturating):
    """ln(1 − σ(f)) once more."""


@caught_by("tag-saturating", says="is missing")
class SaturatesLate(Clamped):
    """What is dead for one check is dead for the other."""

    def generator_loss(self, *, fake):
        return F.softplus(-fake.clamp(-500, 500)).mean()


@caught_by("tag-exponential", says="is missing")
class OverflowsWithoutTag(ExponentialWithoutTag):
    """e to the power of a logit once more."""


@caught_by("tag-exponential", says="is carried")
class SaysItOverflows(Sound):
    """The tag, and a softplus."""

    def tags(self):
        return frozenset({"exponential"})


@caught_by("tag-batch-nonlinear", says="is carried")
class SaysItIsNonlinear(Sound):
    """The tag, and means."""

    def tags(self):
        return frozenset({"batch_nonlinear"})


@caught_by("tag-needs-lipschitz", says="is carried")
class SaysItNeedsLipschitz(Sound):
    """The tag, and an objective that ends by itself."""

    def tags(self):
        return frozenset({"needs_lipschitz"})


@caught_by("tag-needs-energy", says="is missing")
class EnergyWithoutTag(Sound):
    """Nothing ends what real logits gain."""

    def discriminator_loss(self, *, real, fake):
        return F.relu(1 + fake).mean() - real.mean()


@caught_by("tag-needs-energy", says="is carried")
class SaysItNeedsEnergy(Sound):
    """The tag, and an objective that ends by itself."""

    def tags(self):
        return frozenset({"needs_energy"})

"""Regularizers, each with one fault that somebody might make. ``FAULTS`` says which check is to catch it."""

from __future__ import annotations

from dataclasses import replace

import torch
import torch.nn.functional as F
from pydantic import Field

from ganzoo.component import Options, RegularizerOptions
from ganzoo.errors import ConfigError
from ganzoo.protocols import Regularizer


class Penalty(RegularizerOptions, Regularizer):
    """Squared slope of the critic at noisy real data; sound."""

    noise: float = Field(default=0.1, ge=0, allow_inf_nan=False, description="of the points around real data")

    def tags(self):
        return frozenset({"limits_slope", "needs_per_sample_independence"})

    def discriminator_terms(self, view):
        return {"penalty": self.squares(view).mean()}

    def squares(self, view):
        return self.gradients(view, self.around(view)).flatten(1).square().sum(1)

    def around(self, view):
        noise = torch.rand(view.real.shape, generator=view.random).to(view.real)
        return view.real + self.noise * noise

    def gradients(self, view, points):
        points = points.detach().requires_grad_()
        judged = view.critic(points, view.real_labels).maps()
        total = sum(logits.reshape(len(points), -1).mean(1).sum() for logits in judged) / len(judged)
        return torch.autograd.grad(total, points, create_graph=True)[0]


class Centered(RegularizerOptions):
    """Holds logits near their running mean; sound."""

    decay: float = Field(default=0.9, ge=0, lt=1, allow_inf_nan=False, description="what the mean keeps of old")

    def tags(self):
        return frozenset({"batch_nonlinear"})

    def build(self, spec):
        return CenteredPart(self.decay)


class CenteredPart(Regularizer):
    """The mean of :class:`Centered`."""

    def __init__(self, decay):
        self.decay, self.mean, self.seen = decay, torch.zeros(()), []

    def discriminator_terms(self, view):
        logits = torch.stack([one.reshape(len(one), -1).mean(1) for one in view.real_output.maps()])
        self.seen.append(logits.detach().mean())
        return {"centered": (logits - self.moved(self.seen[-1])).square().mean()}

    def moved(self, mean):
        return self.mean.to(mean).lerp(mean, 1 - self.decay)

    def after_step(self, player, network):
        if player == "discriminator" and self.seen:
            self.mean = self.moved(torch.stack(self.seen).mean())
            self.seen.clear()

    def state_dict(self):
        return {"mean": self.mean.clone()}

    def load_state_dict(self, state):
        self.mean = state["mean"].clone()


class Likeness(RegularizerOptions, Regularizer):
    """The generator is to make what the critic takes for real; sound."""

    def tags(self):
        return frozenset({"replaces_generator_loss"})

    def generator_terms(self, view):
        return {"likeness": sum(F.softplus(-logits).mean() for logits in view.fake_output.maps())}


class Clip(RegularizerOptions, Regularizer):
    """Clips weights of the critic; sound."""

    def tags(self):
        return frozenset({"limits_slope"})

    @torch.no_grad()
    def after_step(self, player, network):
        if player == "discriminator":
            for parameter in network.parameters():
                parameter.clamp_(-0.1, 0.1)


class Mixed(RegularizerOptions, Regularizer):
    """Mixes each real sample with a fake from anywhere in the batch; sound."""

    def tags(self):
        return frozenset({"batch_nonlinear"})

    def discriminator_terms(self, view):
        order = torch.randperm(len(view.fake), generator=view.random).to(view.fake.device)
        mixed = view.critic((view.real + view.fake[order]) / 2, view.real_labels).maps()
        return {"mixed": torch.stack([logits.reshape(len(order), -1).mean(1) for logits in mixed]).square().mean()}


class PlainOptions(Options, Regularizer):
    """Has neither weight nor interval, as it derives from the wrong options."""

    def discriminator_terms(self, view):
        return {"plain_options": view.real_output.logits.square().mean()}


class Misspelled(RegularizerOptions, Regularizer):
    """Its one method has a name that nobody calls."""

    def discriminator_term(self, view):
        return {"misspelled": view.real_output.logits.square().mean()}


class BuildsNothing(Penalty):
    """Builds a dict in place of a regularizer."""

    def build(self, spec):
        return {}


class TermsInAList(Penalty):
    """Terms without names."""

    def discriminator_terms(self, view):
        return [self.squares(view).mean()]


class NotATensor(Penalty):
    """A plain number."""

    def discriminator_terms(self, view):
        return {"penalty": self.squares(view).mean().item()}


class NumberAsAName(Penalty):
    """A term is called 0."""

    def discriminator_terms(self, view):
        return {0: self.squares(view).mean()}


class OneASample(Penalty):
    """A term for each sample."""

    def discriminator_terms(self, view):
        return {"penalty": self.squares(view)}


class SinglePrecision(Penalty):
    """Comes back in single precision, whatever goes in."""

    def discriminator_terms(self, view):
        return {"penalty": self.squares(view).mean().float()}


class RootOfExcess(Penalty):
    """The root of how far the slope is above 10, which it is not."""

    def discriminator_terms(self, view):
        return {"penalty": (self.squares(view) - 100).sqrt().mean()}


class NumberedTerms(Penalty):
    """A term for each sample, by number."""

    def discriminator_terms(self, view):
        return {f"penalty_{number}": square for number, square in enumerate(self.squares(view))}


class NamedAsTheLoss(Penalty):
    """Takes the name of the loss's own term."""

    def discriminator_terms(self, view):
        return {"adversarial": self.squares(view).mean()}


class NamedInWords(Penalty):
    """A name with a slash, which ``metrics.jsonl`` has for players."""

    def discriminator_terms(self, view):
        return {"d/Squared slope": self.squares(view).mean()}


class Detached(Penalty):
    """Shows the slope and teaches nothing."""

    def discriminator_terms(self, view):
        return {"penalty": self.squares(view).detach().mean() + 0 * view.real_output.logits.sum()}


class NoSecondGraph(Penalty):
    """The gradient is taken without a graph, so its square is a constant."""

    def gradients(self, view, points):
        points = points.detach().requires_grad_()
        return torch.autograd.grad(view.critic(points, view.real_labels).logits.sum(), points)[0]


class TeachesTheGenerator(RegularizerOptions, Regularizer):
    """In the discriminator's step it makes fakes of its own, and G learns from them what it should not."""

    def discriminator_terms(self, view):
        made = view.generate(view.z, view.fake_labels)
        return {"teaches": view.plain_critic(made, view.fake_labels).logits.square().mean()}


class RootAtZero(Penalty):
    """The norm of the gradient, whose own gradient is not a number where the critic is flat."""

    def discriminator_terms(self, view):
        return {"penalty": (self.squares(view).sqrt() - 1).square().mean()}


class RootOfNothing(Penalty):
    """Its value is right, and its gradient never is a number."""

    def discriminator_terms(self, view):
        zero = view.real_output.logits - view.real_output.logits
        return {"penalty": self.squares(view).mean() + zero.square().sum().sqrt()}


class WithoutLabels(Penalty):
    """Asks the critic without labels."""

    def gradients(self, view, points):
        return super().gradients(replace(view, real_labels=None), points)


class LabelsOfFakes(Penalty):
    """Asks the critic of real data with the labels of fakes."""

    def around(self, view):
        return view.real

    def gradients(self, view, points):
        return super().gradients(replace(view, real_labels=view.fake_labels), points)


class Sum(Penalty):
    """Grows with the batch, though it draws random numbers."""

    def discriminator_terms(self, view):
        return {"penalty": self.squares(view).sum()}

    def tags(self):
        return super().tags() | {"batch_nonlinear"}


class NormOfTheBatch(Penalty):
    """One norm over the whole batch in place of one a sample."""

    def discriminator_terms(self, view):
        return {"penalty": self.gradients(view, self.around(view)).norm()}

    def tags(self):
        return super().tags() | {"batch_nonlinear"}


class OneLogitOnly(Penalty):
    """Takes the shape of logits for (N,)."""

    def discriminator_terms(self, view):
        (n,) = view.real_output.logits.shape
        return {"penalty": self.squares(view).sum() / n}


class FirstMapOnly(RegularizerOptions, Regularizer):
    """Looks at the first of several maps alone."""

    def discriminator_terms(self, view):
        return {"first_map": view.real_output.logits.square().mean()}


class FirstMapForG(RegularizerOptions, Regularizer):
    """The same in the generator's step."""

    def generator_terms(self, view):
        return {"first_map": view.fake_output.logits.square().mean()}


class SlopeOfTheFirstMap(Penalty):
    """The slope of the first of several maps alone."""

    def gradients(self, view, points):
        points = points.detach().requires_grad_()
        logits = view.critic(points, view.real_labels).logits
        return torch.autograd.grad(logits.reshape(len(points), -1).mean(1).sum(), points, create_graph=True)[0]


class SumOfPatches(Penalty):
    """Adds up the patches of a sample: twice the patches, four times the penalty."""

    def gradients(self, view, points):
        points = points.detach().requires_grad_()
        total = sum(logits.sum() for logits in view.critic(points, view.real_labels).maps())
        return torch.autograd.grad(total, points, create_graph=True)[0]


class Backward(Penalty):
    """Takes the gradient by backward(), which leaves one at every weight."""

    def gradients(self, view, points):
        points = points.detach().requires_grad_()
        view.critic(points, view.real_labels).logits.sum().backward(retain_graph=True)
        return points.grad


class ClearsGradients(Penalty):
    """Clears the gradients, those of earlier micro-batches among them."""

    def discriminator_terms(self, view):
        view.network.zero_grad()
        return super().discriminator_terms(view)


class ClearsAfterwards(Clip):
    """Clears the gradients after it has clipped."""

    def after_step(self, player, network):
        super().after_step(player, network)
        network.zero_grad()


class LeavesGradientsAtTheData(Penalty):
    """Takes the gradient at the view's real data by backward(), which leaves one there."""

    def discriminator_terms(self, view):
        view.real.requires_grad_()
        total = view.critic(view.real, view.real_labels).logits.sum()
        total.backward(inputs=[view.real], retain_graph=True)
        return super().discriminator_terms(view)


class ClipsTooEarly(Penalty):
    """Clips within the term, before the optimizer has moved."""

    def discriminator_terms(self, view):
        with torch.no_grad():
            for parameter in view.network.parameters():
                parameter.clamp_(-0.1, 0.1)
        return super().discriminator_terms(view)


class LeavesEvaluation(Penalty):
    """Switches the network to evaluation, and never back."""

    def discriminator_terms(self, view):
        view.network.eval()
        return super().discriminator_terms(view)


class ClipsWhatItRemembers(Clip):
    """Clips the network it saw in the discriminator's step, whoever has moved."""

    def build(self, spec):
        return ClipsWhatItRemembersPart()


class ClipsWhatItRemembersPart(Regularizer):
    network: torch.nn.Module | None = None

    def discriminator_terms(self, view):
        self.network = view.network
        return {}

    @torch.no_grad()
    def after_step(self, player, network):
        for parameter in (self.network or network).parameters():
            parameter.clamp_(-0.1, 0.1)


class Freezes(Clip):
    """Freezes what it has clipped."""

    def after_step(self, player, network):
        super().after_step(player, network)
        network.requires_grad_(False)


class NoiseInPlace(Penalty):
    """Adds its noise to the real data themselves."""

    def around(self, view):
        return view.real.add_(self.noise * torch.rand(view.real.shape, generator=view.random).to(view.real))


class AsksForGradients(Penalty):
    """Makes the view's real data ask for gradients, for all that come after."""

    def gradients(self, view, points):
        view.real.requires_grad_()
        return super().gradients(view, points)


class GlobalNoise(Penalty):
    """Draws from the generator of the whole process."""

    def around(self, view):
        return view.real + self.noise * torch.rand_like(view.real)


class NoiseOfNobody(Penalty):
    """Draws from a generator that is seeded by the clock."""

    def around(self, view):
        mine = torch.Generator()
        mine.seed()
        return view.real + self.noise * torch.rand(view.real.shape, generator=mine).to(view.real)


class RandomWhenBuilt(Penalty):
    """Draws its own strength when it is built."""

    def build(self, spec):
        return RandomWhenBuiltPart(torch.rand(()).item())


class RandomWhenBuiltPart(Regularizer):
    def __init__(self, strength):
        self.strength = strength

    def discriminator_terms(self, view):
        return {"random": self.strength * view.real_output.logits.square().mean()}


class WeighsItself(Penalty):
    """Multiplies by the weight, as the step does."""

    def discriminator_terms(self, view):
        return {"penalty": self.weight * self.squares(view).mean()}


class SkipsByItself(Centered):
    """Counts the interval itself."""

    def build(self, spec):
        part = CenteredPart(self.decay)
        plain = part.discriminator_terms
        part.discriminator_terms = lambda view: {} if self.every > 1 else plain(view)
        return part


class Forgets(Centered):
    """Its running mean is in no checkpoint."""

    def build(self, spec):
        return ForgetsPart(self.decay)


class ForgetsPart(CenteredPart):
    def state_dict(self):
        return {}

    def load_state_dict(self, state):
        pass


class ForgetsToCount(Clip):
    """Clips less and less, and starts anew after a resume."""

    def build(self, spec):
        return ForgetsToCountPart()


class ForgetsToCountPart(Regularizer):
    steps = 0

    @torch.no_grad()
    def after_step(self, player, network):
        if player == "discriminator":
            self.steps += 1
            for parameter in network.parameters():
                parameter.clamp_(-0.01 * self.steps, 0.01 * self.steps)


class StateInNumbers(Centered):
    """Its state is a plain number."""

    def build(self, spec):
        return StateInNumbersPart(self.decay)


class StateInNumbersPart(CenteredPart):
    def state_dict(self):
        return {"mean": float(self.mean)}


class LoadsNothing(Centered):
    """Saves its state, and does not load it."""

    def build(self, spec):
        return LoadsNothingPart(self.decay)


class LoadsNothingPart(CenteredPart):
    def load_state_dict(self, state):
        pass


class ReadsTheMean(Centered):
    """Keeps its mean as a plain number, read off the device at every update."""

    def build(self, spec):
        return ReadsTheMeanPart(self.decay)


class ReadsTheMeanPart(CenteredPart):
    def moved(self, mean):
        return torch.tensor(self.mean.item()).to(mean).lerp(torch.tensor(mean.item()).to(mean), 1 - self.decay)


class StaysOnTheCpu(Penalty):
    """Leaves its random numbers where they were drawn."""

    def around(self, view):
        noise = torch.rand(view.real.shape, generator=view.random, dtype=view.real.dtype)
        return view.real + self.noise * noise


class ImagesOnly(Penalty):
    """Asks vectors for their height."""

    def around(self, view):
        n, channels, height, width = view.real.shape
        return super().around(view).view(n, channels, height, width)


class SlowsAdamTooMuch(Penalty):
    """k/(k+1) upside down."""

    def optimizer_correction(self):
        return {"discriminator": (self.every + 1) / self.every}


class CorrectsD(Penalty):
    """Calls the discriminator by its short name."""

    def optimizer_correction(self):
        return {"d": self.every / (self.every + 1)}


class Rewards(Penalty):
    """The sign is wrong: steeper is better."""

    def discriminator_terms(self, view):
        return {"penalty": -self.squares(view).mean()}


class ReplacesWithNothing(Likeness):
    """Takes the place of G's objective, and has none."""

    def generator_terms(self, view):
        return {}

    def discriminator_terms(self, view):
        return {"likeness": view.fake_output.logits.square().mean()}


class ReplacesDWithNothing(RegularizerOptions, Regularizer):
    """Takes the place of D's objective, and has none."""

    def tags(self):
        return frozenset({"replaces_discriminator_loss"})

    def generator_terms(self, view):
        return {"likeness": -view.fake_output.logits.mean()}


class NeedsFeaturesInSecret(RegularizerOptions, Regularizer):
    """Compares features, and does not say so."""

    def generator_terms(self, view):
        if not view.fake_output.features:
            raise ConfigError("needs features")
        return {"features": view.fake_output.features[-1].square().mean()}


class NeedsEmbeddingsInSecret(RegularizerOptions, Regularizer):
    """Looks at embeddings, and does not say so."""

    def generator_terms(self, view):
        if view.fake_output.embedding is None:
            raise ConfigError("needs an embedding")
        return {"embeddings": view.fake_output.embedding.square().mean()}


class CrashesWithoutClasses(RegularizerOptions, Regularizer):
    """Its need of class logits is no ConfigError but a crash."""

    def tags(self):
        return frozenset({"needs_class_logits", "needs_labels"})

    def discriminator_terms(self, view):
        if view.real_labels is None:
            raise ConfigError("needs labels")
        return {"classes": F.cross_entropy(view.real_output.class_logits, view.real_labels)}


class ClaimsToNeedLabels(Penalty):
    """Asks for labels that it does not look at."""

    def tags(self):
        return super().tags() | {"needs_labels"}


class LooksAtRealInSecret(RegularizerOptions, Regularizer):
    """Needs real data judged in the generator's step, and does not say so."""

    def generator_terms(self, view):
        if view.real_output is None:
            raise ConfigError("needs real_output")
        return {"looks": (view.fake_output.logits.mean() - view.real_output.logits.mean()).square()}


class NeedsStyleInSecret(RegularizerOptions, Regularizer):
    """Looks at styles, and does not say so."""

    def generator_terms(self, view):
        if not hasattr(view.network, "mapping"):
            raise ConfigError("needs a style")
        return {"style": view.network.mapping(view.z, view.fake_labels).square().mean()}


class NeedsTheGeneratorInSecret(RegularizerOptions, Regularizer):
    """Makes further fakes, and does not say so."""

    def discriminator_terms(self, view):
        if view.z is None or view.generate is None:
            raise ConfigError("needs the generator")
        return {"further": (view.fake - view.generate(-view.z, view.fake_labels).detach()).mean()}


class CrashesWithoutTheGenerator(RegularizerOptions, Regularizer):
    """Looks at the generator's weights, and takes it that they are at hand."""

    def generator_terms(self, view):
        return {"weights": sum(weight.square().sum() for weight in view.network.parameters())}


class ClaimsToNeedTheGenerator(Penalty):
    """Says that it needs the generator, and does without."""

    def tags(self):
        return super().tags() | {"needs_generator"}


class ClaimsToNeedAPair(Penalty):
    """Says that it cannot work on a single sample, and can."""

    def tags(self):
        return super().tags() | {"needs_two_samples"}


class ImagesInSecret(Penalty):
    """Refuses vectors, and does not say so."""

    def build(self, spec):
        if len(spec.shape) != 3:
            raise ConfigError("needs images")
        return self


class CouplesInSecret(Penalty):
    """Takes the gradient at each sample, and does not say so."""

    def tags(self):
        return frozenset({"limits_slope"})


class NonlinearInSecret(Centered):
    """Compares with the mean of the batch, and does not say so."""

    def tags(self):
        return frozenset()


FAULTS = [
    (PlainOptions, "protocol", "not derived from RegularizerOptions"),
    (BuildsNothing, "protocol", "returns dict"),
    (Misspelled, "protocol", "has none of discriminator_terms"),
    (TermsInAList, "scalars", "returns list"),
    (NotATensor, "scalars", "as float, not as a tensor"),
    (NumberAsAName, "scalars", "gives 0, which is not text"),
    (OneASample, "scalars", "of shape (4,)"),
    (SinglePrecision, "scalars", "as torch.float32 for images of torch.float64"),
    (RootOfExcess, "scalars", "'penalty' = nan"),
    (NumberedTerms, "names", "names depend on the batch"),
    (NamedAsTheLoss, "names", "a term is called 'adversarial'"),
    (NamedInWords, "names", "a term is called 'd/Squared slope'"),
    (Detached, "gradient", "has no gradient to discriminator's network"),
    (NoSecondGraph, "gradient", "has no gradient to discriminator's network"),
    (TeachesTheGenerator, "gradient", "teaches the other player"),
    (RootAtZero, "finite-gradient", "for a critic of slope 0"),
    (RootOfNothing, "finite-gradient", "for a critic of slope 1 "),
    (WithoutLabels, "labels", "without labels"),
    (LabelsOfFakes, "labels", "of real data with labels that are not theirs"),
    (Sum, "duplicated-batch", "with every sample twice"),
    (NormOfTheBatch, "duplicated-batch", "with every sample twice"),
    (OneLogitOnly, "logit-maps", "too many values to unpack"),
    (FirstMapOnly, "extra-logits", "in discriminator's step first_map depends on logits and ignores extra_logits"),
    (FirstMapForG, "extra-logits", "in generator's step first_map depends on logits and ignores extra_logits"),
    (SlopeOfTheFirstMap, "extra-logits", "in discriminator's step penalty depends on logits"),
    (SumOfPatches, "patch-count", "all patches alike"),
    (Backward, "gradients-untouched", "discriminator_terms() changes .grad"),
    (ClearsGradients, "gradients-untouched", "discriminator_terms() changes .grad"),
    (ClearsAfterwards, "gradients-untouched", "after_step('discriminator', …) changes .grad"),
    (LeavesGradientsAtTheData, "gradients-untouched", "leaves a .grad at what the view holds"),
    (ClipsTooEarly, "networks-untouched", "changes body.weight"),
    (LeavesEvaluation, "networks-untouched", "changes the mode of the whole"),
    (ClipsWhatItRemembers, "projection", "of the other player"),
    (Freezes, "projection", "changes which parameters learn"),
    (NoiseInPlace, "inputs-unmodified", "changes real of the view"),
    (AsksForGradients, "inputs-unmodified", "changes requires_grad of real"),
    (GlobalNoise, "random", "random numbers of torch"),
    (NoiseOfNobody, "random", "with the same random numbers gives other terms"),
    (RandomWhenBuilt, "random", "build() draws"),
    (WeighsItself, "weight-outside", "with another weight and every=3 'penalty' is"),
    (SkipsByItself, "weight-outside", "there is no 'centered'"),
    (Forgets, "state", "it goes on otherwise: 'centered'"),
    (ForgetsToCount, "state", "it goes on otherwise: body.weight of the discriminator"),
    (StateInNumbers, "state", "holds mean as float"),
    (LoadsNothing, "state", "does not restore mean"),
    (ReadsTheMean, "no-host-sync", ".item() cannot be called"),
    (StaysOnTheCpu, "no-host-sync", "not on the expected device meta"),
    (ImagesOnly, "vectors", "not enough values to unpack"),
    (SlowsAdamTooMuch, "optimizer-correction", "gives discriminator c = 2.0"),
    (CorrectsD, "optimizer-correction", "names 'd'"),
    (Rewards, "slope", "a critic of slope"),
    (ReplacesWithNothing, "generator-term", "gives it no term"),
    (ReplacesDWithNothing, "discriminator-term", "replaces the discriminator's loss"),
    (NeedsFeaturesInSecret, "tag-needs-features", "is missing"),
    (NeedsEmbeddingsInSecret, "tag-needs-embedding", "is missing"),
    (CrashesWithoutClasses, "tag-needs-class-logits", "without class logits it raises TypeError"),
    (ClaimsToNeedLabels, "tag-needs-labels", "is carried"),
    (LooksAtRealInSecret, "tag-needs-real-output", "is missing"),
    (NeedsStyleInSecret, "tag-needs-style", "is missing"),
    (NeedsTheGeneratorInSecret, "tag-needs-generator", "is missing"),
    (CrashesWithoutTheGenerator, "tag-needs-generator", "without the generator it raises AttributeError"),
    (ClaimsToNeedTheGenerator, "tag-needs-generator", "is carried"),
    (ClaimsToNeedAPair, "tag-needs-two-samples", "is carried"),
    (ImagesInSecret, "tag-needs-images", "is missing"),
    (CouplesInSecret, "tag-needs-per-sample-independence", "is missing"),
    (NonlinearInSecret, "tag-batch-nonlinear", "is missing"),
]

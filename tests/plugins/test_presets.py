"""Presets: each against the values that its source's definition gives, written out here."""

from __future__ import annotations

import copy

import pytest
import torch
import yaml
from torch import nn
from torch.nn import functional as F

import ganzoo
from ganzoo.errors import ConfigError, UnknownNameError
from ganzoo.planning.presets import settings
from ganzoo.registry import Registry
from ganzoo.seeds import generator_for
from ganzoo.training.drop_in import seed_of

PRESETS = {entry.name: entry for entry in Registry.load(plugins=False).entries("preset")}
AUDIO = {"bigvgan", "dac", "encodec", "hifigan", "vocos"}
CONDITIONAL = {"pix2pix", "pix2pixhd", "spade"}
AT_ONCE = {"start": 0, "generator_start": 0, "optimizer": lambda parameters: torch.optim.SGD(parameters, lr=0.0)}


class Tiny(nn.Module):
    """Two maps with two layers of features each, where a preset has several scales; else one."""

    def __init__(self, *, maps=1):
        super().__init__()
        self.layers = nn.ModuleList(nn.ModuleList([nn.Conv2d(3, 4, 3), nn.Conv2d(4, 1, 3)]) for _ in range(maps))

    def forward(self, images):
        found = []
        for first, last in self.layers:
            features = torch.tanh(first(images))
            found.append((3 * last(features), [features]))
        return found


def case(name, *, maps=1, **changes):
    """The preset with a tiny critic from its first step; the critic in float64, real and fake, and their logits."""
    torch.manual_seed(0)
    critic = Tiny(maps=maps).double()
    given = {**AT_ONCE, "discriminators": {"tiny": critic}, **changes}
    conditional = {"condition_channels": 0} if name in CONDITIONAL else {}
    adversary = ganzoo.adversary(name, shape=(3, 12, 12), **conditional, **given)
    random = torch.Generator().manual_seed(1)
    real, fake = (torch.randn(4, 3, 12, 12, generator=random, dtype=torch.float64) for _ in range(2))
    return adversary, copy.deepcopy(critic), real, fake


def values(adversary, real, fake, **given):
    """D's objective without the critics' weights, and what is added to G's loss."""
    pushed = adversary.generator_loss(fake, real=real, **given)
    logs = adversary.update(fake=fake, real=real)
    return logs["tiny/adversarial"].item(), pushed


def logits(critic, data):
    return [out for out, _ in critic(data)]


def half_hinge(r, f):
    return 0.5 * (F.relu(1 - r).mean() + F.relu(1 + f).mean()).item()


def adaptive(critic, fake, weight, reference, epsilon):
    """λ by a second backward pass through the whole, as taming-transformers does it."""
    decoded = weight * fake
    of_rec = torch.autograd.grad(reference(decoded), weight)[0].norm()
    of_adv = torch.autograd.grad(-logits(critic, weight * fake)[0].mean(), weight)[0].norm()
    return (of_rec / (of_adv + epsilon)).clamp(0, 1e4).item()


@pytest.mark.parametrize(
    ("name", "factor", "epsilon", "start", "generator_start", "betas"),
    [
        ("vqgan", 0.8, 1e-4, 250_001, None, (0.5, 0.9)),
        ("ldm", 0.5, 1e-4, 50_001, None, (0.5, 0.9)),
        ("rae", 0.75, 1e-6, 15_012, 20_016, (0.9, 0.95)),
    ],
)
def test_tokenizers_with_an_adaptive_weight(name, factor, epsilon, start, generator_start, betas):
    adversary, critic, real, fake = case(name, augment={})
    weight = torch.full((1,), 0.7, dtype=torch.float64, requires_grad=True)

    def reference(decoded):
        return (decoded - real).abs().mean()

    decoded = weight * fake
    d, pushed = values(adversary, real, decoded, reference=reference(decoded), last_layer=weight)
    [r], [f] = logits(critic, real), logits(critic, decoded)
    assert d == pytest.approx(half_hinge(r, f), rel=1e-9)
    weighted = -f.mean().item() * factor * adaptive(critic, fake, weight, reference, epsilon)
    assert pushed.total.item() == pytest.approx(weighted, rel=1e-9)
    said = settings(PRESETS[name])
    assert (said.start, said.generator_start, said.optimizer.betas) == (start, generator_start, betas)


def test_llamagen():
    adversary, critic, real, fake = case("llamagen")
    d, pushed = values(adversary, real, fake)
    [r], [f] = logits(critic, real), logits(critic, fake)
    assert d == pytest.approx(half_hinge(r, f), rel=1e-9)
    assert pushed.total.item() == pytest.approx(-0.5 * f.mean().item(), rel=1e-9)
    said = settings(PRESETS["llamagen"])
    assert (said.start, said.clip_grad_norm, said.optimizer.lr, said.optimizer.betas) == (20_000, 1, 1e-4, (0.9, 0.95))


def test_open_magvit2():
    adversary, critic, real, fake = case("open-magvit2")
    pushed = adversary.generator_loss(fake)
    logs = adversary.update(fake=fake, real=real)
    [r], [f] = logits(critic, real), logits(critic, fake)
    assert logs["tiny/adversarial"].item() == pytest.approx(half_hinge(r, f), rel=1e-9)
    of_map = f.mean((1, 2, 3))
    assert pushed.total.item() == pytest.approx(0.1 * torch.log1p(torch.exp(-of_map)).mean().item(), rel=1e-9)
    # The averages are 0, and take in this batch before the term.
    of_real, of_fake = 0.001 * r.mean(), 0.001 * f.mean()
    lecam = F.relu(r - of_fake).square().mean() + F.relu(of_real - f).square().mean()
    assert logs["tiny/lecam"].item() == pytest.approx(0.05 * lecam.item(), rel=1e-6)


def test_pix2pix():
    adversary, critic, real, fake = case("pix2pix")
    d, pushed = values(adversary, real, fake)
    [r], [f] = logits(critic, real), logits(critic, fake)
    ones, zeros = torch.ones_like(r), torch.zeros_like(f)
    bce = F.binary_cross_entropy_with_logits
    assert d == pytest.approx(0.5 * (bce(r, ones) + bce(f, zeros)).item(), rel=1e-9)
    assert pushed.total.item() == pytest.approx(bce(f, ones).item(), rel=1e-9)


def test_cyclegan():
    adversary, critic, real, fake = case("cyclegan")
    pushed = adversary.generator_loss(fake, real=real)
    logs = adversary.update(fake=fake, real=real)
    [r], [f] = logits(critic, real), logits(critic, fake)
    d = 0.5 * ((r - 1) ** 2).mean().item() + 0.5 * (f**2).mean().item()
    assert logs["tiny/adversarial"].item() == pytest.approx(d, rel=1e-9)
    assert pushed.total.item() == pytest.approx(((f - 1) ** 2).mean().item(), rel=1e-9)
    # The best critic says ½ where it cannot tell, and D is right on either side of that.
    shares = (r > 0.5).float().mean().item(), (f < 0.5).float().mean().item()
    assert (logs["tiny/accuracy/real"].item(), logs["tiny/accuracy/fake"].item()) == pytest.approx(shares)
    assert settings(PRESETS["cyclegan"]).pool == 50
    assert len(adversary.get_extra_state()["pool"]) == 4


def test_pix2pixhd():
    adversary, critic, real, fake = case("pix2pixhd", maps=2)
    d, pushed = values(adversary, real, fake)
    rs, fs = logits(critic, real), logits(critic, fake)
    assert d == pytest.approx(
        sum(0.5 * (((r - 1) ** 2).mean() + (f**2).mean()).item() for r, f in zip(rs, fs, strict=True)), rel=1e-9
    )
    features = sum((a - b).abs().mean().item() for (_, [a]), (_, [b]) in zip(critic(real), critic(fake), strict=True))
    adversarial = sum(((f - 1) ** 2).mean().item() for f in fs)
    scales, layers = 2, 3
    matching = 10 * (1 / scales) * (4 / (layers + 1)) * features
    assert pushed.total.item() == pytest.approx(adversarial + matching, rel=1e-9)


def test_spade():
    adversary, critic, real, fake = case("spade", maps=2)
    d, pushed = values(adversary, real, fake)
    rs, fs = logits(critic, real), logits(critic, fake)
    assert d == pytest.approx(sum(2 * half_hinge(r, f) for r, f in zip(rs, fs, strict=True)) / 2, rel=1e-9)
    features = sum((a - b).abs().mean().item() for (_, [a]), (_, [b]) in zip(critic(real), critic(fake), strict=True))
    assert pushed.total.item() == pytest.approx(sum(-f.mean().item() for f in fs) / 2 + 10 / 2 * features, rel=1e-9)


def test_esrgan():
    adversary, critic, real, fake = case("esrgan")
    adversary.optimizer.param_groups[0]["lr"] = 1.0
    fake.requires_grad_()
    d, pushed = values(adversary, real, fake)
    [r], [f] = logits(critic, real), logits(critic, fake)
    bce, ones, zeros = F.binary_cross_entropy_with_logits, torch.ones_like(r), torch.zeros_like(f)
    of_d = 0.5 * (bce(r - f.mean().detach(), ones) + bce(f - r.mean().detach(), zeros))
    assert d == pytest.approx(of_d.item(), rel=1e-9)
    expected = torch.autograd.grad(of_d, critic.layers[0][1].weight)[0]
    moved = critic.layers[0][1].weight - adversary.discriminators["tiny"].layers[0][1].weight
    torch.testing.assert_close(moved, expected)
    of_g = 5e-3 * 0.5 * (bce(r.detach() - f.mean(), zeros) + bce(f - r.detach().mean(), ones))
    assert pushed.total.item() == pytest.approx(of_g.item(), rel=1e-9)
    [at_fake] = torch.autograd.grad(pushed.total, fake)
    [f] = logits(critic, fake)
    of_g = 5e-3 * 0.5 * (bce(r.detach() - f.mean(), zeros) + bce(f - r.detach().mean(), ones))
    torch.testing.assert_close(at_fake, torch.autograd.grad(of_g, fake)[0])


def test_real_esrgan():
    adversary, critic, real, fake = case("real-esrgan")
    d, pushed = values(adversary, real, fake)
    [r], [f] = logits(critic, real), logits(critic, fake)
    bce = F.binary_cross_entropy_with_logits
    assert d == pytest.approx((bce(r, torch.ones_like(r)) + bce(f, torch.zeros_like(f))).item(), rel=1e-9)
    assert pushed.total.item() == pytest.approx(0.1 * bce(f, torch.ones_like(f)).item(), rel=1e-9)


@pytest.mark.parametrize(
    ("name", "critic"), [("esrgan", "vgg-style"), ("real-esrgan", "unet-sn"), ("open-magvit2", "patchgan-blur")]
)
def test_its_critic_is_that_of_the_work(name, critic):
    assert [options["name"] for options in yaml.safe_load(PRESETS[name].file_text())["discriminators"].values()] == [
        critic
    ]


def test_the_critic_of_open_magvit2_has_the_width_of_its_setting():
    # disc_hidden_channels 128, disc_num_stages 3 and blur_resample: weights and biases of all convolutions and norms.
    convolutions = [(3, 128, 5), (128, 128, 3), (128, 256, 3), (256, 512, 3), (512, 512, 1), (512, 1, 5)]
    counted = sum(k * k * i * o + o for i, o, k in convolutions) + 2 * (128 + 256 + 512)
    critic = ganzoo.adversary("open-magvit2", shape=(3, 32, 32)).discriminators["patch"]
    assert sum(one.numel() for one in critic.parameters()) == counted
    assert yaml.safe_load(PRESETS["open-magvit2"].file_text())["discriminators"]["patch"]["halving"] == "blur"


def test_monai_autoencoder():
    adversary, critic, real, fake = case("monai-autoencoder")
    d, pushed = values(adversary, real, fake)
    [r], [f] = logits(critic, real), logits(critic, fake)
    mse = F.mse_loss
    assert d == pytest.approx(0.5 * (mse(f, torch.zeros_like(f)) + mse(r, torch.ones_like(r))).item(), rel=1e-9)
    assert pushed.total.item() == pytest.approx(0.01 * mse(f, torch.ones_like(f)).item(), rel=1e-9)


def test_afm():
    adversary, critic, real, fake = case("afm")
    pushed = adversary.generator_loss(fake, real=real)
    logs = adversary.update(fake=fake, real=real)
    [r], [f] = logits(critic, real), logits(critic, fake)
    assert logs["tiny/adversarial"].item() == pytest.approx(F.softplus(-(r - f)).mean().item(), rel=1e-9)
    assert logs["tiny/centering"].item() == pytest.approx(0.01 * (r + f).square().mean().item(), rel=1e-9)
    for term, data in (("r1", real), ("r2", fake)):
        random = generator_for(seed_of(0, "tiny"), 0, f"discriminator/{term}")
        noise = torch.randn(data[0].shape, generator=random).double()  # of the first quarter, one of four
        [here], [there] = logits(critic, data[:1]), logits(critic, data[:1] + 0.01 * noise)
        squared = ((there.mean() - here.mean()) / 0.01) ** 2
        assert logs[f"tiny/{term}"].item() == pytest.approx(0.25 * squared.item(), rel=1e-9)
    # At the first step the running mean is this step's: the gradient has the norm of a mean over elements.
    assert pushed.gradient_norm.item() == pytest.approx(fake.numel() ** -0.5, rel=1e-5)


def two(name, names, *, maps=(2, 2)):
    """The preset with two tiny critics, copies of them, and real and fake data."""
    torch.manual_seed(0)
    critics = {one: Tiny(maps=number).double() for one, number in zip(names, maps, strict=True)}
    copies = copy.deepcopy(critics)
    adversary = ganzoo.adversary(name, shape=(3, 12, 12), **AT_ONCE, discriminators=critics)
    random = torch.Generator().manual_seed(1)
    real, fake = (torch.randn(4, 3, 12, 12, generator=random, dtype=torch.float64) for _ in range(2))
    return adversary, copies, real, fake


def squares_without_half(critics, real, fake):
    """D and G of least squares and the distance of features, each added over all maps of all critics."""
    pairs = [pair for critic in critics for pair in zip(critic(real), critic(fake), strict=True)]
    d = sum(((1 - r) ** 2).mean() + (f**2).mean() for (r, _), (f, _) in pairs)
    g = sum(((1 - f) ** 2).mean() for _, (f, _) in pairs)
    features = sum((a - b).abs().mean() for (_, rs), (_, fs) in pairs for a, b in zip(rs, fs, strict=True))
    return d.item(), g.item(), features.item()


@pytest.mark.parametrize(
    ("name", "names", "lr", "clip"),
    [
        ("hifigan", ("period", "scale"), 2e-4, None),
        ("bigvgan", ("period", "resolutions"), 1e-4, 1000.0),
        ("dac", ("all",), 1e-4, 10.0),
    ],
)
def test_vocoders_and_codecs_of_least_squares(name, names, lr, clip):
    adversary, critics, real, fake = two(name, names, maps=(2, 3)[: len(names)])
    pushed = adversary.generator_loss(fake, real=real)
    logs = adversary.update(fake=fake, real=real)
    d, g, features = squares_without_half(critics.values(), real, fake)
    assert sum(logs[f"{one}/adversarial"].item() for one in names) == pytest.approx(d, rel=1e-9)
    assert pushed.total.item() == pytest.approx(g + 2 * features, rel=1e-9)
    said = settings(PRESETS[name])
    assert (said.optimizer.name, said.optimizer.lr, said.optimizer.betas) == ("adamw", lr, (0.8, 0.99))
    assert (said.optimizer.weight_decay, said.clip_grad_norm) == (0.01, clip)
    assert list(said.discriminators) == list(names)


def test_vocos():
    adversary, critics, real, fake = two("vocos", ("period", "bands"), maps=(2, 3))
    pushed = adversary.generator_loss(fake, real=real)
    logs = adversary.update(fake=fake, real=real)
    expected = 0.0
    for (name, critic), weight in zip(critics.items(), (1.0, 0.1), strict=True):
        pairs = list(zip(critic(real), critic(fake), strict=True))
        d = sum((F.relu(1 - r).mean() + F.relu(1 + f).mean()).item() for (r, _), (f, _) in pairs) / len(pairs)
        g = sum(F.relu(1 - f).mean().item() for _, (f, _) in pairs) / len(pairs)
        matching = sum((a - b).abs().mean().item() for (_, [a]), (_, [b]) in pairs) / len(pairs)
        assert logs[f"{name}/adversarial"].item() == pytest.approx(d, rel=1e-9)
        expected += weight * (g + matching)
    assert pushed.total.item() == pytest.approx(expected, rel=1e-9)
    # Both sides by the same weight: the gradient of the bands' critic is a tenth.
    assert adversary.settings.critic_weights == {"bands": 0.1}
    said = settings(PRESETS["vocos"])
    assert (said.optimizer.lr, said.optimizer.betas) == (5e-4, (0.8, 0.9))


def test_encodec():
    adversary, critic, real, fake = case("encodec", maps=3)
    fake.requires_grad_()
    reference = (fake - real).abs().mean()
    d, pushed = values(adversary, real, fake, reference=reference)
    pairs = list(zip(critic(real), critic(fake), strict=True))
    assert d == pytest.approx(sum(2 * half_hinge(r, f) for (r, _), (f, _) in pairs) / 3, rel=1e-9)
    of_g = sum(-f.mean() + (a.detach() - b).abs().mean() for (_, [a]), (f, [b]) in pairs) / 3
    raw = torch.autograd.grad(of_g, fake, retain_graph=True)[0].norm()
    own = torch.autograd.grad(reference, fake, retain_graph=True)[0].norm()
    # Weights 4 and 4 beside 0.1 and 2: together 8/2.1 times the norm of the gradient of one's own loss.
    assert pushed.total.item() == pytest.approx((8 / 2.1 * own / raw * of_g).item(), rel=1e-9)
    at_fakes = torch.autograd.grad(pushed.total, fake)[0].norm()
    assert at_fakes.item() == pytest.approx((8 / 2.1 * own).item(), rel=1e-9)
    said = settings(PRESETS["encodec"])
    assert (said.optimizer.lr, said.optimizer.betas, said.optimizer.name) == (3e-4, (0.5, 0.9), "adam")


def test_the_critics_of_audio_presets_are_those_of_their_sources():
    """Weights of published sizes, on a device without memory."""
    sizes = {"bigvgan": 41_386_672, "dac": 42_519_760, "encodec": 472_330, "hifigan": 70_724_591, "vocos": 42_519_760}
    for name, size in sizes.items():
        with torch.device("meta"):
            adversary = ganzoo.adversary(name, shape=(1, 8192))
        assert sum(weight.numel() for weight in adversary.parameters()) == size


N_LAYER = [(64, 2), (128, 2), (256, 2), (512, 1), (1, 1)]
"""Width and stride of each convolution in the critic of pix2pix's code, and of those that took it over."""


@pytest.mark.parametrize(
    ("name", "layers"),
    [
        ("pix2pix", N_LAYER),  # NLayerDiscriminator, n_layers 3
        ("cyclegan", N_LAYER),  # the same
        ("vqgan", N_LAYER),  # disc_num_layers 3
        ("ldm", N_LAYER),
        ("llamagen", N_LAYER),
        ("monai-autoencoder", N_LAYER),  # num_layers_d 3 behind the first; the last of these has stride 1
        ("pix2pixhd", 2 * N_LAYER),  # num_D 2, n_layers_D 3
        ("spade", 2 * N_LAYER),  # num_D 2, n_layers_D 4, which counts the one of stride 1
    ],
)
def test_convolutions_are_as_wide_and_as_far_apart_as_in_the_source(name, layers):
    conditional = {"condition_channels": 1} if name in CONDITIONAL else {}
    with torch.device("meta"):
        adversary = ganzoo.adversary(name, shape=(3, 64, 64), **conditional)
    found = [one for one in adversary.modules() if isinstance(one, nn.Conv2d)]
    assert [(one.out_channels, one.stride) for one in found] == [(width, (step, step)) for width, step in layers]
    assert {one.kernel_size for one in found} == {(4, 4)}


@pytest.mark.parametrize(
    ("name", "biases"),
    [("pix2pix", [True, False, False, False, True]), ("cyclegan", [True] * 5), ("pix2pixhd", [True] * 10)],
)
def test_convolutions_have_a_bias_where_those_of_the_source_have(name, biases):
    """None where BatchNorm follows, which has one; InstanceNorm without parameters has none."""
    conditional = {"condition_channels": 1} if name in CONDITIONAL else {}
    with torch.device("meta"):
        adversary = ganzoo.adversary(name, shape=(3, 64, 64), **conditional)
    assert [one.bias is not None for one in adversary.modules() if isinstance(one, nn.Conv2d)] == biases


def test_the_smallest_pictures_of_spade():
    ganzoo.adversary("spade", shape=(3, 47, 47), condition_channels=1)
    with pytest.raises(ConfigError, match="no logit on scale 2"):
        ganzoo.adversary("spade", shape=(3, 46, 46), condition_channels=1)


@pytest.mark.parametrize("name", sorted(PRESETS.keys() - AUDIO))
def test_it_trains_with_its_own_critic(name):
    torch.manual_seed(0)
    side = 64
    conditional = {"condition_channels": 1} if name in CONDITIONAL else {}
    adversary = ganzoo.adversary(name, shape=(3, side, side), **conditional, start=0, generator_start=0)
    given = {"condition": torch.randn(2, 1, side, side)} if conditional else {}
    weight = torch.ones((), requires_grad=True)
    real, fake = torch.randn(2, 3, side, side), weight * torch.randn(2, 3, side, side)
    reference = (fake - real).abs().mean()
    pushed = adversary.generator_loss(fake, real=real, reference=reference, last_layer=weight, **given)
    (reference + pushed.total).backward()
    before = [parameter.detach().clone() for parameter in adversary.parameters()]
    adversary.update(fake=fake, real=real, **given)
    assert weight.grad.isfinite()
    assert any(not torch.equal(*pair) for pair in zip(before, adversary.parameters(), strict=True))


@pytest.mark.parametrize("name", PRESETS)
def test_its_head_says_where_it_differs(name):
    assert "# Differences from the code" in PRESETS[name].file_text()


class TestAsking:
    def test_an_unknown_preset(self):
        with pytest.raises(UnknownNameError, match="vqgan"):
            ganzoo.adversary("vqgam", shape=(3, 64, 64))

    def test_what_its_file_says_wrongly_is_told_in_words(self):
        with pytest.raises(ConfigError, match="optimizer"):
            ganzoo.adversary("vqgan", shape=(3, 64, 64), optimizer={"name": "adam", "lr": -1.0})

    def test_an_unknown_change(self):
        with pytest.raises(ConfigError, match="did you mean 'weight'"):
            ganzoo.adversary("vqgan", shape=(3, 64, 64), wieght=1.0)

    def test_a_condition_whose_channels_nobody_said(self):
        with pytest.raises(ConfigError, match="condition_channels"):
            ganzoo.adversary("pix2pix", shape=(3, 64, 64))

    def test_changes_take_the_place_of_what_it_says(self):
        adversary = ganzoo.adversary(
            "vqgan",
            shape=(3, 16, 16),
            discriminators={"small": {"name": "patchgan-sn", "ndf": 4}},
            optimizer={"name": "adamw", "lr": 1e-3},
            weight=0.2,
            start=7,
        )
        assert isinstance(adversary.optimizer, torch.optim.AdamW)
        assert adversary.optimizer.param_groups[0]["lr"] == 1e-3
        assert (adversary.timing.start, adversary.settings.weight) == (7, 0.2)
        assert list(adversary.discriminators) == ["small"]

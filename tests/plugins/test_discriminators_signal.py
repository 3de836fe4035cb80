"""Critics of signals: weights counted by hand, views and maps written out once more, fields by gradient."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from ganzoo_discriminators.ensemble import Ensemble
from ganzoo_discriminators.period import Period
from ganzoo_discriminators.scale import Scale
from ganzoo_discriminators.spectrogram import spectrum
from ganzoo_discriminators.stft import Stft
from ganzoo_discriminators.stft_bands import StftBands
from ganzoo_discriminators.stft_complex import StftComplex
from pydantic import ValidationError

import ganzoo
from ganzoo.errors import ConfigError
from ganzoo.protocols import DataSpec

SMALL = {
    "period": Period(ndf=2),
    "scale": Scale(ndf=4),
    "stft": Stft(ndf=2, resolutions=((64, 10, 40), (32, 8, 32))),
    "stft-complex": StftComplex(ndf=2, n_ffts=(64, 32)),
    "stft-bands": StftBands(ndf=2, n_ffts=(64, 32)),
    "ensemble": Ensemble(ndf=2, critics={"period": {}, "stft": {"resolutions": [[64, 10, 40]]}}),
}


def built(options, length=256, *, channels=1, dtype=torch.float64):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return options.build(DataSpec(shape=(channels, length))).to(dtype).eval()


def on_meta(options, length=8192, *, channels=1):
    with torch.device("meta"):
        return options.build(DataSpec(shape=(channels, length)))


def signal(length=256, *, n=2, channels=1, seed=0):
    random = torch.Generator().manual_seed(seed)
    return torch.rand(n, channels, length, generator=random, dtype=torch.float64) * 2 - 1


def weights(network):
    return sum(parameter.numel() for parameter in network.parameters())


def normed(*layers):
    """Weights of convolutions, given as (in of a group, out, kernel): with a bias and the length of each output."""
    return sum(inside * out * kernel + 2 * out for inside, out, kernel in layers)


OF_PERIOD = normed((1, 32, 5), (32, 128, 5), (128, 512, 5), (512, 1024, 5), (1024, 1024, 5), (1024, 1, 3))
OF_SCALE = normed(
    (1, 128, 15),
    (128 // 4, 128, 41),
    (128 // 16, 256, 41),
    (256 // 16, 512, 41),
    (512 // 16, 1024, 41),
    (1024 // 16, 1024, 41),
    (1024, 1024, 5),
    (1024, 1, 3),
)
ENDS = 128 + 128 + 256 + 512 + 1024 + 1024 + 1024 + 1
"""Outputs of a critic of a scale: spectral norm has no length for each."""
LATER = [*[(32, 32, 27)] * 3, (32, 32, 9)]


@pytest.mark.parametrize(
    ("options", "expected", "published"),
    [
        (Period(), 5 * OF_PERIOD, 41_105_770),
        (Scale(), 3 * OF_SCALE - ENDS, 29_618_821),
        (Scale(norm="weight"), 3 * OF_SCALE, 29_622_918),
        (Stft(), 3 * normed((1, 32, 27), *LATER, (32, 1, 9)), 280_902),
        (StftComplex(), 5 * (normed((2, 32, 27), *LATER, (32, 1, 9)) - 32), 472_330),
        (StftBands(), 3 * (5 * normed((2, 32, 27), *LATER) + normed((32, 1, 9))), 1_413_990),
        (Ensemble(), 5 * OF_PERIOD + 3 * OF_SCALE - ENDS, 70_724_591),
    ],
    ids=["period", "scale", "scale-weight", "stft", "stft-complex", "stft-bands", "ensemble"],
)
def test_parameters_are_those_of_the_published_code(options, expected, published):
    assert weights(on_meta(options)) == expected == published


def test_the_docstrings_say_how_many():
    for options in (Period(), Scale(), Stft(), StftComplex(), StftBands()):
        assert f"{weights(on_meta(options)):,} parameters" in type(options).__doc__
    assert f"{weights(on_meta(Period(norm='none'))):,} without weight norm" in " ".join(Period.__doc__.split())


LENGTHS = (2048, 8192, 10_000)


def rows(length, period, strides=(3, 3, 3, 3, 1)):
    length = -(-length // period)
    for stride in strides:
        length = (length - 1) // stride + 1
    return length * period


def halved(length, strides):
    for stride in strides:
        length = (length - 1) // stride + 1
    return length


def side_of_bands(n_fft):
    edges = [int(edge * (n_fft // 2 + 1)) for edge in (0.0, 0.1, 0.25, 0.5, 0.75, 1.0)]
    return sum(halved(high - low, (2, 2, 2)) for low, high in pairwise(edges))


@pytest.mark.parametrize("length", LENGTHS)
def test_maps_of_three_lengths(length):
    """From the sizes of convolutions, windows and columns alone."""
    expected = {
        Period(): [rows(length, period) for period in (2, 3, 5, 7, 11)],
        Scale(): [halved(x, (2, 2, 4, 4)) for x in (length, length // 2 + 1, (length // 2 + 1) // 2 + 1)],
        Stft(): [
            (n_fft // 2 + 1) * halved((length + 2 * ((n_fft - hop) // 2) - n_fft) // hop + 1, (2, 2, 2))
            for n_fft, hop in ((1024, 120), (2048, 240), (512, 50))
        ],
        StftComplex(): [
            ((length - n_fft) // (n_fft // 4) + 1) * halved(n_fft // 2 + 1, (2, 2, 2))
            for n_fft in (1024, 2048, 512, 256, 128)
        ],
        StftBands(): [math.ceil(length / (n_fft // 4)) * side_of_bands(n_fft) for n_fft in (2048, 1024, 512)],
    }
    for options, sizes in expected.items():
        output = on_meta(options, length)(torch.empty(2, 1, length, device="meta"))
        assert [tuple(logits.shape) for logits in output.maps()] == [(2, 1, size) for size in sizes]
        layers = {"all": 6, "hidden": 5}[options.features] + (2 if isinstance(options, Scale) else 0)
        layers += 20 if isinstance(options, StftBands) else 0
        assert output.feature_counts == (layers,) * len(sizes)


def by_hand(layers, to_logits, x, slope, convolve):
    """Activations and logits, from the weights."""
    found = []
    for layer in layers:
        steps = {"stride": layer.stride, "padding": layer.padding, "dilation": layer.dilation, "groups": layer.groups}
        x = convolve(x, layer.weight, layer.bias, **steps)
        x = torch.where(x > 0, x, slope * x)
        found.append(x)
    return found, convolve(x, to_logits.weight, to_logits.bias, padding=to_logits.padding)


@pytest.mark.parametrize(("whole", "added"), [(False, [0, 1]), (True, [2, 1])])
def test_a_period_folds_the_signal_into_columns(whole, added):
    """Number t stands in row t // p and column t mod p; behind the end stands what is before it, mirrored."""
    network = built(Period(periods=(2, 3), ndf=2, whole_period=whole), 20)
    x = signal(20)
    output = network(x)
    for critic, period, more, logits in zip(network.critics, (2, 3), added, output.maps(), strict=True):
        padded = torch.cat([x, x[..., -1 - more : -1].flip(-1)], -1)
        columns = torch.stack([padded[..., start::period] for start in range(period)], -1)
        activations, expected = by_hand(critic.layers, critic.to_logits, columns, 0.1, F.conv2d)
        torch.testing.assert_close(logits, expected.flatten(2))
        group = output.feature_groups()[(2, 3).index(period)]
        for feature, one in zip(group, [*activations, expected], strict=True):
            torch.testing.assert_close(feature, one)


def test_scales_hear_averages():
    network = built(Scale(ndf=2))
    x = signal(60)
    output = network(x)
    for number, (critic, logits) in enumerate(zip(network.critics, output.maps(), strict=True)):
        if number:
            padded = F.pad(x, (2, 2))
            x = sum(padded[..., start::2][..., : x.shape[-1] // 2 + 1] for start in range(4)) / 4
        _, expected = by_hand(critic.layers, critic.to_logits, x, 0.1, F.conv1d)
        torch.testing.assert_close(logits, expected)


def transform(x, n_fft, hop, width, window):
    """Σ_t w_t x_t e^(−2πi f t/n), window by window; the window lies in the middle of n_fft numbers."""
    shape = torch.zeros(n_fft, dtype=torch.float64)
    left = (n_fft - width) // 2
    times = torch.arange(width, dtype=torch.float64)
    shape[left : left + width] = 0.5 - 0.5 * torch.cos(2 * math.pi * times / width) if window == "hann" else 1.0
    turns = torch.outer(torch.arange(n_fft // 2 + 1), torch.arange(n_fft)).double() / n_fft
    waves = -2 * math.pi * turns
    frames = x.unfold(-1, n_fft, hop) * shape
    return torch.complex(frames @ waves.cos().T, frames @ waves.sin().T).transpose(-1, -2), shape


@pytest.mark.parametrize(("padding", "left", "right"), [("frame", 12, 12), ("center", 16, 16), ("none", 0, 0)])
def test_transforms_are_those_of_the_sum(padding, left, right):
    x = signal(70, channels=2)
    found = spectrum(x, (32, 8, 24), window="hann", padding=padding)
    mirrored = torch.cat([x[..., 1 : 1 + left].flip(-1), x, x[..., -1 - right : -1].flip(-1)], -1)
    torch.testing.assert_close(found, transform(mirrored, 32, 8, 24, "hann")[0])


def test_magnitudes_are_convolved_along_time():
    network = built(SMALL["stft"])
    x = signal()
    for critic, (n_fft, hop, width), logits in zip(
        network.critics, SMALL["stft"].resolutions, network(x).maps(), strict=True
    ):
        pad = (n_fft - hop) // 2
        magnitudes = transform(F.pad(x, (pad, pad), mode="reflect"), n_fft, hop, width, "rectangular")[0].abs()
        _, expected = by_hand(critic.layers, critic.to_logits, magnitudes, 0.2, F.conv2d)
        torch.testing.assert_close(logits, expected.flatten(2))


def test_complex_transforms_are_convolved_along_frequency():
    network = built(SMALL["stft-complex"], channels=2)
    x = signal(channels=2)
    for critic, n_fft, logits in zip(network.critics, (64, 32), network(x).maps(), strict=True):
        found, window = transform(x, n_fft, n_fft // 4, n_fft, "hann")
        found = found / window.square().sum().sqrt()
        seen = torch.cat([found.real, found.imag], 1).transpose(2, 3)
        _, expected = by_hand(critic.layers, critic.to_logits, seen, 0.2, F.conv2d)
        torch.testing.assert_close(logits, expected.flatten(2))
    assert not hasattr(network.critics[0].layers[0], "parametrizations")  # as in the code: no norm is passed to it


@pytest.mark.parametrize("padding", ["stride", "center"])
def test_bands_have_weights_of_their_own(padding):
    network = built(StftBands(ndf=2, n_ffts=(64,), padding=padding), 250)
    x = signal(250) * 0.01 + 0.3
    leveled = x - x.mean(-1, keepdim=True)
    leveled = 0.8 * leveled / leveled.abs().max(-1, keepdim=True).values
    left, right = (32, 32) if padding == "center" else (24, 24 + 6)  # 250 and 6 are a multiple of 16
    [critic] = network.critics
    found, _ = transform(F.pad(leveled, (left, right), mode="reflect"), 64, 16, 64, "hann")
    seen = torch.cat([found.real, found.imag], 1).transpose(2, 3)
    edges = ((0, 3), (3, 8), (8, 16), (16, 24), (24, 33))
    sides = [
        by_hand(stack, critic.to_logits, seen[..., low:high], 0.1, F.conv2d)[0][-1]
        for stack, (low, high) in zip(critic.stacks, edges, strict=True)
    ]
    _, expected = by_hand([], critic.to_logits, torch.cat(sides, -1), 0.1, F.conv2d)
    output = network(x)
    torch.testing.assert_close(output.logits, expected.flatten(2), rtol=1e-6, atol=1e-8)
    assert len(output.features) == 25


def test_loudness_is_not_judged_where_signals_are_leveled():
    x = signal()
    for options in (SMALL["stft-bands"], Period(ndf=2, level=True)):
        network = built(options)
        torch.testing.assert_close(network(x).logits, network(0.1 * x + 0.5).logits, rtol=1e-5, atol=1e-8)
        assert network(torch.zeros_like(x)).logits.isfinite().all()
    assert not torch.allclose(built(SMALL["period"])(x).logits, built(SMALL["period"])(0.1 * x).logits)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("options", [SMALL["stft-bands"], Period(ndf=2, level=True)], ids=["stft-bands", "period"])
def test_silence_stays_silence_in_half_precision(options, dtype):
    """In float16 1e-9 is 0, and so is the peak of silence."""
    network = built(options).to(dtype)
    logits = network(torch.zeros_like(signal(), dtype=dtype)).logits
    assert logits.dtype == dtype
    assert logits.isfinite().all()


FIELDS = [
    (Period(periods=(3,), ndf=1), 646 * 3 + 1),
    (Scale(n_scales=1, ndf=1), 3879),
    (Stft(resolutions=((16, 4, 12),), ndf=1), 96 * 4 + 12),
    (StftComplex(n_ffts=(16,), ndf=1), 20 * 4 + 16),
    (StftBands(n_ffts=(32,), ndf=1, level=False), 12 * 8 + 32),
]


@pytest.mark.parametrize(("options", "field"), FIELDS, ids=lambda value: getattr(type(value), "__name__", "field"))
def test_fields_are_those_of_the_gradient(options, field):
    """Of a logit in the middle, with weights that let nothing cancel."""
    length = 3 * field
    network = built(type(options)(**{**dict(options), "norm": "none"}), length)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.rand_like(parameter) + 0.1)
    x = signal(length, n=1).requires_grad_()
    logits = network(x).logits
    within = 1 if isinstance(options, Stft) else logits.shape[-1] // 2
    if isinstance(options, Stft):
        frames = logits.shape[-1] // 9  # of 9 frequencies
        within = 4 * frames + frames // 2
    logits[0, 0, within].backward()
    places = x.grad[0, 0].nonzero().flatten()
    # A window's first number weighs nothing where it is periodic and of Hann's form.
    blind = 1 if isinstance(options, StftComplex | StftBands) else 0
    assert int(places.max() - places.min()) + 1 == field - blind == network.receptive_field()


@pytest.mark.parametrize("name", SMALL)
def test_what_features_there_are(name):
    x = signal()
    if name == "ensemble":
        members = {"period": {"features": "later"}, "stft": {"resolutions": [[64, 10, 40]], "features": "hidden"}}
        output = built(Ensemble(ndf=2, critics=members))(x)
        assert output.feature_counts == (5, 5, 5, 5, 5, 5)
        return
    groups = {
        shown: built(type(SMALL[name])(**{**dict(SMALL[name]), "features": shown}))(x).feature_groups()
        for shown in ("all", "hidden", "later")
    }
    stacks = 5 if name == "stft-bands" else 1
    for every, hidden, later in zip(*groups.values(), strict=True):
        assert all(map(torch.equal, hidden, every[:-1]))
        assert len(later) == len(every) - stacks
        assert torch.equal(later[-1], every[-1])
        assert torch.equal(later[0], every[1])


def test_an_ensemble_weighs_the_maps_of_its_members():
    critics = {"period": {"periods": [2, 3], "ndf": 2}, "stft": {"resolutions": [[64, 10, 40]], "ndf": 2}}
    x = signal()
    added = built(Ensemble(critics=critics, weights={"stft": 0.1}))(x)
    assert added.map_weights == (1.0, 1.0, 0.1)
    averaged = built(Ensemble(critics=critics, weights={"stft": 0.1}, maps="mean"))(x)
    assert averaged.map_weights == (0.5, 0.5, 0.1)
    assert averaged.rows(slice(0, 1)).map_weights == averaged.map_weights
    assert built(Ensemble(critics=critics))(x).map_weights == ()
    alone = built(Period(periods=(2, 3), ndf=2))(x)
    assert all(map(torch.equal, added.maps()[:2], alone.maps()))  # built first, from the same seed


def test_the_adversary_weighs_losses_and_features_likewise():
    critics = {"period": {"periods": [2], "ndf": 2}, "stft": {"resolutions": [[64, 10, 40]], "ndf": 2}}
    critic = built(Ensemble(critics=critics, weights={"period": 0.5, "stft": 0.1}))
    adversary = ganzoo.Adversary(critic, loss={"name": "lsgan", "scale": 1.0}, feature_matching={"weight": 2.0})
    real, fake = signal(seed=1), signal(seed=2)
    r, f = critic(real), critic(fake)
    pushed = adversary.generator_loss(fake, real=real)
    logs = adversary.update(fake=fake, real=real)
    of_g = sum(w * (1 - logits).square().mean() for w, logits in zip((0.5, 0.1), f.maps(), strict=True))
    of_d = sum(
        w * ((1 - a).square().mean() + b.square().mean())
        for w, a, b in zip((0.5, 0.1), r.maps(), f.maps(), strict=True)
    )
    of_features = sum(
        w * sum((one - other).abs().mean() for one, other in zip(a, b, strict=True))
        for w, a, b in zip((0.5, 0.1), r.feature_groups(), f.feature_groups(), strict=True)
    )
    assert logs["critic/adversarial"].item() == pytest.approx(of_d.item(), rel=1e-9)
    assert pushed.total.item() == pytest.approx((of_g + 2 * of_features).item(), rel=1e-9)


@pytest.mark.parametrize(
    ("options", "shape", "says"),
    [
        (Period(), (3, 32, 32), "works on signals only"),
        (Period(periods=(11,)), (1, 5), r"cannot judge signals 5 long(.|\n)*at least 6 long for period 11"),
        (Period(periods=(8,), whole_period=True), (1, 8), "at least 9 long"),
        (Stft(), (1, 900), r"at least 905 long for n_fft 2048"),
        (StftComplex(), (1, 2047), "at least 2048 long for n_fft 2048"),
        (StftBands(), (1, 700), "at least 1280 long for n_fft 2048"),
        (Ensemble(), (4,), "ensemble works on signals only"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_does(options, shape, says):
    with pytest.raises(ConfigError, match=says):
        options.build(DataSpec(shape=shape))


def test_from_the_stated_length_on_all_fit():
    for options, least in (
        (Stft(ndf=1), 905),
        (StftComplex(ndf=1), 2048),
        (StftBands(ndf=1), 1280),
        (Period(ndf=1), 6),
    ):
        for length in (least, least + 1, least + 511):
            on_meta(options, length)(torch.empty(1, 1, length, device="meta"))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Stft(resolutions=((64, 16, 80),)), "window at most n_fft"),
        (lambda: Stft(resolutions=((64, 33, 32),)), "hop must be at most the window"),
        (lambda: Ensemble(critics={"unet": {}}), "unet is not one of multiscale-patchgan"),
        (lambda: Ensemble(critics={"period": {"period": 3}}), "period.period: Extra inputs"),
        (lambda: Ensemble(weights={"stft": 1.0}), "weights: stft is not one of period, scale"),
    ],
)
def test_options_that_mean_nothing_are_refused(make, says):
    with pytest.raises(ValidationError, match=says):
        make()


@pytest.mark.parametrize("name", SMALL)
def test_r1_of_silence_and_of_signals_is_finite(name):
    """Digital silence is usual in audio, and magnitudes have no slope at 0."""
    network = built(SMALL[name]).train()
    for given in (torch.zeros(2, 1, 256, dtype=torch.float64), signal()):
        x = given.clone().requires_grad_()
        total = torch.stack([logits.mean() for logits in network(x).maps()]).sum()
        (slope,) = torch.autograd.grad(total, x, create_graph=True)
        slope.square().sum().backward()
        assert all(p.grad is None or p.grad.isfinite().all() for p in network.parameters())


@pytest.mark.parametrize("name", SMALL)
def test_in_bfloat16_it_says_nearly_the_same(name):
    x = signal()
    exact, half = built(SMALL[name])(x), built(SMALL[name], dtype=torch.bfloat16)(x.bfloat16())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        cast = built(SMALL[name], dtype=torch.float32)(x.float())
    for one, other, third in zip(exact.maps(), half.maps(), cast.maps(), strict=True):
        assert other.dtype == torch.bfloat16
        spread = one.abs().max()
        assert (one - other.double()).abs().max() < 0.1 * spread
        assert (one - third.double()).abs().max() < 0.1 * spread

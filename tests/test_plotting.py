"""Curves of losses against closed forms; figures of runs against the rows they are drawn from."""

import math

import pytest
import torch

pytest.importorskip("matplotlib")

from matplotlib.backends.backend_agg import FigureCanvasAgg
from registered import entries_of

from ganzoo.component import Options
from ganzoo.config.layers import RunConfig
from ganzoo.errors import ConfigError, ResourceError
from ganzoo.planning.goal import Goal, goal_of
from ganzoo.plotting import losses as loss_figures
from ganzoo.plotting import runs as run_figures
from ganzoo.plotting.canvas import save
from ganzoo.plotting.curves import loss_curves
from ganzoo.plotting.loss_argument import loss_of_argument
from ganzoo.plotting.smoothing import smoothed
from ganzoo.registry import Registry
from ganzoo.training.equilibrium import balance


@pytest.fixture(scope="module")
def registry():
    return Registry.load(plugins=False)


@pytest.fixture
def curves(registry):
    return lambda word, limit=3.0, points=13: loss_curves(
        word, *loss_of_argument(registry, word), limit=limit, points=points
    )


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def close(found, expected):
    return found == pytest.approx(list(expected), abs=1e-12)


class TestCurves:
    @entries_of("loss")
    def test_every_loss_can_be_drawn_and_teaches_both_players(self, curves, entry):
        found = curves(entry.name)
        drawn = [found.d_real, found.d_fake, found.g_fake]
        assert all(math.isfinite(number) for curve in drawn for number in curve.values + curve.gradients)
        assert any(found.d_real.gradients + found.d_fake.gradients)
        assert any(found.g_fake.gradients)

    def test_bce_is_its_closed_form_with_its_gradients(self, curves):
        bce = curves("bce")
        x = bce.logits
        assert (x[0], x[-1], len(x)) == (-3, 3, 13)
        assert close(bce.d_real.values, [math.log1p(math.exp(-r)) + math.log(2) for r in x])
        assert close(bce.d_fake.values, [math.log1p(math.exp(f)) + math.log(2) for f in x])
        assert close(bce.g_fake.values, [math.log1p(math.exp(-f)) for f in x])
        assert close(bce.d_real.gradients, [-sigmoid(-r) for r in x])
        assert close(bce.d_fake.gradients, [sigmoid(f) for f in x])
        assert close(bce.g_fake.gradients, [-sigmoid(-f) for f in x])

    def test_minimax_shows_that_it_saturates(self, curves):
        minimax = curves("minimax")
        assert close(minimax.g_fake.gradients, [-sigmoid(f) for f in minimax.logits])

    def test_a_relativistic_generator_is_held_against_a_real_logit_of_0(self, curves):
        found = curves("relativistic-average")
        assert close(found.g_fake.values, [2 * math.log1p(math.exp(-f)) for f in found.logits])
        assert close(found.g_fake.gradients, [-2 * sigmoid(-f) for f in found.logits])

    def test_options_after_a_colon(self, curves):
        found = curves("f-gan:divergence=kl,saturating=true")
        assert close(found.g_fake.values, [-math.exp(f - 1) for f in found.logits])
        assert found.name == "f-gan:divergence=kl,saturating=true"

    def test_energies_are_never_negative(self, curves):
        ebgan = curves("ebgan:margin=2")
        assert (ebgan.logits[0], ebgan.logits[-1]) == (-3, 0)
        assert close(ebgan.d_fake.values, [max(0.0, 2 + f) for f in ebgan.logits])

    def test_what_a_loss_with_state_does_at_the_start(self, curves):
        began = curves("began")
        assert close(began.d_fake.gradients, [0] * 13)
        assert close(began.d_real.gradients, [-1] * 13)

    def test_an_objective_without_the_logit_is_flat(self):
        class Constant(Options):
            def discriminator_loss(self, *, real, fake):
                return torch.tensor(1.0)

            def generator_loss(self, *, fake):
                return -fake.mean()

        found = loss_curves("constant", Constant(), Constant(), limit=1, points=3)
        assert (found.d_real.values, found.d_real.gradients) == ([1.0] * 3, [0.0] * 3)
        assert (found.equilibrium, found.balance) == ({}, None)


@pytest.mark.parametrize(
    ("word", "logits"),
    [
        ("bce", (0, 0)),
        ("minimax", (0, 0)),
        ("lsgan", (0.5, 0.5)),
        ("hinge", (-1, 1)),
        ("margin-hinge:margin_real=0.5,margin_fake=2", (-2, 0.5)),
        ("f-gan:divergence=kl", (1, 1)),
        ("f-gan:divergence=reverse-kl", (0, 0)),
        ("ebgan:margin=2", (-2, 0)),
        ("wgan", None),
        ("relativistic", None),
        ("began", None),
    ],
)
def test_logits_at_the_equilibrium(registry, word, logits):
    options, loss = loss_of_argument(registry, word)
    found = balance(loss, energy="needs_energy" in options.tags())
    assert found == (None if logits is None else pytest.approx(logits))


def test_a_loss_whose_least_value_is_not_the_stated_one_says_nothing_of_logits(registry):
    _, loss = loss_of_argument(registry, "bce")

    class Elsewhere:
        discriminator_loss = staticmethod(loss.discriminator_loss)

        @staticmethod
        def equilibrium():
            return {"d": 1.0}

    assert balance(loss, energy=False) is not None
    assert balance(Elsewhere(), energy=False) is None


def test_a_smoothed_target_moves_the_logit(registry):
    _, loss = loss_of_argument(registry, "bce:label_smoothing=0.2")
    low, high = balance(loss, energy=False)
    assert low == high == pytest.approx(math.log(0.8 / 1.2), abs=0.026)


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("f-gan:divergence=js", "must be 'kl'"),
        ("f-gan:divergenc=kl", "did you mean 'divergence'"),
        ("f-gan:kl", "write the options of a loss as f-gan:OPTION=VALUE"),
        ("hing", "did you mean 'hinge'"),
    ],
)
def test_a_loss_that_cannot_be_asked_for(registry, word, message):
    with pytest.raises(ConfigError, match=message):
        loss_of_argument(registry, word)


class TestTheFigureOfLosses:
    def test_it_holds_what_was_computed(self, curves):
        chosen = [curves(word) for word in ("bce", "hinge", "wgan", "lsgan", "ebgan")]
        sheet = loss_figures.figure(chosen)
        drawn = [panel for panel in sheet.axes if panel.lines and panel.axison]
        assert len(drawn) == 2 * len(chosen)
        titles = [panel.get_title(loc="left") for panel in drawn if panel.get_title(loc="left")]
        assert titles == [one.name for one in chosen]
        upper = next(panel for panel in drawn if panel.get_title(loc="left") == "lsgan")
        found = [list(line.get_ydata()) for line in upper.lines[:3]]
        assert found == [chosen[3].d_real.values, chosen[3].d_fake.values, chosen[3].g_fake.values]

    def test_options_stand_below_the_name(self, curves):
        sheet = loss_figures.figure([curves("f-gan:divergence=kl,saturating=true"), curves("bce")])
        assert [panel.get_title(loc="left") for panel in sheet.axes[:2]] == ["f-gan", "bce"]
        assert sheet.axes[0].texts[0].get_text().splitlines()[0] == "divergence=kl, saturating=true"

    def test_an_exponential_does_not_flatten_the_rest(self, curves):
        sheet = loss_figures.figure([curves("f-gan:divergence=kl", limit=40.0)])
        assert sheet.axes[0].get_ylim()[1] > 1e6  # half of the logits are in sight, and e^19 is among them
        low, high = loss_figures.figure([curves("f-gan:divergence=kl", limit=4.0)]).axes[0].get_ylim()
        assert -5 < low < -3 < 3 < high < 8

    def test_gradients_have_one_scale(self, curves):
        sheet = loss_figures.figure([curves("bce"), curves("lsgan"), curves("f-gan:divergence=kl")])
        assert len({panel.get_ylim() for panel in sheet.axes[3:]}) == 1

    def test_the_equilibrium_is_marked_and_stated(self, curves):
        sheet = loss_figures.figure([curves("hinge"), curves("lsgan"), curves("wgan")])
        hinge, lsgan, wgan = sheet.axes[:3]
        assert [patch.get_extents().width > 0 for patch in hinge.patches] == [True]
        assert (len(lsgan.lines), len(wgan.lines), len(wgan.patches)) == (4, 3, 0)
        assert lsgan.texts[0].get_text() == "at p_g = p_data: D 0.25, G 0.125"


ROWS = [
    {
        "step": step,
        "d/total": 3.0 - step,
        "d/adversarial": 2.0 - step,
        "d/gradient_penalty": 1.0,
        "g/total": 0.5 * step,
        "g/adversarial": 0.5 * step,
        "logits/real": 1.0,
        "logits/fake": -1.0,
        "grad_norm/d": 10.0,
        "grad_norm/g": 0.1 * step,
        **({"metric/mode-coverage/modes": 8.0} if step == 3 else {}),
    }
    for step in range(1, 5)
]


class TestTheFigureOfARun:
    def test_what_is_drawn_are_the_rows_of_the_run(self):
        sheet = run_figures.figure(ROWS)
        found = {
            (panel.get_title(loc="left"), line.get_label()): (list(line.get_xdata()), list(line.get_ydata()))
            for panel in sheet.axes
            for line in panel.lines
        }
        discriminator, generator = "objective of the discriminator", "objective of the generator"
        names = {
            (discriminator, "total"): "d/total",
            (discriminator, "adversarial"): "d/adversarial",
            (discriminator, "gradient penalty"): "d/gradient_penalty",
            (generator, "objective"): "g/total",
            ("mean logit", "real"): "logits/real",
            ("mean logit", "fake"): "logits/fake",
            ("gradient norm", "discriminator"): "grad_norm/d",
            ("gradient norm", "generator"): "grad_norm/g",
        }
        steps = [1, 2, 3, 4]
        expected = {key: (steps, [row[name] for row in ROWS]) for key, name in names.items()}
        [metric] = set(found) - set(expected)
        assert metric[0] == "mode-coverage/modes"
        assert found.pop(metric) == ([3], [8.0])
        assert found == expected

    def test_schedules_have_panels_and_those_that_move_alike_share_one(self):
        moving = {"train.d_lr": [4.0, 3.0, 2.0, 1.0], "train.g_lr": [4.0, 3.0, 2.0, 1.0]}
        moving["regularizers.r1.weight"] = [1.0, 1.0, 2.0, 2.0]
        rows = [
            {**row, **{f"schedule/{name}": numbers[place] for name, numbers in moving.items()}}
            for place, row in enumerate(ROWS)
        ]
        panels = {panel.get_title(loc="left"): panel.lines for panel in run_figures.figure(rows).axes}
        for title, name in (("train.d_lr, train.g_lr", "train.d_lr"), ("r1.weight", "regularizers.r1.weight")):
            [line] = panels.pop(title)
            assert (list(line.get_xdata()), list(line.get_ydata())) == ([1, 2, 3, 4], moving[name])
        assert not [title for title in panels if "lr" in title or "r1" in title]

    def test_the_values_of_the_goal_are_drawn_where_they_are_known(self):
        sheet = run_figures.figure(ROWS, goal=Goal(values={"d": 1.5}, logits=(0.5, 0.5)))
        level = [[line.get_ydata()[0] for line in panel.lines if "p_data" in line.get_label()] for panel in sheet.axes]
        assert level[:4] == [[1.5], [], [0.5], []]
        band = run_figures.figure(ROWS, goal=Goal(logits=(-1.0, 1.0))).axes[2]
        assert [patch.get_label() for patch in band.patches] == ["p_g = p_data"]

    def test_the_swatch_of_the_band_has_an_edge(self):
        band = run_figures.figure(ROWS, goal=Goal(logits=(-1.0, 1.0))).axes[2]
        (swatch,) = band.get_legend().get_patches()
        assert swatch.get_linewidth() > 0
        assert swatch.get_edgecolor() != swatch.get_facecolor()

    def test_legends_lie_between_the_title_and_the_axes(self):
        sheet = run_figures.figure(ROWS, goal=Goal(values={"d": 1.5}, logits=(-1.0, 1.0)))
        FigureCanvasAgg(sheet).draw()
        legends = [panel for panel in sheet.axes if panel.get_legend()]
        assert len(legends) == 3
        for panel in legends:
            box, title = panel.get_legend().get_window_extent(), panel._left_title.get_window_extent()
            assert panel.bbox.y1 <= box.y0 < box.y1 <= title.y0
            assert box.x1 <= panel.bbox.x1

    def test_steps_and_counts_have_ticks_at_whole_numbers(self):
        *_, norms, modes = run_figures.figure(ROWS[2:]).axes[:5]
        assert modes.get_title(loc="left") == "mode-coverage/modes"
        low, high = modes.get_ylim()
        assert [tick for tick in modes.get_yticks() if low <= tick <= high] == [8]
        low, high = norms.get_xlim()
        assert [tick for tick in norms.get_xticks() if low <= tick <= high] == [3, 4]

    @pytest.mark.parametrize("values", [(0.04, 0.7), (12.4, 12.9), (218.0, 250.0), (0.001, 90.0)])
    def test_labels_of_norms_are_plain_numbers(self, values):
        rows = [{**row, "grad_norm/d": value, "grad_norm/g": value} for row, value in zip(ROWS, values, strict=False)]
        sheet = run_figures.figure(rows)
        FigureCanvasAgg(sheet).draw()
        norms = sheet.axes[3]
        low, high = norms.get_ylim()
        labels = [label.get_text() for label in norms.get_yticklabels() if low <= label.get_position()[1] <= high]
        assert len(labels) >= 2
        assert all(low <= float(label) <= high for label in labels)
        assert not any(label.get_text() for label in norms.get_yticklabels(minor=True))

    def test_norms_of_zero_are_no_reason_to_stop(self):
        rows = [{**row, "grad_norm/d": 0.0, "grad_norm/g": 0.0} for row in ROWS]
        assert run_figures.figure(rows).axes[3].get_yscale() == "linear"
        assert run_figures.figure(ROWS).axes[3].get_yscale() == "log"

    def test_a_run_without_rows_is_an_error(self):
        with pytest.raises(ConfigError, match="not written any metrics yet"):
            run_figures.figure([])

    def test_smoothing_is_a_centered_mean_that_shrinks_at_the_ends(self):
        assert smoothed([0.0, 3.0, 6.0, 0.0, 9.0], 3) == [0.0, 3.0, 3.0, 5.0, 9.0]
        assert smoothed([1.0, 2.0], 1) == [1.0, 2.0]
        assert smoothed([1.0, math.nan, 3.0], 3) == [1.0, 2.0, 3.0]


@pytest.mark.parametrize(
    ("config", "values", "logits"),
    [
        ({"loss": {"name": "bce"}}, {"d": 2 * math.log(2), "g": math.log(2)}, (0, 0)),
        ({"loss": {"name": "hinge"}}, {"d": 2.0}, (-1, 1)),
        ({"loss": {"name": "bce"}, "discriminator": {"name": "multiscale-patchgan"}}, {}, (0, 0)),
        ({"loss": {"name": "bce"}, "train": {"unroll_steps": 2}}, {"d": 2 * math.log(2)}, (0, 0)),
        (
            {"loss": {"name": "bce"}, "regularizers": {"feature-matching": {"only": True}}},
            {"d": 2 * math.log(2)},
            (0, 0),
        ),
        ({"loss": {"name": "of-a-plugin-that-is-gone"}}, {}, None),
        ({"loss": {"name": "bce", "label_smoothing": 7}}, {}, None),
    ],
)
def test_the_goal_of_a_run(registry, config, values, logits):
    goal = goal_of(registry, RunConfig.model_validate(config))
    assert goal.values == pytest.approx(values)
    assert goal.logits == (None if logits is None else pytest.approx(logits))


@pytest.mark.parametrize(("suffix", "magic"), [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".PDF", b"%PDF")])
def test_the_suffix_is_the_format(tmp_path, suffix, magic):
    path = tmp_path / f"curves{suffix}"
    save(run_figures.figure(ROWS, title="λ → 0"), path)
    assert path.read_bytes().startswith(magic)


def test_an_unknown_format_and_an_impossible_place(tmp_path):
    sheet = run_figures.figure(ROWS)
    with pytest.raises(ConfigError, match=r"the suffix of curves\.gif"):
        save(sheet, tmp_path / "curves.gif")
    (tmp_path / "file").write_text("")
    with pytest.raises(ResourceError, match="cannot write"):
        save(sheet, tmp_path / "file" / "curves.png")

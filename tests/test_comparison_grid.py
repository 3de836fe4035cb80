"""What a comparison is made of: axes, cells, budgets."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ganzoo.config.layers import flatten, merge
from ganzoo.errors import ConfigError, UnknownNameError
from ganzoo.registry import Registry
from ganzoo.studies.axes import Axis, in_words, products, split_assignments, split_choices
from ganzoo.studies.comparing import chosen_budget, completed
from ganzoo.studies.comparison import Budget, Comparison, Definition, as_folder, find_same, measured_by
from ganzoo.studies.grid import budget_in_words, plan_cells
from ganzoo.studies.working import spread_steps

SMALL = {"data.name": "ring", "data.n": 64, "discriminator.width": 4, "generator.width": 4, "train.batch_size": 8}
STEPS = Budget(kind="steps", amount=10)


@pytest.fixture(scope="module")
def registry():
    return Registry.load(plugins=False)


def defined(budget=STEPS, settings=(), **axes):
    axes = {"loss": ("hinge", "bce"), "discriminator": ("mlp",)} | axes
    return Definition(axes=axes, settings={**SMALL, **dict(settings)}, budget=budget, seeds=2)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a", ["a"]),
        ("a, b", ["a", "b"]),
        ("[0,0.9]", ["[0,0.9]"]),
        ("[0,0.9],[0.5,0.9]", ["[0,0.9]", "[0.5,0.9]"]),
        ('"a,b",c', ['"a,b"', "c"]),
        (r'"a\",b",c', [r'"a\",b"', "c"]),
        ('{"a":[1,2],"b":3}', ['{"a":[1,2],"b":3}']),
        ("", [""]),
    ],
)
def test_commas_separate_choices_outside_of_values_only(text, parts):
    assert split_choices(text) == parts


def test_settings_and_axes_of_set():
    settings, axes = split_assignments(["disc.n-layers=3", "train.d_lr=1e-3,2e-3", "train.g_betas=[0,0.9],[0.5,0.9]"])
    assert settings == {"discriminator.n_layers": 3}
    assert [(axis.name, axis.choices) for axis in axes] == [
        ("train.d_lr", (1e-3, 2e-3)),
        ("train.g_betas", ([0, 0.9], [0.5, 0.9])),
    ]
    with pytest.raises(ConfigError, match="several choices"):
        split_assignments(['regularizers.r1={"weight":1},{"weight":2}'])


def test_every_combination_once_and_the_last_axis_first():
    axes = [Axis(name="loss", choices=("hinge", "bce")), Axis(name="train.d_lr", choices=(1, 2))]
    assert [tuple(one.values()) for one in products(axes)] == [("hinge", 1), ("hinge", 2), ("bce", 1), ("bce", 2)]


def test_networks_that_share_a_name_are_told_apart():
    def words(disc, gen):
        axes = [Axis(name="loss", choices=("hinge",)), Axis(name="discriminator", choices=disc)]
        axes.append(Axis(name="generator", choices=gen))
        return [in_words(parts, axes) for parts in products(axes)]

    assert words(("mlp",), ("mlp", "dcgan")) == ["hinge + D mlp + G mlp", "hinge + D mlp + G dcgan"]
    assert words(("patchgan-sn",), ("dcgan",)) == ["hinge + patchgan-sn + dcgan"]


def test_choices_of_regularizers():
    axis = Axis(name="regularizers", choices=("none", "r1+lecam"))
    assert axis.values("none") == {"regularizers": True}
    assert axis.values("r1+lecam") == {"regularizers": True, "regularizers.r1": {}, "regularizers.lecam": {}}


def test_cells_are_whole_configurations_that_are_measured_later(registry):
    planned = plan_cells(registry, defined(regularizers=("none", "r1")))
    cells = [one.cell for one in planned]
    assert [cell.name for cell in cells] == [
        f"{loss} + mlp + {reg}" for loss in ("hinge", "bce") for reg in ("none", "r1")
    ]
    assert cells[3].folder == "bce+mlp+r1"
    train = cells[3].config["train"]
    assert (train["steps"], train["keep"], train["checkpoint_every"]) == (10, "all", 2)
    assert list(cells[3].config["regularizers"]) == ["r1"]
    assert not cells[3].config["metrics"]
    assert "seed" not in cells[3].config


def test_what_cannot_be_computed_says_why_and_the_others_go_on(registry):
    refused, fine = (one.cell for one in plan_cells(registry, defined(discriminator=("dcgan", "mlp"), loss=("hinge",))))
    assert fine.reason is None
    assert "dcgan" in refused.reason
    assert refused.config == {}
    with pytest.raises(ConfigError, match=r"no combination of 2 can be computed; hinge \+ dcgan: .*width"):
        plan_cells(registry, defined(discriminator=("dcgan",)))


@pytest.mark.parametrize(
    ("kind", "amount", "steps"), [("steps", 10, [10, 10]), ("d-updates", 10, [10, 2]), ("images", 80, [10, 2])]
)
def test_equal_budgets(registry, kind, amount, steps):
    """``wgan-gp`` suggests five updates of D for one of G."""
    definition = defined(Budget(kind=kind, amount=amount), loss=("hinge", "wgan-gp"))
    cells = [one.cell for one in plan_cells(registry, definition)]
    assert [cell.config["train"]["steps"] for cell in cells] == steps
    words = budget_in_words(cells, definition)
    assert ("10 to 50 discriminator updates" in words) == (kind == "steps")
    assert ("2 to 10 generator steps" in words) == (kind != "steps")


def test_equal_time(registry):
    definition = defined(Budget(kind="minutes", amount=2))
    cells = [one.cell for one in plan_cells(registry, definition)]
    assert [(cell.config["train"]["steps"], cell.config["train"]["minutes"]) for cell in cells] == [(None, 2.0)] * 2
    assert budget_in_words(cells, definition).startswith("2 minutes of training time")


@pytest.mark.parametrize(
    ("kind", "setting"),
    [
        ("steps", "train.steps"),
        ("steps", "train.minutes"),
        ("images", "train.epochs"),
        ("d-updates", "train.minutes"),
        ("minutes", "train.minutes"),
    ],
)
def test_a_setting_does_not_say_otherwise_than_the_budget(registry, kind, setting):
    """The budget won, and cells that were called by two numbers of steps were trained alike."""
    budget = Budget(kind=kind, amount=10)
    with pytest.raises(ConfigError, match=f"{setting} is another budget than --{kind} 10") as caught:
        plan_cells(registry, defined(budget, settings={setting: 5}))
    assert caught.value.allowed == f"one of the two: leave out --set {setting}, or --{kind}"
    with pytest.raises(ConfigError, match=f"{setting} is another budget"):
        plan_cells(registry, defined(budget, **{setting: (3, 5)}))


def test_time_that_is_set_is_the_budget(registry):
    definition = defined(Budget(), settings={"train.minutes": 0.5})
    words = budget_in_words([one.cell for one in plan_cells(registry, definition)], definition)
    assert words.startswith("0.5 minutes of training time for each run, without metrics and checkpoints")
    definition = defined(Budget(), **{"train.minutes": (1, 2)})
    words = budget_in_words([one.cell for one in plan_cells(registry, definition)], definition)
    assert words.startswith("1 to 2 minutes of training time for each run")


def test_steps_bound_time(registry):
    """As a schedule needs them that spans the run."""
    definition = defined(Budget(kind="minutes", amount=2), settings={"train.steps": 1000})
    words = budget_in_words([one.cell for one in plan_cells(registry, definition)], definition)
    assert words == (
        "2 minutes of training time for each run, without metrics and checkpoints, or 1,000 generator steps if they "
        "come first; steps differ between runs"
    )


def test_steps_that_differ_have_to_be_asked_for(registry):
    definition = defined(Budget(), settings={"train.epochs": 1.25}, **{"train.n_critic": (1, 5)})
    budget_in_words([one.cell for one in plan_cells(registry, definition)], definition)
    other = defined(Budget(), settings={"train.epochs": 1.25}, loss=("hinge", "wgan-gp"))
    cells = [one.cell for one in plan_cells(registry, other)]
    with pytest.raises(ConfigError, match="equal budgets"):
        budget_in_words(cells, other)


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"loss": ("hinge", "hing")}, UnknownNameError, "hing"),
        ({"loss": ("hinge", "hinge")}, ConfigError, "is there twice"),
        ({"seed": (1, 2)}, ConfigError, "counts its seeds itself"),
        ({"settings": {"train.stpes": 3}}, ConfigError, "train.stpes"),
        ({"settings": {"loss.name": "wgan"}}, ConfigError, "loss.name is chosen twice"),
        ({"loss.name": ("wgan", "lsgan")}, ConfigError, "loss.name is chosen twice"),
        ({"train.batch_size": (4, 8)}, ConfigError, "train.batch_size is chosen twice"),
        ({"metrics.mode-coverage.within": (2.0, 3.0)}, ConfigError, "measures all runs alike"),
        ({"eval.n": (20, 30)}, ConfigError, "measures all runs alike"),
    ],
)
def test_what_is_wrong_whatever_the_combination(registry, changes, error, words):
    with pytest.raises(error, match=words):
        plan_cells(registry, defined(**changes))


def test_what_is_set_wins_over_the_choice_that_nobody_made():
    definition = completed(Definition(axes={}, settings={"loss.name": "bce"}))
    assert definition.axes == {"loss": ("bce",), "discriminator": ("patchgan-sn",)}


def test_options_of_metrics_that_are_set_are_those_that_runs_are_measured_by():
    """A cell is trained without metrics, so its configuration does not have them."""
    settings = {"train.d_lr": 1e-3, "metrics.mode-coverage.within": 5.0, "extractors.classifier.updates": 9}
    definition = Definition(axes={"loss": ("bce",)}, settings=settings)
    assert merge(measured_by(definition.plain())).tree() == {
        "metrics": {"mode-coverage": {"within": 5.0}},
        "extractors": {"classifier": {"updates": 9}},
    }
    named = replace(definition, metrics=("mode-coverage", "downstream"))
    assert merge(measured_by(named.plain())).tree()["metrics"] == {"mode-coverage": {"within": 5.0}, "downstream": {}}
    assert measured_by(Definition(axes={"loss": ("bce",)}).plain()) == []


def test_no_checkpoint_is_the_best_of_a_run_that_is_measured_later(registry):
    """Every run of such a cell failed as soon as it began, since it is trained without metrics."""
    often = {"train.sample_every": 2, "train.checkpoint_every": 2, "train.log_every": 2}
    definition = replace(defined(settings=often, **{"train.keep": ("best", "all")}), metrics=("mode-coverage",))
    cells = [one.cell for one in plan_cells(registry, definition)]
    assert [cell.reason is None for cell in cells] == [False, True, False, True]
    assert cells[0].reason == (
        "runs of a comparison are measured once they are trained, so none of their checkpoints is known as the best "
        "before (next: --set train.keep=all)"
    )


def test_one_budget_above_zero():
    assert chosen_budget() == Budget()
    assert chosen_budget(minutes=0.5) == Budget(kind="minutes", amount=0.5)
    with pytest.raises(ConfigError, match="one budget"):
        chosen_budget(steps=3, images=10)
    with pytest.raises(ConfigError, match="above 0"):
        chosen_budget(minutes=0)
    with pytest.raises(ConfigError, match="above 0"):
        chosen_budget(minutes=float("inf"))


def test_the_same_question_on_the_same_data_finds_its_comparison(registry, tmp_path, caplog):
    definition = completed(defined())
    cells = tuple(one.cell for one in plan_cells(registry, definition))
    made = Comparison.create(tmp_path, "hinge-bce", definition.plain(), "words", cells)
    assert made.path.name == "0001-hinge-bce"
    assert find_same(tmp_path, definition.plain(), cells) == made
    assert find_same(tmp_path, completed(defined(Budget(kind="steps", amount=11))).plain(), cells) is None
    assert find_same(tmp_path, definition.plain(), [replace(cell, data="other") for cell in cells]) is None
    assert "the data have changed since" in caplog.text
    with pytest.raises(ConfigError, match="not the folder of a comparison"):
        Comparison.read(tmp_path)


def test_names_as_folders():
    assert as_folder("hinge + train.g_betas=[0, 0.9]") == "hinge+train.g_betas=-0-0.9"


def test_some_checkpoints_are_measured_and_always_the_last():
    assert spread_steps([0, 500, 1000, 1500], every=500) == [500, 1000, 1500]
    assert spread_steps(range(101), every=1) == [20, 40, 60, 80, 100]
    assert spread_steps([0, 7], every=5) == [7]
    assert spread_steps([0], every=1) == []


def test_a_checkpoint_of_an_interruption_changes_nothing():
    assert spread_steps([0, 10, 13, 20, 27], every=10) == spread_steps([10, 20, 27], every=10) == [10, 20, 27]


PICTURES = {"data.name": "synthetic", "data.n": 64, "data.image_size": 16, "train.batch_size": 8}


def pictures_measured_by(metric, *, n, pictures=64):
    return Definition(
        axes={"loss": ("hinge", "bce"), "discriminator": ("dcgan",)},
        settings={**PICTURES, "data.n": pictures},
        budget=STEPS,
        seeds=1,
        metrics=(metric,),
        extractors=("random-conv",),
        n=n,
    )


@pytest.mark.parametrize(
    ("setting", "axes", "values"),
    [
        (("loss.label_smoothing", 0.2), {"loss": ("hinge", "bce")}, [None, 0.2]),
        (("regularizers.r1.weight", 0.3), {"regularizers": ("none", "r1", "centering+r1")}, [None, 0.3, 0.3]),
        (("discriminator.depth", 2), {"loss": ("hinge", "bce")}, [2, 2]),
        (("discriminator.depth", 2), {"loss": ("hinge",), "discriminator": ("mlp", "embedding")}, [2, None]),
    ],
    ids=str,
)
def test_an_option_holds_where_a_choice_has_it_and_that_is_told(registry, caplog, setting, axes, values):
    caplog.set_level("INFO", logger="ganzoo")
    axes = {"loss": ("hinge",)} | axes
    cells = [one.cell for one in plan_cells(registry, defined(settings=[setting], **axes))]
    found = [flatten(cell.config).get(setting[0]) if cell.config else None for cell in cells]
    assert found == values
    assert all(value is None or cell.reason is None for cell, value in zip(cells, values, strict=True))
    assert (f"--set {setting[0]} holds for" in caplog.text) == (None in values)
    assert not any("unknown key" in (cell.reason or "") or "no effect" in (cell.reason or "") for cell in cells)


def test_an_option_that_no_choice_has_is_refused(registry):
    with pytest.raises(ConfigError, match="label_smoothin"):
        plan_cells(registry, defined(settings=[("loss.label_smoothin", 0.2)]))


def test_too_few_samples_for_a_metric_are_refused_before_anything_trains(registry):
    with pytest.raises(ConfigError, match=r"kernel-distance needs at least 40 generated samples .*-n 40"):
        plan_cells(registry, pictures_measured_by("kernel-distance", n=39))
    with pytest.raises(ConfigError, match="precision-recall needs at least 4 generated samples"):
        plan_cells(registry, pictures_measured_by("precision-recall", n=3))
    with pytest.raises(ConfigError, match="kernel-distance needs at least 40 real data, and there are 39"):
        plan_cells(registry, pictures_measured_by("kernel-distance", n=None, pictures=39))
    assert all(one.cell.reason is None for one in plan_cells(registry, pictures_measured_by("kernel-distance", n=40)))


def test_a_wrong_metric_is_all_that_is_told_where_options_are_those_of_a_choice(registry):
    """They were read as options of the discriminator that a run has by default, which was not asked for."""
    definition = replace(
        defined(discriminator=("dcgan",), settings={"discriminator.norm": "instance"}), metrics=("nonsense",)
    )
    with pytest.raises(UnknownNameError) as caught:
        plan_cells(registry, definition)
    assert str(caught.value).count("next:") == 1
    assert "norm" not in str(caught.value)

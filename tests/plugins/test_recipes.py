"""The recipes: what a resolved plan has is what the file says, and what the papers say."""

from __future__ import annotations

import re
from importlib import resources

import pytest
import torch
import yaml
from rich.console import Console

from ganzoo.config.layers import ConfigLayer, flatten
from ganzoo.planning.choice import choose, file_layer
from ganzoo.planning.plan import make_plan
from ganzoo.protocols import DataSpec
from ganzoo.registry import Registry
from ganzoo.runs.session import start

REGISTRY = Registry.load(plugins=False)
RECIPES = {entry.name: entry for entry in REGISTRY.entries("recipe")}
WANTED = [
    *("gan", "dcgan", "wgan", "wgan-gp", "lsgan", "acgan", "cgan", "sngan", "sagan", "sn-hinge"),
    *("patchgan-sn-hinge", "patchgan-sn-hinge-small", "relativistic", "unrolled", "r3gan", "stylegan2-small"),
    *("progressive", "biggan"),
]
WARNED = {
    "biggan": ["with train.accumulate=2 the micro-batches are processed one by one"],
    "stylegan2-small": ["r1 penalizes the gradient of each sample alone"],
    "progressive": ["gradient-penalty penalizes the gradient of each sample alone"],
}
"""What is ill-posed in a paper's own setting, and said in the recipe's head."""
CONDITIONAL = {"acgan", "biggan", "cgan", "sagan", "r3gan"}
IN_WORDS = {
    "progressive": {"train.steps"},
    "r3gan": {"augment.ada.groups", "train.lr_schedule"},
    "stylegan2-small": {"discriminator.minibatch", "discriminator.ndf", "generator.ngf"},
}
"""What rows of a recipe's table say in words, such as “widths”."""
DECISIVE = ("steps", "batch_size", "n_critic", "optimizer", "g_lr", "d_lr", "lr_schedule")
ADAM = {"train.optimizer": "adam", "train.n_critic": 1}
BURN_IN = 20e6
"""Images over which R3GAN's numbers move on CIFAR-10: table 9 of its paper."""
PHASE = 0.8e6
"""Images for which Progressive GAN settles or fades in: appendix A.1 of its paper."""
GROWTH = {
    "images": [PHASE * number for number in range(1, 7)],
    "values": [3.0, 2.0, 2.0, 1.0, 1.0, 0.0],
    "shape": "linear",
}


def burn_in(first, last):
    return {"images": [0.0, BURN_IN], "values": [first, last], "shape": "cosine"}


ISSUE = {
    "wgan": {
        "loss.name": "wgan",
        "train.optimizer": "rmsprop",
        "train.g_lr": 5e-5,
        "train.d_lr": 5e-5,
        "train.batch_size": 64,
        "train.n_critic": 5,
        "regularizers.weight-clip.clip": 0.01,
        "regularizers.weight-clip.include_affine": False,
    },
    "patchgan-sn-hinge": {
        "loss.name": "hinge",
        "discriminator.name": "patchgan-sn",
        "discriminator.ndf": 64,
        "discriminator.n_layers": 3,
        "discriminator.dropout": 0.3,
        "data.image_size": 128,
        "train.g_lr": 1e-4,
        "train.d_lr": 4e-4,
        "train.clip_grad_norm": 1.0,
    },
    "patchgan-sn-hinge-small": ADAM
    | {
        "loss.name": "hinge",
        "discriminator.name": "patchgan-sn",
        "discriminator.n_layers": 2,
        "augment.diffaugment.policy": ["color", "translation", "cutout"],
        "data.image_size": 64,
        "data.hflip": True,
        "train.g_lr": 1e-4,
        "train.d_lr": 4e-4,
        "train.clip_grad_norm": 1.0,
    },
    "sn-hinge": ADAM
    | {
        "loss.name": "hinge",
        "discriminator.name": "dcgan",
        "discriminator.norm": "spectral",
        "train.g_betas": [0.0, 0.9],
        "train.d_betas": [0.0, 0.9],
    },
    "stylegan2-small": ADAM
    | {
        "generator.name": "stylegan",
        "discriminator.name": "stylegan2",
        "discriminator.minibatch": "stddev",
        "train.d_lr": 2.5e-3,
        "regularizers.r1.every": 16,
        "regularizers.r1.lazy_adam": True,
        "regularizers.path-length.weight": 2.0,
        "regularizers.path-length.every": 4,
        "regularizers.path-length.lazy_adam": True,
    },
    "unrolled": ADAM
    | {
        "data.name": "ring",
        "generator.latent": 256,
        "generator.width": 128,
        "generator.depth": 2,
        "generator.activation": "tanh",
        "generator.initialization": "orthogonal",
        "discriminator.initialization": "orthogonal",
        "train.unroll_steps": 5,
        "train.g_lr": 1e-3,
        "train.d_lr": 1e-4,
        "train.g_betas": [0.5, 0.999],
        "train.batch_size": 512,
        "train.steps": 25_000,
    },
    "gan": {
        "generator.name": "mlp",
        "generator.width": 1200,
        "generator.activation": "relu",
        "discriminator.name": "mlp",
        "discriminator.width": 240,
        "discriminator.activation": "maxout",
        "discriminator.pieces": 5,
        "train.optimizer": "sgd",
        "train.g_lr": 0.1,
        "train.d_lr": 0.1,
        "train.g_betas": [0.5, 0.999],
    },
    "wgan-gp": {
        "regularizers.gradient-penalty.weight": 10.0,
        "discriminator.norm": "none",
        "train.n_critic": 5,
        "train.g_lr": 1e-4,
        "train.g_betas": [0.0, 0.9],
    },
    "r3gan": ADAM
    | {
        "loss.name": "relativistic",
        "generator.name": "r3gan",
        "discriminator.name": "r3gan",
        "generator.latent": 64,
        "generator.width": 768,
        "discriminator.width": 768,
        "generator.blocks": 2,
        "discriminator.blocks": 2,
        "discriminator.conditional": True,
        "train.batch_size": 512,
        "train.steps": round(250e6 / 512),
        "data.hflip": True,
        "schedules.train.g_lr": burn_in(2e-4, 5e-5),
        "schedules.train.d_lr": burn_in(2e-4, 5e-5),
        "schedules.train.g_betas": burn_in([0.0, 0.9], [0.0, 0.99]),
        "schedules.train.d_betas": burn_in([0.0, 0.9], [0.0, 0.99]),
        "schedules.regularizers.r1.weight": burn_in(0.05, 0.005),
        "schedules.regularizers.r2.weight": burn_in(0.05, 0.005),
        "schedules.train.ema_half_life": burn_in(0.0, 5e6),
        "schedules.augment.ada.fixed": burn_in(0.0, 0.55),
    },
    "progressive": ADAM
    | {
        "loss.name": "wgan-gp",
        "regularizers.gradient-penalty.weight": 10.0,
        "regularizers.centering.weight": 0.001,
        "regularizers.centering.of": "real",
        "generator.name": "progressive",
        "discriminator.name": "progressive",
        "generator.latent": 512,
        "generator.width": 512,
        "discriminator.width": 512,
        "train.batch_size": 16,
        "train.g_lr": 1e-3,
        "train.d_lr": 1e-3,
        "train.g_betas": [0.0, 0.99],
        "train.d_betas": [0.0, 0.99],
        "schedules.generator.lod": GROWTH,
        "schedules.discriminator.lod": GROWTH,
    },
    "acgan": ADAM | {"regularizers.auxiliary-classifier.classify_fake": True, "train.batch_size": 100},
    "sngan": {"discriminator.name": "resnet-sn", "train.n_critic": 5, "train.g_betas": [0.0, 0.9]},
    "sagan": ADAM | {"generator.spectral_norm": True, "generator.attention": 16, "discriminator.attention": 16},
    "relativistic": ADAM | {"loss.name": "relativistic", "train.batch_size": 32},
    "lsgan": ADAM | {"loss.a": 0.0, "loss.b": 1.0, "loss.c": 1.0},
    "dcgan": ADAM | {"train.g_lr": 2e-4, "train.d_lr": 2e-4, "train.batch_size": 128, "generator.latent": 100},
    "biggan": {
        "loss.name": "hinge",
        "train.n_critic": 2,
        "train.batch_size": 2048,
        "train.g_lr": 5e-5,
        "train.g_betas": [0.0, 0.999],
        "regularizers.orthogonal.weight": 1e-4,
    },
    "cgan": ADAM | {"discriminator.name": "cgan", "generator.latent": 100},
}
"""Resolved path → value: from the issue where it names one, otherwise from the paper."""

every_recipe = pytest.mark.parametrize("name", RECIPES, ids=lambda name: f"recipe-{name}")


def text(name):
    return RECIPES[name].file_text()


def content(name):
    return yaml.safe_load(text(name))


def plan(name, **changes):
    layers = [file_layer(name, REGISTRY)]
    return make_plan(choose(REGISTRY, [*layers, ConfigLayer("the test", changes)] if changes else layers))


def narrowed(name):
    """The recipe with networks and batches of a few numbers, everything else as it stands."""
    given = content(name)
    changes = {"train.batch_size": 4, "train.steps": 2, "train.log_every": 1, "runtime.device": "cpu"}
    for section, options in (
        ("discriminator", {"ndf": 8, "width": 8}),
        ("generator", {"ngf": 8, "width": 8, "latent": 3}),
    ):
        known = REGISTRY.options(section, given[section]["name"]).model_fields
        changes |= {f"{section}.{option}": value for option, value in options.items() if option in known}
    if "accumulate" in given["train"]:
        changes["train.accumulate"] = 2
    if "metrics" in given:
        changes["metrics.mode-coverage.samples"] = 16
    return plan(name, **changes)


def test_all_that_was_asked_for_is_there():
    assert set(WANTED) <= RECIPES.keys()
    assert RECIPES.keys() == ISSUE.keys()
    files = {file.name for file in resources.files("ganzoo_recipes").iterdir() if file.name.endswith(".yaml")}
    assert files == {f"{name}.yaml" for name in RECIPES}


@every_recipe
def test_it_states_its_source(name):
    head = text(name).partition("\nversion:")[0]
    assert all(line.startswith("# ") for line in head.splitlines())
    papers = re.findall(r"arXiv:\d{4}\.\d{4,5}", RECIPES[name].component.paper)
    assert papers
    assert set(papers) <= set(re.findall(r"arXiv:\d{4}\.\d{4,5}", head))
    assert re.search(r"\b(19|20)\d\d, arXiv:", RECIPES[name].component.paper)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "r3gan",
            "| last layer of G | without a bound | clipped to [−1, 1], the gradient passes where it leads back |",
        ),
        ("progressive", "| moments of Adam | begin anew at each resolution | go on |"),
        ("stylegan2-small", "| groups of minibatch stddev | 4 (paper), 32 (cifar) | 4 |"),
    ],
)
def test_what_differs_from_the_authors_is_said(name, said):
    assert said in re.sub(r"\n# *", " ", text(name))


def compared(name):
    """Rows of the table in a recipe's head: setting, what the paper has, what is here."""
    rows = re.findall(r"^# \| (.*) \| (.*) \| (.*) \|$", text(name), re.MULTILINE)
    return [row for row in rows if row[0].startswith("`")]


@every_recipe
def test_its_table_of_what_is_as_in_the_paper_is_true(name):
    given = flatten(content(name))
    for path, paper, here in compared(name):
        stated = paper if here.startswith("same") else here.partition(";")[0]
        assert given[path.strip("`")] == yaml.safe_load(stated), path
        assert (stated == paper) == here.startswith("same"), path


@every_recipe
def test_its_table_leaves_out_nothing(name):
    """Names of networks, what a row describes in words, and that there is no regularizer have no row of their own."""
    given = flatten(content(name))
    keys = {path for path in given if not any(other.startswith(f"{path}.") for other in given)}
    in_words = IN_WORDS.get(name, set()) | {"version", "discriminator.name", "generator.name"}
    if not content(name)["regularizers"]:
        in_words.add("regularizers")
    assert keys == {path.strip("`") for path, _, _ in compared(name)} | in_words


@every_recipe
def test_every_word_of_it_is_in_the_plan(name):
    """Neither a dataset's suggestion nor a loss's overrides a recipe, and nothing in it is ignored."""
    made = narrowed(name)
    resolved = flatten(made.config.model_dump(mode="json"))
    changed = {path for path, origin in made.origins.items() if origin == "the test"}
    for path, value in flatten(content(name)).items():
        if path not in changed:
            assert resolved[path] == value, path
            assert made.origins.get(path, f"recipe {name}") == f"recipe {name}"


@every_recipe
def test_nothing_decisive_is_left_to_suggestions(name):
    made = narrowed(name)
    given = flatten(content(name))
    expected = {f"train.{key}" for key in DECISIVE}
    if given["train.optimizer"] != "rmsprop":
        expected |= {"train.g_betas", "train.d_betas"}
    assert expected <= {path.removeprefix("schedules.") for path in given}
    suggested = {path: origin for path, origin in made.origins.items() if origin.startswith("suggested by")}
    of_no_effect = {"train.g_betas", "train.d_betas"} if name == "wgan" else set()
    assert suggested.keys() - of_no_effect <= {"train.sample_every", "train.checkpoint_every"}


@every_recipe
def test_hyper_parameters(name):
    assert name in ISSUE, f"ISSUE in tests/plugins/test_recipes.py says nothing of {name}: add values from its paper"
    made = plan(name, **{"runtime.device": "cpu"})
    resolved = flatten(made.config.model_dump(mode="json"))
    assert {path: resolved[path] for path in ISSUE[name]} == ISSUE[name]


@every_recipe
def test_warnings(name):
    made = narrowed(name)
    found = [str(finding) for finding in made.warnings]
    wanted = WARNED.get(name, [])
    assert len(found) == len(wanted)
    assert all(start in message for start, message in zip(wanted, found, strict=True))
    assert made.spec.conditional == (name in CONDITIONAL)
    assert made.config.data.name == ("ring" if name == "unrolled" else "digits")


@every_recipe
def test_it_trains_and_its_configuration_is_the_same_run_again(name, tmp_path):
    made = narrowed(name)
    run = start(made, out=tmp_path, console=Console(quiet=True))
    rows = run.metrics()
    assert rows[-1]["step"] == 2
    assert all(torch.isfinite(torch.tensor(float(value))) for value in rows[-1].values())
    again = make_plan(choose(REGISTRY, [file_layer(str(run.directory.config), REGISTRY)]))
    assert again.config == made.config
    assert [str(finding) for finding in again.warnings] == [str(finding) for finding in made.warnings]


@pytest.mark.parametrize("name", ["stylegan2-small", "unrolled"])
def test_its_configuration_gives_the_same_numbers(name, tmp_path):
    first = start(narrowed(name), out=tmp_path, console=Console(quiet=True))
    layer = file_layer(str(first.directory.config), REGISTRY)
    second = start(make_plan(choose(REGISTRY, [layer])), out=tmp_path, console=Console(quiet=True))
    timeless = [
        [{key: value for key, value in row.items() if not key.startswith("time/")} for row in run.metrics()]
        for run in (first, second)
    ]
    assert timeless[0] == timeless[1]


def parameters(name, section, shape, *, classes=0, **changes):
    """Trainable numbers in a network of the recipe at the paper's size."""
    options = {key: value for key, value in content(name)[section].items() if key != "name"} | changes
    labels = tuple(map(str, range(classes)))
    spec = DataSpec(shape=shape, classes=labels, marginal=tuple(1 / classes for _ in labels), conditional=bool(classes))
    network = REGISTRY.options(section, content(name)[section]["name"])(**options).build(spec)
    return sum(parameter.numel() for parameter in network.parameters())


RGB_32, RGB_64 = (3, 32, 32), (3, 64, 64)


@pytest.mark.parametrize(
    ("name", "section", "shape", "published"),
    [
        ("dcgan", "generator", RGB_64, 3_576_704),
        ("dcgan", "discriminator", RGB_64, 2_765_568),
        ("wgan", "generator", RGB_64, 3_576_704),
        ("wgan", "discriminator", RGB_64, 2_765_568),
        ("sngan", "generator", RGB_32, 4_276_739),
        ("sngan", "discriminator", RGB_32, 1_053_825),
        ("patchgan-sn-hinge", "discriminator", (3, 128, 128), 2_764_737),
        # Fully connected: (inputs + 1)·outputs, layer by layer; maxout has five maps a unit.
        ("gan", "generator", (1, 28, 28), 101 * 1200 + 1201 * 1200 + 1201 * 784),
        ("gan", "discriminator", (1, 28, 28), 785 * 1200 + 241 * 1200 + 241),
        ("unrolled", "generator", (2,), 257 * 128 + 129 * 128 + 129 * 2),
        ("unrolled", "discriminator", (2,), 3 * 128 + 129 * 128 + 129),
    ],
)
def test_sizes_are_the_published_ones(name, section, shape, published):
    assert parameters(name, section, shape) == published


def test_sizes_with_classes_are_the_published_ones_but_for_attention():
    plain = {"classes": 10, "attention": None}
    assert parameters("sagan", "discriminator", RGB_32, **plain) == 1_055_105
    assert parameters("sagan", "generator", RGB_32, **plain) == 4_304_387
    # A block at width C: C·(C/8 + C/8 + C/2) + C/2·C, and γ; C is 128 in D, 256 in G.
    assert parameters("sagan", "discriminator", RGB_32, classes=10) - 1_055_105 == 128 * 128 * 5 // 4 + 1
    assert parameters("sagan", "generator", RGB_32, classes=10) - 4_304_387 == 256 * 256 * 5 // 4 + 1


def test_acgan_has_the_widths_of_its_paper():
    spec = DataSpec(shape=RGB_32, classes=tuple("abcdefghij"), marginal=(0.1,) * 10, conditional=True)
    options = {key: value for key, value in content("acgan")["generator"].items() if key != "name"}
    network = REGISTRY.options("generator", "dcgan")(**options).build(spec)
    widths = [layer.out_channels for layer in network.modules() if isinstance(layer, torch.nn.ConvTranspose2d)]
    assert widths == [384, 192, 96, 3]

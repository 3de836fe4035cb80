"""Which options take the samples of a batch apart: they are options of the discriminator, and they do."""

from typing import Literal

import pytest

from ganzoo.component import Options
from ganzoo.config.layers import ConfigLayer, flatten
from ganzoo.planning.choice import choose, facts, parse_options
from ganzoo.planning.facts import BATCH_COUPLED
from ganzoo.planning.rules import penalty_on_coupled_samples
from ganzoo.planning.uncoupling import uncoupling
from ganzoo.registry import Registry

REGISTRY = Registry.load(plugins=False)
COUPLED = [entry.name for entry in REGISTRY.entries("discriminator") if entry.component.tags & BATCH_COUPLED]


class Coupled(Options):
    """Couples samples, whatever its one option says."""

    depth: int = 3

    def tags(self):
        return frozenset({"batch_coupled_train"})


class Two(Options):
    """Couples them in two ways; its norm knows neither instance nor none."""

    norm: Literal["batch", "layer"] = "batch"
    minibatch: Literal["stddev", "none"] = "stddev"

    def tags(self):
        return frozenset({"batch_coupled_always"}) if self.minibatch == "stddev" else frozenset()


@pytest.mark.parametrize("name", COUPLED)
def test_what_is_advised_helps(name):
    config = {"loss": "wgan-gp", "discriminator": name}
    choice = choose(REGISTRY, [ConfigLayer("file", flatten(config))])
    finding = penalty_on_coupled_samples(facts(choice.entries, parse_options(choice)))
    if not uncoupling(REGISTRY.options("discriminator", name)()):
        assert finding.fix.startswith("--disc ")
        return
    assert finding.fix.startswith("--set discriminator.")
    words = finding.fix.replace("--set ", "").split()
    changes = dict(word.removeprefix("discriminator.").split("=") for word in words)
    options = REGISTRY.options("discriminator", name)
    assert changes.keys() <= options.model_fields.keys()
    assert not options(**changes).tags() & BATCH_COUPLED


def test_no_option_that_it_lacks_is_named():
    assert uncoupling(Coupled()) == ""
    assert uncoupling(Two()) == "--set discriminator.minibatch=none"

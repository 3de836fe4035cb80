"""What a plugin does to the whole process when it is imported is put back, and the plugin is named."""

from __future__ import annotations

import subprocess
import sys
import warnings

import numpy as np
import pytest
import torch
from broken_plugins.install import PluginFolder

from ganzoo.registry import Registry
from ganzoo.registry.undisturbed import SETTINGS, undisturbed

CHANGED = (
    "Python's random numbers, numpy's random numbers, torch's random numbers, torch's default dtype, "
    "torch's default device, torch's deterministic algorithms, torch's precision of products, torch's search for "
    "anomalies, whether torch records gradients, cudnn's deterministic, cudnn's benchmark, filters of warnings"
)
READ_ALL = """
import sys, warnings
import ganzoo.registry
LIBRARIES
from ganzoo.registry import Registry
from ganzoo.registry.undisturbed import SETTINGS, _text
registry = Registry.load(plugins=PLUGINS)
import torch, torch.backends.cudnn, numpy.random
for setting in SETTINGS:
    if not setting.name.endswith("random numbers"):
        print(setting.name, _text(setting.read(sys.modules[setting.library])))
print(any(one[:2] == ("ignore", None) and one[2] is Warning for one in warnings.filters))
print(*(problem for problem in registry.problems if problem.distribution != "ganzoo"), sep="\\n", file=sys.stderr)
"""


@pytest.fixture
def rude(tmp_path):
    folder = PluginFolder(tmp_path / "site-packages")
    folder.install("disturbs")
    return folder


def asked(rude, *, plugins, libraries=""):
    code = READ_ALL.replace("PLUGINS", str(plugins)).replace("LIBRARIES", libraries)
    path = [str(rude.path), *sys.path]
    return subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:] = {path!r}\n{code}"],
        capture_output=True,
        text=True,
        check=True,
    )


@pytest.mark.parametrize("libraries", ["", "import torch, numpy.random"])
def test_a_process_is_as_it_would_be_without_the_plugin(rude, libraries):
    """Whether the plugin is the first to import torch or not."""
    without, beside = (asked(rude, plugins=plugins, libraries=libraries) for plugins in (False, True))
    assert beside.stdout == without.stdout
    assert "plugin disturbs 1.0: warning at stage 'import'" in beside.stderr
    named = beside.stderr.partition("importing the plugin changes ")[2].partition(" for the whole process")[0]
    expected = CHANGED if libraries else CHANGED.replace(" numpy's random numbers, torch's random numbers,", "")
    assert named == expected


def test_what_is_left_alone_is_not_named():
    with undisturbed() as changed:
        torch.rand(3, generator=torch.Generator())
        np.random.default_rng(0).random()
        warnings.filterwarnings("ignore", message="of one library")
    assert changed == []
    warnings.filters[:] = [one for one in warnings.filters if one[1] is None or one[1].pattern != "of one library"]


def test_what_raises_is_put_back_too():
    before = torch.get_rng_state()

    def fails():
        with undisturbed() as changed:
            found.append(changed)
            torch.manual_seed(3)
            raise ImportError

    found = []
    with pytest.raises(ImportError):
        fails()
    assert torch.equal(torch.get_rng_state(), before)
    assert found == [["torch's random numbers"]]


def test_every_setting_is_tried():
    tried = {setting.name for setting in SETTINGS} - {"torch's number of threads"}
    assert tried < set(CHANGED.split(", "))


def test_the_process_of_the_tests_stays_as_it_is(rude, monkeypatch):
    monkeypatch.syspath_prepend(rude.path)
    before = torch.get_default_dtype(), torch.get_default_device(), torch.is_grad_enabled()
    problems = Registry.load().problems
    sys.modules.pop("disturbs", None)
    assert (torch.get_default_dtype(), torch.get_default_device(), torch.is_grad_enabled()) == before
    assert [problem.distribution for problem in problems if "for the whole process" in problem.message] == ["disturbs"]

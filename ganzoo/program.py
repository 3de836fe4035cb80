"""How this program was started, so that what it tells people to type works where they are."""

from __future__ import annotations

import os
import re
import sys

COMMANDS = {
    "list": "List the installed components.",
    "info": "Show a component: formula, description, options, tags, paper, provider and YAML.",
    "data": "Show what would be read from a dataset or a folder, without training: classes, splits, sizes, what "
    "is left out.",
    "run": "Train a GAN: any loss, any discriminator, on digits or your own pictures.",
    "resume": "Continue a run from its newest checkpoint, in the same folder.",
    "runs": "List the runs of a folder: status, steps, data, parts, time since the start, size on disk.",
    "sample": "Generate images with a trained generator. Existing files are never overwritten.",
    "walk": "Show how images change along a path through the latents, as an endless animation.",
    "evaluate": "Measure the generator of a run, or pictures from any program, against real data.",
    "compare": "Train every combination with several seeds, and say which is better and which differences may be "
    "chance.",
    "report": "Write a page about a run or a comparison: one HTML file that needs nothing else.",
    "matrix": "Show which losses and discriminators go together (ok, warn, refused or, with --run, failed) and why.",
    "bench": "Measure how fast ganzoo trains beside a loop by hand or another library, and where the time of a step "
    "goes.",
    "check": "Check that components do what their protocol says; for authors of plugins.",
    "new-plugin": "Create a package with components of your own, which installs and passes its tests as it is.",
    "new-component": "Add a component to an existing package: its file, its record and its test. Nothing is "
    "overwritten.",
    "plugins": "List the installed plugins: version, API, components, import time, and whether they work.",
    "doctor": "Check versions, devices, folders and plugins. Paste the output into a bug report.",
    "plot": "Plot losses over the logit, or the curves of a run. Needs matplotlib (pip extra 'plot').",
}
"""The commands of the command line → what its help says of each; a sentence about ganzoo goes on with another word."""

_COMMAND = re.compile(rf"(?<![\w./-])(?<!-m )ganzoo(?= (?:{'|'.join(COMMANDS)}|--[a-z-]+)(?![\w-]))")
_RESUMES = re.compile(r"(?<![\w./-])(?<!-m )ganzoo(?= resume [^\s-])")


def name() -> str:
    """``ganzoo``, or ``python -m ganzoo`` where that is how it was started: there may be no script on the path."""
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    return "python -m ganzoo" if spec is not None and spec.name == "ganzoo.__main__" else "ganzoo"


def as_started(text: str) -> str:
    """A text with the commands in it as one would type them here: ``python -m ganzoo run …``.

    Where ``torchrun`` started several processes on one machine, it also resumes: a run that is resumed by another
    number of processes is another run by rounding.
    """
    return _COMMAND.sub(name(), _RESUMES.sub(_together(), text))


def _together() -> str:
    count = os.environ.get("LOCAL_WORLD_SIZE", "1")
    alone = "TORCHELASTIC_RUN_ID" not in os.environ or count == "1" or count != os.environ.get("WORLD_SIZE")
    return name() if alone else f"torchrun --nproc-per-node {count} -m ganzoo"

"""Light questions are answered without torch. (`list` is asked in cli/test_list.py.)

One process answers all of them: what it imports for one it must not have needed for those before.
"""

import json
import subprocess
import sys

import pytest

HEAVY = ("torch", "numpy", "PIL", "safetensors")

QUESTIONS = {
    "--version": 0,
    "--help": 0,
    "run --help": 0,
    "resume --help": 0,
    "sample --help": 0,
    "info --help": 0,
    "matrix --help": 0,
    "bench --help": 0,
    "plot --help": 0,
    "plot losses --help": 0,
    "plot run --help": 0,
    "plugins --help": 0,
    "doctor --help": 0,
    "new-plugin --help": 0,
    "list": 0,
    "plugins": 0,
    "plugins --json": 0,
    "plugins --requirements": 0,
    "plugins --json --requirements": 2,
    "new-plugin ganzoo-light --kind loss --kind disc --kind tracker": 0,
    "new-plugin torch": 2,
    "new-plugin ganzoo-light --kind los": 2,
    "run --loss hing": 2,
    "run --disc patchgam --gen dcgam --reg r1": 2,
    "run --augment diffaugmen": 2,
    "run --data nowhere": 2,
    "run --set metrics=mode-coverag": 2,
    "run --tracker tensorboar": 2,
    "run --tracker.tensorboard.flush-secs 5": 2,
    "run --config missing.yaml": 2,
    "run --config hing": 2,
    "run --set trian.steps=3": 2,
    "run --set train.stpes=3": 2,
    "run --steps 0 --device gpu --precision fp16": 2,
    "run --train.steps": 2,
    "info hing": 2,
    "list hing": 2,
    "resume --set nonsense": 2,
    "resume --tracker tensorboar": 2,
    "sample 1": 2,
    "matrix --loss hing": 2,
    "matrix --disc patchgam --json": 2,
    "matrix --set train.stpes=3": 2,
    "bench --disc patchgam": 2,
    "bench --against torchgun": 2,
    "bench --against torchgan --size 8": 2,
    "plot losses hing --out losses.png": 2,
    "run --reg gradient-penalty --set reg.auxiliary-classifier.weight=2": 2,
}

ASK = f"""
import contextlib, io, json, shlex, sys
import ganzoo
from ganzoo.cli import app
from ganzoo.cli.dotted_flags import written_out

def heavy():
    return [name for name in {HEAVY!r} if name in sys.modules]

answers = {{"import ganzoo": [0, heavy()]}}
for question in {list(QUESTIONS)!r}:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        try:
            app(args=written_out(shlex.split(question)))
            code = 0
        except SystemExit as ending:
            code = ending.code
    answers[question] = [code, heavy()]
print(json.dumps(answers))
"""

pytestmark = pytest.mark.xdist_group("module absence")  # one process answers


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    ended = subprocess.run(
        [sys.executable, "-c", ASK],
        capture_output=True,
        text=True,
        cwd=tmp_path_factory.mktemp("empty"),
        check=False,
    )
    assert ended.stderr == ""
    return json.loads(ended.stdout)


def test_importing_the_package(answers):
    assert answers["import ganzoo"] == [0, []]


@pytest.mark.parametrize(("question", "code"), QUESTIONS.items())
def test_light_questions(answers, question, code):
    assert answers[question] == [code, []]


NAMES = [
    *("Adversary", "CropCritic", "PatchNCE", "Run", "SliceCritic", "adversarial_step", "adversary", "build"),
    *("compare", "evaluate", "load_run", "measure", "run"),
]


def test_what_needs_torch_is_loaded_on_demand():
    code = "import sys, ganzoo; ganzoo.build('loss', 'hinge'); print('torch' in sys.modules, sorted(ganzoo.__all__))"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout == f"True {NAMES}\n"


def test_the_package_names_what_it_has():
    import ganzoo

    assert set(ganzoo.__all__) <= set(dir(ganzoo))
    has = f"it has {', '.join(NAMES)}"
    with pytest.raises(AttributeError, match=f"module 'ganzoo' has no attribute 'trian'; {has}"):
        _ = ganzoo.trian

"""``ganzoo run --dry-run``."""

import re

import pytest
from PIL import Image

from ganzoo.cli import dry_run
from ganzoo.cli.dry_run_page import LINES
from ganzoo.cli.durations import duration
from ganzoo.memory import Memory


def values(outcome):
    return {row["path"]: (row["value"], row["origin"]) for row in outcome.json["config"]}


def test_every_value_with_its_origin(tiny, tmp_path):
    (tmp_path / "mine.yaml").write_text("train: {d_lr: 1e-4, g_lr: 1e-4}\nloss: wgan-gp\n")
    outcome = tiny("--config mine.yaml --set train.g_lr=1e-3 --dry-run --json")
    assert outcome.code == 0
    shown = values(outcome)
    assert shown["train.steps"] == (2, "--steps")
    assert shown["train.g_lr"] == (1e-3, "--set")
    assert shown["train.d_lr"] == (1e-4, "file mine.yaml")
    assert shown["train.n_critic"] == (5, "suggested by loss wgan-gp")
    assert shown["data.channels"] == (3, "data")
    assert shown["discriminator.n_layers"] == (1, "size")
    assert shown["train.ema"] == (0.999, "default")


def test_what_is_asked_for_with_default_options_is_shown(tiny):
    outcome = tiny("--disc dcgan --set discriminator.norm=instance --reg r1 --augment diffaugment --dry-run")
    assert re.search(r"regularizers.r1.weight +10.0 +--reg \(default\)", outcome.out)
    assert re.search(r"augment.diffaugment.policy +\S.* --augment \(default\)", outcome.out)
    alone = tiny("--loss wgan-gp --disc dcgan --set discriminator.norm=instance --dry-run")
    assert "gradient-penalty.every" not in alone.out, "only its weight was suggested"


def test_the_table_holds_the_same_rows_as_the_json(tiny):
    table, rows = tiny("--dry-run --full").out, values(tiny("--dry-run --json"))
    lines = {line.split()[0]: line for line in table.splitlines() if line.strip()}
    for path, (_, origin) in rows.items():
        assert lines[path].rstrip().endswith(origin)


def test_shapes_parameters_field_and_cost(tiny):
    facts = tiny("--dry-run --json").json
    assert facts["generator_output"] == [3, 8, 8]
    assert facts["discriminator_logits"] == [1, 2, 2]
    # 4×4 kernels with biases, widths 3 → 2 → 4 → 1.
    assert facts["discriminator_parameters"] == (3 * 2 + 2 * 4 + 4 * 1) * 16 + 2 + 4 + 1
    # 3 → 2 and 2 → 3 without biases, and scale and shift of one BatchNorm.
    assert facts["generator_parameters"] == (3 * 2 + 2 * 3) * 16 + 2 * 2
    assert facts["receptive_field"] == 16
    assert facts["data"] == {"name": "synthetic", "items": 16, "shape": [3, 8, 8]}
    assert facts["conditional"] is False
    assert facts["estimated_seconds"] >= 0
    assert facts["estimated_memory_bytes"] > 0
    assert facts["warnings"] == []


def test_how_many_items_each_class_has(ganzoo, tmp_path):
    for name, count in (("nevus", 5), ("melanoma", 2)):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        for number in range(count):
            Image.new("RGB", (40, 40)).save(tmp_path / "pictures" / name / f"{number}.png")
    line = "run --data ./pictures --image-size 32 --batch-size 4 --dry-run"
    assert ganzoo(f"{line} --json").json["classes"] == {"melanoma": 2, "nevus": 5}
    assert re.search(r"classes +melanoma \(2\), nevus \(5\) *\n", ganzoo(line).out)


def test_in_words(tiny):
    out = tiny("--dry-run").out
    assert re.search(r"data +16 images \(synthetic\); 8 classes: mode-0 2, mode-1 2,.*; splits train 16; RGB 8×8", out)
    assert re.search(r"discriminator +1 × 2 × 2 logits a sample, 295 parameters", out)
    assert re.search(r"receptive field +16 × 16 pixels per logit", out)
    assert re.match(
        r"fits: 2 steps take about 1 s on cpu, \S+ s a step; about \d+ MiB of memory(, [\d.]+ [GM]iB free)?\n", out
    )


def test_vectors_hold_numbers(ganzoo):
    out = ganzoo("run --data ring --disc mlp --set data.n=64 --steps 2 --dry-run", width=200).out
    assert re.search(r"generator +2 numbers a sample", out)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "1 s"), (119, "119 s"), (7199, "120 min"), (7200, "2.0 h"), (172_799, "48.0 h"), (804_600, "9.3 days")],
)
def test_durations_in_words(seconds, words):
    assert duration(seconds) == words


def test_a_discriminator_of_the_whole_image(tiny):
    out = tiny("--disc acgan --dry-run").out
    assert re.search(r"discriminator +1 logit a sample", out)
    assert re.search(r"receptive field +the whole image", out)
    assert re.search(r"conditional +yes", out)
    assert re.search(r"classes +mode-0 \(\d+\), mode-1 \(\d+\)", out)


def test_warnings(tiny):
    words, rows = tiny("--loss wgan-gp --disc dcgan --dry-run"), tiny("--loss wgan-gp --disc dcgan --dry-run --json")
    assert "warning: gradient-penalty penalizes the gradient of each sample alone" in words.out
    assert "next: --set discriminator.norm=instance" in words.out
    (warning,) = rows.json["warnings"]
    assert "discriminator dcgan couples the samples of a batch" in warning


def test_nothing_is_left_behind(tiny, tmp_path):
    assert tiny("--dry-run").code == 0
    assert tiny("--dry-run --json --out somewhere").code == 0
    assert list(tmp_path.iterdir()) == []


def test_a_refused_combination_is_refused_here_too(tiny):
    outcome = tiny("--reg auxiliary-classifier --dry-run")
    assert (outcome.code, outcome.out) == (2, "refused: nothing would be trained\n")
    assert "error: class logits are required" in outcome.err


def test_keys_are_never_cropped(tiny):
    """They are there to be copied; a narrow window folds what stands beside them."""
    rows = values(tiny("--reg gradient-penalty --dry-run --json"))
    words = tiny("--reg gradient-penalty --dry-run --full", width=44).out.split()
    assert set(rows) <= set(words)


def test_remarks(tiny):
    """Of 16 images, and of a number of steps that no CPU does in a day."""
    found = tiny("--steps 1000000000 --dry-run --json").json["remarks"]
    assert [words.split("\n")[0].split(" 16 ")[0].split(" about ")[0] for words in found] == [
        "a discriminator learns",
        "this takes",
    ]
    assert re.search(r"this takes about [\d.]+ days on a CPU\n +next: --device cuda", found[1])
    assert "remark: a discriminator learns 16 images by heart" in tiny("--dry-run").out
    assert "remark" not in tiny("--augment ada --dry-run").out


def test_warnings_of_opening_are_among_those_of_the_plan(ganzoo, tmp_path):
    for number in range(5):
        (tmp_path / "p").mkdir(exist_ok=True)
        Image.new("RGB", (8, 8), (40 * number, 0, 0)).save(tmp_path / f"p/{number}.png")
    (tmp_path / "p/broken.png").write_bytes(b"nothing")
    line = "run --data ./p --data.on_error skip --image-size 8 --batch-size 4 --dry-run --json"
    assert "1 of 6 images cannot be read" in ganzoo(line).json["warnings"][0]


class TestThePage:
    @pytest.mark.parametrize("line", ["", "--config patchgan-sn-hinge --loss wgan-gp --disc dcgan"])
    @pytest.mark.parametrize("width", [80, 200])
    def test_it_fits_a_terminal_unless_all_of_it_is_asked_for(self, tiny, line, width):
        short = tiny(f"{line} --dry-run", width=width).out.splitlines()
        assert len(short) <= LINES
        assert len(tiny(f"{line} --dry-run --full", width=width).out.splitlines()) > LINES
        assert re.fullmatch(r"\d+ more values, most of them defaults: --full", short[-1])

    def test_what_was_decided_is_shown_first(self, tiny):
        shown = tiny("--config patchgan-sn-hinge --disc.n-layers 1 --set train.d_lr=0.25 --dry-run").out
        assert re.search(r"^train\.d_lr +0\.25 +--set *$", shown, re.MULTILINE)
        assert re.search(r"^train\.clip_grad_norm +1\.0 +recipe patchgan-sn-hinge *$", shown, re.MULTILINE)
        assert "train.ema" not in shown

    def test_the_values_not_shown_are_counted(self, tiny):
        page, rows = tiny("--dry-run").out, values(tiny("--dry-run --json"))
        shown = [line.split()[0] for line in page.splitlines() if line.split() and line.split()[0] in rows]
        assert f"{len(rows) - len(shown)} more values" in page

    def test_many_classes_are_counted_and_listed_in_full(self, tiny):
        line = "--disc acgan --set data.modes=12 --dry-run"
        assert re.search(r"classes +12, listed by --full", tiny(line).out)
        assert "mode-11 (1)" in tiny(f"{line} --full").out

    def test_what_does_not_fit_into_memory(self, tiny, monkeypatch):
        monkeypatch.setattr(dry_run, "memory", lambda: Memory(2**20, 5))
        assert tiny("--dry-run").out.startswith("does not fit into memory: 2 steps take about 1 s")
        assert tiny("--dry-run --json").json["fits"] is False

    def test_data_that_cannot_be_read_are_a_refusal_too(self, ganzoo):
        outcome = ganzoo("run --data ./nowhere --dry-run")
        assert (outcome.code, outcome.out) == (3, "refused: nothing would be trained\n")
        assert ganzoo("run --data ./nowhere --dry-run --json").out == ""

    def test_progress_is_shown_on_stderr_while_it_measures(self, tiny):
        outcome = tiny("--dry-run --json")
        assert re.search(r"measuring up to 2 steps …\nmeasuring up to 2 steps: 1 done in [\d.]+ s\n", outcome.err)
        assert "measuring" not in tiny("--dry-run --quiet").err

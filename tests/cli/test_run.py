"""``ganzoo run``: what it leaves, what it says, what it refuses."""

import json
import re

import pytest
import yaml
from PIL import Image

from ganzoo.runs.run import load_run

RUN = "runs/0001-hinge-patchgan-sn-synthetic"


def pictures(folder, classes=("",)):
    for name in classes:
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(3):
            Image.new("RGB", (9, 8), (80 * number, 0, 0)).save(folder / name / f"{number}.png")
    return folder


def config_of(path):
    return yaml.safe_load((path / "config.yaml").read_text())


class TestARun:
    def test_the_path_on_stdout_and_chatter_on_stderr(self, tiny, tmp_path):
        outcome = tiny()
        assert (outcome.code, outcome.out) == (0, f"{RUN}\n")
        assert RUN in outcome.err
        left = {path.name for path in (tmp_path / RUN).iterdir()}
        assert {"config.yaml", "manifest.json", "metrics.jsonl", "log.txt", "samples", "checkpoints"} <= left

    def test_as_json(self, tiny):
        assert tiny("--json").json == {"path": RUN, "status": "finished", "step": 2}

    def test_quiet(self, tiny):
        assert tiny("--quiet").err == ""
        outcome = tiny("--quiet --loss wgan-gp --disc dcgan")
        assert outcome.code == 0
        assert "discriminator dcgan couples the samples of a batch" in " ".join(outcome.err.split())

    def test_runs_are_numbered_below_out(self, tiny, tmp_path):
        assert [tiny("--out a/b --quiet").out for _ in range(2)] == [
            "a/b/0001-hinge-patchgan-sn-synthetic\n",
            "a/b/0002-hinge-patchgan-sn-synthetic\n",
        ]
        assert not (tmp_path / "runs").exists()

    def test_flags_are_in_the_saved_configuration(self, tiny, tmp_path):
        outcome = tiny(
            "--loss mse --disc dcgan --gen dcgan --reg gradient_penalty --seed 7 --device cpu --precision bf16"
        )
        saved = config_of(tmp_path / outcome.out.strip())
        assert saved["loss"]["name"] == "lsgan"
        assert saved["discriminator"]["name"] == "dcgan"
        assert list(saved["regularizers"]) == ["gradient-penalty"]
        assert (saved["seed"], saved["runtime"]["device"], saved["runtime"]["precision"]) == (7, "cpu", "bf16")
        assert (saved["data"]["image_size"], saved["train"]["batch_size"], saved["train"]["steps"]) == (8, 4, 2)

    def test_the_saved_configuration_can_be_run_again(self, ganzoo, tiny, tmp_path):
        first = tiny("--loss wgan-gp --set train.n_critic=2").out.strip()
        second = ganzoo(f"run --config {first}/config.yaml").out.strip()
        assert first != second
        assert (tmp_path / first / "config.yaml").read_text() == (tmp_path / second / "config.yaml").read_text()
        rows = [
            [json.loads(line) for line in (tmp_path / run / "metrics.jsonl").read_text().splitlines()]
            for run in (first, second)
        ]
        for row in rows[0] + rows[1]:
            for key in [key for key in row if key.startswith("time/")]:
                del row[key]
        assert rows[0] == rows[1]

    def test_a_recipe_and_flags_over_it(self, tiny, tmp_path):
        run = tiny("--config patchgan-sn-hinge --set disc.n_layers=1").out.strip()
        saved = config_of(tmp_path / run)
        assert saved["discriminator"] == {"name": "patchgan-sn", "ndf": 2, "n_layers": 1, "stride": 2, "dropout": 0.3}
        assert (saved["train"]["clip_grad_norm"], saved["train"]["steps"]) == (1.0, 2)
        origins = json.loads((tmp_path / run / "manifest.json").read_text())["origins"]
        assert origins["train.clip_grad_norm"] == "recipe patchgan-sn-hinge"
        assert origins["train.steps"] == "--steps"


class TestPictures:
    def test_a_folder_by_its_path(self, ganzoo, tmp_path):
        pictures(tmp_path / "cats")
        outcome = ganzoo("run --data cats --image-size 8 --batch-size 2 --steps 1 --disc.ndf 2 --gen.ngf 2")
        assert outcome.out == "runs/0001-hinge-patchgan-sn-cats\n"
        assert config_of(tmp_path / outcome.out.strip())["data"]["path"] == str(tmp_path / "cats")

    def test_a_folder_called_like_a_dataset(self, ganzoo, tmp_path):
        pictures(tmp_path / "digits")
        outcome = ganzoo("run --data ./digits --image-size 8 --batch-size 2 --steps 1 --disc.ndf 2 --gen.ngf 2")
        assert config_of(tmp_path / outcome.out.strip())["data"]["name"] == "pictures"

    def test_one_sub_folder_a_class(self, ganzoo, tmp_path):
        pictures(tmp_path / "pets", ("cat", "dog"))
        outcome = ganzoo(
            "run --data pets --disc acgan --image-size 8 --batch-size 2 --steps 1 --disc.ndf 2 --gen.ngf 2"
        )
        assert outcome.code == 0, outcome.err
        assert "2 classes" in " ".join(outcome.err.split())

    def test_acgan_without_classes(self, ganzoo, tmp_path):
        pictures(tmp_path / "cats")
        outcome = ganzoo("run --data cats --disc acgan --image-size 8")
        assert outcome.code == 2
        assert "data pictures has no classes" in outcome.err
        assert "next:    use --data FOLDER with one subfolder per class, or --disc dcgan" in outcome.err

    def test_a_missing_folder(self, ganzoo, tmp_path):
        outcome = ganzoo("run --data ./nowhere")
        assert outcome.code == 3
        assert f"there is no file or folder {tmp_path / 'nowhere'}" in outcome.err


REFUSED = [
    ("--steps 0", "train.steps = 0 (from --steps): must be greater than or equal to 1"),
    ("--batch-size 0", "train.batch_size = 0 (from --batch-size): must be"),
    ("--seed -1", "seed = -1 (from --seed): must be"),
    ("--image-size 7", "data.image_size = 7 (from --image-size): must be greater than or equal to 8"),
    ("--image-size 33", "images of 33×33"),
    ("--precision fp16", "runtime.precision = 'fp16' (from --precision): must be 'fp32' or 'bf16'"),
    ("--device gpu", "runtime.device = 'gpu' (from --device): must be auto, cpu, cuda"),
    ("--set train.n_critic=0", "train.n_critic = 0 (from --set)"),
    ("--set train.g_lr=-1", "train.g_lr = -1 (from --set): must be greater than 0"),
    ("--set train.d_lr=NaN", "train.d_lr = nan (from --set): must be a finite number"),
    ("--set train.g_betas=[0.9]", "train.g_betas = [0.9] (from --set): must be 2 values in brackets, such as [0.5, 0."),
    ("--set train.g_betas=[]", "train.g_betas = [] (from --set): must be 2 values in brackets, such as [0.5, 0.999]\n"),
    ("--set data.channels=2", "data.channels = 2 (from --set): must be 1 or 3"),
    ("--set trian.steps=3", "trian (from --set): unknown key; did you mean 'train'?"),
    ("--set train.stpes=3", "train.stpes (from --set): unknown key; did you mean 'steps'?"),
    ("--set disc.nfd=3", "discriminator.nfd (from --set): unknown key; did you mean 'ndf'?"),
    ("--loss hing", "there is no loss called 'hing'; did you mean 'hinge'?"),
    ("--data digit", "there is no dataset called 'digit', nor a folder of that name; did you mean 'digits'?"),
    ("--config missing.yaml", "cannot read configuration missing.yaml: No such file"),
    ("--config .", "cannot read configuration .: Is a directory"),
    ("--config zzz", "there is no recipe called 'zzz'"),
    ("--set foo", "--set needs PATH=VALUE"),
    ("--reg auxiliary-classifier", "class logits are required by regularizer auxiliary-classifier"),
    ("--set train.steps=3 --set train.epochs=1", "steps (3) and epochs (1) are mutually exclusive"),
    ("--set train.epochs=1 --steps 3", "steps (3) and epochs (1) are mutually exclusive"),
    ("--reg r1 --reg none", "--reg none stands alone"),
    ("--augment none --augment ada", "--augment none stands alone"),
    ("--reg r1,r2", "next:    --reg r1 --reg r2\n"),
    (
        "--reg gradient-penalty --set reg.auxiliary-classifier.weight=2",
        "has no effect: the regularizers are set by --reg,",
    ),
]


class TestRefusals:
    @pytest.mark.parametrize(("line", "complaint"), REFUSED)
    def test_with_the_culprit_and_nothing_left_behind(self, ganzoo, tmp_path, line, complaint):
        outcome = ganzoo(f"run {'' if '--data ' in line else '--data synthetic --set data.n=8'} {line}")
        assert outcome.code == 2
        assert outcome.out == ""
        assert complaint in outcome.err
        assert "Traceback" not in outcome.err
        assert list(tmp_path.iterdir()) == []

    def test_everything_at_once(self, ganzoo):
        outcome = ganzoo("run --loss hing --batch-size 0 --set disc.nfd=3 --set a.b=1 --reg auxiliary-classifier")
        assert outcome.code == 2
        assert outcome.err.startswith("error: 4 problems:")
        assert len(re.findall(r"^  - ", outcome.err, flags=re.MULTILINE)) == 4

    def test_files_that_are_no_configuration(self, ganzoo, tmp_path):
        (tmp_path / "new.yaml").write_text("version: 2\ngizmo: 1\n")
        (tmp_path / "twice.yaml").write_text("loss: a\nloss: b\n")
        assert "which needs a newer ganzoo" in ganzoo("run --config new.yaml").err
        assert "twice.yaml, line 2: key 'loss' is declared twice" in ganzoo("run --config twice.yaml").err

    def test_out_is_a_file(self, tiny, tmp_path):
        (tmp_path / "runs").write_text("")
        outcome = tiny()
        assert outcome.code == 6
        assert outcome.err.endswith(
            "error: cannot write runs: runs is a file, not a folder\n  next:    choose another --runs DIR\n"
        )

    def test_no_such_device(self, tiny, tmp_path):
        outcome = tiny("--device cuda:99")
        assert outcome.code == 6
        assert "device 'cuda:99' is not available on this machine" in outcome.err
        assert not (tmp_path / "runs").exists()

    def test_regularizer_options_set_beside_the_flag_count(self, tiny, tmp_path):
        run = tiny("--reg gradient-penalty --set reg.gradient-penalty.weight=5").out.strip()
        assert config_of(tmp_path / run)["regularizers"]["gradient-penalty"]["weight"] == 5

    def test_reg_none_empties(self, tiny, tmp_path):
        run = tiny("--loss wgan-gp --reg none").out.strip()
        assert config_of(tmp_path / run)["regularizers"] == {}

    def test_a_set_on_a_regularizer_adds_to_the_suggested(self, tiny, tmp_path):
        run = tiny("--disc acgan --set reg.gradient-penalty.weight=5").out.strip()
        assert set(config_of(tmp_path / run)["regularizers"]) == {"auxiliary-classifier", "gradient-penalty"}


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("command", ["", "list", "info", "run", "resume", "sample"])
def test_help_fits_the_terminal(ganzoo, command, width):
    outcome = ganzoo(f"{command} --help", width=width)
    assert outcome.code == 0
    assert max(len(line) for line in outcome.out.splitlines()) <= width
    assert "…" not in outcome.out


def test_help_shows_defaults_and_examples(ganzoo):
    out = " ".join(ganzoo("run --help").out.split())
    for part in ("[default: hinge]", "[default: patchgan-sn]", "[default: digits]", "[default: runs]", "Examples:"):
        assert part in out


def test_what_compares_samples_refuses_a_batch_of_one_before_there_is_a_folder(tiny, tmp_path):
    for line in ("--batch-size 1", "--batch-size 2 --set train.accumulate=2"):
        outcome = tiny(f"--disc autoencoder --loss ebgan --reg pull-away {line}")
        assert outcome.code == 2
        assert "pull-away" in outcome.err
        assert "cannot work on a single sample" in outcome.err
        assert not (tmp_path / "runs").exists()


class TestInit:
    def test_it_starts_from_the_weights_of_a_run(self, tiny):
        first = tiny("").out.strip()
        outcome = tiny("--init 1:2 --init-what generator --set train.d_lr=1e-5 --json")
        run = load_run(outcome.json["path"])
        assert run.directory.read_manifest()["ancestry"][0]["taken"] == ["generator"]
        before, after = (load_run(path).directory.load_checkpoint for path in (first, run.path))
        for name, tensor in before()[0]["generator"].items():
            assert tensor.equal(after(0)[0]["generator"][name])
        assert "weights: generator of run 0001-hinge-patchgan-sn-synthetic at step 2" in outcome.err

    def test_what_does_not_fit_is_refused_before_training_and_by_the_dry_run(self, tiny, tmp_path):
        tiny("")
        for more in ("", "--dry-run"):
            outcome = tiny(f"--init 1 --gen.ngf 4 {more}")
            assert outcome.code == 2
            assert "do not fit the networks of this one" in outcome.err
        assert len(list((tmp_path / "runs").glob("0*"))) == 1

    def test_the_command_of_the_refusal_works(self, tiny, ganzoo):
        tiny("")
        hint = re.search(r"for its networks: ganzoo (run .*)", tiny("--init 1 --gen.ngf 4").err)[1]
        assert ganzoo(f"{hint} --steps 1").code == 0

    def test_what_is_taken_of_no_run(self, tiny):
        outcome = tiny("--init-what generator")
        assert outcome.code == 2
        assert "--init RUN --init-what generator" in outcome.err

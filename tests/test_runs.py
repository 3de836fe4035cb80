"""Whole runs: what they leave, how they are continued, what the Python twin gives."""

from __future__ import annotations

import itertools
import json
import logging
import shutil
import signal

import pytest
import torch
from comparing import assert_same_outcome, rows
from PIL import Image
from rich.console import Console

import ganzoo
from ganzoo.config.layers import ConfigLayer, flatten
from ganzoo.errors import CheckpointError, ConfigError, DivergedError, Interrupted, LockedError, ResourceError
from ganzoo.evaluation import pictures, sampling
from ganzoo.planning.choice import choose
from ganzoo.planning.plan import make_plan
from ganzoo.registry import Registry
from ganzoo.runs import session as runs
from ganzoo.runs.assembly import assemble
from ganzoo.runs.directory import RunDirectory
from ganzoo.runs.interruption import stoppable
from ganzoo.runs.run import load_generator
from ganzoo.runs.watch import SampleGrids
from ganzoo.training.lack_of_memory import told_of_memory

LOSSES = ("bce", "wgan-gp", "lsgan", "hinge", "margin-hinge")
DISCRIMINATORS = ("dcgan", "patchgan-sn", "acgan")
QUIET = Console(quiet=True)


@pytest.fixture(scope="module")
def registry():
    return Registry.load()


def tiny(**sections):
    """A configuration that trains in a blink; sections are merged over it."""
    config = {
        "loss": "hinge",
        "discriminator": {"name": "patchgan-sn", "ndf": 4},
        "generator": {"name": "dcgan", "latent": 6, "ngf": 4},
        "data": {"name": "synthetic", "image_size": 16, "n": 24},
        "train": {
            "steps": 3,
            "batch_size": 4,
            "log_every": 1,
            "sample_every": 2,
            "checkpoint_every": 2,
        },
    }
    for name, content in sections.items():
        config[name] = {**config[name], **content} if isinstance(config.get(name), dict) else content
    return config


def of_pair(loss, discriminator, **train):
    return tiny(loss=loss, discriminator={"name": discriminator, "ndf": 4}, train=train)


def resume(registry, path, **changes):
    layers = [ConfigLayer("flag", flatten(changes))]
    return runs.resume(registry, RunDirectory(path), changes=layers, console=QUIET)


@pytest.mark.parametrize(("loss", "discriminator"), list(itertools.product(LOSSES, DISCRIMINATORS)))
def test_every_pair_resumes_bit_by_bit(tmp_path, registry, loss, discriminator):
    """Stopped at step 3, between checkpoints at 2 and 4, in the middle of everything that has a memory."""
    whole = ganzoo.run(of_pair(loss, discriminator, steps=5), out=tmp_path / "whole", registry=registry)
    part = ganzoo.run(of_pair(loss, discriminator, steps=3), out=tmp_path / "part", registry=registry)
    (part.path / "samples" / "step-0000003.png").unlink()  # the end of the shorter run, not due in the whole one
    resume(registry, part.path, train={"steps": 5})
    assert_same_outcome(whole.path, part.path)


WITH_A_MEMORY = {
    "began, ada": {"loss": "began", "discriminator": {"name": "autoencoder"}, "augment": {"ada": {"interval": 1}}},
    "lecam, spectral regularization": {"regularizers": {"lecam": {}, "spectral-regularization": {"weight": 0.1}}},
    "lazy r1, path length": {
        "generator": {"name": "stylegan", "latent": 6, "ngf": 4},
        "regularizers": {"r1": {"every": 2, "lazy_adam": True}, "path-length": {"every": 2}},
    },
    "unrolled": {"loss": "bce", "train": {"unroll_steps": 2}},
    "one verdict": {
        "loss": "bce",
        "discriminator": {"name": "dcgan", "norm": "instance"},
        "train": {"fakes": "shared", "updates": "simultaneous"},
    },
    "shared fakes": {"train": {"fakes": "shared", "n_critic": 2}},
    "relativistic, consistency, diffaugment": {
        "loss": "relativistic",
        "discriminator": {"name": "dcgan", "norm": "none"},
        "regularizers": {"consistency": {"variant": "icr"}, "r2": {}},
        "augment": "diffaugment",
    },
    "balanced classes, cgan, resnet": {
        "discriminator": {"name": "cgan"},
        "generator": {"name": "resnet", "latent": 6, "ngf": 4},
        "data": {"sampling": "balanced"},
        "regularizers": {"feature-matching": {}, "orthogonal": {}},
    },
    "wgan, unet": {"loss": "wgan", "discriminator": {"name": "unet"}},
}


@pytest.mark.parametrize("sections", WITH_A_MEMORY.values(), ids=WITH_A_MEMORY)
def test_what_adapts_resumes_bit_by_bit(tmp_path, registry, sections):
    def config(steps):
        return tiny(**{**sections, "train": {**sections.get("train", {}), "steps": steps}})

    whole = ganzoo.run(config(5), out=tmp_path / "whole", registry=registry)
    part = ganzoo.run(config(3), out=tmp_path / "part", registry=registry)
    (part.path / "samples" / "step-0000003.png").unlink()
    resume(registry, part.path, train={"steps": 5})
    assert_same_outcome(whole.path, part.path)


def test_what_a_run_leaves(tmp_path, registry):
    run = ganzoo.run(tiny(train={"steps": 5}), out=tmp_path, registry=registry)
    assert run.path.name == "0001-hinge-patchgan-sn-synthetic"
    assert [row["step"] for row in run.metrics()] == [1, 2, 3, 4, 5]
    assert {
        "d/total", "d/adversarial", "g/total", "g/adversarial", "logits/real", "logits/fake", "accuracy/real",
        "accuracy/fake", "violations/real", "violations/fake", "grad_norm/d", "grad_norm/g", "time/images_per_s",
    } <= run.metrics()[0].keys()  # fmt: skip
    due = [row["step"] for row in run.metrics() if any(key.startswith("sigma/") for key in row)]
    assert due == [2, 4], "spectral norms are due with the samples"
    assert sorted(path.name for path in run.path.glob("samples/*")) == [f"step-{step:07d}.png" for step in (0, 2, 4, 5)]
    with Image.open(run.path / "samples.gif") as gif:
        assert gif.n_frames == 4
    assert [folder.name for folder in run.directory.checkpoint_folders()] == [f"step-{step:07d}" for step in (5, 4, 2)]
    manifest = json.loads((run.path / "manifest.json").read_text())
    assert manifest["status"] == "finished"
    assert manifest["step"] == 5
    assert manifest["versions"]["torch"] == torch.__version__
    assert manifest["plugins"]["ganzoo"]
    assert manifest["data"]["fingerprint"]
    assert manifest["origins"]["train.steps"] == "the mapping"
    assert run.config.train.steps == 5


def test_rows_of_a_conditional_grid_are_classes_with_the_same_latents(tmp_path, registry):
    config = of_pair("hinge", "acgan", steps=1)
    run = ganzoo.run(config, out=tmp_path, registry=registry)
    classes = len(run.classes)
    assert classes >= 2
    with Image.open(run.path / "samples" / "step-0000000.png") as grid:
        factor = grid.height // (2 + classes * 18)
        assert grid.height == factor * (2 + classes * 18)
        # Beside the images there is a margin with the names of the classes.
        assert grid.width > factor * (2 + 8 * 18)


def test_the_saved_configuration_runs_again_to_the_same_result(tmp_path, registry):
    first = ganzoo.run(tiny(), out=tmp_path / "a", registry=registry)
    second = ganzoo.run(first.path / "config.yaml", out=tmp_path / "b", registry=registry)
    assert_same_outcome(first.path, second.path)
    assert (first.path / "config.yaml").read_text() == (second.path / "config.yaml").read_text()


def test_resuming_a_finished_run_does_nothing(tmp_path, registry):
    run = ganzoo.run(tiny(), out=tmp_path, registry=registry)
    before = {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}
    assert resume(registry, run.path) is None
    assert before == {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}


def test_fewer_steps_than_are_done_are_an_error_not_a_finish(tmp_path, registry):
    run = ganzoo.run(tiny(), out=tmp_path, registry=registry)
    with pytest.raises(ConfigError, match="already at step 3") as caught:
        resume(registry, run.path, train={"steps": 2})
    assert run.directory.read_manifest()["step"] == 3
    assert caught.value.hint == f"ganzoo resume {run.path} --steps 4"
    resume(registry, run.path, train={"steps": 4})  # what the hint says goes on
    assert run.directory.read_manifest()["step"] == 4


def test_rows_after_the_checkpoint_are_done_again_not_twice(tmp_path, registry):
    """What kill -9 leaves: rows, even half a row, that no checkpoint stands behind."""
    whole = ganzoo.run(tiny(train={"steps": 5}), out=tmp_path / "whole", registry=registry)
    killed = ganzoo.run(tiny(train={"steps": 5}), out=tmp_path / "killed", registry=registry)
    shutil.rmtree(killed.directory.checkpoint_folders()[0])
    with killed.directory.metrics.open("ab") as file:
        file.write(b'{"step": 6, "d_st')
    resume(registry, killed.path)
    assert_same_outcome(whole.path, killed.path)


def test_stopping_between_two_rows_leaves_no_hole(tmp_path, registry, monkeypatch):
    """Stopped at 7 and again at 9, rows every 5 steps: at neither stop has a row been written since the checkpoint."""
    options = {"steps": 12, "log_every": 5, "checkpoint_every": 6}
    whole = ganzoo.run(tiny(train=options), out=tmp_path / "whole", registry=registry)
    stop_at(monkeypatch, 7)
    with pytest.raises(Interrupted):
        ganzoo.run(tiny(train=options), out=tmp_path / "cut", registry=registry)
    (path,) = (tmp_path / "cut").glob("0001-*")
    stop_at(monkeypatch, 9)
    with pytest.raises(Interrupted):
        resume(registry, path)
    monkeypatch.undo()
    resume(registry, path)
    assert_same_outcome(whole.path, path)


def at_every_step(monkeypatch, look):
    """Call ``look`` with the report of each step, where a person would see the progress."""

    class Looking:
        def __init__(self, console, **_):
            pass

        def __call__(self, report):
            look(report)

        def close(self):
            pass

    monkeypatch.setattr(runs, "progress", Looking)


def stop_at(monkeypatch, step):
    """Ctrl-C, as if pressed while the step was computed."""

    def press(report):
        if report.step == step:
            signal.raise_signal(signal.SIGINT)

    at_every_step(monkeypatch, press)


def test_ctrl_c_in_the_last_step_finds_a_finished_run(tmp_path, registry, monkeypatch):
    stop_at(monkeypatch, 3)
    run = ganzoo.run(tiny(), out=tmp_path, registry=registry)
    assert run.directory.read_manifest()["status"] == "finished"


def test_signals_are_handled_as_before_once_a_run_is_over(tmp_path, registry, monkeypatch):
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    seen = []
    at_every_step(monkeypatch, lambda report: seen.append({number: signal.getsignal(number) for number in before}))
    ganzoo.run(tiny(train={"steps": 1}), out=tmp_path, registry=registry)
    assert all(seen[0][number] != before[number] for number in before)
    assert {number: signal.getsignal(number) for number in before} == before


def test_a_second_ctrl_c_does_not_wait_for_the_step_and_a_second_sigterm_does():
    with stoppable() as stop:
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)
        assert stop.signal_number == signal.SIGTERM
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_while_it_trains_a_run_says_so_and_is_held(tmp_path, registry, monkeypatch):
    """Started and continued alike; whoever is killed now leaves a manifest that says that it has not ended."""
    seen = []

    def look(report):
        (path,) = tmp_path.glob("0001-*")
        directory = RunDirectory(path)
        content = directory.read_manifest()
        seen.append((content["status"], content["ended"], torch.are_deterministic_algorithms_enabled()))
        with pytest.raises(LockedError), directory.locked():
            pass

    at_every_step(monkeypatch, look)
    run = ganzoo.run(tiny(train={"steps": 1}), out=tmp_path, registry=registry)
    resume(registry, run.path, train={"steps": 2})
    assert seen == [("running", None, True)] * 2
    assert run.directory.read_manifest()["ended"] is not None
    with run.directory.locked():
        pass


def test_the_log_of_a_run_is_its_own(tmp_path, registry):
    """Also where it fails; and what ganzoo says afterwards is as loud as before."""
    logger = logging.getLogger("ganzoo")
    before = logger.level, list(logger.handlers)
    failing = tiny(
        discriminator={"name": "dcgan", "ndf": 4, "norm": "none"},
        loss="lsgan",
        train={"steps": 60, "d_lr": 1e3, "optimizer": "sgd"},
    )
    with pytest.raises(DivergedError):
        ganzoo.run(failing, out=tmp_path, registry=registry)
    (path,) = tmp_path.glob("0001-*")
    log = (path / "log.txt").read_text()
    assert "diverged at step" in log
    ganzoo.run(tiny(train={"steps": 1}), out=tmp_path, registry=registry)
    assert (path / "log.txt").read_text() == log
    assert (logger.level, list(logger.handlers)) == before


def test_a_bug_is_a_failure_of_the_run(tmp_path, registry, monkeypatch):
    def fails(report):
        raise ZeroDivisionError

    at_every_step(monkeypatch, fails)
    with pytest.raises(ZeroDivisionError):
        ganzoo.run(tiny(), out=tmp_path, registry=registry)
    (path,) = tmp_path.glob("0001-*")
    content = RunDirectory(path).read_manifest()
    assert (content["status"], content["step"]) == ("failed", 1)


@pytest.mark.parametrize("how", ["removed", "moved", "another in its place"])
def test_a_folder_that_goes_away_ends_the_run_instead_of_being_made_anew_by_half(tmp_path, monkeypatch, registry, how):
    def gone(report):
        (path,) = tmp_path.glob("0001-*")
        if how == "removed":
            shutil.rmtree(path)
        else:
            path.rename(tmp_path / "elsewhere")
        if how == "another in its place":
            path.mkdir()

    seen = []

    def once(report):
        seen.append(report)
        if len(seen) == 1:
            gone(report)

    at_every_step(monkeypatch, once)
    with pytest.raises(ResourceError, match="was removed or moved while it was trained"):
        ganzoo.run(tiny(), out=tmp_path, registry=registry)
    assert not list(tmp_path.glob("0001-*/checkpoints/step-*"))
    assert not list(tmp_path.glob("0001-*/manifest.json"))


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (MemoryError(), ResourceError),
        (torch.OutOfMemoryError("CUDA out of memory"), ResourceError),
        (RuntimeError("MPS backend out of memory (MPS allocated: 1 GB)"), ResourceError),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"), ResourceError),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), RuntimeError),
    ],
)
def test_only_a_lack_of_memory_is_called_one(error, told):
    with pytest.raises(Exception) as caught, told_of_memory("out of memory", hint="-"):
        raise error
    assert type(caught.value) is told


def test_a_checkpoint_of_another_configuration_is_refused(tmp_path, registry):
    """As it stands in a folder to which somebody has copied checkpoints of another run."""
    run, other = (ganzoo.run(tiny(seed=seed), out=tmp_path / str(seed), registry=registry) for seed in (0, 1))
    shutil.rmtree(run.directory.checkpoints)
    shutil.copytree(other.directory.checkpoints, run.directory.checkpoints)
    with pytest.raises(CheckpointError, match=r"a different configuration than that in .*config\.yaml"):
        resume(registry, run.path, train={"steps": 4})


def test_grids_are_of_latents_and_networks_of_the_seed(tmp_path, registry):
    config = tiny(seed=3, train={"steps": 1})
    run = ganzoo.run(config, out=tmp_path / "run", registry=registry)
    plan = make_plan(choose(registry, [ConfigLayer("file", flatten(config))]))
    drawn = RunDirectory.create(tmp_path / "drawn", "grid")
    SampleGrids(drawn, assemble(plan).state, plan.spec, every=1, seed=3).write(0)
    name = "step-0000000.png"
    assert (run.directory.samples / name).read_bytes() == (drawn.samples / name).read_bytes()


def test_schedules_dropout_and_mirroring_resume_bit_by_bit(tmp_path, registry, monkeypatch):
    config = tiny(
        discriminator={"name": "patchgan-sn", "ndf": 4, "dropout": 0.3},
        data={"hflip": True},
        train={"steps": 5, "lr_schedule": "cosine"},
    )
    whole = ganzoo.run(config, out=tmp_path / "whole", registry=registry)
    stop_at(monkeypatch, 3)
    with pytest.raises(Interrupted):
        ganzoo.run(config, out=tmp_path / "cut", registry=registry)
    monkeypatch.undo()
    (path,) = (tmp_path / "cut").glob("0001-*")
    resume(registry, path)
    assert_same_outcome(whole.path, path)


def test_more_steps_under_a_schedule_are_warned_of(tmp_path, registry, caplog):
    run = ganzoo.run(tiny(train={"lr_schedule": "linear"}), out=tmp_path, registry=registry)
    resume(registry, run.path, train={"steps": 4})
    assert "now spans 4 steps" in caplog.text


def test_a_schedule_that_does_not_move_is_not_warned_of(tmp_path, registry, caplog, monkeypatch):
    plain = ganzoo.run(tiny(), out=tmp_path / "plain", registry=registry)
    resume(registry, plain.path, train={"steps": 4})
    stop_at(monkeypatch, 2)
    with pytest.raises(Interrupted):
        ganzoo.run(tiny(train={"lr_schedule": "linear"}), out=tmp_path / "cut", registry=registry)
    monkeypatch.undo()
    (path,) = (tmp_path / "cut").glob("0001-*")
    assert resume(registry, path, train={"log_every": 2}) is not None
    assert [record.getMessage() for record in caplog.records if record.levelname == "WARNING"] == []


def test_metrics_shorter_than_the_checkpoint_are_said_to_be_lost(tmp_path, registry, caplog):
    run = ganzoo.run(tiny(), out=tmp_path, registry=registry)
    run.directory.metrics.write_bytes(b"")
    resume(registry, run.path, train={"steps": 4})
    assert "those rows are lost" in caplog.text
    assert [row["step"] for row in run.metrics()] == [4]


@pytest.mark.parametrize("every", [2, 5])
def test_terms_of_lazy_regularizers_reach_the_rows(tmp_path, registry, every):
    config = tiny(
        regularizers={"gradient-penalty": {"every": every}},
        train={"steps": 10, "log_every": 10, "sample_every": 10, "checkpoint_every": 10},
    )
    run = ganzoo.run(config, out=tmp_path, registry=registry)
    assert "d/gradient_penalty" in run.metrics()[0]


def test_a_long_gif_is_thinned(tmp_path):
    frames = []
    for number in range(250):
        frames.append(tmp_path / f"{number}.png")
        Image.new("L", (8, 8), number).save(frames[-1])
    pictures.save_gif(frames, tmp_path / "long.gif")
    with Image.open(tmp_path / "long.gif") as gif:
        assert gif.n_frames == 100
        gif.seek(99)
        assert gif.convert("L").getpixel((0, gif.height - 1)) == 249


def test_a_run_killed_before_its_first_checkpoint_starts_over_in_place(tmp_path, registry):
    config = tiny(train={"checkpoint_every": 100})
    whole = ganzoo.run(config, out=tmp_path / "whole", registry=registry)
    killed = ganzoo.run(config, out=tmp_path / "killed", registry=registry)
    for folder in killed.directory.checkpoint_folders():
        shutil.rmtree(folder)
    killed.directory.write_manifest({**killed.directory.read_manifest(), "status": "running", "step": 0})
    resume(registry, killed.path)
    assert_same_outcome(whole.path, killed.path)


def test_a_damaged_newest_checkpoint_costs_steps_not_the_run(tmp_path, registry, caplog):
    whole = ganzoo.run(tiny(train={"steps": 5}), out=tmp_path / "whole", registry=registry)
    damaged = ganzoo.run(tiny(train={"steps": 5}), out=tmp_path / "damaged", registry=registry)
    (damaged.directory.checkpoint_folders()[0] / "generator.safetensors").write_bytes(b"x")
    with caplog.at_level(logging.WARNING, logger="ganzoo"):
        resume(registry, damaged.path)
    assert "step-0000005 skipped" in caplog.text
    assert_same_outcome(whole.path, damaged.path)


def test_steps_that_are_done_again_leave_nothing_of_the_first_time(tmp_path, registry):
    """The later checkpoints are gone, and the run goes on to fewer: neither folder nor GIF shows steps 4 and 5."""
    run = ganzoo.run(tiny(train={"steps": 5, "sample_every": 1}), out=tmp_path, registry=registry)
    for folder in run.directory.checkpoint_folders():
        if folder.name > "step-0000002":
            shutil.rmtree(folder)
    resume(registry, run.path, train={"steps": 3})
    assert [path.name for path in run.directory.grids()] == [f"step-{step:07d}.png" for step in range(4)]
    with Image.open(run.path / "samples.gif") as gif:
        assert gif.n_frames == 4
    assert "goes on from step 2: grids and checkpoints of later steps are removed" in (run.path / "log.txt").read_text()


def test_a_damaged_checkpoint_counts_no_more_once_the_run_goes_on(tmp_path, registry):
    run = ganzoo.run(tiny(train={"checkpoint_every": 1}), out=tmp_path, registry=registry)
    (run.directory.checkpoint_folders()[0] / "generator.safetensors").write_bytes(b"x")
    resume(registry, run.path, train={"steps": 4, "checkpoint_every": 9})
    assert [folder.name for folder in run.directory.checkpoint_folders()] == [f"step-{step:07d}" for step in (4, 2, 1)]


def test_checkpoints_stay_as_train_keep_says_and_the_rule_may_change(tmp_path, registry):
    def steps():
        return [int(folder.name[5:]) for folder in run.directory.checkpoint_folders()]

    config = tiny(train={"steps": 5, "checkpoint_every": 1, "keep": "every 2"})
    run = ganzoo.run(config, out=tmp_path, registry=registry)
    assert steps() == [5, 4, 2]
    resume(registry, run.path, train={"steps": 7, "keep": "all"})
    assert steps() == [7, 6, 5, 4, 2]
    resume(registry, run.path, train={"steps": 8, "keep": "last 2"})
    assert steps() == [8, 7]


def test_samples_of_an_earlier_step_are_those_it_would_have_given_then(tmp_path, registry):
    options = {"checkpoint_every": 1, "keep": "all"}
    short = ganzoo.run(tiny(train={"steps": 2, **options}), out=tmp_path / "short", registry=registry)
    long = ganzoo.run(tiny(train={"steps": 3, **options}), out=tmp_path / "long", registry=registry)
    assert torch.equal(long.sample(5, step=2), short.sample(5))
    assert not torch.equal(long.sample(5, step=2), long.sample(5))


def test_resume_changes_steps_intervals_and_runtime_only(tmp_path, registry):
    run = ganzoo.run(tiny(), out=tmp_path, registry=registry)
    for change in ({"train": {"g_lr": 1.0}}, {"loss": "bce"}, {"seed": 3}, {"regularizers": {"gradient-penalty": {}}}):
        with pytest.raises(ConfigError, match="resume cannot change"):
            resume(registry, run.path, **change)
    resume(registry, run.path, train={"steps": 4, "log_every": 2}, runtime={"threads": 1})
    assert [row["step"] for row in rows(run.path)] == [1, 2, 3, 4]


def test_an_edited_configuration_or_other_data_are_refused(tmp_path, registry):
    run = ganzoo.run(tiny(), out=tmp_path, registry=registry)
    config = run.path / "config.yaml"
    text = config.read_text()
    config.write_text(text.replace("batch_size: 4", "batch_size: 5"))
    with pytest.raises(CheckpointError, match=r"a different configuration than that in .*config\.yaml"):
        resume(registry, run.path, train={"steps": 9})
    config.write_text(text.replace("n: 24", "n: 23"))
    with pytest.raises(CheckpointError, match=r"are not those that run .* was started with, or have changed since"):
        resume(registry, run.path, train={"steps": 9})
    config.write_text(text)
    assert resume(registry, run.path, train={"steps": 4}) is not None


def test_an_edit_before_the_first_checkpoint_is_refused_too(tmp_path, registry):
    run = ganzoo.run(tiny(), out=tmp_path, registry=registry)
    shutil.rmtree(run.path / "checkpoints")
    config = run.path / "config.yaml"
    config.write_text(config.read_text().replace("name: hinge", "name: bce"))
    with pytest.raises(CheckpointError, match=r"a different configuration than that in .*config\.yaml"):
        resume(registry, run.path)


def test_a_run_in_use_is_locked(tmp_path, registry):
    run = ganzoo.run(tiny(), out=tmp_path, registry=registry)
    with run.directory.locked(), pytest.raises(LockedError):
        resume(registry, run.path, train={"steps": 9})


def test_changed_conditions_are_written_down(tmp_path, registry):
    run = ganzoo.run(tiny(), out=tmp_path, registry=registry)
    resume(registry, run.path, train={"steps": 4})
    resume(registry, run.path, train={"steps": 5}, runtime={"threads": 2})
    resumed = run.directory.read_manifest()["resumed"]
    assert [entry["step"] for entry in resumed] == [3, 4]
    assert resumed[0]["changed"] == {}
    assert resumed[1]["changed"] == {"threads": {"was": 1, "is": 2}}


def test_a_diverging_run_says_so_and_keeps_its_checkpoints(tmp_path, registry):
    config = tiny(
        discriminator={"name": "dcgan", "ndf": 4, "norm": "none"},
        loss="lsgan",
        train={"steps": 60, "d_lr": 1e3, "optimizer": "sgd", "checkpoint_every": 1},
    )
    with pytest.raises(DivergedError, match="is not finite at step"):
        ganzoo.run(config, out=tmp_path, registry=registry)
    run = ganzoo.load_run(tmp_path / "0001-lsgan-dcgan-synthetic")
    assert run.directory.read_manifest()["status"] == "diverged"
    assert all(torch.isfinite(value).all() for value in run.directory.load_checkpoint()[0]["generator"].values())


def test_the_python_twin_samples(tmp_path, registry):
    run = ganzoo.load_run(ganzoo.run(tiny(), out=tmp_path, registry=registry).path)
    images = run.sample(5)
    assert images.dtype == torch.uint8
    assert images.shape == (5, 3, 16, 16)
    assert torch.equal(images, run.sample(9)[:5])
    assert not torch.equal(images, run.sample(5, seed=1))
    assert not torch.equal(images, run.sample(5, ema=False))
    with pytest.raises(ConfigError, match="unconditional"):
        run.sample(2, labels=[0, 1])
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    run.sample(2)
    assert torch.equal(torch.rand(2), expected), "sampling moved the caller's random numbers"


def test_a_conditional_run_samples_by_class(tmp_path, registry):
    run = ganzoo.run(of_pair("bce", "acgan"), out=tmp_path, registry=registry)
    first, second = run.sample(3, labels=[0, 0, 0]), run.sample(3, labels=[1, 1, 1])
    assert not torch.equal(first, second)
    classes = len(run.classes)
    assert run.sample(3, labels=[0, 0, classes - 1]).shape[0] == 3
    for labels in ([0], [0, 0, 0, 0], [0, 0, classes], [-1, 0, 0]):
        with pytest.raises(ConfigError, match="3 images need 3 labels"):
            run.sample(3, labels=labels)


@pytest.mark.parametrize("ema", [True, False])
def test_samples_are_of_the_generator_that_was_asked_for(tmp_path, registry, ema):
    run = ganzoo.run(tiny(), out=tmp_path, registry=registry)
    network, spec = load_generator(run.directory, run.config, ema=ema)
    tensors, _ = run.directory.load_checkpoint()
    wanted, other = (tensors["ema"], tensors["generator"]) if ema else (tensors["generator"], tensors["ema"])
    assert all(torch.equal(value.cpu(), wanted[name]) for name, value in network.state_dict().items())
    assert any(not torch.equal(value, other[name]) for name, value in wanted.items())
    ready = sampling.ready(network, spec, seed=7)
    made = torch.cat([images for images, _ in sampling.chunks(ready, spec, 70, labels=None, seed=7)])
    assert torch.equal(run.sample(70, seed=7, ema=ema), made)


def test_the_generator_is_the_module_that_samples_come_from(tmp_path, registry):
    run = ganzoo.run(tiny(), out=tmp_path, registry=registry)
    generator = run.generator
    assert generator is run.generator
    assert not generator.training
    z = generator.latent(sampling.CHUNK, generator=sampling.generator_for(0, "sample/0", "z"))
    with torch.no_grad():
        images = generator(z.to(next(generator.parameters()).device))
    assert torch.equal(sampling.to_uint8(images), run.sample(sampling.CHUNK))


def test_classes_are_asked_for_by_name(tmp_path, registry):
    run = ganzoo.run(of_pair("bce", "acgan"), out=tmp_path, registry=registry)
    one, other = run.classes[:2]
    assert torch.equal(run.sample(classes=[other, one, other]), run.sample(3, labels=[1, 0, 1]))
    assert torch.equal(run.sample(2, classes=other), run.sample(labels=[1, 1]))
    with pytest.raises(ConfigError, match=f"there is no class '{other}x'; did you mean '{other}'"):
        run.sample(classes=[one, f"{other}x"])
    with pytest.raises(ConfigError, match="labels and classes both"):
        run.sample(1, labels=[0], classes=[one])
    with pytest.raises(ConfigError, match="3 images need 3 labels"):
        run.sample(3, classes=[one])


def test_a_run_without_classes_has_none_to_ask_for_and_samples_need_a_number(tmp_path, registry):
    run = ganzoo.run(tiny(), out=tmp_path, registry=registry)
    with pytest.raises(ConfigError, match="was trained without classes"):
        run.sample(classes=["nevus"])
    for wanted in ({}, {"classes": "nevus"}, {"n": 0}, {"labels": []}):
        with pytest.raises(ConfigError, match="sample needs the number of images"):
            run.sample(**wanted)


def test_a_run_that_is_none_is_an_error(tmp_path):
    with pytest.raises(ConfigError):
        ganzoo.load_run(tmp_path)


def test_bf16_accumulation_and_ema_off_run_and_resume(tmp_path, registry):
    options = {"accumulate": 2, "ema": None, "clip_grad_norm": 0.5, "optimizer": "adamw"}
    config = tiny(train={"steps": 5, **options}, runtime={"precision": "bf16"})
    whole = ganzoo.run(config, out=tmp_path / "whole", registry=registry)
    part = ganzoo.run(
        tiny(train={"steps": 3, **options}, runtime={"precision": "bf16"}), out=tmp_path / "part", registry=registry
    )
    (part.path / "samples" / "step-0000003.png").unlink()
    resume(registry, part.path, train={"steps": 5})
    assert_same_outcome(whole.path, part.path)
    assert "ema" not in whole.directory.load_checkpoint()[0]


@pytest.mark.parametrize(("size", "channels"), [(32, 1), (64, 3), (128, 1)])
@pytest.mark.parametrize("discriminator", DISCRIMINATORS)
def test_sizes_and_channels(tmp_path, registry, size, channels, discriminator):
    config = tiny(
        discriminator={"name": discriminator, "ndf": 2},
        generator={"name": "dcgan", "ngf": 2},
        data={"image_size": size, "channels": channels},
        train={"steps": 2, "batch_size": 2},
    )
    run = ganzoo.run(config, out=tmp_path, registry=registry)
    assert run.sample(1).shape == (1, channels, size, size)


def test_warnings_of_the_plan_reach_the_log_and_the_manifest(tmp_path, registry):
    run = ganzoo.run(of_pair("wgan-gp", "dcgan", steps=1), out=tmp_path, registry=registry)
    assert "BatchNorm" in (run.path / "log.txt").read_text()
    assert any("BatchNorm" in warning for warning in run.directory.read_manifest()["warnings"])


def test_the_log_begins_with_what_is_trained_on_what(tmp_path, registry):
    config = tiny(regularizers={"r1": {"weight": 1.0}}, augment="diffaugment", train={"steps": 1})
    log = (ganzoo.run(config, out=tmp_path, registry=registry).path / "log.txt").read_text(encoding="utf-8")
    parts = "hinge, D patchgan-sn, G dcgan, r1, diffaugment"
    assert f"{parts} on 24 items of 3×16×16 from synthetic; cpu, fp32; steps 0 to 1" in log


def test_the_plan_is_the_one_of_the_flags(registry):
    plan = make_plan(choose(registry, [ConfigLayer("flag", flatten(of_pair("wgan-gp", "patchgan-sn")))]))
    assert plan.config.train.n_critic == 5
    assert plan.origins["train.n_critic"] == "suggested by loss wgan-gp"

"""The programs around ``ganzoo.Adversary`` at toy size; in this process, since each start takes seconds.

They share ``open_data`` of the first, which keeps the digits it has read.
"""

from __future__ import annotations

import importlib
import sys
from functools import partial

import pytest
import torch
from example_scripts import EXAMPLES
from PIL import Image
from torch.nn import functional as F

NUMBERED = [("one", "square"), ("two", "squares"), ("three", "squares")]


@pytest.fixture
def example(monkeypatch):
    """An example by name; its neighbors can be imported, as where it runs as a script."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    return importlib.import_module


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """A program's printed rows, the size of its picture, and what its ``train`` gave, with batches of two."""

    def started(program, *given):
        trained, train = [], program.train
        monkeypatch.setattr(
            program, "train", lambda *args, **named: trained.append(train(*args, **named, batch_size=2)) or trained[-1]
        )
        out = tmp_path / "rows.png"
        monkeypatch.setattr(sys, "argv", ["program", *given, "--out", str(out)])
        program.main()
        rows = [line.split() for line in capsys.readouterr().out.splitlines()]
        with Image.open(out) as picture:
            return rows, picture.size, trained

    return started


def test_the_autoencoder_is_compared_with_and_without_its_critic(run, example):
    given = ("--data", "digits", "--steps", "2", "-n", "40")
    rows, (width, height), (without, with_critic) = run(example("adversary_vq_autoencoder"), *given)
    assert [row[:4] for row in rows] == [["seed", "0", "critic", "False"], ["seed", "0", "critic", "True"]]
    assert [row[4::2] for row in rows] == [["error", "sharpness", "kd", "kd_std"]] * 2
    assert width > 2 * height
    assert not torch.equal(without.last.weight, with_critic.last.weight)


def test_equal_seeds_train_equal_autoencoders(example):
    train = example("adversary_vq_autoencoder").train
    one, again = (train("digits", 1, critic=True, batch_size=2).state_dict() for _ in range(2))
    assert all(torch.equal(one[name], again[name]) for name in one)


@pytest.mark.parametrize("name", ["super_resolution", "pix2pix", "inpainting"])
def test_pictures_are_compared_with_and_without_a_critic(name, run, example):
    rows, (width, height), models = run(example(f"adversary_{name}"), "--data", "digits", "--steps", "2")
    assert [row[:2] for row in rows] == [["critic", "False"], ["critic", "True"]]
    assert [row[2::2] for row in rows] == [["error", "sharpness"]] * 2
    assert width > 2 * height  # twelve pictures in each of four rows
    without, with_critic = (torch.cat([one.flatten() for one in model.parameters()]) for model in models)
    assert not torch.equal(without, with_critic)


def test_a_small_picture_becomes_four_times_as_large(example):
    assert example("adversary_super_resolution").Enlarge(1)(torch.zeros(2, 1, 4, 4)).shape == (2, 1, 16, 16)


def test_edges_are_where_brightness_changes(example):
    photo = torch.full((1, 3, 6, 6), -1.0)
    photo[..., 3:] = 1
    drawing = torch.full((1, 1, 6, 6), -1.0)
    drawing[..., 2:4] = 1
    assert torch.equal(example("adversary_pix2pix").edges(photo), drawing)


def test_only_the_hole_is_filled(example):
    inpainting = example("adversary_inpainting")
    x = torch.rand(8, 1, 16, 16) * 2 - 1
    hole = inpainting.holes(x, torch.Generator().manual_seed(0))
    assert hole.sum((1, 2, 3)).tolist() == [64.0] * 8
    assert not torch.equal(hole[0], hole[1])
    y = inpainting.fill(inpainting.Unet(2, 1), x, hole)
    assert torch.equal(y * (1 - hole), x * (1 - hole))
    assert not torch.equal(y, x)


def test_classes_are_translated_both_ways(run, example):
    cyclegan = example("adversary_cyclegan")
    rows, (width, height), ((to_b, to_a),) = run(cyclegan, "--data", "digits", "--steps", "2", "-n", "20")
    assert [row[:3] for row in rows] == [["there", "and", "back:"]] * 2
    # What is printed before is between held-out pictures of the two classes, whichever way round.
    assert rows[0][6] == rows[1][6]
    assert float(rows[0][6]) > 0
    assert width > height
    assert not torch.equal(to_b.last.weight, to_a.last.weight)


def test_volumes_are_compared_with_and_without_critics(run, example):
    rows, (width, height), (without, with_critics) = run(example("adversary_volumes"), "--steps", "2")
    assert [row[:2] for row in rows] == [["critics", "False"], ["critics", "True"]]
    assert width > 3 * height
    assert not torch.equal(without[0].weight, with_critics[0].weight)


def test_slices_are_judged_one_by_one(example):
    from ganzoo import build
    from ganzoo.protocols import DataSpec

    critic = build("discriminator", "patchgan", spec=DataSpec(shape=(1, 8, 8)), ndf=4, n_layers=1, norm="none")
    x = torch.rand(2, 1, 3, 8, 8)
    logits = example("adversary_volumes").Slices(critic)(x)
    alone = [critic(x[:, :, place]).logits for place in range(3)]
    torch.testing.assert_close(logits, torch.stack(alone, 2))


def test_captions_are_painted_with_and_without_wrong_ones_for_the_critics(run, example, monkeypatch):
    program = example("adversary_captions")
    monkeypatch.setattr(program, "judge", partial(program.judge, 2))
    (*rows, captions), (width, height), (without, with_mismatch) = run(program, "--steps", "2")
    assert [row[0] for row in rows] == ["real", "shuffled", "without", "mismatch"]
    assert [row[1::2] for row in rows] == [["number", "color", "shape"]] * 4
    assert captions[:3] == ["one", "red", "disc,"]
    assert width > 3 * height  # twelve pictures in each of three rows
    assert not torch.equal(without.text.weight, with_mismatch.text.weight)


def test_a_caption_is_what_is_drawn(example):
    captioned = example("captioned")
    captions = torch.tensor([captioned.CAPTIONS.index(f"{n} yellow {s}") for n, s in NUMBERED])
    assert [" ".join(captioned.WORDS[word] for word in words) for words in captioned.tokens(captions).tolist()] == [
        f"{n} yellow {s}" for n, s in NUMBERED
    ]
    bright = (captioned.drawn(captions, torch.Generator().manual_seed(0), side=64) + 1) / 2
    areas = bright[:, 0].mean((1, 2))
    torch.testing.assert_close(bright, areas.new_tensor([1, 0.9, 0.1])[:, None, None] * bright[:, :1])
    # Nothing overlaps or is cut off: two and three have twice and three times the area of one.
    torch.testing.assert_close(areas / areas[:1], torch.tensor([1.0, 2.0, 3.0]), rtol=0.05, atol=0)


def test_a_judge_that_is_right_agrees_with_the_caption_in_all_three(example):
    captioned = example("captioned")
    captions = torch.arange(36)

    def right(_):
        number, color, shape = captioned.ATTRIBUTES.T
        eye = F.one_hot
        return torch.cat([eye(number, 3), eye(color, 4), eye(shape, 3)], 1).float()

    assert captioned.fits(right, captions, captions) == [1.0, 1.0, 1.0]
    # One shape further is another shape, and another color or number at the end of each row only.
    number, color, shape = captioned.fits(right, captions, captions.roll(1))
    assert (round(36 * number), round(36 * color), shape) == (33, 24, 0.0)


def test_a_vocoder_is_compared_with_and_without_critics(run, example):
    given = ("--data", "notes", "--steps", "1")
    rows, (width, height), (without, with_critics) = run(example("adversary_vocoder"), *given)
    assert [row[:2] for row in rows] == [["critics", "False"], ["critics", "True"]]
    assert [row[2::2] for row in rows] == [["log-mel", "log-spectrum"]] * 2
    assert width > height
    assert not torch.equal(without[0].weight, with_critics[0].weight)


def test_a_tone_is_loud_where_its_frequency_is_on_the_mel_scale(example):
    vocoder = example("adversary_vocoder")
    time = torch.arange(vocoder.LENGTH) / vocoder.RATE
    loudest = [
        int(vocoder.mel(torch.sin(2 * torch.pi * frequency * time).view(1, 1, -1)).mean(-1).argmax())
        for frequency in (467.0, 1000.0, 3000.0)
    ]
    # 40 bands between 0 and 2595·log10(1 + 4000/700) = 2146 mel: band b is centered at 52.3·(b + 1) mel.
    assert loudest == [10, 18, 35]


def test_speech_without_its_program_says_what_to_install(example, monkeypatch):
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    with pytest.raises(SystemExit, match="pip install espeakng-loader"):
        example("sounds").speech(held_out=True)


def test_pieces_of_speech_are_by_voices_that_differ(example):
    pytest.importorskip("espeakng_loader", reason="eSpeak NG is not installed (pip install espeakng-loader)")
    sounds = example("sounds")
    pieces = sounds.speech(held_out=True)(3, torch.Generator().manual_seed(0))
    assert pieces.shape == (3, 1, sounds.LENGTH)
    assert pieces.abs().amax() <= 0.9
    voices = sounds.sentences(sounds.SENTENCES[:1])
    assert len({tuple(voice[:8000].tolist()) for voice in voices}) == len(sounds.VOICES)


# Lightning warns of loaders without workers, and of what it imports.
@pytest.mark.filterwarnings("default")
def test_in_lightning_the_critic_learns_and_is_in_the_checkpoint(tmp_path, monkeypatch, example):
    pytest.importorskip("lightning", reason="Lightning is not installed")
    monkeypatch.chdir(tmp_path)
    quiet = {"accelerator": "cpu", "enable_progress_bar": False, "enable_checkpointing": False}
    trainer = example("adversary_lightning").train("digits", 4, batch_size=2, **quiet)
    trainer.save_checkpoint(tmp_path / "last.ckpt")
    assert trainer.global_step == 4
    state = torch.load(tmp_path / "last.ckpt", weights_only=True)["state_dict"]
    assert state["adversary._extra_state"]["counts"]["update"] == 3
    assert float(trainer.callback_metrics["push"]) > 0


def test_in_accelerate_the_state_is_saved_with_the_rest(tmp_path, example):
    pytest.importorskip("accelerate", reason="Accelerate is not installed")
    adversary = example("adversary_accelerate").train("digits", 4, batch_size=2, save=tmp_path, cpu=True)
    saved = torch.load(tmp_path / "custom_checkpoint_0.pkl", weights_only=True)
    assert saved["_extra_state"]["counts"]["update"] == 3
    own = adversary.state_dict()
    assert all(torch.equal(own[name], saved[name]) for name in own if name != "_extra_state")


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("adversary_*.py")), ids=lambda path: path.stem)
def test_each_program_is_short(path):
    assert len(path.read_text().splitlines()) <= 120

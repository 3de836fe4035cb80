"""What is said before a run has a folder reaches its log and its manifest."""

import json
import logging

import pytest
from PIL import Image
from rich.console import Console

import ganzoo
import ganzoo.config.layers
from ganzoo.planning.early_log import early_log
from ganzoo.registry import Registry
from ganzoo.runs import session
from ganzoo.runs.directory import RunDirectory

logger = logging.getLogger("ganzoo")
TINY = {
    "discriminator": {"name": "patchgan-sn", "ndf": 2},
    "generator": {"name": "dcgan", "ngf": 2, "latent": 3},
    "train": {"steps": 1, "batch_size": 4},
}


@pytest.fixture
def folder(tmp_path):
    """Pictures of which one cannot be read, so that opening them warns; and one file is no picture."""
    for number in range(5):
        path = tmp_path / "p" / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        Image.new("RGB", (8, 8), (40 * number, 0, 0)).save(path)
    (tmp_path / "p/broken.png").write_bytes(b"nothing")
    (tmp_path / "p/notes.txt").write_text("")
    return tmp_path / "p"


def test_warnings_of_opening_and_planning_are_in_log_and_manifest(folder, tmp_path):
    data = {"name": "pictures", "path": str(folder), "on_error": "skip", "image_size": 8}
    # A Wasserstein loss without a bound is ill-posed, which is found when the plan is made.
    loss = {"loss": "wgan", "regularizers": "none"}
    dcgan = {"discriminator": {"name": "dcgan", "ndf": 2}}
    run = ganzoo.run({**TINY, **loss, **dcgan, "data": data}, out=tmp_path / "runs")
    warnings = json.loads((run.path / "manifest.json").read_text())["warnings"]
    assert "1 of 6 images cannot be read" in warnings[0]
    assert "broken.png" in warnings[0]
    assert any("needs a critic with a bounded slope" in text for text in warnings)
    log = (run.path / "log.txt").read_text()
    assert log.count("1 of 6 images cannot be read") == 1
    assert "WARNING 1 of 6 images" in log
    assert log.count("needs a critic with a bounded slope") == 1
    assert "INFO data: 5 images (folders); no classes; splits train 5; RGB 8×8; 2 left out: ganzoo data" in log
    assert "INFO remark: a discriminator learns 5 images by heart" in log


def test_the_command_in_the_line_shows_the_same_data(folder, tmp_path):
    data = {"name": "pictures", "path": str(folder), "on_error": "skip", "image_size": 8, "split": "all"}
    log = (ganzoo.run({**TINY, "data": data}, out=tmp_path / "runs").path / "log.txt").read_text()
    assert f"ganzoo data {folder} --set data.on_error=skip --set data.split=all\n" in log


def test_resume_says_it_again_and_keeps_what_is_new(folder, tmp_path):
    data = {"name": "pictures", "path": str(folder), "image_size": 8, "on_error": "skip"}
    run = ganzoo.run({**TINY, "data": data}, out=tmp_path / "runs")
    manifest = run.path / "manifest.json"
    before = json.loads(manifest.read_text())
    manifest.write_text(json.dumps(before | {"warnings": ["an older one"]}))
    steps = ganzoo.config.layers.ConfigLayer("flag", {"train.steps": 2})
    session.resume(Registry.load(plugins=False), RunDirectory(run.path), changes=[steps], console=Console(quiet=True))
    after = json.loads(manifest.read_text())["warnings"]
    assert after == ["an older one", *before["warnings"]]
    assert (run.path / "log.txt").read_text().count("INFO data: 5 images (folders)") == 2


class TestTheHandler:
    def test_notes_and_warnings_in_order_without_debug(self):
        with early_log() as early:
            logger.debug("d")
            logger.info("i %d", 1)
            logger.warning("w")
            logger.warning("w")
        logger.warning("afterwards")
        assert [record.getMessage() for record in early.records] == ["i 1", "w", "w"]
        assert early.warnings == ("w",)

    def test_the_logger_is_left_as_it_was(self):
        before = logger.handlers[:], logger.level
        with pytest.raises(KeyError), early_log():
            raise KeyError
        assert (logger.handlers, logger.level) == before

    def test_a_warning_that_nobody_else_would_print_is_printed(self, capsys, monkeypatch):
        monkeypatch.setattr(logger, "handlers", [])
        monkeypatch.setattr(logging.getLogger(), "handlers", [])
        with early_log():
            logger.warning("look out")
            logger.info("by the way")
        assert capsys.readouterr().err == "look out\n"

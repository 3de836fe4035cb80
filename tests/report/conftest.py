"""A run whose names were chosen by a stranger who means harm, and a browser to read its report with."""

import json

import numpy as np
import pytest
from browser import CHROMIUM, Browser
from PIL import Image
from reported import CLASSES, WARNING, leaderboard

import ganzoo
from ganzoo.registry import Registry
from ganzoo.report.run_page import run_page


@pytest.fixture(scope="session")
def hostile_run(tmp_path_factory):
    """A finished conditional run on pictures in folders named like markup."""
    root = tmp_path_factory.mktemp("<b onclick=alert(4)>")
    for name in CLASSES:
        for number in range(8):
            pixels = np.random.default_rng(number).integers(0, 256, (8, 8, 3), dtype=np.uint8)
            path = root / "pictures" / name / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(path)
    run = ganzoo.run(
        {
            "data": {"name": "pictures", "path": str(root / "pictures"), "image_size": 8},
            "discriminator": {"name": "acgan", "ndf": 2},
            "generator": {"name": "dcgan", "ngf": 2, "latent": 3},
            "train": {"steps": 4, "batch_size": 4, "sample_every": 2, "log_every": 1},
        },
        out=root / "runs",
    )
    manifest = run.directory.read_manifest()
    run.directory.write_manifest({**manifest, "warnings": [WARNING]})
    return run


@pytest.fixture(scope="session")
def hostile_page(hostile_run):
    path = hostile_run.path.parent.parent / "report.html"
    path.write_text(run_page(Registry.load(plugins=False), hostile_run), encoding="utf-8")
    return path


@pytest.fixture
def comparison(tmp_path):
    """A folder of a comparison without any run folder."""
    folder = tmp_path / "comparisons" / "losses"
    folder.mkdir(parents=True)
    (folder / "leaderboard.json").write_text(json.dumps(leaderboard()), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed here: pages are not opened in a browser")
    opened = Browser(tmp_path_factory.mktemp("profile"))
    yield opened
    opened.close()

"""Each fault of a dataset is caught by the check meant for it, and sound data pass all checks."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
import torch
from faulty_datasets import FAULTS, Cloud, Gradients, WritesBesideTheData
from ganzoo_datasets.npz import Npz
from small_files import of_npz

from ganzoo.testing import check_dataset
from ganzoo.testing.by_kind import CHECKED


def failed(report) -> set[str]:
    return {outcome.check for outcome in report.outcomes if outcome.status == "failed"}


@pytest.mark.parametrize(("model", "check"), FAULTS, ids=lambda value: getattr(value, "__name__", ""))
def test_fault_is_caught(model, check, tmp_path):
    options = model(path=str(tmp_path)) if model is WritesBesideTheData else model
    report = check_dataset(options)
    assert check in failed(report)
    assert not report.ok


@pytest.mark.parametrize("model", [Gradients, Cloud])
def test_sound_data_pass(model):
    check_dataset(model).raise_if_failed()


def test_every_check_of_datasets_has_its_fault():
    of_options = {"record-", "options-", "tags-"}
    own = {one.name for one in CHECKED["dataset"].checks if not any(map(one.name.startswith, of_options))}
    assert own == {check for _, check in FAULTS}


def test_data_may_be_named_as_seen_from_the_working_folder(tmp_path, monkeypatch):
    of_npz(tmp_path)
    monkeypatch.chdir(tmp_path)
    check_dataset(Npz(path="set.npz")).raise_if_failed()


def test_the_process_is_left_as_it_was(tmp_path):
    places = [Path.cwd(), tempfile.gettempdir(), dict(os.environ)]
    before = torch.get_rng_state()
    check_dataset(Gradients)
    assert places == [Path.cwd(), tempfile.gettempdir(), dict(os.environ)]
    assert torch.equal(torch.get_rng_state(), before)

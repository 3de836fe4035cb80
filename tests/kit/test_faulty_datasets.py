"""Each fault of a dataset is caught by the check meant for it, and sound data pass all checks."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
import torch
from faulty_datasets import FAULTS, Cloud, Gradients, OfFiles, with_files
from ganzoo_datasets.pictures import Pictures
from small_files import of_npz

from ganzoo.testing import check_dataset
from ganzoo.testing.by_kind import CHECKED
from ganzoo.testing.options import OPTIONS_CHECKS
from ganzoo.testing.running import outcome
from ganzoo.testing.subject import subject_of

OWN = {check.name: check for check in CHECKED["dataset"].checks if check not in OPTIONS_CHECKS}


@pytest.mark.parametrize(("model", "check", "finding"), FAULTS, ids=lambda value: getattr(value, "__name__", ""))
def test_fault_is_caught(model, check, finding, tmp_path):
    options = with_files(model, tmp_path) if "path" in getattr(model, "model_fields", {}) else model
    found = outcome(OWN[check], subject_of("dataset", options))
    assert found.status == "failed"
    assert finding in found.detail


@pytest.mark.parametrize("model", [Gradients, Cloud])
def test_sound_data_pass(model):
    check_dataset(model).raise_if_failed()


def test_sound_data_of_files_pass(tmp_path):
    check_dataset(with_files(OfFiles, tmp_path)).raise_if_failed()


def test_every_check_of_datasets_has_its_fault():
    assert OWN.keys() == {check for _, check, _ in FAULTS}


def test_data_may_be_named_as_seen_from_the_working_folder(tmp_path, monkeypatch):
    of_npz(tmp_path)
    monkeypatch.chdir(tmp_path)
    check_dataset(Pictures(path="set.npz")).raise_if_failed()


def test_the_process_is_left_as_it_was(tmp_path):
    places = [Path.cwd(), tempfile.gettempdir(), dict(os.environ)]
    before = torch.get_rng_state()
    check_dataset(Gradients)
    assert places == [Path.cwd(), tempfile.gettempdir(), dict(os.environ)]
    assert torch.equal(torch.get_rng_state(), before)

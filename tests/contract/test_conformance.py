"""First-party components go through the conformance kit, as everybody's do. To register one is to have it tested."""

import atexit
import shutil
import tempfile
from pathlib import Path

import pytest
from ganzoo_datasets.pictures import Pictures
from small_files import of_each

from ganzoo.testing import check_dataset, parametrize_with_checks

FOLDER = Path(tempfile.mkdtemp(prefix="ganzoo-"))
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)

FILES = of_each(FOLDER)

BRIEF = {"classifier": {"updates": 30}}
"""What is trained by its checks is trained briefly."""


@parametrize_with_checks("ganzoo", options={"pictures": FILES.pop("folder"), **BRIEF})
def test_first_party_components_conform(component, check):
    check(component)


# One test for each way: its options hold a temporary path, by which workers would call their tests differently.
@pytest.mark.parametrize("kept", sorted(FILES))
def test_pictures_conform_however_they_are_kept(kept):
    check_dataset(Pictures(**FILES[kept])).raise_if_failed()

"""First-party components go through the conformance kit, as everybody's do. To register one is to have it tested."""

import atexit
import shutil
import tempfile
from pathlib import Path

from ganzoo_datasets.pictures import Pictures
from small_files import of_each

from ganzoo.testing import parametrize_with_checks

FOLDER = Path(tempfile.mkdtemp(prefix="ganzoo-"))
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)

FILES = of_each(FOLDER)


@parametrize_with_checks("ganzoo", options={"pictures": FILES.pop("folder")})
def test_first_party_components_conform(component, check):
    check(component)


@parametrize_with_checks([("dataset", Pictures(**options)) for options in FILES.values()])
def test_pictures_conform_however_they_are_kept(component, check):
    check(component)

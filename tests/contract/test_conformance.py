"""First-party components go through the conformance kit, as everybody's do. To register one is to have it tested."""

import atexit
import shutil
import tempfile
from pathlib import Path

from small_files import of_each

from ganzoo.testing import parametrize_with_checks

FILES = Path(tempfile.mkdtemp(prefix="ganzoo-"))
atexit.register(shutil.rmtree, FILES, ignore_errors=True)


@parametrize_with_checks("ganzoo", options=of_each(FILES))
def test_first_party_components_conform(component, check):
    check(component)

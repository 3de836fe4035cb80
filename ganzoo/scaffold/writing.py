"""A plugin on disk: all of it or nothing."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from ganzoo.errors import ConfigError
from ganzoo.files import writing
from ganzoo.scaffold.package import NewPlugin


def written(plugin: NewPlugin, out: Path) -> Path:
    """Write the plugin into a new folder of ``out``, which is returned.

    Raises:
        ConfigError: there is no folder ``out``, or something of the plugin's name in it.
        ResourceError: it cannot be written. Nothing is left behind then.
    """
    target = out / plugin.distribution
    if target.exists() or target.is_symlink():
        raise ConfigError(
            f"{target} already exists, and ganzoo does not overwrite it",
            given=plugin.distribution,
            hint=f"ganzoo new-plugin {plugin.distribution} --out DIR, or choose another NAME",
        )
    if not out.is_dir():
        raise ConfigError(
            f"there is no folder {out}", given=f"--out {out}", hint="use --out DIR with an existing folder"
        )
    texts = plugin.files()
    with (
        writing(target),
        TemporaryDirectory(prefix=f".{plugin.distribution}-", dir=out) as scratch,
    ):
        # A folder of its own, since the temporary one can be read by its owner only.
        unfinished = Path(scratch) / plugin.distribution
        for path, text in texts.items():
            file = unfinished / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8", newline="\n")
        unfinished.rename(target)
    return target

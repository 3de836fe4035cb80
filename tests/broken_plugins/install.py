"""Writes plugins as pip would leave them: modules beside their metadata, in a folder to be put on the path."""

from __future__ import annotations

from pathlib import Path

SOURCES = Path(__file__).parent


class PluginFolder:
    """A folder like ``site-packages``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)

    def install(self, source: str, *, distribution: str | None = None, version: str = "1.0", module: str = "") -> str:
        """Install ``broken_plugins/SOURCE.py`` and return the name of the distribution that provides it."""
        distribution = distribution or source.replace("_", "-")
        module = module or distribution.replace("-", "_")
        text = (SOURCES / f"{source}.py").read_text(encoding="utf-8")
        (self.path / f"{module}.py").write_text(text, encoding="utf-8")
        self.announce(distribution, {"main": module}, version=version)
        return distribution

    def announce(
        self,
        distribution: str,
        entry_points: dict[str, str],
        *,
        version: str = "1.0",
        metadata: str | None = None,
        folder: str | None = None,
    ) -> Path:
        """Write a dist-info folder alone. ``metadata`` replaces the whole METADATA file; ``""`` leaves it out."""
        dist_info = self.path / (folder or f"{distribution.replace('-', '_')}-{version}.dist-info")
        dist_info.mkdir()
        if metadata is None:
            metadata = f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n"
        if metadata:
            (dist_info / "METADATA").write_text(metadata, encoding="utf-8")
        lines = [f"{name} = {target}" for name, target in entry_points.items()]
        (dist_info / "entry_points.txt").write_text("\n".join(["[ganzoo]", *lines, ""]), encoding="utf-8")
        return dist_info

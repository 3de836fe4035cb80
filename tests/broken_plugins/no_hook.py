"""Is no plugin at all."""

GANZOO_API = 1

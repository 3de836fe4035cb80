"""Raises something that ``except Exception`` does not catch."""

raise GeneratorExit("on its way out")

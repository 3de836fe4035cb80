"""How fast a step is, beside loops by hand and other libraries: what ``ganzoo bench`` measures."""

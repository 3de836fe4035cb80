"""How fast a step is, beside loops by hand: what ``ganzoo bench`` measures."""

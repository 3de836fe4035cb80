"""Building blocks that first-party networks share. Not a plugin: it announces no components."""

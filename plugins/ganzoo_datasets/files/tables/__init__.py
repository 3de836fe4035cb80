"""Tables that list pictures: how they are written, what their columns mean, and which files they name."""

"""What presets are held to."""

"""What discriminators and generators are held to."""

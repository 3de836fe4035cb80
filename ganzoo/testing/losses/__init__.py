"""What losses are held to."""

"""What metrics are held to."""

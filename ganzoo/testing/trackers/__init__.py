"""What trackers are held to."""

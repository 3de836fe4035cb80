"""Other libraries train networks of their own with loops of their own, and ganzoo trains the same networks."""

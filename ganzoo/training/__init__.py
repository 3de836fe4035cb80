"""What happens in training: the step, the loop, where it is computed, what changes."""

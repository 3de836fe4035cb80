"""Arrays of numbers in files: what they are called, their shapes, and their rows, a few megabytes at a time."""

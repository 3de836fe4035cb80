"""What a configuration may say, how its layers become one, and what is wrong with it."""

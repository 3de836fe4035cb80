"""What is there, told to people: descriptions, receptive fields, plugins."""

"""Shell commands that a model wrote, and their outcomes."""

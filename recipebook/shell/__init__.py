"""Shell commands that a model wrote, and what came of them."""

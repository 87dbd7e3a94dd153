"""YAML to a checked recipe: its keys, what it inherits, the files it names, and every fault's place."""

"""A run's folder: its name and lock, its manifest, its identity, and the diagnosis of its curves."""

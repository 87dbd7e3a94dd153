"""A folder under runs/: its manifest, its stages, and where the work in it comes from."""

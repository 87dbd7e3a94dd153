"""Starting the engine: axolotl.yaml written, the trainer's process started and followed to its end."""

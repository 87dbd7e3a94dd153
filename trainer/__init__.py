"""What runs inside the training process: an Axolotl plugin. Imports nothing of the command line's side."""

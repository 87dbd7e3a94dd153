"""What runs inside the training process: an Axolotl plugin. Imports nothing of the command line's side."""

from trainer.pairs import write_pairs as write_pairs
from trainer.pairs import write_singles as write_singles

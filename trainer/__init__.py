"""What runs with the engine's libraries: the training process, its plugin, and the merge of what was trained."""

from trainer.pairs import write_pairs as write_pairs
from trainer.pairs import write_singles as write_singles

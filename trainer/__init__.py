"""The code that needs the engine's libraries: the training process, its plugins, the check of saved weights."""

from trainer.pairs import write_pairs as write_pairs
from trainer.pairs import write_singles as write_singles
from trainer.tasks import write_tasks as write_tasks

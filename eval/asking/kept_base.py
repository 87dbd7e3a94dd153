"""One base model in memory for many adapters: a member's weights in, the model with its adapter on out.

The model is prepared as for a single evaluation, so that a member's answers are the same to the letter. In float32 the
adapter is merged, which changes the base's weights: there each adapter goes on a copy.
"""

import copy
from pathlib import Path

import torch
from peft import PeftModel

from eval.asking.generate import load_base, load_tuned
from eval.asking.layout import PLAIN, Layout
from recipebook.errors import UserError
from recipebook.run.adapter import Model, Tuned


class KeptBase:
    """The base model that was loaded last."""

    def __init__(self) -> None:
        self.name: tuple[str, str | None, Layout] | None = None
        self.model: Model = None

    def put_on(self, folder: Path, base: Path | str, revision: str | None, layout: Layout = PLAIN) -> Tuned:
        """The model as `load_tuned` returns it."""
        try:
            return load_tuned(folder, base, revision, self._lend, layout)
        except UserError:
            # PEFT may have stopped half way: the next adapter needs a base without any of this one.
            self.name = None
            raise

    def _lend(self, base: str, revision: str | None, layout: Layout) -> Model:
        if self.name != (base, revision, layout):
            self.model = None  # before the next one takes memory
            self.model, self.name = load_base(base, revision, layout), (base, revision, layout)
        return copy.deepcopy(self.model) if self.model.dtype == torch.float32 else self.model

    def take_off(self, model: Model) -> None:
        """Give the base back without the adapter."""
        if isinstance(model, PeftModel) and model.get_base_model() is self.model:
            self.model = model.unload()

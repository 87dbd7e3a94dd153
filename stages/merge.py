"""An adapter added into its base's weights: a model that stands alone, with its tokenizer and chat template.

    - {name: whole, merge: {}, from: sft}       leaves runs/…/stages/whole/model/

Later stages start from it, and any program loads the folder. Merged in the precision that the base is stored in, or
in float32 where the recipe trains in it.
"""

import shutil
from pathlib import Path

from recipebook.errors import UserError
from recipebook.frozen import Frozen
from recipebook.libraries import prepare_libraries
from recipebook.pipeline.job import StageJob

MAKES_MODEL = True
MAKES_ROWS = False


class Options(Frozen):
    """What a recipe may set: nothing."""


def run(job: StageJob, options: Options) -> None:
    """Merge into `model/`, which is whole or absent."""
    if job.adapter is None:
        raise UserError(f"stage '{job.name}': the model that it starts from has no adapter to merge")
    building, folder = job.folder / ".model", job.folder / "model"
    for left in (building, folder):
        shutil.rmtree(left, ignore_errors=True)
    prepare_libraries(job.model)
    _merge(job, job.adapter, building)
    building.rename(folder)


def _merge(job: StageJob, adapter: Path, out: Path) -> None:
    # Here and not above: checking a recipe should not wait for torch.
    from transformers import AutoTokenizer
    from transformers.utils.logging import disable_progress_bar

    from recipebook.run.adapter import load_model, merge_adapter, put_on

    disable_progress_bar()  # type: ignore[no-untyped-call]
    dtype = "float32" if job.recipe.training.precision == "fp32" else "auto"
    merged = merge_adapter(put_on(load_model(job.model, job.revision, dtype), adapter).model)
    merged.save_pretrained(out)
    AutoTokenizer.from_pretrained(adapter).save_pretrained(out)

"""What the reference model says of all pairs, computed once before training: a file that several ranks share.

    runs/x/reference-98c94833a483ed08.arrow     in the run's folder, where a resumed training finds it again

TRL 1.9 has each rank look beside its own rows. The first rank, which has just tokenised them, has them elsewhere than
the others, which have read what it tokenised: it writes the file where they do not look.
"""

from pathlib import Path
from typing import Any

from trl.trainer.dpo_trainer import DPOTrainer


def share_reference(folder: Path) -> None:
    """Let all ranks write and read the file in `folder`."""
    compute = DPOTrainer._precompute_ref_logps

    def compute_in_folder(self: Any, dataset: Any, name: str, batch_size: int) -> Any:
        dataset._get_cache_file_path = lambda fingerprint: str(folder / f"reference-{fingerprint}.arrow")
        return compute(self, dataset, name, batch_size)

    DPOTrainer._precompute_ref_logps = compute_in_folder  # type: ignore[method-assign]

"""The loss of tokens that weigh more or less: logits, labels and weights in, one number out.

    loss = sum of weight * (negative log-likelihood) / sum of weight, over the tokens that are trained on

Divided by the sum of the weights and not by the number of tokens, the loss stays a mean in nats a token. Doubling all
weights changes nothing, and the number of calls in a row does not change the step's size. Weights that are all 1 give
the loss that Axolotl has without them. As there, each batch is divided by its own sum.
"""

from typing import Any

import torch
from axolotl.core.trainers import AxolotlTrainer
from axolotl.utils.collators import DataCollatorForSeq2Seq

IGNORED = -100


def measure_loss(logits: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """The weighted mean of the tokens' losses; in float32, as transformers does."""
    targets, counted = labels[:, 1:].flatten(), weights[:, 1:].flatten()
    losses = torch.nn.functional.cross_entropy(
        logits[:, :-1].float().flatten(0, 1), targets, ignore_index=IGNORED, reduction="none"
    )
    counted = counted * (targets != IGNORED)
    # A batch whose trained tokens all weigh nothing has no loss.
    return (losses * counted).sum() / counted.sum().clamp(min=torch.finfo(counted.dtype).tiny)


class WeightedCollator(DataCollatorForSeq2Seq):  # type: ignore[misc]
    """Axolotl's collator, which pads the weights as well."""

    def __call__(self, features: list[dict[str, Any]], return_tensors: str | None = None) -> Any:
        """Pad the weights, and cut those of rows that were truncated to the row's length."""
        weights = [feature["weights"][: len(feature["labels"])] for feature in features]
        rest = [{key: value for key, value in feature.items() if key != "weights"} for feature in features]
        batch = super().__call__(rest, return_tensors)
        batch["weights"] = torch.zeros(batch["labels"].shape)
        for row, known in zip(batch["weights"], weights, strict=True):
            at = slice(0, len(known)) if self.tokenizer.padding_side == "right" else slice(-len(known), None)
            row[at] = torch.tensor(known)
        return batch


class WeightedTrainer(AxolotlTrainer):  # type: ignore[misc]
    """Axolotl's trainer, with this loss in place of the model's own."""

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Everything around the loss is Axolotl's and transformers'."""
        weights = inputs.pop("weights")
        # transformers expects any loss function but the model's own to divide the loss by a step's batches.
        batches = self.current_gradient_accumulation_steps if model.training else 1
        self.compute_loss_func = lambda outputs, labels, **_: measure_loss(outputs.logits, labels, weights) / batches
        return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)

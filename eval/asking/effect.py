"""A tuned model, and its answers beside the base's, in; the evidence that it is another model than its base out.

The likelihoods of a few references are measured with the adapter off and on, whatever the metrics: answers may stay the
same though likelihoods move, and an adapter that moves none is found before anything is generated.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from eval.asking import generate, likelihood
from eval.asking.answers import ModelAnswer
from eval.asking.prompts import Prompt, spread
from eval.scoring.evidence import Evidence, LikelihoodShift, Measured, find_no_effect, measure_shift
from recipebook.errors import UserError
from recipebook.run.acting import Acting
from recipebook.run.adapter import Tuned
from recipebook.text.chat import WrittenTurn

PROBED = 8


@dataclass(frozen=True)
class Effect:
    """The evidence as it comes in; `weights` names the tuned model in the refusal."""

    weights: str
    acting: Acting | None
    texts: Sequence[WrittenTurn]
    batch_size: int
    without: Sequence[Sequence[Measured]] | None
    """The texts' likelihoods without the adapter; None of a whole model, whose base need not be loaded."""
    shift: LikelihoodShift | None = None

    @classmethod
    def measure(
        cls, tuned: Tuned, weights: str, tokenizer: Any, prompts: Sequence[Prompt], batch_size: int
    ) -> "Effect":
        """Measure the references of a few prompts, in even steps through all, by the model without its adapter."""
        texts = [generate.write(tokenizer, prompt, prompt.answer) for prompt in spread(prompts, PROBED)]
        without = None
        if hasattr(tuned.model, "disable_adapter"):
            with tuned.model.disable_adapter():
                without = _measure(tuned.model, tokenizer, texts, batch_size)
        return cls(weights, tuned.acting, texts, batch_size, without)

    def check(self, model: Any, tokenizer: Any) -> "Effect":
        """Measure them by the model that is to answer; refused if the adapter moves none: no answer could change."""
        if self.without is None:
            return self
        shift = measure_shift(self.without, _measure(model, tokenizer, self.texts, self.batch_size))
        if shift:
            self._refuse(Evidence(acting=self.acting, rows=shift.rows, answers_changed=None, likelihoods=shift))
        return replace(self, shift=shift)

    def collect(self, base: Sequence[ModelAnswer], tuned: Sequence[ModelAnswer], engine: str) -> Evidence:
        """Count the answers that changed and the likelihoods that moved; refused if there are none of either.

        Without an `engine` nothing was generated. What transformers measures says nothing of vLLM's answers.
        """
        pairs = list(zip(base, tuned, strict=True))
        measured = [[_list_measured(one.measures) for one in answers] for answers in (base, tuned)]
        probed = None if engine == "vllm" else self.shift
        evidence = Evidence(
            acting=self.acting,
            rows=len(pairs),
            answers_changed=sum(one.text != other.text for one, other in pairs) if engine else None,
            likelihoods=measure_shift(*measured) or probed,
        )
        self._refuse(evidence)
        return evidence

    def _refuse(self, evidence: Evidence) -> None:
        if fault := find_no_effect(evidence):
            raise UserError(f"{self.weights}: {fault}")


def _measure(model: Any, tokenizer: Any, texts: Sequence[WrittenTurn], batch_size: int) -> list[list[Measured]]:
    return [[(one.log_probability, one.tokens)] for one in likelihood.measure(model, tokenizer, texts, batch_size, "")]


def _list_measured(measures: Mapping[str, float] | None) -> list[Measured]:
    found = measures or {}
    return [(value, int(found[tokens])) for name, value in found.items() if (tokens := f"{name}_tokens") in found]

"""What to try next after a training: a verdict, and for preference methods the method, to lines of advice.

    ADVICE["overfitting"][1] → "fewer training.epochs, to where validation was best"

docs/evaluation.md says which common advice is left out, and why.
"""

from typing import Literal

Verdict = Literal["excellent", "good", "overfitting", "underfitting", "unstable", "stalled", "too short to judge"]

ADVICE: dict[Verdict, tuple[str, ...]] = {
    "excellent": (),
    "good": (),
    "overfitting": (
        "go back to the best checkpoint: training.early_stopping=2, with training.eval_steps and training.save_steps",
        "fewer training.epochs, to where validation was best",
        "more and more varied records; after that lora.dropout=0.1, training.weight_decay=0.01 or a smaller lora.r",
    ),
    "underfitting": (
        "more training.epochs while the loss still falls",
        "three times training.learning_rate, then more room: a larger lora.r, lora.target_modules=all-linear",
        "make plan shows whether answers are cut off (training.max_length) or carry no loss",
    ),
    "unstable": (
        "a third of training.learning_rate, training.warmup_ratio=0.1",
        "more rows a step: training.gradient_accumulation=4; training.precision=bf16 where it was fp16",
        "make plan shows odd and very long rows, which give such steps",
    ),
    "stalled": (
        "ten times training.learning_rate",
        "make plan shows whether the answers carry loss, and whether rows repeat",
        "more room: a larger lora.r (with lora.alpha, as alpha / r scales what is learned), more lora.target_modules",
    ),
    "too short to judge": ("a smaller training.logging_steps, or more training.epochs",),
}
# Of training by the rewards of own episodes: docs/reinforcement.md has the reasons.
OF_REWARDS: dict[Verdict, tuple[str, ...]] = {
    "unstable": (
        "make eval with CHECKPOINT=all: an earlier collection's model may be better",
        "a third of training.learning_rate, rl.beta=0.02 or fewer rl.epochs",
    ),
    "stalled": (
        "where few groups are learned from: a longer warm start, a lower rl.temperature or more rl.redraws",
        "where kl stays near 0 in training_stats.jsonl: three times training.learning_rate",
        "more rl.collections while success still rises",
    ),
    "too short to judge": ("more rl.collections",),
}
FREE_TEXT = "nothing, where answers are free text: their loss stays above 0.5, and the figures of make eval count"
OF_PAIRS: dict[Verdict, str] = {"underfitting": "pairs that differ more: data.options.threshold"}
# Of methods without a reference model, by their own numbers; of all others, by beta.
OF_METHOD: dict[str | None, dict[Verdict, str]] = {
    "orpo": {
        "unstable": "a lower preference.odds_weight: more of the loss is then the chosen answers' own",
        "underfitting": "a higher preference.odds_weight, the weight of ranking pairs correctly",
        "overfitting": "a lower preference.odds_weight, the weight of ranking pairs correctly",
    },
    "simpo": {
        "unstable": "a lower preference.beta: it scales the rewards, and no reference holds the model back",
        "underfitting": "a higher preference.gamma, the margin that is asked for",
        "overfitting": "a lower preference.gamma, the margin that is asked for",
    },
}
OF_REFERENCE: dict[Verdict, str] = {
    "unstable": "a higher preference.beta: a lower one lets the model leave its reference further",
    "underfitting": "a lower preference.beta lets the model leave its reference further",
    "overfitting": "a higher preference.beta keeps the model closer to its reference",
}

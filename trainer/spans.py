"""Tokens that weigh more or less in the loss, by the kind of span they stand in: an Axolotl plugin and its strategy.

    plugins: [trainer.spans.SpansPlugin]
    span_weights: {tool: 1.0, position: 0.8, argument: 0.6, fluency: 0.4}
    datasets: [{path: data/train.jsonl, type: trainer.spans, …}]

A row lists its spans beside its messages, by message and characters of its content:

    {"messages": […, {"role": "assistant", "content": "<tool>search()</tool> caps"}],
     "spans": [{"message": 1, "start": 0, "end": 6, "kind": "position"},
               {"message": 1, "start": 6, "end": 12, "kind": "tool"}, …]}

Axolotl's own strategy tokenises and masks; a column `weights` comes beside `labels`. The kind of each token is found
by recipebook/text/token_spans.py; the end of a turn is in no span, and so of the kind `fluency`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from axolotl.integrations.base import BasePlugin
from axolotl.prompt_strategies.chat_template import ChatTemplateStrategy, StrategyLoader
from pydantic import BaseModel

from recipebook.text.token_spans import REST, TextSpan, find_kinds


class SpanKeys(BaseModel):
    """The plugin's keys in `axolotl.yaml`."""

    span_weights: dict[str, float] | None = None


class SpansPlugin(BasePlugin):  # type: ignore[misc]
    """Brings the trainer whose loss takes the weights, and the collator that pads them."""

    def get_input_args(self) -> str:
        """Where Axolotl finds the plugin's keys."""
        return "trainer.spans.SpanKeys"

    def get_trainer_cls(self, cfg: Any) -> type:
        """Imported late: Axolotl's trainers must not be before all plugins are known."""
        from trainer.weighted_loss import WeightedTrainer

        return WeightedTrainer

    def get_collator_cls_and_kwargs(self, cfg: Any, is_eval: bool = False) -> tuple[type, dict[str, Any]]:
        """The same for training and evaluation."""
        from trainer.weighted_loss import WeightedCollator

        return WeightedCollator, {}


class SpanStrategy(ChatTemplateStrategy):  # type: ignore[misc]
    """Axolotl's chats, with a weight beside each label."""

    span_weights: Mapping[str, float]

    def _tokenize_single_prompt(self, prompt: dict[str, Any]) -> dict[str, list[Any]]:
        tokens: dict[str, list[Any]] = super()._tokenize_single_prompt(prompt)
        turns, tools = self.get_conversation_thread(prompt), self._get_tools(prompt)
        text = self.prompter.build_prompt_text(turns, tools=tools)
        encoded = self.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        if encoded["input_ids"] != tokens["input_ids"]:
            raise ValueError("the tokenizer reads a chat in another way than its text: no spans can be found in it")
        starts = [
            len(self.prompter.build_prompt_text(turns[:at], tools=tools) if at else "") for at in range(len(turns))
        ]
        spans = locate(text, [turn.get("content") or "" for turn in turns], starts, prompt["spans"])
        tokens["weights"] = weigh(find_kinds(text, encoded["offset_mapping"], spans), self.span_weights)
        return tokens


class SpanStrategyLoader(StrategyLoader):  # type: ignore[misc]
    """Axolotl's loader, which passes the weights on."""

    def _get_strategy_cls(self, cfg: Any) -> type:
        return type("WeighingStrategy", (SpanStrategy,), {"span_weights": dict(cfg.span_weights)})


load = SpanStrategyLoader()
"""What Axolotl looks for in the module that `type: trainer.spans` names."""


def locate(
    text: str, contents: Sequence[str], starts: Sequence[int], spans: Sequence[Mapping[str, Any]]
) -> list[TextSpan]:
    """Spans of messages' contents as spans of the whole text; a message's content stands behind its `starts`."""
    found = []
    for span in spans:
        at = text.find(contents[span["message"]], starts[span["message"]])
        if at < 0:
            raise ValueError("the chat template changes an answer: the spans in it cannot be found")
        found.append((at + span["start"], at + span["end"], span["kind"]))
    return sorted(found)


def weigh(kinds: Sequence[str], weights: Mapping[str, float]) -> list[float]:
    """The weight of each token; a kind without a weight is an error."""
    missing = {REST, *kinds} - weights.keys()
    if missing:
        raise ValueError(f"training.span_weights has no {', '.join(sorted(missing))}; it has: {', '.join(weights)}")
    return [weights[kind] for kind in kinds]

"""A row that the engine cannot write as text in; an error that names the row out.

    ValueError: samples/chats.jsonl#31204: the template takes no empty answers

A look before the training sees all rows of a small file and some of a large one; what only the engine sees ends the
training, and this error is the reason that `make train` prints.
"""

from typing import Any

from recipebook.errors import on_one_line


def name_broken_rows() -> None:
    """Let Axolotl's reader of chats say which row it could not write."""
    from axolotl.prompt_strategies.chat_template import ChatTemplateStrategy

    tokenize = ChatTemplateStrategy._tokenize_single_prompt
    if hasattr(tokenize, "names_rows"):
        return

    def tokenize_named(self: Any, row: dict[str, Any]) -> Any:
        try:
            return tokenize(self, row)
        except MemoryError:
            raise
        except Exception as error:  # whatever a template or a tokenizer does
            raise ValueError(f"{row['meta']['origin']}: {on_one_line(str(error))}") from error

    tokenize_named.names_rows = True  # type: ignore[attr-defined]
    ChatTemplateStrategy._tokenize_single_prompt = tokenize_named

"""`make human-eval`: evaluated runs to one blinded form an evaluator, a file of HTML that needs nothing else.

Models' answers are text in it, never markup, and only the form's own script may run. It knows questions by their
number and answers by their letter; the system behind each letter is only in the key.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eval.comparing.evaluations import find_evaluation
from eval.human import LETTERS, NO_DIFFERENCE, POINTS, SCALES
from eval.human.power import describe_power
from eval.human.study import FOLDER, Key, draw_study
from eval.human.systems import Question, read_systems
from eval.report.pages import render_page
from recipebook import project
from recipebook.errors import UserError
from recipebook.files import write_text
from recipebook.project import shown
from recipebook.rows import Message
from recipebook.terminal import print_field

SCRIPT = Path(__file__).with_name("form.js")


def make_forms(
    queries: Sequence[str], conversations: int, evaluators: int, seed: int, runs: Path = project.RUNS
) -> int:
    """Write the forms and the key of a study."""
    for name, value in (("CONVERSATIONS", conversations), ("EVALUATORS", evaluators)):
        if value < 1:
            raise UserError(f"{name}: {value}; at least 1")
    systems, questions = read_systems(queries, runs)
    key = draw_study(questions, systems, tuple(queries), conversations, evaluators, seed)
    run, _ = find_evaluation(queries[0], runs)
    folder = run.folder / FOLDER / key.study
    by_id = {question.id: question for question in questions}
    for number, form in enumerate(render_forms(key, by_id), 1):
        write_text(folder / "forms" / f"evaluator-{number}.html", form)
    (folder / "returned").mkdir(exist_ok=True)
    write_text(folder / "key.json", key.model_dump_json(indent=1) + "\n")
    count = len(key.sheets[0])
    if count < conversations:
        print_field("note", f"{count} conversations instead of {conversations}: the runs have no more")
    print_field(
        "systems", f"{', '.join(systems)}, in random order for {count} conversations and {evaluators} evaluators"
    )
    print_field("power", describe_power(count, evaluators, len(systems)))
    print_field("forms", f"{shown(folder / 'forms')}/ to hand out; the key stays: {shown(folder / 'key.json')}")
    print_field("next", f"put what comes back into {shown(folder / 'returned')}/, then")
    print_field("", f"make human-eval-results RUN={run.name}")
    return 0


def render_forms(key: Key, questions: dict[str, Question]) -> list[str]:
    """One page for each sheet of the key."""
    return [
        render_page(
            "human/form.html.j2",
            study=key.study,
            evaluator=number,
            questions=[_lay_out(questions[item.question], item.systems) for item in sheet],
            scales=SCALES,
            points=POINTS,
            no_difference=NO_DIFFERENCE,
            script=SCRIPT,
        )
        for number, sheet in enumerate(key.sheets, 1)
    ]


def _lay_out(question: Question, systems: Sequence[str]) -> dict[str, Any]:
    """What the page shows of a question: nothing that names its record or its systems."""
    return {
        "messages": [(message["role"], _format_message(message)) for message in question.messages],
        "answers": [(letter, question.answers[system]) for letter, system in zip(LETTERS, systems, strict=False)],
    }


def _format_message(message: Message) -> str:
    """A message's content and its calls, as text."""
    calls = [f"{call['function']['name']}({call['function']['arguments']})" for call in message.get("tool_calls", ())]
    return "\n".join(part for part in [message.get("content") or "", *calls] if part)

"""Evaluation by people: evaluated runs in, blinded forms out; filled-in forms in, results out.

runs/dial-dpo-20261121-093000/human-eval/9f2c41d07ab3e655/
  key.json         the system behind each letter of each question: not for evaluators
  forms/           evaluator-1.html … to hand out, each a file that needs nothing else
  returned/        what came back
  results.json     results.html
"""

from typing import Literal, NamedTuple


class Scale(NamedTuple):
    """The question for a rating from 1 to 5, and the meaning of both ends."""

    question: str
    low: str
    high: str


ScaleName = Literal["quality", "fluency", "satisfaction"]
SCALES: dict[ScaleName, Scale] = {
    "quality": Scale("Does the answer do what was asked, rightly and wholly?", "not at all", "entirely"),
    "fluency": Scale("Does it read naturally at this point of the conversation?", "not at all", "entirely"),
    "satisfaction": Scale("Had you asked, how satisfied would you be?", "not at all", "entirely"),
}
POINTS = (1, 2, 3, 4, 5)
LETTERS = "ABCDEFGH"
# The choice of none: the answers are equally good.
NO_DIFFERENCE = "no difference"

"""What a study of people can find, when its forms are drawn: its size in; a line out.

    with 100 conversations and 5 evaluators, differences in a rating under 0.80 points would often go unnoticed (80 %
    power), where conversations and judgements deviate by 1 point each, and evaluators' leanings by 0.3

Nothing was judged yet, so the spreads are taken from the world of `python -m benchmarks.verdicts`: what a conversation
makes of two systems and what one judgement adds each deviate by 1 point, the leanings of evaluators by 0.3. Levels are
those of the results: ratings on every scale and choices, of each two systems, share one.
"""

import math

from eval.human import POINTS, SCALES
from eval.statistics.families import share_level
from eval.statistics.seeds import SeedSpread
from eval.statistics.seeds_power import find_known_detectable
from recipebook.terminal import format_count, format_decimals

# In points of a scale from 1 to 5.
TASTE, OF_CONVERSATION, OF_JUDGEMENT = 0.3, 1.0, 1.0


def describe_power(conversations: int, evaluators: int, systems: int) -> str:
    """The smallest difference of two systems' ratings that the study finds with 80 % power."""
    size = f"with {format_count(conversations, 'conversations')} and {format_count(evaluators, 'evaluators')}"
    found = find_detectable(conversations, evaluators, share_level((len(SCALES) + 1) * systems * (systems - 1) // 2))
    if math.isnan(found):
        return f"{size} no difference can be found"
    if found > POINTS[-1] - POINTS[0]:
        return f"{size} hardly any difference is found (80 % power): so few say little of other people"
    under = f"{size}, differences in a rating under {format_decimals(found, 2)} points"
    taken = f"conversations and judgements deviate by {OF_JUDGEMENT:g} point each"
    unknown = "; what other people would say is not known of one evaluator"
    leanings = f", and evaluators' leanings by {TASTE:g}" if evaluators > 1 else unknown
    return f"{under} would often go unnoticed (80 % power), where {taken}{leanings}"


def find_detectable(conversations: int, evaluators: int, level: float) -> float:
    """The difference in points; nan where so few conversations can never give a p-value below the level."""
    of_judgement = OF_JUDGEMENT**2 / conversations
    alone = evaluators == 1
    # As measure_seeds splits it: what evaluators and conversations have together belongs to the evaluators.
    spread = SeedSpread(
        middle=0.0,
        seeds=() if alone else ((TASTE**2 + of_judgement) / evaluators,),
        freedoms=() if alone else (evaluators - 1,),
        rows=OF_CONVERSATION**2 / conversations + (of_judgement if alone else 0.0),
        worth=float(conversations),
        skew=0.0,
        groups=conversations,
        differing=conversations,
    )
    return float(find_known_detectable(spread, level))

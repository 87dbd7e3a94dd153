"""How many small faults the tests see: modules in; of each its mutants, how many are caught and which survive, out.

    .venv/bin/python -m tests.mutants recipebook/data/split.py
    recipebook/data/split.py          119 mutants, 116 caught: 97.5 %
      survived  recipebook.data.split.x_hash_prompt__mutmut_4

mutmut makes the mutants in mutants/: another operator, number, name, argument or branch, one at a time. Texts for
people are left alone, since a fault in them decides nothing. `.venv/bin/mutmut show NAME` shows a survivor;
docs/mutants.md says of each why it is no fault.
"""

import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

import libcst
from mutmut.__main__ import cli, walk_mutatable_files
from mutmut.configuration import config
from mutmut.mutation import mutators
from mutmut.mutation.data import SourceFileMutationData
from mutmut.stats import status_by_exit_code

ENOUGH = 0.95
# What numbers and identities rest on, and the folders or files of tests that are to see its faults.
GUARDED = {
    "recipebook/data/account.py": ["tests/recipebook/data/test_account.py"],
    "recipebook/data/split.py": ["tests/recipebook/data/test_split.py"],
    "recipebook/data/overlap.py": ["tests/recipebook/data/test_overlap.py"],
    "recipebook/data/sampling.py": ["tests/recipebook/data/test_sampling.py"],
    "recipebook/run/provenance.py": [
        "tests/recipebook/run/test_provenance.py",
        "tests/recipebook/run/test_provenance_digests.py",
    ],
    "recipebook/run/diagnosis.py": [
        "tests/recipebook/run/test_diagnosis.py",
        "tests/recipebook/run/test_diagnosis_bounds.py",
    ],
    "eval/reading/pairing.py": ["tests/eval/reading/test_pairing.py"],
    "eval/statistics/estimates.py": ["tests/eval/statistics/test_estimates.py"],
    "eval/statistics/families.py": ["tests/eval/statistics/test_families.py"],
    "eval/statistics/intervals.py": ["tests/eval/statistics/test_intervals.py"],
    "eval/statistics/pairs.py": ["tests/eval/statistics/test_pairs.py"],
    "eval/statistics/sums.py": ["tests/eval/statistics/test_sums.py"],
    "eval/statistics/ratios.py": ["tests/eval/statistics/test_ratios.py"],
    "eval/statistics/seeds.py": ["tests/eval/statistics/test_seeds.py"],
    "eval/statistics/seeds_power.py": ["tests/eval/statistics/test_seeds_power.py"],
    "eval/comparing/selection.py": ["tests/eval/comparing/test_selection.py"],
}
UNSEEN = {"survived", "no tests", "not checked"}


def find_survivors(modules: Iterable[str]) -> bool:
    """Make, run and count the mutants of some modules; whether enough of each are caught."""
    shutil.rmtree("mutants", ignore_errors=True)
    config().only_mutate = list(modules)
    config().pytest_add_cli_args_test_selection = sorted({test for module in modules for test in GUARDED[module]})
    mutators.mutation_operators[:] = [
        (kind, mutate_names if operator is mutators.operator_string else operator)
        for kind, operator in mutators.mutation_operators
    ]
    # One at a time: tests that race for the cores would be killed for their time, and count as if they had seen it.
    cli.main(["run", "--max-children", "1"], standalone_mode=False)
    enough = [print_count(path) for path in walk_mutatable_files()]
    return all(enough)


def mutate_names(node: libcst.BaseString) -> Iterable[libcst.BaseString]:
    """The mutants of a text without spaces, such as the name of a key or of a part; none of a text for people."""
    if isinstance(node, libcst.SimpleString) and " " not in node.value:
        yield from mutators.operator_string(node)


def print_count(path: Path) -> bool:
    """Print what became of a module's mutants; whether enough were caught."""
    data = SourceFileMutationData(path=path)
    data.load()
    became = {name: status_by_exit_code[code] for name, code in data.exit_code_by_key.items()}
    survived = [name for name, status in became.items() if status in UNSEEN]
    share = 1 - len(survived) / len(became)
    print(f"{path!s:<33} {len(became)} mutants, {len(became) - len(survived)} caught: {100 * share:.1f} %")
    print("".join(f"  {status:<9} {name}\n" for name, status in became.items() if status != "killed"), end="")
    return share >= ENOUGH


if __name__ == "__main__":
    sys.exit(0 if find_survivors(sys.argv[1:] or list(GUARDED)) else 1)

"""The commands: `python -m recipebook COMMAND`, which the Makefile calls by shorter names.

Each command imports what it needs when it runs, so that help, check and runs stay as quick as they look.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from recipebook.errors import UserError

Command = Callable[[argparse.Namespace], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 done, 1 a run failed, 2 the user's mistake (one line each), 130 stopped."""
    parsed = build_parser().parse_args(arguments)
    command: Command = parsed.command
    # Into a pipe or a log, lines come when they are said, and before what goes to stderr.
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    try:
        return command(parsed)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    except BrokenPipeError:
        # The reader has gone (`make runs | head`); the interpreter must not complain of it either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130


def build_parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    parser = argparse.ArgumentParser(prog="recipebook", description="A recipe runner on top of Axolotl.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    train = _add(commands, "train", _train, "train a recipe, or go on with an unfinished run of it")
    train.add_argument("recipe", help="a name in recipes/, or a path to a YAML file")
    _add_layers(train)
    part = train.add_mutually_exclusive_group()
    part.add_argument("--stage", metavar="NAME", help="only this stage of the recipe")
    part.add_argument("--from", metavar="NAME", dest="since", help="this stage and those after it")
    train.add_argument("--force", action="store_true", help="train even where the same run is there already")
    _add_choice(train)
    train.add_argument("--workers", type=_count, metavar="N", help="members trained at a time; one a GPU if not given")
    train.add_argument("--launcher", default="resident", metavar="NAME", help="resident, plain or ray, for members")

    members = _add(commands, "members", _members, "a fleet's members: what is done, what would run and why")
    members.add_argument("recipe", help="a name in recipes/, or a path to a YAML file")
    _add_layers(members)
    _add_choice(members)
    vectors = _add(commands, "hypernetwork", _hypernetwork, "adapters of a fleet of poles with their trait vectors")
    vectors.add_argument("recipe", help="a fleet with a member a pole, such as traits")
    merge = _add(commands, "merge-adapters", _merge_adapters, "one adapter of several, by PEFT's weighted sum")
    merge.add_argument("runs", nargs="+", metavar="RUN", help=_RUN)
    merge.add_argument("--weights", nargs="+", type=float, required=True, metavar="W", help="one a run, in their order")
    merge.add_argument("--out", required=True, type=Path, metavar="FOLDER")
    merge.add_argument("--kind", default="linear", choices=("linear", "cat", "ties"))
    merge.add_argument("--density", type=float, metavar="D", help="ties: the share of each adapter that is kept")

    plan = _add(commands, "plan", _plan, "say what train would do, without training")
    plan.add_argument("recipe", help="a name in recipes/, or a path to a YAML file")
    _add_layers(plan)

    evaluate = _add(commands, "eval", _eval, "ask base and tuned model the test prompts; report.html")
    evaluate.add_argument("run", help=_RUN)
    evaluate.add_argument("--checkpoint", type=int, metavar="STEP", help="one of the run's checkpoints")
    evaluate.add_argument("--set", nargs="*", action="extend", default=[], metavar="eval.KEY=VALUE", dest="overrides")

    check = _add(commands, "check", _check, "check every recipe, profile and template")
    check.add_argument("recipe", nargs="?", help="only this one")

    _add(commands, "runs", _runs, "the table of runs, newest first")
    cancel = _add(commands, "cancel", _cancel, "end a run's job at a fine-tuning service")
    cancel.add_argument("run", help="the run's full name")

    compare = _add(commands, "compare", _compare, "evaluated runs side by side, each against the first")
    compare.add_argument("runs", nargs="+", metavar="RUN", help=_EVALUATION)
    compare.add_argument("--out", type=Path, metavar="FILE", help="the page; runs/compare-….html if not given")
    leaderboard = _add(commands, "leaderboard", _leaderboard, "all evaluated runs, ranked where they are comparable")
    leaderboard.add_argument("recipe", nargs="?", help="only runs of this one")
    leaderboard.add_argument("--out", type=Path, metavar="FILE", help="the page; runs/leaderboard.html if not given")

    human = _add(commands, "human-eval", _human_eval, "blinded forms for people to judge evaluated runs by")
    human.add_argument("runs", nargs="+", metavar="RUN", help=_EVALUATION)
    human.add_argument("--conversations", type=int, default=100, metavar="N", help="that each judges; 100 if not given")
    human.add_argument("--evaluators", type=int, default=5, metavar="N", help="forms; 5 if not given")
    human.add_argument("--seed", type=int, default=42)
    results = _add(commands, "human-eval-results", _human_eval_results, "what the forms that came back tell")
    results.add_argument("run", help="the run with the study, by its name or its recipe's")
    results.add_argument("--in", nargs="*", default=[], type=Path, dest="sources", metavar="PATH", help=_RETURNED)

    convert = _add(commands, "convert", _convert, "one converter on one source")
    convert.add_argument("--converter", default="auto", metavar="NAME", help="auto (the default): by the first records")
    convert.add_argument("--in", required=True, dest="source", metavar="SOURCE", help=_SOURCE)
    convert.add_argument("--out", required=True, type=Path, metavar="FILE")
    convert.add_argument("--set", nargs="*", action="extend", default=[], metavar="KEY=VALUE", dest="overrides")
    convert.add_argument("--rejects", default="0", help="how many records may be rejected: a number, or 10%%")

    export = _add(commands, "export", _export, "rows in a form that another system takes")
    export.add_argument("--to", required=True, metavar="NAME", help="a module of exports/")
    export.add_argument("--in", required=True, dest="source", metavar="FILE", help="rows, as convert writes them")
    export.add_argument("--out", required=True, type=Path, metavar="FILE")
    export.add_argument("--rejects", default="0", help="how many rows the form may not hold: a number, or 10%%")

    score = _add(commands, "score", _score, "one metric on a file of predictions")
    score.add_argument("--metric", required=True, metavar="NAME")
    score.add_argument("--in", required=True, type=Path, dest="source", metavar="FILE")
    score.add_argument("--out", required=True, type=Path, metavar="FILE")
    score.add_argument("--set", nargs="*", action="extend", default=[], metavar="KEY=VALUE", dest="overrides")

    tiny = _add(commands, "tiny-base", _tiny_base, "make the embedded tiny base model again")
    tiny.add_argument("--force", action="store_true", help="train even where the same run is there already")

    words = _add(commands, "words", _words, "names for shell completion: commands, recipes, profiles or runs")
    words.add_argument("kind", choices=["commands", "recipes", "profiles", "runs"])
    return parser


def _train(asked: argparse.Namespace) -> int:
    from commands.train import train
    from recipebook.fleet.train import Choice as FleetChoice
    from recipebook.pipeline.train import Choice as StageChoice

    stages = StageChoice(asked.stage, asked.since, asked.force)
    members = FleetChoice(tuple(asked.only), asked.limit, asked.workers, asked.launcher, asked.force)
    return train(asked.recipe, asked.profile, _layers(asked), stages, members)


def _members(asked: argparse.Namespace) -> int:
    from recipebook.fleet.train import Choice, show_members
    from recipebook.train.machine import resolve_for_machine

    resolved = resolve_for_machine(asked.recipe, asked.profile, _layers(asked))
    return show_members(resolved, Choice(tuple(asked.only), asked.limit))


def _hypernetwork(asked: argparse.Namespace) -> int:
    from commands.hypernetwork import write_hypernetwork_data

    return write_hypernetwork_data(asked.recipe)


def _merge_adapters(asked: argparse.Namespace) -> int:
    from release.merge_adapters import merge_adapters

    return merge_adapters(asked.runs, asked.weights, asked.out, asked.kind, asked.density)


def _plan(asked: argparse.Namespace) -> int:
    from commands.plan import plan

    return plan(asked.recipe, asked.profile, _layers(asked))


def _eval(asked: argparse.Namespace) -> int:
    from eval.evaluate import evaluate

    return evaluate(asked.run, asked.overrides, asked.checkpoint)


def _check(asked: argparse.Namespace) -> int:
    from recipebook.recipe.check import check_all

    problems = check_all(only=asked.recipe)
    print("\n".join(problems), file=sys.stderr) if problems else print("every recipe, profile and template is sound")
    return 2 if problems else 0


def _runs(asked: argparse.Namespace) -> int:
    from commands.runs import show_runs

    return show_runs()


def _cancel(asked: argparse.Namespace) -> int:
    from recipebook.remote.job import cancel
    from recipebook.run import rundir

    print(cancel(rundir.find(asked.run).folder))
    return 0


def _compare(asked: argparse.Namespace) -> int:
    from eval.comparing.compare import show_comparison

    return show_comparison(asked.runs, asked.out)


def _leaderboard(asked: argparse.Namespace) -> int:
    from eval.comparing.leaderboard import show_leaderboard

    return show_leaderboard(asked.recipe, asked.out)


def _human_eval(asked: argparse.Namespace) -> int:
    from eval.human.forms import make_forms

    return make_forms(asked.runs, asked.conversations, asked.evaluators, asked.seed)


def _human_eval_results(asked: argparse.Namespace) -> int:
    from eval.human.report import show_results

    return show_results(asked.run, asked.sources)


def _convert(asked: argparse.Namespace) -> int:
    from recipebook.data.conversion import convert_file

    options = read_settings(asked.overrides)
    account = convert_file(asked.converter, asked.source, asked.out, options, asked.rejects)
    for line in account.lines():
        print(line, file=sys.stderr)
    print(account.model_dump_json())
    return 0


def _export(asked: argparse.Namespace) -> int:
    from recipebook.data.export import export_rows

    account = export_rows(asked.to, asked.source, asked.out, asked.rejects)
    for line in account.lines():
        print(line, file=sys.stderr)
    print(account.model_dump_json())
    return 0


def _score(asked: argparse.Namespace) -> int:
    from eval.scoring.score import score_file

    print(json.dumps(score_file(asked.metric, asked.source, asked.out, read_settings(asked.overrides))))
    return 0


def _tiny_base(asked: argparse.Namespace) -> int:
    from commands.tiny_base import make_tiny_base

    return make_tiny_base(force=asked.force)


def _words(asked: argparse.Namespace) -> int:
    from commands.words import list_words

    print("\n".join(list_words(asked.kind)))
    return 0


def read_settings(settings: Sequence[str]) -> dict[str, object]:
    """`key=value` words to a dictionary, values read as YAML."""
    from recipebook.recipe.yaml_source import parse_value

    options = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not (key and equals):
            raise UserError(f"--set: '{setting}' is not key=value")
        options[key] = parse_value(value, "--set")
    return options


_RUN = "a run's name, or a recipe's for its newest trained run"
_RETURNED = "files, or folders of them; if not given, the study's folder returned/"
_EVALUATION = f"{_RUN}; of a checkpoint or the validation part: RUN@checkpoint-500, RUN@validation"
_SOURCE = "a file, a glob, a folder, or hf:OWNER/NAME[@REVISION][/CONFIG][:SPLIT]"


def _add(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, command: Command, told: str
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=told, description=told)
    parser.set_defaults(command=command)
    return parser


def _add_layers(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--profile", help="a hardware profile of recipes/profiles; without a GPU: tiny")
    parser.add_argument("--gpus", type=int, metavar="N", help="processes; one a GPU, or CPU ranks without")
    parser.add_argument("--set", nargs="*", action="extend", default=[], metavar="SECTION.KEY=VALUE", dest="overrides")


def _add_choice(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--only", nargs="*", action="extend", default=[], metavar="MEMBER", help="names or patterns")
    parser.add_argument("--limit", type=_count, metavar="N", help="the first N members")


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number above 0")
    return int(text)


def _layers(asked: argparse.Namespace) -> list[str]:
    return [*asked.overrides, *([f"launch.processes={asked.gpus}"] if asked.gpus is not None else [])]

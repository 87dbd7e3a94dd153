"""`make serve`: a run's model behind OpenAI's interface, on this machine.

By this project's own server, which answers as the evaluation did; with --engine vllm by vLLM, which serves several
adapters of one base. `transformers serve` needs the package openai, which is not in the environment.
"""

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from commands._options import RUN, add_overrides, count, port_number, run_name
from recipebook.errors import UserError

if TYPE_CHECKING:
    from release.opening import FoundModel

HELP = "serve a run's model on this machine, in the form of OpenAI's chat completions"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The runs, and how they are served."""
    parser.add_argument("runs", type=run_name, nargs="+", metavar="RUN", help=RUN)
    parser.add_argument("--checkpoint", type=count, metavar="STEP", help="one of the run's checkpoints")
    parser.add_argument(
        "--port", type=port_number, default=8000, metavar="N", help="port on this machine; 8000 if not given"
    )
    parser.add_argument(
        "--engine",
        choices=("recipebook", "vllm"),
        default="recipebook",
        help="what serves: this project's own server, if not given, or vLLM",
    )
    parser.add_argument("--log", type=Path, metavar="FILE", help="append each answered chat as a line of JSON")
    add_overrides(
        parser, "eval.KEY=VALUE", "a setting in place of the recipe's, such as eval.generation.temperature=0.7"
    )


def run(arguments: argparse.Namespace) -> int:
    """Serve until stopped."""
    from release.opening import find_trained

    given = arguments
    if given.engine == "vllm" and given.log:
        raise UserError("LOG is for ENGINE=recipebook; vLLM has logs of its own")
    if given.engine != "vllm" and len(given.runs) > 1:
        raise UserError(f"RUNS: {len(given.runs)} runs given; several adapters on one base are served by ENGINE=vllm")
    trained = [find_trained(name, given.checkpoint, tuple(given.overrides)) for name in given.runs]
    if given.engine == "vllm":
        from release.vllm_command import describe_missing, find_program, format_vllm

        command = format_vllm(trained, given.port)
        program = find_program(os.environ.get("PATH", ""))
        if program is None:
            raise UserError(describe_missing(command))
        os.execv(program, command)
    (one,) = trained
    return _serve(one, given)


def _serve(one: "FoundModel", given: argparse.Namespace) -> int:
    """Serve a model by this project's own server."""
    from recipebook.libraries import prepare_libraries
    from recipebook.shell.port import LOOPBACK, take_port
    from recipebook.terminal import print_field
    from release.chat_log import check_log
    from release.chatting import choose_beginning, make_answerer
    from release.opening import open_model

    # Before the model is loaded, which may take minutes; callers are refused until then.
    port = take_port(LOOPBACK, given.port)
    if given.log:
        check_log(given.log)
    # Before the server's own modules import torch, which reads the environment then.
    prepare_libraries(one.base[0])
    from release.serving import Desk, build_app, serve_app

    desk = Desk(make_answerer(one, open_model(one)), one.name, given.log)
    if system := choose_beginning(one, None).system:
        print_field("system", f"the run's rows begin with this text, so send it first: {system!r}")
    print_field("serving", f"http://{LOOPBACK}:{given.port}/v1, model {desk.name}; Ctrl-C ends it")
    app = build_app(desk, {desk.name, one.manifest.recipe, given.runs[0]})
    serve_app(app, port)
    return 0

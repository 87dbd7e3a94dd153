"""`make quantize`: a trained run in, its model in fewer bits out."""

import argparse
from pathlib import Path

from commands._options import RUN, count, run_name

HELP = "write a run's model in fewer bits, and print what that costs in answers"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The run, the form, and where it goes."""
    parser.add_argument("run", type=run_name, help=RUN)
    parser.add_argument(
        "--format", required=True, choices=("int8", "fp8", "int4", "gguf"), dest="kind", help="how weights are stored"
    )
    parser.add_argument(
        "--out", required=True, type=Path, metavar="FOLDER", help="a folder that is not there yet, for the model"
    )
    parser.add_argument("--llama-cpp", type=Path, metavar="FOLDER", help="for gguf: your folder of llama.cpp")
    parser.add_argument("--checkpoint", type=count, metavar="STEP", help="one of the run's checkpoints")


def run(arguments: argparse.Namespace) -> int:
    """Quantise it."""
    from release.quantizing import quantize_run

    return quantize_run(arguments.run, arguments.kind, arguments.out, arguments.llama_cpp, arguments.checkpoint)

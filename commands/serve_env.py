"""`make serve-env TASKS=samples/shell_tasks.json`: a server of shell tasks, each episode in a box of its own.

Two ports are answered alike, 8000 and 8001: where the source had two servers, callers of either find this one.

It answers this machine only, unless SHELL_TASKS_TOKEN is set in the environment: then callers send it as
`Authorization: Bearer …`, and --host may name another address. Ctrl-C or SIGTERM ends all episodes.
"""

import argparse
import os
from pathlib import Path

from commands._options import BASES, count, port_number

HELP = "serve shell tasks, each episode in a box, over HTTP"
PORTS = [8000, 8001]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The tasks, and where the server listens."""
    parser.add_argument("tasks", type=Path, metavar="TASKS", help="a file of shell tasks")
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on; any but this machine's own needs a token"
    )
    parser.add_argument(
        "--port",
        type=port_number,
        nargs="+",
        default=PORTS,
        metavar="N",
        help="ports to listen on; each answers like the others",
    )
    parser.add_argument("--base", choices=BASES, default="host", help="whose programs boxes have, if callers name none")
    parser.add_argument(
        "--episodes",
        type=count,
        default=256,
        metavar="N",
        help="how many episodes may be open at once; 256 if not given",
    )


def run(arguments: argparse.Namespace) -> int:
    """Serve until stopped."""
    from recipebook.shell.address import TOKEN
    from recipebook.shell.base import require_base
    from recipebook.shell.box import BoxSettings
    from recipebook.shell.server import ServerSettings, require_safe
    from recipebook.shell.serving import listen, require_holding_boxes, serve
    from recipebook.shell.tasks import read_tasks
    from recipebook.terminal import print_field

    settings = ServerSettings(
        host=arguments.host,
        token=os.environ.get(TOKEN) or None,
        most_episodes=arguments.episodes,
    )
    require_safe(settings)
    tasks = read_tasks(arguments.tasks)
    listening = [listen(settings.host, port) for port in arguments.port]
    box = BoxSettings(base=arguments.base)
    require_base(box.base)
    require_holding_boxes(box)
    print_field("tasks", f"{len(tasks)} of {arguments.tasks}")
    for port in arguments.port:
        print_field("serving", f"http://{settings.host}:{port} ({'token' if settings.token else 'no token'})")
    serve(tasks, settings, listening, box)
    return 0

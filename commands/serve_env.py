"""`make serve-env TASKS=samples/shell_tasks.json`: a server of shell tasks, each episode in a box of its own.

It answers this machine only, unless SHELL_TASKS_TOKEN is set in the environment: then callers send it as
`Authorization: Bearer …`, and --host may name another address. Ctrl-C or SIGTERM ends all episodes.
"""

import argparse
import os
from pathlib import Path

from commands._options import count

HELP = "serve shell tasks, each episode in a box, over HTTP"
TOKEN = "SHELL_TASKS_TOKEN"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The tasks, and where the server listens."""
    parser.add_argument("tasks", type=Path, metavar="TASKS", help="a file of shell tasks")
    parser.add_argument("--host", default="127.0.0.1", help="other addresses than this machine's need a token")
    parser.add_argument("--port", type=count, default=8000, metavar="N")
    parser.add_argument("--episodes", type=count, default=256, metavar="N", help="as many may be open at once")


def run(arguments: argparse.Namespace) -> int:
    """Serve until stopped."""
    import uvicorn

    from recipebook.errors import UserError
    from recipebook.shell.box import BoxSettings
    from recipebook.shell.episodes import Episodes
    from recipebook.shell.inspection import inspect
    from recipebook.shell.server import ServerSettings, build_app, require_safe
    from recipebook.shell.tasks import read_tasks
    from recipebook.terminal import print_field

    settings = ServerSettings(
        host=arguments.host,
        port=arguments.port,
        token=os.environ.get(TOKEN) or None,
        most_episodes=arguments.episodes,
    )
    require_safe(settings)
    tasks = read_tasks(arguments.tasks)
    if out := [attempt.name for attempt in inspect(BoxSettings(), quick=True) if not attempt.held]:
        raise UserError(f"boxes do not hold here, so none is served: {', '.join(out)} (make sandbox-check)")
    print_field("tasks", f"{len(tasks)} of {arguments.tasks}")
    print_field("serving", f"http://{settings.host}:{settings.port} ({'token' if settings.token else 'no token'})")
    app = build_app(tasks, Episodes(), settings)
    uvicorn.run(app, host=settings.host, port=settings.port, log_level="warning", timeout_graceful_shutdown=30)
    return 0

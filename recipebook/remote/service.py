"""A fine-tuning service as the runner uses it: rows go up, a job is started and watched, an adapter comes down.

A service is a module of services/; its file's name is the value of a recipe's `remote.service`. It has `URL`, `KEY`
(the environment variable of the key), `find_obstacles(recipe)`, `build_order(recipe)` and `connect(url, key)`, and
may have `DECIDES`, the keys of a recipe that change nothing there, such as `("training", "optimizer")`:

    connect(url, key).look("ft-3f2a")
    -> RemoteJob(id="ft-3f2a", state="running", status="compressing", step=20, steps=40)
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol, cast

from recipebook.errors import UserError
from recipebook.modules import SERVICE, load
from recipebook.recipe.keys import Recipe, Remote
from recipebook.recipe.schema_walk import Fault


class RemoteJob(NamedTuple):
    """A training at the service: `status` is the service's own word, `reason` its explanation of a failure."""

    id: str
    state: Literal["running", "completed", "failed"]
    status: str
    reason: str = ""
    step: int | None = None
    steps: int | None = None


class Unclear(Exception):
    """No answer came to a request that may have been carried out, and must not be repeated blindly."""


class Service(Protocol):
    """A connection to a service, with a key."""

    def upload(self, file: Path, name: str) -> str:
        """Send rows; returns the file's id at the service."""

    def start(self, order: dict[str, Any], file: str, suffix: str) -> RemoteJob:
        """Start a training that bears the suffix; raises Unclear if it may have started."""

    def find(self, suffix: str) -> RemoteJob | None:
        """The job that bears the suffix."""

    def look(self, job: str) -> RemoteJob:
        """The present state of a job."""

    def cancel(self, job: str) -> RemoteJob:
        """End a job."""

    def download(self, job: str, out: Path) -> None:
        """Fetch the adapter, packed; whole or not at all."""


class ServiceModule(Protocol):
    """The parts of a module of services/."""

    URL: str
    KEY: str

    def find_obstacles(self, recipe: Recipe) -> Iterator[Fault]:
        """A fault for each setting of the recipe that the service cannot carry out."""

    def build_order(self, recipe: Recipe) -> dict[str, Any]:
        """The recipe in the service's words."""

    def connect(self, url: str, key: str, key_name: str) -> Service:
        """Open a connection."""


def load_service(name: str) -> ServiceModule:
    """Load services/<name>.py."""
    return cast(ServiceModule, load(SERVICE, name))


def connect(remote: Remote) -> Service:
    """Connect with the key that the environment holds; it is sent to no address that would carry it in the clear."""
    module = load_service(remote.service)
    return module.connect(name_url(remote), read_key(remote), name_key(remote))


def name_url(remote: Remote) -> str:
    """The service's address."""
    return (remote.url or load_service(remote.service).URL).rstrip("/")


def name_key(remote: Remote) -> str:
    """The environment variable that holds the key."""
    return remote.key or load_service(remote.service).KEY


def read_key(remote: Remote) -> str:
    """The key, from the environment alone."""
    key = os.environ.get(name_key(remote), "").strip()
    if not key:
        raise UserError(f"{remote.service}: {name_key(remote)} is not set; it holds the service's key")
    return key

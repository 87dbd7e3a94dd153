"""The Ray cluster that commands use: that of `RAY_ADDRESS`, else that of `ray start`, else a new one.

A new one is of this machine alone, on loopback, and ends with its command; no other command joins it. It has done a
first task before it counts as started. All nodes of a cluster see the project under the same path.
"""

import os
import socket
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from recipebook.errors import UserError, take_first_line

# Ray itself tries for several minutes to reach a cluster that is gone.
SECONDS = 5.0
# A node ends with any of its agents, and an agent ends where somebody else has taken the port that Ray chose for it.
STARTS = 3


def connect(environment: Mapping[str, str]) -> None:
    """Be a driver of the cluster, whose processes get these variables; an error where there is no Ray or no cluster."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
        from ray._private.utils import read_ray_address
    except ImportError:
        raise UserError("LAUNCHER: ray is not installed; pip install '.[ray]' installs it") from None
    wanted = {"log_to_driver": False, "logging_level": "ERROR", "runtime_env": {"env_vars": dict(environment)}}
    named = os.environ.get("RAY_ADDRESS")
    # Ray's own "auto" joins any cluster of this machine, and one that another command has started ends with that.
    address = named if named not in (None, "", "auto") else read_ray_address()
    if not address or address == "local":
        _start(wanted)
        return
    origin = "RAY_ADDRESS" if address == named else "ray start (`ray stop` makes it forgotten)"
    _check_answers(address, origin)
    try:
        ray.init(address=address, **wanted)
    except (ConnectionError, ValueError) as error:
        raise UserError(f"{origin}: no Ray cluster at {address}: {take_first_line(error)}") from error


def _start(wanted: Mapping[str, Any]) -> None:
    """Start a cluster of this machine, anew where one dies before its first task is done; a UserError at the last."""
    import ray

    for at in range(STARTS):
        try:
            ray.init(address="local", include_dashboard=False, _node_ip_address="127.0.0.1", **wanted)
            ray.get(ray.remote(_answer).remote())
            return
        # Of a node that does not start in time Ray raises a bare Exception.
        except Exception as error:
            ray.shutdown()
            if at == STARTS - 1:
                raise UserError(
                    f"LAUNCHER=ray: Ray does not start on this machine, tried {STARTS} times: {take_first_line(error)}"
                ) from error


def _answer() -> None:
    """What a new cluster does first."""


def _check_answers(address: str, origin: str) -> None:
    """A UserError unless somebody listens at the address: host:port, or ray://host:port."""
    try:
        parts = urlsplit(address if "://" in address else f"//{address}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or not port:
        raise UserError(f"{origin}: {address!r} is no address of a Ray cluster; it wants host:port, or ray://host:port")
    try:
        socket.create_connection((host, port), SECONDS).close()
    except OSError as error:
        raise UserError(f"{origin}: no Ray cluster at {address}: {error.strerror or error}") from error

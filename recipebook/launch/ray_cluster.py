"""The Ray cluster that commands use: that of `RAY_ADDRESS`, else that of `ray start`, else a new one.

A new one is of this machine alone, on loopback, and ends with its command; no other command joins it. All nodes of a
cluster see the project under the same path.
"""

import os
import socket
from collections.abc import Mapping
from urllib.parse import urlsplit

from recipebook.errors import UserError, take_first_line

# Ray itself tries for several minutes to reach a cluster that is gone.
SECONDS = 5.0


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
        ray.init(address="local", include_dashboard=False, _node_ip_address="127.0.0.1", **wanted)
        return
    origin = "RAY_ADDRESS" if address == named else "ray start (`ray stop` makes it forgotten)"
    _check_answers(address, origin)
    try:
        ray.init(address=address, **wanted)
    except (ConnectionError, ValueError) as error:
        raise UserError(f"{origin}: no Ray cluster at {address}: {take_first_line(error)}") from error


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

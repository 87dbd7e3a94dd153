"""The Ray cluster that commands use: that of `RAY_ADDRESS`, else one that runs on this machine, else a new one.

A new one is of this machine alone, on loopback. All nodes of a cluster see the project under the same path.
"""

import os
from collections.abc import Mapping

from recipebook.errors import UserError


def connect(environment: Mapping[str, str]) -> None:
    """Be a driver of the cluster, whose processes get these variables; an error where there is no Ray or no cluster."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError:
        raise UserError("LAUNCHER: ray is not installed; pip install '.[ray]' installs it") from None
    wanted = {"log_to_driver": False, "logging_level": "ERROR", "runtime_env": {"env_vars": dict(environment)}}
    try:
        ray.init(address="auto", **wanted)
    except ConnectionError as error:
        if "RAY_ADDRESS" in os.environ:
            raise UserError(f"RAY_ADDRESS: no cluster at {os.environ['RAY_ADDRESS']}") from error
        ray.init(include_dashboard=False, _node_ip_address="127.0.0.1", **wanted)

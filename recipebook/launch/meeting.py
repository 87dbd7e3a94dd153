"""Where the machines of a launch meet, and which of them this is: `MACHINE_RANK` and `MAIN` in the environment.

MACHINE_RANK=1 MAIN=node-3:29500    → Meeting(rank=1, host="node-3", port=29500)
"""

import os
import re
import socket
from typing import NamedTuple

from recipebook.errors import UserError
from recipebook.recipe.keys import Recipe
from recipebook.suggestions import shorten

_NUMBER = re.compile("[0-9]{1,9}")
# The usual port of a launch, which is one of those that the system gives nobody by itself.
LAST_PORT, FIRST_FREE = 65535, 29500
SHAPE = "RANK= says which of the machines this is, from 0 on, and MAIN=HOST:PORT where machine 0 waits for the others"


class Meeting(NamedTuple):
    """This machine's place in a launch."""

    rank: int
    host: str
    port: int


def read_meeting(recipe: Recipe) -> Meeting | None:
    """Where the machines meet; None where one trains alone, or nobody has said it. Raises if it cannot be."""
    machines = recipe.launch.machines
    if machines == 1 or not any(name in os.environ for name in ("MACHINE_RANK", "MAIN")):
        return None
    # srun starts a command on each node, and numbers them.
    rank = os.environ.get("MACHINE_RANK") or os.environ.get("SLURM_NODEID", "")
    main = os.environ.get("MAIN", "")
    host, _, port = main.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        # As a browser writes an address of IPv6.
        host = host[1:-1]
    # The last colon of a bare `[fd00::1]` is the address's own.
    if not (_NUMBER.fullmatch(rank) and host and port and not main.endswith("]")):
        given = " ".join(f"{name}={shorten(value)}" for name, value in (("RANK", rank), ("MAIN", main)) if value)
        raise UserError(f"launch.machines: {machines}, {f'{given}, ' if given else ''}and {SHAPE}")
    if int(rank) >= machines:
        raise UserError(f"RANK={rank}: of {machines} machines the last is {machines - 1}")
    if not (_NUMBER.fullmatch(port) and 0 < int(port) <= LAST_PORT):
        raise UserError(f"MAIN: no port {shorten(port)}; one of 1 to {LAST_PORT}, such as {FIRST_FREE}")
    return Meeting(int(rank), host, int(port))


def require_meeting(recipe: Recipe) -> None:
    """Raise if several machines are to train and nobody has said where they meet, or one that is given a rank."""
    machines = recipe.launch.machines
    if machines > 1 and read_meeting(recipe) is None:
        raise UserError(f"launch.machines: {machines}, and {SHAPE}")
    if machines == 1 and (rank := os.environ.get("MACHINE_RANK")):
        raise UserError(f"RANK={shorten(rank)}: launch.machines is 1, and one machine has no rank; MACHINES=2")
    if machines == 1 and (main := os.environ.get("MAIN")):
        raise UserError(f"MAIN={shorten(main)}: launch.machines is 1, and one machine meets no other; MACHINES=2")


def check_meeting(meeting: Meeting) -> None:
    """Raise if this machine cannot meet the others: its port is taken, or the other's name is unknown."""
    try:
        address = socket.getaddrinfo(meeting.host, meeting.port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no name of a host"
        raise UserError(f"MAIN: {shorten(meeting.host)}: {reason}") from error
    if meeting.rank:
        return
    with socket.socket(address[0]) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(address[4])
        except OSError as error:
            raise UserError(
                f"MAIN: {meeting.host}:{meeting.port}: {error.strerror}; machine 0 must have this address, and a "
                f"free port, such as {meeting.port + 1 if meeting.port < LAST_PORT else FIRST_FREE}"
            ) from error


def check_interfaces() -> None:
    """Raise if a variable of gloo or NCCL names a network interface that is not here: ranks would not meet by it."""
    own = [name for _, name in socket.if_nameindex()]
    for variable in ("GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME"):
        value = os.environ.get(variable, "")
        # NCCL takes the beginning of a name, = before whole ones, and ^ before those that it is not to use.
        begins = variable.startswith("NCCL") and not value.startswith("=")
        names = [] if value.startswith("^") else list(filter(None, value.removeprefix("=").split(",")))
        for name in names:
            if name not in own and not (begins and any(one.startswith(name) for one in own)):
                raise UserError(f"{variable}={shorten(name)}: no network interface here; there are: {', '.join(own)}")


def name_interface(meeting: Meeting) -> str | None:
    """The network interface through which this machine reaches the meeting; None where it cannot be found.

    gloo takes the address of this machine's name, which is often 127.0.0.1, where the others do not find it.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        try:
            asked.connect((meeting.host, meeting.port))
        except OSError:
            return None
        own = socket.inet_aton(asked.getsockname()[0])
        return next((name for _, name in socket.if_nameindex() if _read_address(asked, name) == own), None)


def _read_address(asked: socket.socket, name: str) -> bytes | None:
    """The address of an interface, as the kernel has it; None where it has none."""
    import fcntl

    request = name.encode()[:15].ljust(40, b"\0")
    try:
        return fcntl.ioctl(asked.fileno(), 0x8915, request)[20:24]
    except OSError:
        return None

"""A port of this machine in; a socket that holds it, and on which nothing listens yet, out.

    port = take_port("127.0.0.1", 8000)
    leave_to_next(port)
    port.listen()

Callers are refused until somebody listens; from then on they wait.
"""

import errno
import socket

from recipebook.errors import UserError

LOOPBACK = "127.0.0.1"


def take_port(host: str, port: int) -> socket.socket:
    """Bind a socket; UserError if the port is taken or the address is not this machine's."""
    try:
        try:
            return _bind(host, port, again=False)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            # Connections of an earlier server, which the kernel remembers for a minute, are no hindrance.
            return _bind(host, port, again=True)
    except OSError as error:
        raise UserError(f"{host}:{port}: {error.strerror}; another port: PORT=9000") from None


def leave_to_next(port: socket.socket) -> None:
    """Let the next server take the port as soon as this one has ended; call it before the socket listens."""
    # Connections inherit it, and so does what the kernel remembers of them.
    port.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)


def _bind(host: str, port: int, *, again: bool) -> socket.socket:
    """Bind; with `again`, also a port of which the kernel remembers connections.

    Not from the start: two sockets that both bind `again` hold one port, as long as neither listens.
    """
    taken = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, again)
    # Its connections inherit it. Otherwise a reply's second packet waits 40 ms for the first to be acknowledged:
    # asyncio does this by itself only for sockets that it made.
    taken.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        taken.bind((host, port))
    except OSError:
        taken.close()
        raise
    return taken

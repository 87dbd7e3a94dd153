"""A port of this machine in; a socket that holds it, and on which nothing listens yet, out.

    take_port("127.0.0.1", 8000)

Callers are refused until somebody listens; from then on they wait.
"""

import socket

from recipebook.errors import UserError


def take_port(host: str, port: int) -> socket.socket:
    """Bind a socket; UserError if the port is taken or the address is not this machine's."""
    taken = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Its connections inherit it. Otherwise a reply's second packet waits 40 ms for the first to be acknowledged:
    # asyncio does this by itself only for sockets that it made.
    taken.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        taken.bind((host, port))
    except OSError as error:
        taken.close()
        raise UserError(f"{host}:{port}: {error.strerror}; another port: PORT=9000") from None
    return taken

"""A port that is held before anybody answers on it."""

import socket

import pytest

from recipebook.errors import UserError
from recipebook.shell.port import leave_to_next, take_port


def test_a_port_that_is_taken_is_refused_with_the_way_to_another() -> None:
    with take_port("127.0.0.1", 0) as taken:
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match=rf"^127\.0\.0\.1:{port}: Address already in use; another port: PORT=9000$"):
            take_port("127.0.0.1", port)


def test_a_port_is_taken_also_before_its_holder_listens() -> None:
    # As while `make serve` loads its model, which takes minutes.
    with take_port("127.0.0.1", 0) as held:
        port = held.getsockname()[1]
        with pytest.raises(UserError, match=rf"^127\.0\.0\.1:{port}: Address already in use; "):
            take_port("127.0.0.1", port)


def test_a_server_that_has_just_ended_leaves_its_port_to_the_next() -> None:
    with take_port("127.0.0.1", 0) as listening:
        leave_to_next(listening)
        listening.listen()
        port = listening.getsockname()[1]
        caller = socket.create_connection(("127.0.0.1", port))
        # Who closes first is remembered.
        listening.accept()[0].close()
        caller.recv(1)
        caller.close()
    take_port("127.0.0.1", port).close()


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(UserError, match=r"^192\.0\.2\.1:8000: Cannot assign requested address; "):
        take_port("192.0.2.1", 8000)


def test_callers_are_refused_until_somebody_listens() -> None:
    with take_port("127.0.0.1", 0) as held:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(held.getsockname())
        held.listen()
        socket.create_connection(held.getsockname()).close()


def test_a_replys_second_packet_does_not_wait_for_the_first() -> None:
    with take_port("127.0.0.1", 0) as listening:
        listening.listen()
        with socket.create_connection(listening.getsockname()):
            accepted, _ = listening.accept()
            with accepted:
                assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)

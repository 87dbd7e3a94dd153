"""Where several machines meet: read from the environment, and refused in a line where it cannot be."""

import socket

import pytest

from recipebook.errors import UserError
from recipebook.launch.meeting import (
    Meeting,
    check_interfaces,
    check_meeting,
    name_interface,
    read_meeting,
    require_meeting,
)
from tests.recipebook.launch.test_script import recipe

TWO = recipe(machines=2)


def place(monkeypatch: pytest.MonkeyPatch, rank: str, main: str) -> None:
    monkeypatch.setenv("MACHINE_RANK", rank)
    monkeypatch.setenv("MAIN", main)


def test_a_machine_has_its_rank_and_a_place_to_meet(monkeypatch: pytest.MonkeyPatch) -> None:
    place(monkeypatch, "1", "node-3:29500")
    assert read_meeting(TWO) == Meeting(1, "node-3", 29500)
    assert read_meeting(recipe()) is None
    for main in ("[fd00::1]:29500", "fd00::1:29500"):
        place(monkeypatch, "0", main)
        assert read_meeting(TWO) == Meeting(0, "fd00::1", 29500)


def test_one_machine_with_a_place_to_meet_others_does_not_train_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MACHINE_RANK", raising=False)
    monkeypatch.setenv("MAIN", "node-3:29500")
    with pytest.raises(UserError, match=r"^MAIN=node-3:29500: launch\.machines is 1, .*; MACHINES=2$"):
        require_meeting(recipe())


@pytest.mark.parametrize(
    ("rank", "main", "fault"),
    [
        ("", "a:1", "launch.machines: 2, MAIN=a:1, and RANK= says which of the machines this is"),
        ("0", "a", "launch.machines: 2, RANK=0 MAIN=a, and RANK= says which of the machines this is"),
        ("-1", "a:1", "launch.machines: 2, RANK=-1 MAIN=a:1, and RANK= says"),
        ("٣", "a:1", "launch.machines: 2, RANK=٣ MAIN=a:1, and RANK= says"),
        ("9" * 5000, "a:1", "launch.machines: 2, RANK=9999999999"),
        ("2", "a:1", "RANK=2: of 2 machines the last is 1"),
        ("0", "a:70000", "MAIN: no port 70000; one of 1 to 65535"),
        ("0", "a:0", "MAIN: no port 0; one of 1 to 65535"),
        ("0", "a:1.5", "MAIN: no port 1.5; one of 1 to 65535"),
        ("0", "[fd00::1]", "launch.machines: 2, RANK=0 MAIN=[fd00::1], and RANK= says"),
        ("0", "a:1\nb", "MAIN: no port 1\\nb; one of 1 to 65535"),
        ("0", "a:" + "9" * 5000, "MAIN: no port 9999999999"),
    ],
)
def test_a_place_that_cannot_be_is_one_line(rank: str, main: str, fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    place(monkeypatch, rank, main)
    with pytest.raises(UserError) as error:
        require_meeting(TWO)
    assert str(error.value).startswith(fault)


def test_two_machines_that_do_not_know_where_to_meet_do_not_train(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MACHINE_RANK", raising=False)
    monkeypatch.delenv("MAIN", raising=False)
    assert read_meeting(TWO) is None
    with pytest.raises(UserError, match=r"^launch\.machines: 2, and RANK= says which"):
        require_meeting(TWO)


def test_a_rank_of_one_machine_is_refused_rather_than_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    place(monkeypatch, "1", "a:1")
    with pytest.raises(UserError, match=r"^RANK=1: launch\.machines is 1, and one machine has no rank; MACHINES=2$"):
        require_meeting(recipe())


def test_a_port_that_is_taken_and_a_name_without_address_are_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match=f"^MAIN: 127.0.0.1:{port}: Address already in use; .* such as {port + 1}$"):
            check_meeting(Meeting(0, "127.0.0.1", port))
        # The others find it taken, by machine 0.
        check_meeting(Meeting(1, "127.0.0.1", port))
    with pytest.raises(UserError, match=r"^MAIN: no\.such\.host\.invalid: "):
        check_meeting(Meeting(1, "no.such.host.invalid", 29500))
    with pytest.raises(UserError, match=r"^MAIN: a\.\.b: no name of a host$"):
        check_meeting(Meeting(1, "a..b", 29500))


@pytest.mark.parametrize(
    ("variable", "value", "wrong"),
    [
        ("GLOO_SOCKET_IFNAME", "lo", None),
        ("GLOO_SOCKET_IFNAME", "", None),
        ("GLOO_SOCKET_IFNAME", "lo,none0", "none0"),
        ("GLOO_SOCKET_IFNAME", "l", "l"),
        ("NCCL_SOCKET_IFNAME", "l,lo", None),
        ("NCCL_SOCKET_IFNAME", "=l", "l"),
        ("NCCL_SOCKET_IFNAME", "^none", None),
        ("NCCL_SOCKET_IFNAME", "none", "none"),
    ],
)
def test_a_network_interface_that_is_not_here_is_one_line(
    variable: str, value: str, wrong: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    if wrong is None:
        check_interfaces()
        return
    with pytest.raises(UserError, match=rf"^{variable}={wrong}: no network interface here; there are: .*\blo\b"):
        check_interfaces()


def test_the_interface_is_that_which_reaches_the_meeting() -> None:
    assert name_interface(Meeting(1, "127.0.0.1", 29500)) == "lo"

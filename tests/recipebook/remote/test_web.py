"""A request is repeated while its fault may pass, never before the server wants it, and then given up."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from recipebook.remote.web import GivenUp, Patience, insist, read_pause

QUICK = Patience(first=1.0, attempts=4)


def play(*faults: httpx.Response | httpx.TransportError, patience: Patience = QUICK) -> tuple[str, list[float]]:
    """What comes of these faults and a good answer after them, and the pauses between."""
    coming, pauses = iter([*faults, httpx.Response(200, text="good")]), list[float]()

    def send() -> httpx.Response:
        come = next(coming)
        if isinstance(come, httpx.TransportError):
            raise come
        return come

    def wait(pause: float, fault: str) -> bool:
        pauses.append(pause)
        return fault == "status 410"

    try:
        return insist(send, patience, describe, wait).text, pauses
    except GivenUp as fault:
        return f"given up: {fault}", pauses


def describe(fault: httpx.Response | httpx.TransportError) -> str:
    return f"status {fault.status_code}" if isinstance(fault, httpx.Response) else str(fault)


def busy(retry_after: str) -> httpx.Response:
    return httpx.Response(429, headers={"Retry-After": retry_after})


def test_pauses_grow_and_each_is_a_bit_another() -> None:
    result, pauses = play(httpx.Response(503), httpx.ConnectError("no route"), httpx.Response(500))
    assert result == "good"
    assert [round(pause / 2**at) for at, pause in enumerate(pauses)] == [1, 1, 1]
    assert len({pause / 2**at for at, pause in enumerate(pauses)}) == 3


def test_no_pause_is_longer_than_the_longest() -> None:
    patience = Patience(first=40.0, longest=50.0, attempts=5)
    assert max(play(*[httpx.Response(503)] * 4, patience=patience)[1]) <= 60.0


def test_the_last_attempt_is_followed_by_no_pause() -> None:
    result, pauses = play(*[httpx.Response(503)] * 3, httpx.ReadError("cut"))
    assert (result, len(pauses)) == ("given up: cut", 3)


def test_time_ends_it_too() -> None:
    assert play(httpx.Response(503), patience=Patience(first=1.0, seconds=0.0)) == ("given up: status 503", [])


def test_waiting_may_end_it() -> None:
    result, pauses = play(httpx.Response(410))
    assert (result, len(pauses)) == ("given up: status 410", 1)


def test_the_servers_own_pause_is_waited_for() -> None:
    assert play(busy("7"))[1] == [7.0]
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    (pause,) = play(busy(date))[1]
    assert 80 < pause <= 90


def test_a_pause_that_is_too_long_is_cut_where_a_limit_is_set() -> None:
    assert play(busy("9000"), patience=Patience(first=1.0, obeyed=600.0))[1] == [600.0]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, 0.0),
        ("2", 2.0),
        ("1.5", 1.5),
        ("-3", 0.0),
        ("soon", 0.0),
        ("Sat, 21 Nov 2020 09:30:00 GMT", 0.0),
        ("Sat, 21 Nov 2020 09:30:00", 0.0),
    ],
)
def test_a_header_that_asks_for_no_pause_asks_for_none(header: str | None, seconds: float) -> None:
    assert read_pause(header) == seconds

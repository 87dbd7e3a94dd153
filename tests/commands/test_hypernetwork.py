"""A fleet of poles to its adapters and their vectors."""

import pytest

from commands import main


def test_a_fleet_that_is_not_trained_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["hypernetwork", "nosuch"]) == 2
    assert capsys.readouterr().err == "no trained members in runs/nosuch: make train RECIPE=nosuch\n"

"""What a manifest says of time."""

from datetime import datetime, timedelta

from recipebook.run.manifest import format_now


def test_now_is_a_second_with_its_distance_to_utc() -> None:
    now = datetime.fromisoformat(format_now())
    assert now.tzinfo and now.microsecond == 0
    assert timedelta(0) <= datetime.now().astimezone() - now < timedelta(seconds=60)

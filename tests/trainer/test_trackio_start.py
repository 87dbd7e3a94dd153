"""Trackio begins a run by the recipe's keys, whatever else transformers names."""

from typing import Any

import pytest
import trackio

from recipebook.run.tracked import TrackioRun
from trainer.trackio_start import begin_by_keys


@pytest.mark.parametrize(
    ("keys", "begun"),
    [
        (("robots", None, None), {"project": "robots", "name": "n", "space_id": None, "resume": "allow"}),
        ((None, "me/space", None), {"project": "huggingface", "name": "n", "space_id": "me/space", "resume": "allow"}),
        (
            ("robots", None, TrackioRun(project="robots", name="brave-sunset-0")),
            {"project": "robots", "name": "brave-sunset-0", "space_id": None, "resume": "allow"},
        ),
    ],
)
def test_the_recipes_project_and_space_and_an_earlier_runs_name_are_taken(
    keys: tuple[str | None, str | None, TrackioRun | None], begun: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[dict[str, Any]] = []

    def begin(project: str, name: str, space_id: str | None, resume: str) -> None:
        found.append({"project": project, "name": name, "space_id": space_id, "resume": resume})

    monkeypatch.setattr(trackio, "init", begin)
    begin_by_keys(*keys)
    trackio.init(project="huggingface", name="n", space_id="trackio", resume="allow", bucket_id=None)
    assert found == [begun]

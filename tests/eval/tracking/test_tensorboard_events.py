"""An evaluation's figures as TensorBoard reads them."""

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from eval.tracking.tensorboard_events import write_events
from eval.tracking.tracked_figures import TrackedFigures
from recipebook.run.tracked import Trackers


def test_the_figures_are_beside_the_training_and_a_new_evaluation_replaces_them(figures: TrackedFigures) -> None:
    assert not write_events(figures, Trackers())
    folder = figures.training / "tensorboard"
    folder.mkdir()
    for _ in range(2):
        assert write_events(figures, Trackers())
    read = EventAccumulator(str(folder / "evaluation"))
    read.Reload()
    assert [(one.step, one.value) for one in read.Scalars("evaluation/exact/tuned")] == [(7, 0.5)]
    assert [one.value for one in read.Scalars("evaluation/exact/base")] == [0.5]


def test_another_evaluation_of_the_run_is_a_line_of_its_own(figures: TrackedFigures) -> None:
    (figures.training / "tensorboard").mkdir()
    assert write_events(figures._replace(place="validation/checkpoint-5"), Trackers())
    assert [*(figures.training / "tensorboard" / "evaluation" / "validation" / "checkpoint-5").iterdir()] != []

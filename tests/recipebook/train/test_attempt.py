"""How an attempt begins and ends, and what of it is kept."""

import json
from collections.abc import Callable

from recipebook.run.rundir import Run
from recipebook.train.attempt import begin, end, format_kept
from recipebook.train.fault import read_final_loss
from tests.end_to_end.quick_engine import write_checkpoint


def test_a_line_that_a_killed_trainer_had_begun_does_not_count_and_goes_before_the_next_attempt(
    start_run: Callable[..., Run],
) -> None:
    run = start_run(status="interrupted")
    (run.folder / "metrics.jsonl").write_text('{"step": 1, "loss": 9.0}\n{"step": 2, "lo')
    assert read_final_loss(run.folder) == 9.0
    begin(run, run.read())
    assert (run.folder / "metrics.jsonl").read_text() == '{"step": 1, "loss": 9.0}\n'


def test_the_step_whose_weights_were_kept_is_told_and_that_training_ended_early(start_run: Callable[..., Run]) -> None:
    run = start_run()
    assert format_kept(run) is None
    checkpoint = run.folder / "model" / "checkpoint-80"
    write_checkpoint(checkpoint, 80)
    state = checkpoint / "trainer_state.json"
    state.write_text('{"best_global_step": null}')
    (run.folder / "progress.json").write_text('{"step": 80, "steps": 80}')
    assert format_kept(run) is None
    state.write_text('{"best_global_step": 40}')
    assert format_kept(run) == "the weights of step 40, the best by validation"
    (run.folder / "progress.json").write_text('{"step": 80, "steps": 1210}')
    assert format_kept(run) == "the weights of step 40, the best by validation; it ended early, after 80 of 1210"


def test_the_most_memory_of_all_attempts_is_kept(start_run: Callable[..., Run]) -> None:
    run = start_run(status="prepared")
    for reported in (1.5, 1.2):
        manifest = begin(run, run.read())
        (run.folder / "progress.json").write_text(json.dumps({"step": 1, "steps": 2, "memory_gib": reported}))
        end(run, manifest, 0.0, "interrupted", None, None)
    assert run.read().memory_gib == 1.5


def test_a_trainer_that_reports_no_memory_leaves_it_unknown(start_run: Callable[..., Run]) -> None:
    run = start_run(status="prepared")
    assert end(run, begin(run, run.read()), 0.0, "interrupted", None, None).memory_gib is None

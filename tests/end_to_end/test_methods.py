"""Every method that learns from pairs, and the loss of weighted spans, trained for real for a few steps."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
from transformers import AutoTokenizer

from eval.asking.generate import load_base
from eval.asking.likelihood import Likelihood, measure
from recipebook import project
from recipebook.data.dataset import prepare
from recipebook.launch.command import build_environment
from recipebook.project import CHAT_TEMPLATES, PROJECT
from recipebook.recipe.resolve import resolve
from recipebook.train.opening import write_files
from trainer.pairs import write_pair

Metrics = list[dict[str, float]]

WHOLE = "axolotl.eval_batch_size=16"
TEXTS = (WHOLE, "training.max_steps=3", "training.logging_steps=1", "training.gradient_accumulation=2")
EQUAL = tuple(f"training.span_weights.{kind}=1.0" for kind in ("tool", "position", "argument", "fluency"))
PAIRS = (WHOLE, "training.max_steps=6", "training.logging_steps=3")
TRAININGS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "dpo": ("preference-dpo", "preference", (*PAIRS, "training.batch_size=4")),
    "ipo": ("preference-ipo", "preference", (*PAIRS, "training.batch_size=4")),
    # At the paper's 0.1, the first steps are those of the chosen answers' loss.
    "orpo": ("preference-orpo", "preference", (*PAIRS, "training.batch_size=4", "preference.odds_weight=5.0")),
    "simpo": ("preference-simpo", "preference", (*PAIRS, "training.batch_size=4")),
    "kto": ("preference-kto", "preference", (*PAIRS, "training.batch_size=8")),
    "plain": ("toolformer-sft", "toolformer", (*TEXTS, "training.batch_size=8")),
    "equal": ("toolformer-weighted", "toolformer", (*TEXTS, "training.batch_size=8", *EQUAL)),
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """All of them in one process, which imports Axolotl once; 64 records to train on, 8 to evaluate by."""
    home = tmp_path_factory.mktemp("methods")
    for family in ("preference", "toolformer"):
        records = (PROJECT / "samples" / f"{family}.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
        (home / f"{family}-train.jsonl").write_text("".join(records[:64]), encoding="utf-8")
        (home / f"{family}-held.jsonl").write_text("".join(records[-8:]), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(project, "CACHE", home / "cache")
        made = {name: _open(home, name, *training) for name, training in TRAININGS.items()}
    # So small a model gains nothing from a second thread.
    environment = {**os.environ, **build_environment(resolve("preference-dpo", "tiny").recipe), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(Path(__file__).with_name("train_in_turn.py")), *map(str, made.values())]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-5000:]
    return made


def _open(home: Path, name: str, recipe: str, family: str, settings: tuple[str, ...]) -> Path:
    data = (f"data.source={home / family}-train.jsonl", f"data.validation={home / family}-held.jsonl")
    resolved = resolve(recipe, "tiny", [*data, f"data.test={home / family}-held.jsonl", *settings]).recipe
    folder = home / name
    folder.mkdir()
    write_files(folder, resolved, prepare(resolved.data, project.CACHE / "data", PROJECT))
    return folder


@pytest.fixture(scope="module")
def base_odds(folders: dict[str, Path]) -> dict[str, list[Likelihood]]:
    """What the base model thinks of the held-out answers, and of the chosen ones with their prompts."""
    base = PROJECT / "models" / "tiny-base"
    tokenizer, model = AutoTokenizer.from_pretrained(base), load_base(str(base), None)
    tokenizer.chat_template = (CHAT_TEMPLATES / "chatml.jinja").read_text()
    rows = [json.loads(line) for line in (folders["dpo"] / "data" / "validation.jsonl").open()]
    pairs = [write_pair({key: row[key] for key in ("messages", "chosen", "rejected")}, tokenizer) for row in rows]
    texts = {name: [(pair["prompt"], pair[name]) for pair in pairs] for name in ("chosen", "rejected")}
    texts["whole"] = [("", pair["prompt"] + pair["chosen"]) for pair in pairs]
    return {name: measure(model, tokenizer, each, 16, "test") for name, each in texts.items()}


def read(folder: Path) -> Metrics:
    return [json.loads(line) for line in (folder / "metrics.jsonl").open()]


def means(found: list[Likelihood]) -> list[float]:
    return [one.log_probability / one.tokens for one in found]


@pytest.mark.parametrize(
    ("method", "loss"),
    [
        # Nothing is learned yet, so that every log-ratio to the reference is 0: -ln sigmoid(0),
        ("dpo", math.log(2)),
        # (0 - 1 / (2 * 0.1))^2,
        ("ipo", 25.0),
        # and 1 - sigmoid(0).
        ("kto", 0.5),
    ],
)
def test_the_first_loss_is_the_methods_own(folders: dict[str, Path], method: str, loss: float) -> None:
    before, first = read(folders[method])[:2]
    assert (before["step"], first["step"]) == (0, 1)
    assert before["eval_loss"] == pytest.approx(loss, abs=1e-5)
    assert first["loss"] == pytest.approx(loss, abs=1e-5)


def test_simpos_first_loss_is_of_mean_log_probabilities_and_its_margin(
    folders: dict[str, Path], base_odds: dict[str, list[Likelihood]]
) -> None:
    gaps = [c - r for c, r in zip(means(base_odds["chosen"]), means(base_odds["rejected"]), strict=True)]
    losses = [math.log1p(math.exp(-(2.0 * gap - 1.0))) for gap in gaps]
    assert read(folders["simpo"])[0]["eval_loss"] == pytest.approx(sum(losses) / len(losses), rel=1e-3)


def test_orpos_first_loss_is_of_the_whole_chosen_text_and_the_odds(
    folders: dict[str, Path], base_odds: dict[str, list[Likelihood]]
) -> None:
    whole = base_odds["whole"]
    supervised = -sum(one.log_probability for one in whole) / sum(one.tokens for one in whole)
    odds = [
        (c - math.log1p(-math.exp(c))) - (r - math.log1p(-math.exp(r)))
        for c, r in zip(means(base_odds["chosen"]), means(base_odds["rejected"]), strict=True)
    ]
    penalty = sum(math.log1p(math.exp(-one)) for one in odds) / len(odds)
    assert read(folders["orpo"])[0]["eval_loss"] == pytest.approx(supervised + 5.0 * penalty, rel=1e-3)


@pytest.mark.parametrize("method", ["dpo", "ipo", "orpo", "simpo", "kto"])
def test_the_chosen_answers_gain_on_the_rejected_ones(folders: dict[str, Path], method: str) -> None:
    told = [line for line in read(folders[method]) if "eval_loss" in line]
    gaps = [line["eval_logps/chosen"] - line["eval_logps/rejected"] for line in (told[0], told[-1])]
    assert gaps[1] > gaps[0]
    assert told[-1]["eval_loss"] < told[0]["eval_loss"]


def test_simpo_is_warmed_up_by_a_share_of_the_steps(folders: dict[str, Path]) -> None:
    # One step of six, taken at 0; Axolotl's own would have been none.
    assert [line["learning_rate"] for line in read(folders["simpo"]) if line["step"] == 1 and "loss" in line] == [0.0]


def test_equal_weights_give_the_unweighted_losses(folders: dict[str, Path]) -> None:
    plain, equal = (
        [(line["step"], key, line[key]) for line in read(folders[name]) for key in ("loss", "eval_loss") if key in line]
        for name in ("plain", "equal")
    )
    assert [key for _, key, _ in plain] == ["eval_loss", "loss", "loss", "loss", "eval_loss"]
    assert [point[:2] for point in equal] == [point[:2] for point in plain]
    assert [point[2] for point in equal] == pytest.approx([point[2] for point in plain], abs=1e-6)

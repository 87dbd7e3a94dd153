"""An evaluation of 100,000 answers to its figures and its page: seconds, memory, size, and the time to the first view.

    python -m benchmarks.report --rows 100000

The answers are those of the robot's API, with 12 figures and 12 slices: the references themselves, some with another
number, beside those of other rows. Each step is a process of its own: `score` writes scores and summary, `report` the
page. Then Chromium loads the page from disk, in a window of a desk and without a cache. The last line is one JSON
object:

    {"rows": 100000, "score_s": 20.9, "score_cpu_s": 20.3, "score_mib": 452, "report_s": 14.2, "report_cpu_s": 14.0,
     "report_mib": 188, "page_mb": 14.1, "first_view_s": 0.9, "first_answer_s": 1.2}
"""

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from eval.report.page import ReportInput, write_report
from eval.scoring.score import evaluate_predictions
from recipebook.project import PROJECT

FIELDS = ("category", "length", "language")
VALUES = 4
FIRST_VIEW = """new Promise((found) => new PerformanceObserver((list) => found(list.getEntries()[0].startTime)).observe(
    {type: "paint", buffered: true}))"""


def main() -> None:
    """Make the answers, measure each step in a process of its own, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--step", choices=("score", "report"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.step:
        print(json.dumps(measure(arguments.step, arguments.folder)))
        return
    with tempfile.TemporaryDirectory() as folder:
        run = make_run(Path(folder) / "robot-lora-20261129-120000", arguments.rows)
        found: dict[str, Any] = {"rows": arguments.rows}
        for step in ("score", "report"):
            command = [sys.executable, "-m", "benchmarks.report", "--step", step, "--folder", str(run)]
            found |= json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            print(f"{step:8} {found[f'{step}_s']:6.1f} s  {found[f'{step}_mib']:6.0f} MiB", flush=True)
        page = run / "eval" / "report.html"
        found |= {"page_mb": round(page.stat().st_size / 1e6, 1), **open_page(page)}
    print(json.dumps(found))


def make_run(folder: Path, rows: int) -> Path:
    """A run's folder as far as a report needs it, and the answers."""
    (folder / "eval").mkdir(parents=True)
    records = json.loads((PROJECT / "samples" / "robot.json").read_bytes())
    draw = random.Random(42)
    with (folder / "eval" / "predictions.jsonl").open("w") as file:
        for row in range(rows):
            record, other = draw.choice(records), draw.choice(records)
            answer = record["output"] if draw.random() < 0.8 else record["output"].replace("1", "2")
            meta = {field: f"{field} {draw.randrange(VALUES)}" for field in FIELDS}
            file.write(
                json.dumps(
                    {
                        "id": f"samples/robot.json#{row}",
                        "prompt": record["input"],
                        "reference": record["output"],
                        "prediction": answer,
                        "baseline": other["output"],
                        "meta": meta,
                        "new_tokens": 20,
                        "truncated": False,
                        "baseline_truncated": False,
                        "question_hash": f"{row:016x}",
                    }
                )
                + "\n"
            )
    (folder / "metrics.jsonl").write_text("".join(f'{{"step": {step}, "loss": {9 / step}}}\n' for step in range(1, 99)))
    (folder / "axolotl.yaml").write_text("train_on_inputs: false\n")
    (folder / "recipe.yaml").write_text("description: robot\n")
    manifest = {"run": folder.name, "recipe": "robot-lora", "profile": None, "rows": {"test": rows}, "account": {}}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def measure(step: str, run: Path) -> dict[str, float]:
    """The seconds and the most memory of one step."""
    started, busy = time.monotonic(), time.process_time()
    if step == "score":
        evaluate_predictions(run / "eval" / "predictions.jsonl", {"robot": {}}, FIELDS, "exact", 42, run / "eval")
    else:
        write_report(run / "eval" / "report.html", ReportInput.read(run, run / "eval"))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    seconds = {f"{step}_s": time.monotonic() - started, f"{step}_cpu_s": time.process_time() - busy}
    return {**{name: round(value, 1) for name, value in seconds.items()}, f"{step}_mib": round(memory)}


def open_page(page: Path) -> dict[str, float]:
    """The seconds until Chromium has painted the page, and until it shows the first of all answers."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": 1280, "height": 900})
        started = time.monotonic()
        tab.goto(page.as_uri())
        painted = tab.evaluate(FIRST_VIEW)
        tab.locator("#answers").scroll_into_view_if_needed()
        tab.locator("#answers article").first.wait_for()
        shown = time.monotonic() - started
        browser.close()
    return {"first_view_s": round(painted / 1000, 2), "first_answer_s": round(shown, 2)}


if __name__ == "__main__":
    main()

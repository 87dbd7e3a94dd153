"""Job scripts as SLURM and shellcheck read them."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from recipebook.launch.slurm import SlurmJob, render_job

ONE = SlurmJob("robot-lora", 1, 8, ("robot-lora", "--profile", "multi-gpu"))
TWO = SlurmJob("robot-lora", 2, 8, ("robot-lora", "--set", "a=b c"), time="4:00:00", account="lab", partition="gpu")
FLEET = SlurmJob("traits", 1, 1, ("traits",), members=("joy_plus", "it's"), at_a_time=4)


@pytest.mark.parametrize("job", [ONE, TWO, FLEET])
def test_shellcheck_has_nothing_to_say(job: SlurmJob, tmp_path: Path) -> None:
    if not shutil.which("shellcheck"):
        pytest.skip("no shellcheck: apt-get install shellcheck")
    (tmp_path / "job.sh").write_text(render_job(job, tmp_path / "a folder"))
    done = subprocess.run(["shellcheck", tmp_path / "job.sh"], capture_output=True, text=True, check=False)
    assert done.stdout == ""


def test_nodes_train_together_at_the_first_ones_address() -> None:
    assert render_job(TWO, Path("/p")) == (
        "#!/usr/bin/env bash\n"
        "#SBATCH --job-name=robot-lora\n"
        "#SBATCH --nodes=2\n"
        "#SBATCH --ntasks-per-node=1\n"
        "#SBATCH --gpus-per-node=8\n"
        "#SBATCH --time=4:00:00\n"
        "#SBATCH --account=lab\n"
        "#SBATCH --partition=gpu\n"
        "#SBATCH --signal=TERM@180\n"
        "#SBATCH --requeue\n"
        "#SBATCH --open-mode=append\n"
        "#SBATCH --output=/p/runs/slurm/%x-%j.log\n"
        "set -uo pipefail\n"
        "cd /p || exit 1\n"
        'first=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)\n'
        'address=$(sinfo --noheader --nodes="$first" --format=%o | head -n 1)\n'
        'export MAIN="$address:$((29500 + SLURM_JOB_ID % 500))"\n'
        "srun --kill-on-bad-exit=0 --wait=300 \\\n"
        f"  {sys.executable} -m recipebook train robot-lora --set 'a=b c'\n"
        "status=$?\n"
        "# Stopped before its end, as by the time limit: the same job resumes it.\n"
        'if [ "$status" -eq 130 ]; then scontrol requeue "$SLURM_JOB_ID"; fi\n'
        'exit "$status"\n'
    )


@pytest.mark.parametrize(
    ("project", "log"),
    [
        ("/home/ann/my work", "'/home/ann/my work/runs/slurm/%x-%j.log'"),
        ("/data/run#2", "'/data/run#2/runs/slurm/%x-%j.log'"),
        ("/it's", "'/it'\"'\"'s/runs/slurm/%x-%j.log'"),
        ("/half%", "/half%%/runs/slurm/%x-%j.log"),
    ],
)
def test_the_log_lies_in_the_project_whatever_its_folder_is_called(project: str, log: str) -> None:
    """sbatch 22.05 refuses what follows a blank and leaves out what follows `#`, and takes these as they are meant."""
    assert f"#SBATCH --output={log}\n" in render_job(TWO, Path(project))


def test_a_fleet_is_an_array_with_a_member_a_task() -> None:
    lines = render_job(FLEET, Path("/p")).splitlines()
    assert "#SBATCH --array=0-1%4" in lines
    assert "members=(joy_plus 'it'\"'\"'s')" in lines
    assert lines[-5].endswith('-m recipebook train traits --only "${members[$SLURM_ARRAY_TASK_ID]}"')
    assert lines[-2].endswith('scontrol requeue "${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID"; fi')
    assert not any("MAIN" in line for line in lines)

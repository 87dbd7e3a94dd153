"""A box: how scripts run in it, how they end, and what is refused where no box can be had."""

import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from recipebook.errors import UserError
from recipebook.project import INSTALLATION
from recipebook.shell.box import Box, BoxError, BoxResult, BoxSettings, open_box
from recipebook.shell.bwrap import find_spawner, list_limits
from recipebook.shell.entering import PERL
from recipebook.shell.requirements import list_missing
from recipebook.shell.rooting import AGENT_TEXT, SPAWNER_TEXT
from recipebook.shell.seccomp import MACHINES, assemble
from tests.recipebook.shell.boxes import needs_boxes

OK = {"timed_out": False, "cut": False, "lost": False}


@pytest.fixture
def box() -> Iterator[Box]:
    box = open_box(BoxSettings())
    yield box
    box.close()


@needs_boxes
def test_a_script_runs_as_root_in_the_root_folder_without_input(box: Box) -> None:
    assert box.run("id -u; pwd; cat; echo oops >&2; exit 3", 5) == BoxResult(3, "0\n/\noops\n", **OK)


@needs_boxes
def test_a_box_can_be_had_by_an_installation_that_other_users_cannot_enter(tmp_path: Path) -> None:
    shutil.copytree(INSTALLATION / "recipebook", tmp_path / "recipebook", ignore=shutil.ignore_patterns("__pycache__"))
    tmp_path.chmod(0o700)
    program = "from recipebook.shell.box import *; print(open_box(BoxSettings()).run('echo in', 5).output)"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "in\n\n"), done.stderr


@needs_boxes
def test_files_and_background_processes_stay_and_variables_do_not(box: Box) -> None:
    assert box.run("cd /srv; X=1; echo hello > there; sleep 60 & echo begun", 5).output == "begun\n"
    assert box.run('echo "$PWD $X"; cat /srv/there; pgrep -c sleep', 5).output == "/ \nhello\n1\n"


@needs_boxes
def test_root_may_give_files_away_and_make_users(box: Box) -> None:
    script = (
        "useradd -m eve && touch /home/eve/x && chown eve:eve /home/eve/x && stat -c %U /home/eve/x && su eve -c id"
    )
    assert box.run(script, 5).output == "eve\nuid=1000(eve) gid=1000(eve) groups=1000(eve)\n"


@needs_boxes
def test_a_script_has_seven_capabilities_in_every_set(box: Box) -> None:
    # chown, dac_override, fowner, fsetid, kill, setgid, setuid: bits 0, 1, 3, 4, 5, 6, 7.
    assert box.run("grep -c ^Cap /proc/self/status; grep ^Cap /proc/self/status | cut -f2 | uniq", 5).output == (
        "5\n00000000000000fb\n"
    )


@needs_boxes
@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("nsenter"), reason="only root enters a box's namespace")
def test_no_user_namespace_can_be_made_below_that_of_a_box_whatever_the_filter_lets_through(box: Box) -> None:
    box.run("sleep 4321.9 > /dev/null & true", 5)
    inside = next(
        path for path in Path("/proc").glob("[0-9]*") if b"sleep\x004321.9" in (path / "cmdline").read_bytes()
    )
    for user in ("0", "7"):
        command = ["nsenter", "-t", inside.name, "-U", "-S", user, "-G", user, "unshare", "-U", "true"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert "No space left on device" in done.stderr


@needs_boxes
def test_programs_may_be_added_and_the_machine_does_not_see_them(box: Box) -> None:
    assert (
        box.run("printf '#!/bin/sh\\necho mine\\n' > /usr/bin/recipebook-x; chmod +x /usr/bin/recipebook-x", 5).status
        == 0
    )
    assert box.run("recipebook-x", 5).output == "mine\n"
    assert not Path("/usr/bin/recipebook-x").exists()


@needs_boxes
def test_a_script_whose_time_is_up_keeps_its_output_and_leaves_nothing_running(box: Box) -> None:
    box.run("sleep 300 &", 5)
    assert box.run("echo begun; sleep 200 & sleep 100", 0.5) == BoxResult(124, "begun\n", True, False, False)
    assert box.run("ps -eo args= | grep '^sleep'", 5).output == "sleep 300\n"


@needs_boxes
def test_the_agent_needs_nothing_of_the_box_once_it_runs(box: Box) -> None:
    box.run("rm -rf /usr/bin/perl* /usr/lib/*/perl* /usr/share/perl*", 5)
    assert box.run("sleep 100 & echo begun; sleep 100", 0.5) == BoxResult(124, "begun\n", True, False, False)
    assert box.run("pgrep sleep; echo $?", 5).output == "1\n"


# A server under nohup, in the background of a shell that has no jobs.
IGNORED = [signal.SIGHUP, signal.SIGINT, signal.SIGQUIT]
SHOW_IGNORED = """
from recipebook.shell.box import BoxSettings, open_box
box = open_box(BoxSettings())
print(box.run("grep SigIgn /proc/self/status", 5).output, end="")
box.close()
"""


@needs_boxes
def test_scripts_ignore_no_signal_whatever_the_server_ignores() -> None:
    command = [sys.executable, "-c", SHOW_IGNORED]
    before = {each: signal.signal(each, signal.SIG_IGN) for each in IGNORED}
    try:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
    assert process.communicate(timeout=60)[0] == "SigIgn:\t0000000000000000\n"


@needs_boxes
def test_a_script_that_a_signal_ends_has_a_shell_s_status(box: Box) -> None:
    assert box.run("kill -TERM $$", 5) == BoxResult(143, "", **OK)


@needs_boxes
def test_a_script_that_is_too_long_for_a_command_line_fails_alone(box: Box) -> None:
    assert box.run("#" * 200_000, 5) == BoxResult(126, "bash: Argument list too long\n", **OK)
    assert box.run("echo c", 5).output == "c\n"


@needs_boxes
def test_output_beyond_the_limit_is_cut_and_the_script_goes_on() -> None:
    box = open_box(BoxSettings(output_kib=1))
    assert box.run("yes | head -n 5000; touch /srv/done", 5) == BoxResult(0, "y\n" * 512, False, True, False)
    assert box.run("ls /srv", 5).output == "done\n"
    box.close()


@needs_boxes
def test_output_that_is_no_text_is_replaced(box: Box) -> None:
    assert box.run(r"printf 'a\xff\0b'", 5).output == "a�\0b"


@needs_boxes
def test_a_script_with_a_nul_byte_fails_alone(box: Box) -> None:
    assert box.run("echo a\0b", 5) == BoxResult(126, "bash: embedded null byte\n", **OK)
    assert box.run("echo c", 5).output == "c\n"


@needs_boxes
def test_memory_taken_between_two_scripts_ends_the_box() -> None:
    box = open_box(BoxSettings(memory_mib=64))
    box.run("(sleep 0.3; exec python3 -c 'x = b\"x\" * 200_000_000; import time; time.sleep(60)') >/dev/null 2>&1 &", 5)
    until = time.monotonic() + 20
    while not (result := box.run("true", 5)).lost and time.monotonic() < until:
        time.sleep(0.1)
    assert result.lost
    assert box.run("true", 5).lost
    box.close()


@needs_boxes
def test_a_box_outlives_the_thread_that_opened_it() -> None:
    opened: list[Box] = []
    thread = threading.Thread(target=lambda: opened.append(open_box(BoxSettings())))
    thread.start()
    thread.join()
    assert opened[0].run("echo alive", 5).output == "alive\n"
    opened[0].close()


@needs_boxes
def test_a_closed_box_is_lost_and_may_be_closed_again(box: Box) -> None:
    box.close()
    box.close()
    assert box.run("true", 5).lost


@needs_boxes
def test_a_box_that_cannot_be_made_says_why_and_the_next_one_starts() -> None:
    with pytest.raises(BoxError, match="No space left on device"):
        open_box(BoxSettings(files=1))
    box = open_box(BoxSettings())
    assert box.run("echo alive", 5).output == "alive\n"
    box.close()


@needs_boxes
def test_a_machine_without_room_for_another_box_says_so() -> None:
    find_spawner()
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, limits[1]))
    try:
        with pytest.raises(BoxError, match=r"^this machine has no room for another box: Too many open files$"):
            open_box(BoxSettings())
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


@needs_boxes
def test_a_box_that_ends_before_it_has_its_ids_does_not_hold_up_the_next_one() -> None:
    spawner = find_spawner()
    requests, replies = os.pipe(), os.pipe()
    # No process takes such a limit.
    limits = {**list_limits(BoxSettings()), "processes": "many"}
    box = spawner.start(limits, [requests[0], replies[1]])
    after = open_box(BoxSettings())
    assert after.run("echo alive", 5).output == "alive\n"
    after.close()
    spawner.end(box)
    for descriptor in (*requests, *replies):
        os.close(descriptor)


def test_without_bubblewrap_nothing_is_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "bubblewrap: apt-get install bubblewrap" in list_missing()
    with pytest.raises(UserError, match="nothing runs outside a box: bubblewrap: apt-get install bubblewrap"):
        open_box(BoxSettings())


@pytest.mark.skipif(not Path(PERL).exists(), reason="this machine has no Perl")
@pytest.mark.parametrize("text", [AGENT_TEXT, SPAWNER_TEXT], ids=["agent", "spawner"])
def test_what_runs_in_perl_is_strict_and_knows_the_calls_of_all_machines(text: str) -> None:
    command = [PERL, "-Mstrict", "-Mwarnings", "-c", "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    assert done.stderr == "- syntax OK\n"
    assert set(MACHINES) == set(re.findall(r"^    (\w+) +=> \[\d+", text, re.MULTILINE))


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_filter_refuses_other_machines_calls_first_and_allows_the_rest_last(machine: str) -> None:
    program = assemble(machine)
    instructions = [program[at : at + 8] for at in range(0, len(program), 8)]
    audit = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}[machine]
    assert instructions[:3] == [
        b"\x20\0\0\0\4\0\0\0",
        b"\x15\0\1\0" + audit.to_bytes(4, "little"),
        b"\6\0\0\0\1\0\5\0",
    ]
    assert instructions[-1] == b"\6\0\0\0\0\0\xff\x7f"

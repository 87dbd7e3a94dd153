"""A base that is on no disk is looked for on the hub before any work; without a network its cache decides."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from recipebook.errors import UserError
from recipebook.train.hub_base import check_hub_base

# Nothing answers there, as where there is no network.
NO_NETWORK = {"HF_ENDPOINT": "http://127.0.0.1:9"}


def run(code: str, home: Path) -> str:
    """The last line that Python prints of it, with a hub's cache in `home`; empty if all is well."""
    inherited = {key: value for key, value in os.environ.items() if key not in ("HF_HUB_OFFLINE", "HF_HUB_CACHE")}
    environment = {**inherited, **NO_NETWORK, "HF_HOME": str(home)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    return done.stderr.strip().rpartition("\n")[2]


def test_a_base_that_the_cache_lacks_is_one_line_without_a_network(tmp_path: Path) -> None:
    code = "from recipebook.train.hub_base import check_hub_base; check_hub_base('nobody/nothing', None)"
    assert run(code, tmp_path) == (
        "recipebook.errors.UserError: model.base: no network reaches the hub, whose cache does not have "
        "'nobody/nothing', and there is no folder of that name"
    )


def test_a_client_that_was_imported_before_is_left_to_its_cache_too(tmp_path: Path) -> None:
    code = "import huggingface_hub.constants; from recipebook.train.hub_base import check_hub_base\n"
    assert "no network reaches the hub" in run(f"{code}check_hub_base('nobody/nothing', None)", tmp_path)


def test_a_base_in_the_cache_needs_no_network(tmp_path: Path) -> None:
    cached = tmp_path / "hub" / "models--somebody--something"
    for name, text in (("refs/main", "abc"), ("snapshots/abc/config.json", "{}")):
        (cached / name).parent.mkdir(parents=True)
        (cached / name).write_text(text)
    code = "from recipebook.train.hub_base import check_hub_base; check_hub_base('somebody/something', None)"
    assert run(code, tmp_path) == ""


def test_a_dataset_that_the_cache_lacks_is_one_line_without_a_network(tmp_path: Path) -> None:
    code = (
        "from pathlib import Path; from recipebook.sources.hub import digest_dataset, read_address\n"
        "digest_dataset(read_address('hf:nobody/nothing', Path()), 'hf:nobody/nothing')"
    )
    assert run(code, tmp_path) == (
        "recipebook.errors.UserError: hf:nobody/nothing: no network reaches the hub, whose cache does not have it"
    )


def test_what_is_no_name_is_refused_without_asking_the_hub() -> None:
    with pytest.raises(UserError, match=r"^model\.base: no folder 'models/a/b', and no name of a model on the hub"):
        check_hub_base("models/a/b", None)

"""A base that is on no disk is looked for on the hub before any work; without a network its cache decides."""

import os
import subprocess
import sys

import pytest

from recipebook.errors import UserError
from recipebook.train.hub_base import check_hub_base


# Nothing listens on port 1: as where there is no network.
@pytest.mark.parametrize("how", [{"HF_HUB_OFFLINE": "1"}, {"HF_ENDPOINT": "http://127.0.0.1:1"}])
def test_a_base_that_the_cache_lacks_is_one_line_without_a_network(how: dict[str, str]) -> None:
    code = "from recipebook.train.hub_base import check_hub_base; check_hub_base('nobody/nothing', None)"
    environment = {**os.environ, **how}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1] == (
        "recipebook.errors.UserError: model.base: no network reaches the hub, whose cache does not have "
        "'nobody/nothing', and there is no folder of that name"
    )


def test_what_is_no_name_is_refused_without_asking_the_hub() -> None:
    with pytest.raises(UserError, match=r"^model\.base: no folder 'models/a/b', and no name of a model on the hub"):
        check_hub_base("models/a/b", None)

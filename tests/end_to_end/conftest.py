"""A copy of the project to run in, so that no test touches the user's runs; the environment is shared."""

from collections.abc import Callable

import pytest

from tests.end_to_end.project import Project, copy_checkout


@pytest.fixture(scope="session")
def copy_project(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Project]:
    """Makes copies of this checkout."""
    return lambda: copy_checkout(tmp_path_factory.mktemp("project") / "recipebook")


@pytest.fixture(scope="session")
def project(copy_project: Callable[[], Project]) -> Project:
    """The copy that most tests run in, one after another."""
    return copy_project()

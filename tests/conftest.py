"""Order: what trains for real comes last, so that a mistake elsewhere is seen in seconds."""

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Move the end-to-end tests behind all others."""
    items.sort(key=lambda item: "end_to_end" in item.path.parts)

"""A limit on the bytes of a file, which a writer meets as it meets a full disk."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def limiting(most: int) -> Iterator[None]:
    """Files may have `most` bytes: `File too large` is the system's word for more."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

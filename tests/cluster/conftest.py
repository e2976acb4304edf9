"""Folders that every user may enter, as pytest's own are not."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tailrace.cluster import RunningCluster, start
from tests.cluster.copies import open_accounts, spec


@pytest.fixture
def home() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="tailrace-cluster-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def parent() -> Iterator[RunningCluster]:
    """A running cluster with accounts, shared by the stories of a module, none of which may change it."""
    folder = Path(tempfile.mkdtemp(prefix="tailrace-cluster-"))
    folder.chmod(0o755)
    try:
        with start(spec(folder / "parent")) as cluster:
            open_accounts(cluster)
            yield cluster
    finally:
        shutil.rmtree(folder)

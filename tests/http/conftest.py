"""Servers that several pages of the documentation share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.serve import Api, Serve

LIBRARY = (Path(__file__).parent / "library.sql").read_text()


@pytest.fixture(scope="module")
def library(serve: Serve) -> Api:
    """Lending libraries; whatever a request writes is undone at its end, unless it asks for `tx=commit`."""
    return serve(
        LIBRARY,
        db_schemas="lend",
        db_anon_role="authenticated",
        db_tx_end="rollback-allow-override",
    )

"""A validator of specs against the JSON Schema of all installed plugins."""

import pytest

from .schemas import validator


@pytest.fixture(scope="session")
def installed():
    """A validator of specs that use installed plugins."""
    return validator()

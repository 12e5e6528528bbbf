"""What the tests of outbound start from: an authority whose certificates the client under test trusts."""

from __future__ import annotations

import ssl

import pytest
import trustme


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trusting(authority: trustme.CA) -> ssl.SSLContext:
    """A client's context that trusts the authority and nobody else."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context

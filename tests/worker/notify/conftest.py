"""What tests of the courier start from."""

from __future__ import annotations

import pytest

from tests.worker.notify.scripted_sender import ScriptedSender


@pytest.fixture
def sender() -> ScriptedSender:
    return ScriptedSender()

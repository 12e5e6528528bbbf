"""The settings of the retention: off at first, days or `off`, and an archive only where something goes."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from jobs.configuration.settings import WrongSettings, load_settings
from jobs.retention.expiry import RetentionRules
from jobs.states import BulkStatus
from pressrun.compose import rules_of


def rules(**given: Any) -> RetentionRules:
    settings = load_settings(given={"auth": {"mode": "off"}, "retention": given}, environment={})
    return rules_of(settings).retention


def test_at_first_nothing_is_ever_removed() -> None:
    assert rules() == RetentionRules()
    assert rules().by_status == {}
    assert rules(completed_days="off").by_status == {}


def test_each_way_to_end_has_its_days() -> None:
    told = rules(completed_days=90, cancelled_days=0.5, results_days=30, archive="kept")
    assert told.results == timedelta(days=30)
    assert told.archive == Path("kept")
    assert told.by_status == {
        BulkStatus.COMPLETED: timedelta(days=90),
        BulkStatus.CANCELLED: timedelta(hours=12),
    }


@pytest.mark.parametrize(
    ("given", "name", "sentence"),
    [
        ({"completed_days": 0}, "PRESSRUN_RETENTION__COMPLETED_DAYS", "greater than 0"),
        ({"cancelled_days": "soon"}, "PRESSRUN_RETENTION__CANCELLED_DAYS", "valid number"),
        ({"archive": "kept"}, "PRESSRUN_RETENTION", "__CANCELLED_DAYS or __RESULTS_DAYS must be set too"),
        ({"results_weeks": 1}, "PRESSRUN_RETENTION__RESULTS_WEEKS", "is no setting"),
    ],
)
def test_what_cannot_be_is_one_sentence(given: dict[str, Any], name: str, sentence: str) -> None:
    with pytest.raises(WrongSettings) as refused:
        rules(**given)
    (fault,) = refused.value.faults
    assert fault.path == name
    assert sentence in fault.message

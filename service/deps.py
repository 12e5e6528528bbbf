"""What routes are handed: the parts of the system, and the settings' rules for requests."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from jobs.system import System
from service.rules.bulk_rules import BulkRules
from service.url_check import UrlCheck


def _system(request: Request) -> System:
    system: System = request.app.state.system
    return system


def _rules(request: Request) -> BulkRules:
    rules: BulkRules = request.app.state.rules
    return rules


def _url_check(request: Request) -> UrlCheck:
    check: UrlCheck = request.app.state.url_check
    return check


Parts = Annotated[System, Depends(_system)]
Rules = Annotated[BulkRules, Depends(_rules)]
CheckUrl = Annotated[UrlCheck, Depends(_url_check)]

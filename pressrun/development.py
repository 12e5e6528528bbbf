"""The settings of `pressrun dev`: nobody is asked who they are where no mode is set. All else is as everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jobs.configuration.access import Auth, AuthMode
from jobs.configuration.settings import Settings, load_settings, wrong_setting


class _AuthInDevelopment(Auth):
    mode: AuthMode = AuthMode.OFF


class _SettingsInDevelopment(Settings):
    auth: _AuthInDevelopment = _AuthInDevelopment()


def settings_in_development(given: Mapping[str, Any]) -> Settings:
    """Raises `WrongSettings`, for mode keys too: the commands that make keys know no data folder."""
    settings = load_settings(given, kind=_SettingsInDevelopment)
    if settings.auth.mode is AuthMode.KEYS:
        raise wrong_setting("AUTH__MODE", "must be off or sessions for `pressrun dev`, where nobody can make a key")
    return settings

"""Sessions of the application as the settings have them. Nothing is connected here, and no request is seen."""

from __future__ import annotations

from jobs.clock import Clock
from jobs.configuration.access import Auth
from jobs.configuration.settings import wrong_setting
from service.auth.session_cookies import cookie_names
from service.auth.session_keys import SessionKeys
from service.auth.session_tokens import SessionTokens
from service.auth.sessions import SessionCredentials, StoredSessions


def session_credentials(auth: Auth, clock: Clock, stored: StoredSessions | None) -> SessionCredentials:
    """Raises `WrongSettings` where there is neither a secret nor a database to know a session by."""
    check_sessions(auth)
    names = cookie_names(auth.cookie, auth.origins)
    tokens = SessionTokens(SessionKeys(names, [secret.get_secret_value() for secret in auth.secrets]))
    return SessionCredentials(names, tokens, stored, clock, auth.admins)


def check_sessions(auth: Auth) -> None:
    """Raises `WrongSettings`."""
    if auth.database_uri is not None and auth.database is None:
        raise wrong_setting("AUTH__DATABASE", "must name the database of PRESSRUN_AUTH__DATABASE_URI with the sessions")
    if not auth.secrets and auth.database is None:
        raise wrong_setting(
            "AUTH__SECRETS",
            "must be set in mode sessions: to the application's AUTH_SECRET or NEXTAUTH_SECRET; "
            "or PRESSRUN_AUTH__DATABASE, to where the application keeps its sessions",
        )


def session_kinds(auth: Auth) -> str:
    """Which sessions are taken, in words."""
    names = ", ".join(cookie_names(auth.cookie, auth.origins))
    secrets = "1 secret" if len(auth.secrets) == 1 else f"{len(auth.secrets)} secrets"
    kinds = [f"encrypted with {secrets}"] if auth.secrets else []
    if auth.database is not None:
        kinds.append(f"stored in the database {auth.database}")
    return f"taken where {' or '.join(kinds)}, from the cookies {names}"

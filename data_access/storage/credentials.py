"""Who asks S3: static keys of the environment, else AWS's own chain (profile, role, container, instance), refreshed.

botocore is imported only where the chain is needed: it costs about 150 ms, which static keys need not pay.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from data_access.config import S3Settings

#: The store asks again 5 minutes before; botocore renews 10 minutes before a credential's end, so none goes stale.
_TTL = timedelta(minutes=10)


class NoCredentialsError(Exception):
    """The chain found nobody."""


@dataclass(frozen=True)
class Server:
    """Where requests go. `endpoint` None is AWS."""

    endpoint: str | None
    region: str
    path_style: bool

    @property
    def plain_http(self) -> bool:
        return bool(self.endpoint) and self.endpoint.startswith("http://")  # type: ignore[union-attr]


class Chain:
    """One identity's credentials, as obstore's credential provider. Safe for threads."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._environ = environ
        self._lock = threading.Lock()
        self._session: Any = None
        self._found: Any = None

    def __call__(self) -> dict[str, Any]:
        """Raises NoCredentialsError."""
        expires = datetime.now(UTC) + _TTL
        # Read anew each time: a notebook may set newer keys.
        key, secret = self._environ.get("AWS_ACCESS_KEY_ID"), self._environ.get("AWS_SECRET_ACCESS_KEY")
        if key and secret:
            token = self._environ.get("AWS_SESSION_TOKEN") or None
            return {"access_key_id": key, "secret_access_key": secret, "token": token, "expires_at": expires}
        with self._lock:
            if self._found is None:
                self._found = self.session().get_credentials()
            if self._found is None:
                raise NoCredentialsError
            frozen = self._found.get_frozen_credentials()
        return {
            "access_key_id": frozen.access_key,
            "secret_access_key": frozen.secret_key,
            "token": frozen.token,
            "expires_at": expires,
        }

    @property
    def anonymous(self) -> bool:
        return self._environ.get("AWS_SKIP_SIGNATURE", "").lower() in ("1", "true", "yes")

    def forget(self) -> None:
        """What the chain gave was refused as expired: ask it anew."""
        with self._lock:
            self._found = self._session = None

    def who(self) -> str:
        """The identity for messages: a key's id is no secret, but only its start is shown."""
        try:
            key = str(self()["access_key_id"])
        except Exception:
            return "an unknown identity"
        return f"access key {key[:4]}…" if len(key) > 8 else f"access key {key}"

    def session(self) -> Any:
        if self._session is None:
            import botocore.session

            self._session = botocore.session.get_session()
        return self._session


def server(settings: S3Settings, chain: Chain, environ: Mapping[str, str] = os.environ) -> Server:
    """Endpoint and region: settings, then the environment, then the profile's."""
    endpoint = settings.endpoint or environ.get("AWS_ENDPOINT_URL_S3") or environ.get("AWS_ENDPOINT_URL")
    region = settings.region or environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION")
    if (not endpoint or not region) and _has_profile(environ):
        profile = chain.session().get_scoped_config()
        endpoint = endpoint or profile.get("endpoint_url")
        region = region or profile.get("region")
    path_style = settings.path_style if settings.path_style is not None else endpoint is not None
    return Server(endpoint.rstrip("/") if endpoint else None, region or "us-east-1", path_style)


def _has_profile(environ: Mapping[str, str]) -> bool:
    named = environ.get("AWS_CONFIG_FILE") or "~/.aws/config"
    return bool(environ.get("AWS_PROFILE")) or os.path.exists(os.path.expanduser(named))  # noqa: PTH110, PTH111

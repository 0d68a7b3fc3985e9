"""Notices as JSON to a receiver's URL, signed. The payload is documented in docs/how-to/notices.md and only grows."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC
from typing import Any

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest

from hub_extensions.notices.mail import Failure
from hub_extensions.notices.notice import Kept

TIMEOUT_S = 10.0
SIGNATURE = "X-Remuda-Signature"


def payload_of(kept: Kept, root: str | None) -> dict[str, Any]:
    """PURE. `id` is the same whenever the same notice is sent: whoever has seen it has."""
    notice = kept.notice
    return {
        "version": 1,
        "id": kept.id,
        "kind": str(notice.kind),
        "key": notice.key,
        "to": notice.to,
        "sender": notice.sender or None,
        "subject": notice.subject,
        "text": notice.text,
        "url": f"{root}{notice.link}" if root and notice.link else None,
        "at": notice.at.astimezone(UTC).isoformat(),
    }


def signature_of(body: bytes, secret: str) -> str:
    return f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"


async def send(url: str, secret: str, payload: dict[str, Any], timeout_s: float = TIMEOUT_S) -> Failure | None:
    """Taken is what is answered with 2xx; nothing is followed elsewhere."""
    body = json.dumps(payload, ensure_ascii=False).encode()
    request = HTTPRequest(
        url,
        method="POST",
        body=body,
        headers={"Content-Type": "application/json", SIGNATURE: signature_of(body, secret)},
        user_agent="Remuda",
        follow_redirects=False,
        connect_timeout=timeout_s,
        request_timeout=timeout_s,
    )
    client = AsyncHTTPClient(force_instance=True)
    try:
        answer = await client.fetch(request, raise_error=False)
    except (HTTPClientError, OSError, ValueError) as e:  # no answer, or none that is HTTP
        return Failure(f"{type(e).__name__}: {e}", of_all=True)
    finally:
        client.close()
    return None if 200 <= answer.code < 300 else Failure(f"{answer.code} {answer.reason}")

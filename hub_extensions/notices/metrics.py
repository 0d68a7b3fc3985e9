"""What the Hub's `/hub/metrics` says of notices that go out."""

from __future__ import annotations

from prometheus_client import Counter

SENT = Counter("remuda_notices_sent_total", "Notices that were taken by their receiver.", ["channel"])
FAILED = Counter("remuda_notices_failed_total", "Tries to send a notice that failed.", ["channel"])
GIVEN_UP = Counter("remuda_notices_given_up_total", "Notices that were not sent and will not be.", ["channel"])

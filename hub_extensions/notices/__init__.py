"""People are told in time: on the page, by e-mail, by webhook.

Others post: `from hub_extensions.notices.post import post` in a transaction of theirs, `Notices(database).post_all`
outside of one.
"""

from __future__ import annotations

from hub_extensions.notices.notice import Kept, Kind, Notice
from hub_extensions.notices.post import post
from hub_extensions.notices.store import Notices

__all__ = ["Kept", "Kind", "Notice", "Notices", "post"]

"""People are told in time: on the page, by e-mail, by webhook.

Others post: `from hub_extensions.notices.post import post` in a transaction of theirs, `Notices(database).post_all`
outside of one.
"""

from __future__ import annotations

from typing import Any

from hub_extensions.notices.notice import Kept, Kind, Notice
from hub_extensions.notices.post import post
from hub_extensions.notices.store import Notices

__all__ = ["Kept", "Kind", "Notice", "Notices", "post", "register", "register_delivery"]


def register(c: Any) -> None:
    """The pages."""
    from hub_extensions.notices.count import show_in_menu
    from hub_extensions.notices.handlers import MailHandler, NoticesHandler, ReadHandler
    from hub_extensions.notices.rest import NoticesApiHandler
    from hub_extensions.page_frame.routes import add_frame, add_routes
    from hub_extensions.startup import when_hub_is_up

    add_frame(c)
    add_routes(
        (r"/notices", NoticesHandler),
        (r"/notices/read", ReadHandler),
        (r"/notices/mail", MailHandler),
        (r"/api/remuda/notices", NoticesApiHandler),
    )
    when_hub_is_up(show_in_menu)


def register_delivery(c: Any, values: Any, secrets: Any) -> None:
    """What goes out: `values` as `hub.notices` in the settings, with the passwords that came as secrets."""
    from functools import partial

    from hub_extensions.notices.deliver import deliver
    from hub_extensions.notices.handlers import MAILS
    from hub_extensions.startup import when_hub_is_up

    c.JupyterHub.tornado_settings.update({MAILS: values.email is not None})
    when_hub_is_up(partial(deliver, values=values, secrets=secrets))

"""Machines booked for a slot: a calendar, a search for free times, a feed for people's own calendars."""

from __future__ import annotations

from typing import Any

from hub_extensions.page_frame.routes import add_frame, add_routes
from hub_extensions.startup import when_hub_is_up


def register(c: Any, catalog: Any) -> None:
    from hub_extensions.reservations.change_handlers import ChangeHandler
    from hub_extensions.reservations.handlers import EndHandler, FeedHandler, NewFeedHandler, ReservationsHandler
    from hub_extensions.reservations.rest import ReservationApiHandler, ReservationsApiHandler, SlotsApiHandler

    async def show_in_menu(app: Any) -> None:
        """In place, beside what the admin has set there."""
        policies = catalog.policies
        app.template_vars.update(
            remuda_reservations=bool(policies.reservations), remuda_timezone=policies.timezone
        )

    given = {"catalog": catalog}
    add_frame(c)
    add_routes(
        (r"/reservations", ReservationsHandler, given),
        (r"/reservations/feed\.ics", FeedHandler, given),
        (r"/reservations/feed", NewFeedHandler, given),
        (r"/reservations/([0-9A-Za-z_-]+)", EndHandler, given),
        (r"/reservations/([0-9A-Za-z_-]+)/change", ChangeHandler, given),
        (r"/api/remuda/reservations", ReservationsApiHandler, given),
        (r"/api/remuda/reservations/slots", SlotsApiHandler, given),
        (r"/api/remuda/reservations/([0-9A-Za-z_-]+)", ReservationApiHandler, given),
    )
    when_hub_is_up(show_in_menu)

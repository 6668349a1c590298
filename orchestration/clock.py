"""The day of the calendar that senders live by: Italy's, whatever the zone of the process.

Whoever asks which day it is, asks here; moments (time stamps) carry their zone and need nothing of this module.
"""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

#: The zone of the calendar; sessions of the database and schedules run in it too.
ZONE_NAME = "Europe/Rome"
ZONE = ZoneInfo(ZONE_NAME)


def today(now: datetime | None = None) -> date:
    """The day in Italy, now or at a moment with a zone."""
    return (now or datetime.now(ZONE)).astimezone(ZONE).date()

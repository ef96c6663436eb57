"""Days are counted in the business zone, whatever zone a moment is written in."""

from datetime import UTC, date, datetime

from weili.kit import zone


def test_a_business_day_begins_eight_hours_before_the_day_in_utc() -> None:
    last, first = datetime(2026, 11, 20, 15, 59, tzinfo=UTC), datetime(2026, 11, 20, 16, tzinfo=UTC)

    assert (zone.day_of(last), zone.minute_of(last)) == (date(2026, 11, 20), 23 * 60 + 59)
    assert (zone.day_of(first), zone.minute_of(first)) == (date(2026, 11, 21), 0)
    assert zone.day_begins_at(date(2026, 11, 21)) == first

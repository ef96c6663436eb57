"""Brings the list of areas to the installed edition, and tells everybody who trades."""

from weili.kit.context import Ctx
from weili.modules import parties, regions


def refresh_areas(ctx: Ctx) -> regions.Refreshed:
    """Bring the list to the edition that is installed; each party hears of it once.

    Doing it again changes nothing and tells nobody.

    Raises: Forbidden.
    """
    refreshed = regions.regions_refresh(ctx)
    cursor: str | None = None
    while refreshed.changes:
        page = parties.party_page(ctx, cursor=cursor)
        regions.change_announce(
            ctx, changes=refreshed.changes, party_ids=[party.id for party in page.items]
        )
        cursor = page.next_cursor
        if cursor is None:
            break
    return refreshed

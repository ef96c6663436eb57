"""The HTTP face: the public API of partners, suppliers and the operator."""

from weili.entrypoints.http.app import create_app
from weili.entrypoints.http.gazetteers import gazetteers_make
from weili.entrypoints.http.placing import PlaceRequest, Placing, place_lane, place_work

__all__ = ["PlaceRequest", "Placing", "create_app", "gazetteers_make", "place_lane", "place_work"]

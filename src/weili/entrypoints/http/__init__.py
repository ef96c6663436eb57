"""The HTTP face: the public API of partners, suppliers and the operator."""

from weili.entrypoints.http.app import create_app
from weili.entrypoints.http.placing import (
    PlaceAnswer,
    PlaceRequest,
    place_batch,
    place_weight,
)

__all__ = ["PlaceAnswer", "PlaceRequest", "create_app", "place_batch", "place_weight"]

"""Carriers: where parcels are asked about."""

from weili.adapters.carriers.gateway import (
    CarrierEndpoint,
    CarrierGateway,
    EventTold,
    HttpCarrierGateway,
    ParcelTold,
)

__all__ = [
    "CarrierEndpoint",
    "CarrierGateway",
    "EventTold",
    "HttpCarrierGateway",
    "ParcelTold",
]

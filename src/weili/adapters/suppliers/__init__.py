"""Suppliers' own systems: where child orders are sent to be shipped."""

from weili.adapters.suppliers.gateway import (
    CALL_TIMEOUT_S,
    Answer,
    AnswerKind,
    HttpSupplierGateway,
    SupplierEndpoint,
    SupplierGateway,
)

__all__ = [
    "CALL_TIMEOUT_S",
    "Answer",
    "AnswerKind",
    "HttpSupplierGateway",
    "SupplierEndpoint",
    "SupplierGateway",
]

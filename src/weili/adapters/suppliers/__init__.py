"""Suppliers' own systems: where child orders are sent to be shipped."""

from weili.adapters.suppliers.gateway import (
    Answer,
    AnswerKind,
    HttpSupplierGateway,
    SupplierEndpoint,
    SupplierGateway,
)

__all__ = ["Answer", "AnswerKind", "HttpSupplierGateway", "SupplierEndpoint", "SupplierGateway"]

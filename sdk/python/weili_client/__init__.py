"""A client of the Weili open supply platform's API."""

from weili_client.async_client import AsyncClient
from weili_client.client import Client
from weili_client.credentials import Bearer, Credentials, Signer
from weili_client.problems import Refused, Unreachable

__all__ = [
    "AsyncClient",
    "Bearer",
    "Client",
    "Credentials",
    "Refused",
    "Signer",
    "Unreachable",
]

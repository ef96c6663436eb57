"""Where media lie: bytes under an address that is made of their content."""

from weili.adapters.files.media.store import FolderMediaStore, MediaStore

__all__ = ["FolderMediaStore", "MediaStore"]

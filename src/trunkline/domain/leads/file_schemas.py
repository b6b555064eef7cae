"""What of files on notes goes over HTTP."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from trunkline.domain.leads.file_models import NoteFile
from trunkline.kit.content_types import IMAGES


class NoteFileOut(BaseModel):
    """A file on a note."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    media_type: str
    size: int
    author: str
    created_at: datetime
    is_image: bool
    """Whether pages can show it."""

    @staticmethod
    def of(row: NoteFile) -> NoteFileOut:
        """Return a file as it is shown."""
        own = {name: getattr(row, name) for name in NoteFileOut.model_fields if name != "is_image"}
        return NoteFileOut(**own, is_image=row.media_type in IMAGES)

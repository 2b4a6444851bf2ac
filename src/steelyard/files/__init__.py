"""Files: uploads and imports that tasks refer to by `scaledata://` (platform-api §20), and stored content by its links."""

from steelyard.files.add import MAX_FILE_BYTES, FileDetails, add_upload, check_details, import_from_url
from steelyard.files.content import Content, media_by_token, result_by_token, result_of_task
from steelyard.files.links import links_to
from steelyard.files.listing import FilePage, file_by_address, file_by_reference, list_files, list_unassigned
from steelyard.files.model import FileRow, attachment_url
from steelyard.files.resumable import (
    UploadState,
    append,
    begin_upload,
    end_upload,
    expire_uploads,
    open_uploads,
    tidy_host,
    upload_state,
)
from steelyard.files.sweep import sweep_blobs

__all__ = [
    "MAX_FILE_BYTES",
    "Content",
    "FileDetails",
    "FilePage",
    "FileRow",
    "UploadState",
    "add_upload",
    "append",
    "attachment_url",
    "begin_upload",
    "check_details",
    "end_upload",
    "expire_uploads",
    "file_by_address",
    "file_by_reference",
    "import_from_url",
    "links_to",
    "list_files",
    "list_unassigned",
    "media_by_token",
    "open_uploads",
    "result_by_token",
    "result_of_task",
    "sweep_blobs",
    "tidy_host",
    "upload_state",
]

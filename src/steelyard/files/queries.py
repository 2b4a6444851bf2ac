"""The files feature's queries, one typed line each."""

from __future__ import annotations

from msgspec import Struct

from steelyard.db.sqlfile import QueryFile
from steelyard.files.model import FileRow, ImportRow, UploadRow

Q = QueryFile(__name__)


class StoredResult(Struct, frozen=True):
    """Where the content of an answer's file is."""

    sha256: str
    mime_type: str
    name: str


insert_file = Q.exec("insert_file")
add_to_project = Q.exec("add_to_project")
touch_file = Q.exec("touch_file")
file_by_id = Q.opt("file_by_id", FileRow)
id_by_reference = Q.value("id_by_reference", str)
same_upload = Q.value("same_upload", str)
files_of_project = Q.all("files_of_project", FileRow)
count_files = Q.value("count_files", int)
files_of_no_project = Q.all("files_of_no_project", FileRow)
count_files_of_no_project = Q.value("count_files_of_no_project", int)
file_to_import = Q.opt("file_to_import", ImportRow)
set_imported = Q.exec("set_imported")
set_import_failed = Q.exec("set_import_failed")
result_by_token = Q.opt("result_by_token", StoredResult)
result_of_task = Q.opt("result_of_task", StoredResult)
insert_upload = Q.exec("insert_upload")
upload_by_id = Q.opt("upload_by_id", UploadRow)
open_uploads = Q.all("open_uploads", UploadRow)
extend_upload = Q.exec("extend_upload")
note_kept = Q.exec("note_kept")
set_upload_file = Q.exec("set_upload_file")
delete_upload = Q.exec("delete_upload")
uploads_on_the_books = Q.column("uploads_on_the_books", str)
expired_uploads = Q.column("expired_uploads", str)
settle_blobs = Q.value("settle_blobs", int)
blobs_to_remove = Q.column("blobs_to_remove", str)
forget_blobs = Q.exec("forget_blobs")

"""Files that are no JSON by what they begin with, and what to do with each: its first bytes in, a line as error out.

chats.jsonl: begins as gz files do; name it so that it ends in .gz
chats.xlsx: begins as an Office document does, which is not read; save its records as CSV, JSON or Parquet
"""

from recipebook.errors import UserError

# What other formats begin with, and the ending by which each is known.
_SIGNS = {
    b"\x1f\x8b": "gz",
    b"\x28\xb5\x2f\xfd": "zst",
    b"\xfd7zXZ\0": "xz",
    b"PK\x03\x04": "zip",
    b"PAR1": "parquet",
    b"ARROW1": "arrow",
}
# Files that nothing here reads, by what they begin with, and those that are zip archives by their endings.
_UNREAD = {
    b"BZh": "one packed by bzip2",
    b"7z\xbc\xaf": "a 7z archive",
    b"\xd0\xcf\x11\xe0": "one of old Office programs",
    b"%PDF-": "a PDF",
    b"SQLite format 3\0": "a database of SQLite",
    b"\x89HDF": "an HDF5 file",
    b"Obj\x01": "an Avro file",
    b"\x93NUMPY": "an array of NumPy",
    b"\x80\x04\x95": "a pickle",
    b"\x80\x05\x95": "a pickle",
}
_OFFICE = (".xlsx", ".xlsm", ".xlsb", ".ods", ".docx", ".odt", ".pptx")
_TAR = b"ustar"


def refuse_other_format(first: bytes, name: str) -> None:
    """Refuse a file that its first bytes show to be no JSON; the line says what to do with it."""
    kind = next((kind for sign, kind in _SIGNS.items() if first.startswith(sign)), None)
    what = next((what for sign, what in _UNREAD.items() if first.startswith(sign)), None)
    if kind == "zip" and name.lower().endswith(_OFFICE):
        what = "an Office document"
    elif first[257:262] == _TAR:
        what = "a tar archive"
    if what:
        raise UserError(f"{name}: begins as {what} does, which is not read; save its records as CSV, JSON or Parquet")
    if kind:
        raise UserError(f"{name}: begins as {kind} files do; name it so that it ends in .{kind}")

"""One file a format that rows can be written in; the file's name is the format's."""

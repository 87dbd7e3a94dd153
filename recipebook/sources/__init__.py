"""A name in, records out: files, globs, folders, archives, tables, the Hub, and plain JSON in bytes."""

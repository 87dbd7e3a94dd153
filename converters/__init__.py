"""One module a data family, `Options` and `convert(record, options)`; its file's name is its name in recipes."""

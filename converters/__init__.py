"""One module a data family, with `Options` and `convert(record, options)`; its file's name is its name in recipes."""

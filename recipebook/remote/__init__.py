"""A service trains: its protocol, the job from upload to checked adapter, and the archive it returns."""

"""One training from opening the run to its end, shared by runs, stages and members."""

"""An evaluation's figures and report in; the same in the trackers that the training used, a file for each, out."""

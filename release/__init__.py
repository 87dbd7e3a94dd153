"""The steps after training: trained models made into something to keep, to use or to pass on."""

"""The steps after training: trained adapters made into something to keep or to pass on."""

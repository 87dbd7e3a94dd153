"""What every recipe came to under the profiles tiny and small: trained, evaluated and stored for docs/results.md."""

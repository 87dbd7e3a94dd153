"""What a text says, read the same way by every metric: calls, device settings, pairs, embeddings."""

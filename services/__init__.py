"""One file a fine-tuning service; the file's name is the service's."""

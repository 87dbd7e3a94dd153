"""What a machine has and lacks for training: looked at before anything is started."""

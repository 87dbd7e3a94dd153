"""What follows training: a trained run's adapter, or several, made into something to keep or hand on."""

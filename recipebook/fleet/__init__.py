"""Many runs of one recipe: a matrix expanded to members, their states, their schedule, their table."""

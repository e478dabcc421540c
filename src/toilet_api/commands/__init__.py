"""What `toilet-api` does, a file for each group of commands."""

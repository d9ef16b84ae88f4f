"""What people do to what is stored: replaying, comparing, pruning."""

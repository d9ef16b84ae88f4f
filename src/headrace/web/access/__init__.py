"""Who may use the server: the guard in front of every request, and the console's login."""

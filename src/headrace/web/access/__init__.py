"""Who may use the web: the guard before every request, and the login of the console."""

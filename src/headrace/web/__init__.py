"""The web: the HTTP API and the console, two ASGI apps behind one access guard."""

"""Reading sources and publishing their documents."""

"""An open-loop load generator for HTTP, in a process of its own: requests are sent when they are due, whatever became of earlier ones."""

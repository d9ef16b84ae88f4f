"""A proof, against the user's own servers, that nothing is lost: `headrace prove`."""

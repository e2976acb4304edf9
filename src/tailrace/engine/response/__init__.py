"""Status, headers and body of an answer."""

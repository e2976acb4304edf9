"""The grammar of URL, headers and body."""

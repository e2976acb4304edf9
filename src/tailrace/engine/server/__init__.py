"""Sockets, HTTP/1.1, admin server, signals."""

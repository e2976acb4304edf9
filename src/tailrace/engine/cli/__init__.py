"""The command line that PostgREST's users know."""

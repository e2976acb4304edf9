"""One API: its state, and the stages a request passes."""

"""What the database's catalog says about the exposed schemas."""

"""The OpenAPI 2.0 document at the root of an API, put together from parts made once for each schema cache."""

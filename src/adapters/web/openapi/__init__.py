"""The OpenAPI document of the HUB: its routes, schemas and examples."""

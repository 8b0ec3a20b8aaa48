"""What the domain needs of the world: one Protocol for each capability, implemented by the adapters."""

"""What a HUB needs of the world, one Protocol for each capability."""

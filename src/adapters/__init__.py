"""The world as the domain's ports see it: one module for each technology, none of which knows another."""

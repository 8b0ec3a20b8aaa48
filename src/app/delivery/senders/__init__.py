"""What the workers send: one module for each kind of message."""

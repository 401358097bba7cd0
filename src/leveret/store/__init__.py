"""The durable side of the model."""

"""AMQP 0-9-1 bytes to values and back: constants, methods, field tables, properties, frames."""

"""AMQP 0-9-1 sessions: connections, channels and what they remember."""

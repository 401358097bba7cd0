"""Metrics in Prometheus's text format, by the names that RabbitMQ's plugin gives them."""

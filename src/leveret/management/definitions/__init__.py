"""Definitions in RabbitMQ's file format, in and out: users, vhosts, permissions, limits, policies,
exchanges, queues, bindings."""

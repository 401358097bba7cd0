"""Binding keys of topic exchanges, and how a routing key is matched with them."""

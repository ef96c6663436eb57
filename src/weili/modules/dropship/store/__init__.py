"""All SQL of dropship orders: the orders themselves, and the suppliers' queues."""

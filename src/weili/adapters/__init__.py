"""The outside world behind protocols: databases to supervise, payments, carriers, suppliers."""

"""The themes of the demo: business beside the great mass of orders, each with a few of them.

A supplier without a system of its own and a partner that begins with nothing trade by hand, so
that each figure is known beforehand and held against what the platform says.
"""

"""The HTTP face: the public API of partners, suppliers and the operator.

Nothing is imported here: the processes at the far ends of its lanes need no web framework.
"""

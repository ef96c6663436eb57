"""All SQL of ``pricing``: prices and their changes, costs, compare-at prices, freight."""

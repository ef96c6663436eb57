"""All SQL of goods: SKUs and pools; templates, media, and what is under review."""

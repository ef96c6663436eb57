"""The business: one folder for each noun area, in ordered tiers."""

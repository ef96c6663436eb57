"""The faces: thin, each translating one outside into verbs."""

"""All the ledger's SQL: the books, and the papers that move money into and out of them."""

"""Who may come in: accounts, institutions, roles, tokens and the one rule that says what each may do."""

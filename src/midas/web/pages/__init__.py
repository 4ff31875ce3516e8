"""The hub's pages: a request and what its account may see become HTML; each view names the act that it needs."""

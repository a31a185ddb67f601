"""Where objects come from and where proxies run, one package each."""

"""What tests share and what the demo is made of: the synthetic hospital, contract suites, strategies."""

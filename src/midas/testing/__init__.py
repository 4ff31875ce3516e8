"""What tests and the demo stand on: a synthetic hospital made of real images, and the demo itself.

In comes a seed; out comes a hospital's export with a `Truth` that says what was planted and what must become of each
thing. Nothing that ships in the product's rooms imports this one, and no real person is ever in it.
"""

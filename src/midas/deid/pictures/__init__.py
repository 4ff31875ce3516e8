"""Text in pictures: an opened object and what is known of its person become boxes to blacken, each with its reason.
"""

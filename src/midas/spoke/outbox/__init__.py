"""What goes out: de-identified instances, rows and labels, packed and signed, sent, and the receipt that came back.

In come cleaned outputs; out go parcels of content-addressed files. Nothing identified is ever stored here.
"""

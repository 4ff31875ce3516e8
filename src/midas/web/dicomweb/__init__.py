"""DICOMweb (PS3.18) over the scopes of the catalogue, beside Django and without its middleware.

In come requests below /dicomweb/{kind}/{name}; out go searches, metadata and objects to whom the one rule allows it.
Nothing here decides by itself: the right is `midas.people.rule`'s, what there is, is `midas.catalogue.lens`'s.
"""

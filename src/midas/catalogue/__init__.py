"""What the hub knows: a verified submission becomes subjects, visits, lesions, specimens, series, instances, records, labels."""

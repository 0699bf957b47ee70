"""`tinynet tune`: a search for the best values of a spec, a study of many trials."""

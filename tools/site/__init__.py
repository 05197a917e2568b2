"""`make docs`: the documentation as a site, of the pages in docs/ and of what the program says of itself."""

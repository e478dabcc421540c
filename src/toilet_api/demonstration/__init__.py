"""A synthetic county on the real division tree, to try the product on. Every person in it is made up."""
